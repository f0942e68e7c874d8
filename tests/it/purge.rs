//! Purges: what they reach, what they leave behind, and that nothing passes them.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
};

use http::{Method, request};
use tower_swr_cache::{
    CacheHandle, CacheOverride, Key, KeyDecision, KeyWriter, Purge, SwrConfig, SwrConfigBuilder, key::Target,
};

use crate::support::{Cache, Call, Gate, Origin, Reply, Start, Step, request, rest, route, secs};

/// The number of the call.
fn up(call: &Call) -> Reply {
    Reply::ok(call.n.to_string())
}

fn named(name: &str) -> SwrConfigBuilder {
    SwrConfig::builder(name).soft_jitter(0.0).soft_ttl(secs(100)).hard_ttl(secs(1000))
}

fn get(url: &str) -> request::Builder {
    http::Request::get(url)
}

/// A route, and what it is asked.
type Book = (Cache, fn() -> request::Builder);

/// Two routes with keys of different make, and what is stored in them, by a name.
struct Library {
    handle: CacheHandle,
    books: BTreeMap<&'static str, Book>,
}

impl Library {
    async fn new() -> Self {
        let handle = CacheHandle::builder().build().unwrap();
        let plain = Cache::on(
            &handle,
            named("plain").build().unwrap(),
            &Origin::new(|call| {
                let reply = up(call).header("vary", "accept-language");
                match call.path() {
                    "/tagged" => reply.header("cache-tag", "red, blue"),
                    _ => reply,
                }
            }),
        );
        // Its keys know nothing of hosts.
        let by_path = named("by path").key(|parts: &request::Parts, key: &mut KeyWriter| {
            key.push(parts.uri.path_and_query().map_or("", |path| path.as_str()));
            KeyDecision::Cache
        });
        let by_path = Cache::on(
            &handle,
            by_path.build().unwrap(),
            &Origin::new(|call| match call.path() {
                "/surrogate" => up(call).header("surrogate-key", "red green"),
                "/override" => up(call).extension(CacheOverride::new().tag("red")),
                _ => up(call),
            }),
        );
        let books: [(_, _, fn() -> _); 9] = [
            ("x/1 de", true, || get("http://x/1").header("accept-language", "de")),
            ("x/1 fr", true, || get("http://x/1").header("accept-language", "fr")),
            ("y/1", true, || get("http://y/1")),
            ("x/1?q", true, || get("http://x/1?q")),
            ("x/tagged", true, || get("http://x/tagged")),
            ("by path x/1", false, || get("http://x/1")),
            ("by path y/2", false, || get("http://y/2")),
            ("by path x/surrogate", false, || get("http://x/surrogate")),
            ("by path x/override", false, || get("http://x/override")),
        ];
        let books = books.map(|(name, is_plain, request)| {
            (name, (if is_plain { plain.clone() } else { by_path.clone() }, request))
        });
        let library = Self { handle, books: books.into() };
        for (cache, request) in library.books.values() {
            cache.send(request()).await;
        }
        library
    }

    /// What is no hit any more, and what the cache says of it.
    async fn changed(&self) -> BTreeMap<&'static str, String> {
        let mut changed = BTreeMap::new();
        for (name, (cache, request)) in &self.books {
            let said = cache.send(request()).await.said;
            if said != "hit" {
                changed.insert(*name, said);
            }
        }
        changed
    }
}

