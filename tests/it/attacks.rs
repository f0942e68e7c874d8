//! Attacks that need an oracle: what each client gets is held against what it asked for. Keys, storing, variants and the
//! stack have topics of their own.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, request::Parts};
use tower_swr_cache::{Key, Purge, SwrConfig, key};

use crate::support::{
    Cache, Origin, Reply, Start,
    oracle::{Judge, Limits, Scope},
    origin_says, request, rest, route, secs,
};

/// A request of a user's, by a session or by a token; of nobody's for user 0.
fn of_user(path: &str, user: u64, header: &str) -> http::request::Builder {
    match (user, header) {
        (0, _) => request(path),
        (user, "cookie") => request(path).header("cookie", format!("session=u{user}")),
        (user, _) => request(path).header("authorization", format!("Bearer u{user}")),
    }
}

/// A session handler that has never heard of caches: fills, hits, stale answers, refreshes, and many at once.
#[tokio::test(start_paused = true)]
async fn no_user_gets_a_page_of_another_under_a_routes_ttls() {
    for (header, says) in [("cookie", ""), ("authorization", ""), ("cookie", "max-age=60, private")] {
        let judge = Judge::new();
        let teller = judge.teller();
        let origin = Origin::new(move |call| {
            let page = teller.tells(call, 300, Duration::from_millis(50));
            if says.is_empty() { page } else { page.control(says) }
        });
        let cache = Cache::new(route(10, 20), &origin);
        let limits = Limits::of_route(secs(10), secs(20));
        let (start, mut hits) = (Start::now(), 0);
        for second in [0.0, 1.0, 11.0, 12.0, 25.0, 40.0] {
            start.at(second).await;
            let visits: Vec<_> = (0..40)
                .map(|n| judge.ask(&cache, limits, of_user("/my/page", n % 8, header)))
                .map(tokio::spawn)
                .collect();
            for visit in visits {
                hits += usize::from(visit.await.unwrap().said.starts_with("hit"));
            }
            rest().await;
        }
        assert_eq!(
            hits > 0,
            says.is_empty(),
            "{header} {says}: nobody's page is everybody's, unless it is private"
        );
    }
}

/// What one reader says of the host in a header has no part in what others get: with the body as the witness.
#[tokio::test(start_paused = true)]
async fn a_host_in_a_header_poisons_no_other_reader() {
    let judge = Judge::new();
    let teller = judge.teller();
    let cache = Cache::new(route(10, 20), &Origin::new(move |call| teller.tells(call, 300, Duration::ZERO)));
    let limits = Limits::of_route(secs(10), secs(20));
    let start = Start::now();
    for second in [0.0, 1.0, 11.0, 12.0, 25.0] {
        start.at(second).await;
        for n in 0..10 {
            let asked = request("/page");
            let asked = if n % 3 == 0 { asked.header("x-forwarded-host", format!("evil{n}")) } else { asked };
            judge.ask(&cache, limits, asked).await;
        }
        rest().await;
    }
}