#[tokio::test(start_paused = true)]
async fn each_scope_reaches_what_it_names_and_nothing_else() {
    assert_eq!(Library::new().await.changed().await, BTreeMap::new());
    let url = |url| Purge::url(url).unwrap();
    let cases: Vec<(&str, Purge, &[&str])> = vec![
        ("a url of a host", url("http://x/1"), &["x/1 de", "x/1 fr", "by path x/1"]),
        ("in capitals", url("HTTPS://X/1"), &["x/1 de", "x/1 fr", "by path x/1"]),
        ("a url of every host", url("/1"), &["x/1 de", "x/1 fr", "y/1", "by path x/1"]),
        ("with a query", url("http://x/1?q"), &["x/1?q"]),
        ("of another host", url("http://z/1"), &[]),
        ("unknown", url("/unknown"), &[]),
        (
            "a tag of all origins",
            Purge::tag("red"),
            &["x/tagged", "by path x/surrogate", "by path x/override"],
        ),
        ("a tag of one", Purge::tag("blue"), &["x/tagged"]),
        ("no tag", Purge::tag("Red"), &[]),
        ("a route", Purge::route("plain"), &["x/1 de", "x/1 fr", "y/1", "x/1?q", "x/tagged"]),
        ("no route", Purge::route("pla"), &[]),
    ];
    for (title, purge, reached) in cases {
        let mut expected: Vec<&str> = reached.to_vec();
        expected.sort_unstable();

        let library = Library::new().await;
        assert_eq!(library.handle.purge(purge.clone()).entries, reached.len(), "{title}");
        let stats = library.handle.stats();
        // Of the two variants under one key, both went or none.
        let keys = 8 - reached.len() + usize::from(reached.contains(&"x/1 fr"));
        assert_eq!(stats.keys, keys, "{title}");
        let changed = library.changed().await;
        assert_eq!(changed.keys().copied().collect::<Vec<_>>(), expected, "{title}");
        assert!(changed.values().all(|said| said.starts_with("fwd=")), "{title}: {changed:?}");

        let library = Library::new().await;
        assert_eq!(library.handle.purge(purge.soft()).entries, reached.len(), "{title}, soft");
        let changed = library.changed().await;
        assert_eq!(changed.keys().copied().collect::<Vec<_>>(), expected, "{title}, soft");
        assert!(changed.values().all(|said| said == "hit; detail=stale"), "{title}, soft: {changed:?}");
        rest().await;
        assert_eq!(library.changed().await, BTreeMap::new(), "{title}, soft and refreshed");
    }
    let library = Library::new().await;
    assert_eq!(library.handle.purge_all().entries, 9);
    assert_eq!(library.handle.purge_all().entries, 0);
    let stats = library.handle.stats();
    assert_eq!((stats.keys, stats.indexed, stats.stored_bytes), (0, 0, 0));
    assert_eq!(library.changed().await.len(), 9);
}

#[tokio::test(start_paused = true)]
async fn a_key_is_purged_by_its_printed_form() {
    let cache = Cache::new(route(100, 1000), &Origin::counting());
    cache.get("/a").await;
    cache.get("/b").await;
    let key = cache.entry("/a").unwrap().key;
    let purged = cache.handle.purge_key(key.parse().expect("a key"));
    assert_eq!(purged.entries, 1);
    assert_eq!((cache.entry("/a").is_none(), cache.entry("/b").is_some()), (true, true));
    assert_eq!(cache.handle.purge(Purge::key(key.parse().unwrap())).entries, 0);
}

#[tokio::test(start_paused = true)]
async fn what_is_purged_softly_serves_as_far_as_it_may_be_stale() {
    let cache = Cache::new(route(100, 1000), &Origin::new(|call| up(call).control("must-revalidate")));
    cache.get("/").await;
    assert_eq!(cache.handle.purge(Purge::all().soft()).entries, 1);
    assert_eq!(cache.get("/").await.said, "fwd=stale; stored");

    let start = Start::now();
    let cache = Cache::new(route(100, 1000), &Origin::counting());
    cache.get("/").await;
    cache.origin.now(|_| Reply::status(503));
    cache.handle.purge(Purge::all().soft());
    for (second, said) in [
        (0.0, "hit; detail=stale"),
        (999.9, "hit; detail=stale"),
        (1000.0, "hit; detail=stale_error"),
        (1499.9, "hit; detail=stale_error"),
        (1500.0, "fwd=stale; detail=failure"),
    ] {
        start.at(second).await;
        assert_eq!(cache.get("/").await.said, said, "{second}");
    }
}

#[tokio::test(start_paused = true)]
async fn tags_are_for_the_cache_unless_a_route_sends_them_on() {
    let origin = Origin::new(|call| up(call).header("cache-tag", "a").header("surrogate-key", "b c"));
    let tags = |answer: &crate::support::Answer| {
        (answer.header("cache-tag").map(str::to_owned), answer.header("surrogate-key").map(str::to_owned))
    };
    let own = Cache::new(route(100, 1000), &origin);
    let forwards = Cache::new(route(100, 1000).forward_tags(), &origin);
    for _ in 0..2 {
        assert_eq!(tags(&own.get("/").await), (None, None));
        assert_eq!(tags(&forwards.get("/").await), (Some("a".to_owned()), Some("b c".to_owned())));
    }
    assert_eq!(own.entry("/").unwrap().tags, ["a", "b", "c"]);
}

/// A purge of each scope that covers `/` of the route, and a method that changes it.
fn barriers() -> Vec<(&'static str, Option<Purge>)> {
    let (parts, ()) = request("/").body(()).unwrap().into_parts();
    let key = Key::of("route", &Target, &parts).expect("a key");
    vec![
        ("key", Some(Purge::key(key))),
        ("url", Some(Purge::url("http://example.com/").unwrap())),
        ("url of every host", Some(Purge::url("/").unwrap())),
        ("tag", Some(Purge::tag("t"))),
        ("route", Some(Purge::route("route"))),
        ("all", Some(Purge::all())),
        ("POST", None),
    ]
}

async fn purge(cache: &Cache, by: Option<Purge>) {
    match by {
        Some(by) => drop(cache.handle.purge(by)),
        None => {
            let post = http::Request::post("http://example.com/");
            assert_eq!(cache.send(post).await.said, "fwd=method; detail=method");
        }
    }
}