/// A part is never taken for the whole, whoever asks first.
#[tokio::test(start_paused = true)]
async fn no_part_is_served_as_the_whole_in_any_order() {
    const RANGES: [Option<&str>; 7] = [
        None,
        Some("bytes=0-9"),
        Some("bytes=100-"),
        Some("bytes=-5"),
        Some("bytes=0-0,2-3"),
        Some("bytes=9999-"),
        Some("bytes=5-1"),
    ];
    for (first, second) in RANGES.iter().flat_map(|first| RANGES.map(|second| (*first, second))) {
        let judge = Judge::new();
        let teller = judge.teller();
        // It answers every range with the first ten bytes, so that those it says it gives are the only ones there are.
        let origin = Origin::new(move |call| {
            let whole = teller.tells(call, 300, Duration::from_millis(10)).control("max-age=60");
            if call.header("range").is_none() { whole } else { whole.first_bytes(10) }
        });
        let cache = Cache::new(route(10, 20), &origin);
        let limits = Limits::of_route(secs(10), secs(20));
        let asked = |range: Option<&str>| match range {
            Some(range) => request("/page").header("range", range),
            None => request("/page"),
        };
        let start = Start::now();
        for at in [0.0, 1.0, 11.0, 12.0, 25.0] {
            start.at(at).await;
            for visit in
                [first, second, first].map(|range| tokio::spawn(judge.ask(&cache, limits, asked(range))))
            {
                visit.await.unwrap();
            }
            rest().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_purge_takes_comes_back_to_nobody() {
    let judge = Judge::new();
    let teller = judge.teller();
    let origin = Origin::new(move |call| {
        let reply = teller.confirms(call);
        reply.unwrap_or_else(|| {
            teller.tells(call, 300, Duration::from_millis(300)).header("cache-tag", "page")
        })
    });
    let cache = Cache::new(route(1, 5), &origin);
    let limits = Limits::of_route(secs(1), secs(5));
    let url = "http://example.com/page";
    let scopes = || {
        let host = "example.com".to_owned();
        [
            (Purge::all(), Scope::All),
            (Purge::tag("page"), Scope::Tag("page".into())),
            (Purge::route("route"), Scope::Host(host.clone())),
            (Purge::url(url).unwrap(), Scope::Url(host, "/page".into())),
        ]
    };
    let mut random = fastrand::Rng::with_seed(1);
    for _ in 0..500 {
        if random.u8(..4) == 0 {
            let (purge, scope) = scopes()[random.usize(..4)].clone();
            let (soft, newest) = (random.bool(), judge.newest_call());
            cache.handle.purge(if soft { purge.soft() } else { purge });
            judge.purged(scope, soft, newest);
        }
        drop(tokio::spawn(judge.ask(&cache, limits, request("/page"))));
        tokio::time::sleep(Duration::from_millis(random.u64(..200))).await;
    }
    tokio::time::sleep(secs(60)).await;
}

#[tokio::test(start_paused = true)]
async fn one_url_that_always_fails_costs_the_others_nothing() {
    let judge = Judge::new();
    let teller = judge.teller();
    let origin = Origin::new(move |call| match call.path() {
        "/broken" => Reply::status(500).after(Duration::from_millis(5)),
        _ => teller.tells(call, 300, Duration::from_millis(5)),
    });
    let config = SwrConfig::builder("route").soft_ttl(secs(10)).hard_ttl(secs(20));
    let cache = Cache::new(config, &origin);
    let limits = Limits::of_route(secs(10), secs(20));
    // A thousand times in a second; new keys are asked for in between.
    for n in 0..1000 {
        drop(cache.spawn("/broken"));
        if n % 100 == 99 {
            let answer = judge.ask(&cache, limits, request(&format!("/page/{n}"))).await;
            assert_eq!((answer.status.as_u16(), &*answer.said), (200, "fwd=uri-miss; stored"), "after {n}");
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(cache.origin.calls() < 500, "{} calls: those at once share one", cache.origin.calls());
}

#[tokio::test(start_paused = true)]
async fn variants_by_many_long_fields_weigh_what_they_take() {
    const FIELDS: usize = 100;
    const VALUE: usize = 500;
    let names: Vec<String> = (0..FIELDS).map(|n| format!("x-field-{n}")).collect();
    let vary = names.join(", ");
    let cache = Cache::new(route(10, 100), &Origin::new(move |_| Reply::ok("small").header("vary", &vary)));
    let mut weights = Vec::new();
    for n in 0..100 {
        let mut headers = HeaderMap::new();
        for name in &names {
            let value = format!("{n:0VALUE$}");
            headers.insert(name.parse::<http::HeaderName>().unwrap(), HeaderValue::try_from(value).unwrap());
        }
        let asked = headers.iter().fold(request("/"), |asked, (name, value)| asked.header(name, value));
        cache.send(asked).await;
        weights.push(cache.handle.stats().stored_bytes);
    }
    assert!(weights[0] >= (FIELDS * VALUE) as u64, "{} bytes for one", weights[0]);
    assert_eq!(weights[40], weights[99], "no more after the last variant that is kept");
}

#[tokio::test(start_paused = true)]
async fn line_ends_and_nul_in_keys_and_tags_split_nothing() {
    let odd = ["a\r\nx-evil: 1", "a\nb", "a\0b", "\r\n\r\n<script>", "a\u{7f}b\u{85}c", "a b+c|d\\e\"f"];
    let decoded = key::key_by(move |parts: &Parts| {
        let n: usize = parts.uri.query()?.parse().ok()?;
        Some(odd[n].as_bytes().to_vec())
    });
    let cache = Cache::new(origin_says().soft_ttl(secs(10)).key(decoded), &Origin::counting());
    let mut keys = Vec::new();
    for (n, odd) in odd.iter().enumerate() {
        let path = format!("/?{n}");
        let answer = cache.get(&path).await;
        assert_eq!(answer.text(), (n + 1).to_string(), "{odd:?} is a key of its own");
        assert!(answer.header("x-evil").is_none());
        let entry = cache.entry(&path).unwrap();
        assert!(entry.key.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{:?}", entry.key);
        keys.push(entry.key.parse::<Key>().unwrap());
    }
    for (n, key) in keys.into_iter().enumerate() {
        // As a tag it names nothing, and as what it is, itself.
        assert_eq!(cache.handle.purge_tag(odd[n]).entries, 0);
        assert_eq!(cache.handle.purge_key(key).entries, 1, "{:?}", odd[n]);
        assert!(cache.entry(&format!("/?{n}")).is_none());
    }
    assert_eq!(cache.handle.stats().keys, 0);
}