/// Answers POST at once, and otherwise by `script`, whose first fetch is the first GET's.
fn gets(
    script: impl Fn(usize) -> Reply + Send + Sync + 'static,
) -> impl Fn(&Call) -> Reply + Send + Sync + 'static {
    let fetches = AtomicUsize::new(0);
    move |call| match call.parts.method {
        Method::POST => Reply::status(204),
        _ => script(fetches.fetch_add(1, Ordering::SeqCst) + 1).header("cache-tag", "t"),
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_fetched_before_a_purge_is_not_stored_after_it() {
    for (title, by) in barriers() {
        for in_body in [false, true] {
            let title = format!("{title}, in the body: {in_body}");
            let gate = Gate::new();
            let held = gate.clone();
            let origin = Origin::new(gets(move |n| match (n, in_body) {
                (1, true) => Reply::steps([Step::data("ol"), Step::Gate(held.clone()), Step::data("d")]),
                (1, false) => Reply::ok("old").gated(&held),
                _ => Reply::ok("new"),
            }));
            let cache = Cache::new(route(100, 1000), &origin);
            let before = [cache.spawn("/"), cache.spawn("/")];
            rest().await;
            purge(&cache, by.clone()).await;
            let after = [cache.spawn("/"), cache.spawn("/")];
            rest().await;
            // A tag is known at the head: until then, who comes later waits to see whether it is for them.
            assert_eq!(after[0].is_finished(), in_body || !title.starts_with("tag"), "{title}");
            gate.open();
            for reader in before {
                assert_eq!(reader.await.unwrap().text(), "old", "{title}");
            }
            for reader in after {
                assert_eq!(reader.await.unwrap().text(), "new", "{title}");
            }
            let hit = cache.get("/").await;
            assert_eq!((hit.text(), &*hit.said), ("new", "hit"), "{title}");
            let posts = usize::from(by.is_none());
            assert_eq!((origin.calls() - posts, cache.handle.stats().flights), (2, 0), "{title}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_304_that_names_no_tags_leaves_those_that_are_stored() {
    for (tags_of_304, taken) in [(None, "first"), (Some("second"), "second")] {
        for by_override in [false, true] {
            let origin = Origin::new(move |call| {
                let reply = match call.header("if-none-match") {
                    Some(_) => Reply::status(304),
                    None => Reply::ok(call.n.to_string()),
                };
                let reply = reply.header("etag", "\"a\"");
                match (call.header("if-none-match").map_or(Some("first"), |_| tags_of_304), by_override) {
                    (Some(tag), true) => reply.extension(CacheOverride::new().tag(tag)),
                    (Some(tag), false) => reply.header("cache-tag", tag),
                    (None, _) => reply,
                }
            });
            let cache = Cache::new(route(10, 100), &origin);
            let start = Start::now();
            cache.get("/").await;
            start.at(11.0).await;
            assert_eq!(cache.get("/").await.said, "hit; detail=stale");
            rest().await;
            let hit = cache.get("/").await;
            assert_eq!((hit.text(), &*hit.said), ("1", "hit"), "it was confirmed");
            for tag in ["first", "second"] {
                let entries = cache.handle.purge_tag(tag).entries;
                assert_eq!(entries, usize::from(tag == taken), "{tag} after {tags_of_304:?}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_purge_on_one_host_costs_another_hosts_fetch_nothing() {
    for by in [Some(Purge::url("http://example.org/").unwrap()), None] {
        let gate = Gate::new();
        let held = gate.clone();
        let origin = Origin::new(move |call| match &call.parts.method {
            &Method::GET => Reply::ok(call.n.to_string()).gated(&held),
            _ => Reply::ok("changed"),
        });
        let cache = Cache::new(route(100, 1000), &origin);
        let before = cache.spawn("/");
        rest().await;
        match by {
            Some(by) => drop(cache.handle.purge(by)),
            None => drop(cache.send(get("http://example.org/").method(Method::POST)).await),
        }
        let after = cache.spawn("/");
        rest().await;
        gate.open();
        assert_eq!((before.await.unwrap().text(), after.await.unwrap().text()), ("1", "1"));
        assert_eq!(cache.get("/").await.said, "hit");
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_purge_hides_the_first_from_nobody_who_came_between_them() {
    for again in [Purge::all(), Purge::tag("t")] {
        let gate = Gate::new();
        let held = gate.clone();
        let origin = Origin::new(move |call| {
            let reply = Reply::ok(call.n.to_string()).header("cache-tag", "t");
            if call.n == 1 { reply.gated(&held) } else { reply }
        });
        let cache = Cache::new(route(100, 1000), &origin);
        let before = [cache.spawn("/"), cache.spawn("/")];
        rest().await;
        // Nobody knows yet that it will have this tag.
        cache.handle.purge_tag("t");
        let between = cache.spawn("/");
        rest().await;
        cache.handle.purge(again);
        gate.open();
        for reader in before {
            assert_eq!(reader.await.unwrap().text(), "1");
        }
        assert_eq!(between.await.unwrap().text(), "2");
    }
}

#[tokio::test(start_paused = true)]
async fn a_purge_stops_the_refresh_under_way_too() {
    for (title, by) in barriers() {
        for confirms in [false, true] {
            let by = by.clone();
            let title = format!("{title}, confirms: {confirms}");
            let gate = Gate::new();
            let held = gate.clone();
            let origin = Origin::new(gets(move |n| match n {
                1 => Reply::ok("old").header("etag", "\"a\""),
                2 if confirms => Reply::status(304).header("etag", "\"a\"").gated(&held),
                2 => Reply::ok("old").gated(&held),
                _ => Reply::ok("new"),
            }));
            let cache = Cache::new(route(10, 1000), &origin);
            let start = Start::now();
            cache.get("/").await;
            start.at(10.0).await;
            cache.get("/").await;
            rest().await;
            purge(&cache, by).await;
            let after = cache.spawn("/");
            rest().await;
            gate.open();
            assert_eq!(after.await.unwrap().text(), "new", "{title}");
            rest().await;
            let hit = cache.get("/").await;
            assert_eq!((hit.text(), &*hit.said), ("new", "hit"), "{title}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_fetched_before_a_soft_purge_is_stale_after_it() {
    for (title, by) in barriers() {
        let Some(by) = by else { continue };
        let gate = Gate::new();
        let held = gate.clone();
        let origin = Origin::new(gets(move |n| match n {
            1 => Reply::steps([Step::data("ol"), Step::Gate(held.clone()), Step::data("d")]),
            _ => Reply::ok("new"),
        }));
        let cache = Cache::new(route(100, 1000), &origin);
        let before = cache.spawn("/");
        rest().await;
        cache.handle.purge(by.soft());
        gate.open();
        assert_eq!(before.await.unwrap().text(), "old", "{title}");
        let stale = cache.get("/").await;
        assert_eq!((stale.text(), &*stale.said), ("old", "hit; detail=stale"), "{title}");
        rest().await;
        assert_eq!(cache.get("/").await.text(), "new", "{title}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_unsafe_method_that_succeeds_invalidates_its_target() {
    for (method, status, invalidates) in [
        (Method::POST, 200, true),
        (Method::POST, 303, true),
        (Method::PUT, 201, true),
        (Method::DELETE, 204, true),
        (Method::PATCH, 200, true),
        (Method::from_bytes(b"BREW").unwrap(), 200, true),
        (Method::POST, 400, false),
        (Method::DELETE, 404, false),
        (Method::PUT, 500, false),
        (Method::POST, 100, false),
        (Method::OPTIONS, 200, false),
        (Method::TRACE, 200, false),
    ] {
        let answered = method.clone();
        let origin = Origin::new(move |call| {
            if call.parts.method == answered {
                return Reply::status(status);
            }
            up(call).header("vary", "accept-language")
        });
        let cache = Cache::new(route(100, 1000), &origin);
        let variant = |language| cache.send(request("/?a").header("accept-language", language));
        variant("de").await;
        variant("fr").await;
        cache.get("/").await;
        let elsewhere = || cache.send(get("http://example.org/?a"));
        elsewhere().await;
        let changing = http::Request::builder().method(method.clone()).uri("http://example.com/?a");
        assert_eq!(cache.send(changing).await.status.as_u16(), status);
        let title = format!("{method} {status}");
        for answer in [variant("de").await, variant("fr").await] {
            assert_eq!(answer.said != "hit", invalidates, "{title}: {}", answer.said);
        }
        assert_eq!((&*cache.get("/").await.said, &*elsewhere().await.said), ("hit", "hit"), "{title}");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_left_of_what_leaves() {
    let tagged = |call: &Call| up(call).header("cache-tag", format!("all, {}, {}", call.n, call.path()));
    let cache = Cache::new(route(10, 1000), &Origin::new(tagged));
    let stats = || {
        let stats = cache.handle.stats();
        (stats.keys, stats.indexed, stats.stored_bytes == 0)
    };
    let start = Start::now();
    // Replaced: the number's tag is another one each time.
    for second in 0..10 {
        start.at(f64::from(second) * 10.0).await;
        cache.get("/a").await;
        rest().await;
        assert_eq!(stats(), (1, 4, false), "after {second} refreshes");
    }
    assert_eq!(cache.handle.purge_tag("1").entries, 0);
    // Purged, by one scope after another.
    for purge in [
        Purge::key(cache.entry("/a").unwrap().key.parse().unwrap()),
        Purge::url("/a").unwrap(),
        Purge::tag("all"),
        Purge::route("route"),
        Purge::all(),
    ] {
        cache.get("/a").await;
        cache.handle.purge(purge.clone());
        assert_eq!(stats(), (0, 0, true), "{purge:?}");
    }
    // Dropped by what a refresh brought; a note that nothing is to be collapsed is all there is, and not for ever.
    cache.get("/a").await;
    cache.origin.now(|_| Reply::status(404));
    start.at(110.0).await;
    cache.get("/a").await;
    rest().await;
    assert_eq!(stats(), (1, 0, false));
    start.at(110.0 + 121.0).await;
    cache.handle.purge_all();
    assert_eq!(stats(), (0, 0, true));
    // Variants beyond the most that are kept.
    cache.origin.now(|call| {
        let language = call.header("accept-language").unwrap_or_default();
        up(call).header("vary", "accept-language").header("cache-tag", language)
    });
    for n in 0..100 {
        cache.send(request("/v").header("accept-language", n.to_string())).await;
    }
    assert_eq!(stats(), (1, 1 + 32, false));
    assert_eq!(cache.handle.purge_tag("99").entries, 1);
    assert_eq!(cache.handle.purge_tag("0").entries, 0);
    assert_eq!(cache.handle.purge_url("/v").unwrap().entries, 31);
    assert_eq!(stats(), (0, 0, true));
}

#[tokio::test(start_paused = true)]
async fn churn_keeps_to_the_capacity_and_leaves_nothing_in_the_index() {
    let origin = Origin::new(|call| {
        let size = call.n * 7919 % (60 << 10);
        Reply::ok(vec![0; size]).header("cache-tag", format!("all, {}", call.n % 10))
    });
    let handle = CacheHandle::builder().capacity_bytes(512 << 10).max_body_bytes(64 << 10).build().unwrap();
    let cache = Cache::on(&handle, route(100, 1000).build().unwrap(), &origin);
    let capacity = handle.stats().capacity_bytes;
    for n in 0..5000 {
        cache.get(&format!("/{}", n * 31 % 700)).await;
        let stats = handle.stats();
        assert!(stats.stored_bytes <= capacity, "{stats:?}");
        assert!(stats.indexed <= stats.keys + 11, "{stats:?}");
        assert_eq!(stats.inflight_bytes, 0);
    }
    let before = handle.stats();
    assert!(before.keys > 3, "{before:?}");
    // All that is left is still found by the tag that all of it has.
    assert_eq!(handle.purge_tag("all").entries, before.keys);
    let stats = handle.stats();
    assert_eq!((stats.keys, stats.indexed, stats.stored_bytes), (0, 0, 0));
}

/// While others read without a pause, changes what the origin has, purges, and reads: never what was before.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_comes_back_after_a_purge_whatever_the_threads_do() {
    for (title, by) in barriers() {
        let version = Arc::new(AtomicU64::new(0));
        let current = Arc::clone(&version);
        let origin = Origin::new(gets(move |_| Reply::ok(current.load(Ordering::SeqCst).to_string())));
        let cache = Cache::new(route(100, 1000), &origin);
        let over = Arc::new(AtomicBool::new(false));
        let readers: Vec<_> = (0..3)
            .map(|_| {
                let (cache, over) = (cache.clone(), Arc::clone(&over));
                tokio::spawn(async move {
                    while !over.load(Ordering::SeqCst) {
                        cache.get("/").await;
                        tokio::task::yield_now().await;
                    }
                })
            })
            .collect();
        for n in 1..300 {
            version.store(n, Ordering::SeqCst);
            purge(&cache, by.clone()).await;
            assert_eq!(cache.get("/").await.text(), n.to_string(), "{title}");
        }
        over.store(true, Ordering::SeqCst);
        for reader in readers {
            reader.await.unwrap();
        }
    }
}

/// Stores many stale responses under one tag, has them purged while they are refreshed, and asks for them again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_304_brings_nothing_back_that_a_purge_takes() {
    const KEYS: usize = 4_000;
    let version = Arc::new(AtomicU64::new(1));
    let origin = Origin::new({
        let version = Arc::clone(&version);
        move |call| {
            // It confirms anything, even what it would not send any more.
            let reply = match call.header("if-none-match") {
                Some(_) => Reply::status(304),
                None => Reply::ok(version.load(Ordering::SeqCst).to_string()),
            };
            reply.header("etag", "\"a\"").header("cache-tag", "t")
        }
    });
    let handle = CacheHandle::builder().max_concurrent_refreshes(KEYS).build().unwrap();
    let config = SwrConfig::builder("route").soft_ttl(secs(0)).hard_ttl(secs(1000)).build().unwrap();
    let cache = Cache::on(&handle, config, &origin);
    let paths: Arc<[String]> = (0..KEYS).map(|n| format!("/{n}")).collect();
    for path in paths.iter() {
        cache.get(path).await;
    }
    version.store(2, Ordering::SeqCst);
    let next = Arc::new(AtomicUsize::new(0));
    let reader = {
        let (cache, paths, next) = (cache.clone(), Arc::clone(&paths), Arc::clone(&next));
        tokio::spawn(async move {
            while let Some(path) = paths.get(next.fetch_add(1, Ordering::SeqCst)) {
                cache.get(path).await;
            }
        })
    };
    while next.load(Ordering::SeqCst) < KEYS / 4 {
        tokio::task::yield_now().await;
    }
    let purging = handle.clone();
    tokio::task::spawn_blocking(move || purging.purge_tag("t")).await.unwrap();
    reader.await.unwrap();
    for path in paths.iter() {
        assert_eq!(cache.get(path).await.text(), "2", "{path}");
    }
}
