//! Everything at once, on real threads: readers, an origin that fails, purges of every scope. Each body says what it is, so
//! each reader can tell whether it is whose it should be, whole, and no older than a purge allows.

use std::sync::{
    Arc,
    atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst},
};

use fastrand::Rng;
use futures_util::future::join_all;
use http::{HeaderMap, Method, StatusCode};
use http_body_util::BodyExt;
use tower_swr_cache::{CacheHandle, Key, Purge, key::Target};

use crate::support::{Answer, Cache, Call, Origin, Reply, Step, origin_says, request, secs};

const PAGES: usize = 4;
const LANGUAGES: [&str; 2] = ["de", "fr"];
const TASKS: usize = 16;

/// A page of the origin.
#[derive(Default)]
struct Page {
    version: AtomicU64,
    /// What readers who come now may be answered with, at least: what the last purge that has ended left behind.
    floor: AtomicU64,
    /// And at least, if the answer is to be fresh: a soft purge leaves what is older stale.
    fresh_floor: AtomicU64,
}

/// What came of all of it.
#[derive(Debug, Default)]
struct Tally {
    hits: AtomicUsize,
    stale: AtomicUsize,
    collapsed: AtomicUsize,
    confirmed: AtomicUsize,
    cut: AtomicUsize,
    failed: AtomicUsize,
    left: AtomicUsize,
    purges: AtomicUsize,
}

struct World {
    pages: [Page; PAGES],
    tally: Tally,
    cache: Cache,
}

impl World {
    fn new() -> Arc<Self> {
        Arc::new_cyclic(|world: &std::sync::Weak<Self>| {
            let world = world.clone();
            let origin = Origin::new(move |call| {
                world.upgrade().map_or_else(|| Reply::status(503), |world| world.reply(call))
            });
            let handle = CacheHandle::builder().build().unwrap();
            // Nothing is stale by itself, and nothing ends: what becomes of it is left to the purges.
            let config = origin_says().soft_ttl(secs(10_000)).hard_ttl(secs(100_000)).build().unwrap();
            Self {
                pages: Default::default(),
                tally: Tally::default(),
                cache: Cache::on(&handle, config, &origin),
            }
        })
    }

    /// The page as it is now, or one of the ways in which an origin fails.
    fn reply(&self, call: &Call) -> Reply {
        if call.parts.method == Method::POST {
            return Reply::status(204);
        }
        let page: usize = call.path()[1..].parse().unwrap();
        let version = self.pages[page].version.load(SeqCst);
        let language = call.header("accept-language").unwrap();
        let etag = format!("\"{page}-{version}-{language}\"");
        let body = text(page, version, language);
        let (first, second) = body.split_at(body.len() / 2);
        let halves = || [Step::data(first.to_owned()), Step::data(second.to_owned())];
        let reply = match fastrand::u8(..20) {
            0 => return Reply::status(503),
            1 => return Reply::none(Step::Error),
            2 => Reply::steps([Step::data(first.to_owned()), Step::Error]),
            3 => Reply::steps([Step::data(first.to_owned())]).length(body.len() as u64),
            4 => Reply::ok(body).control("no-store"),
            _ if call.header("if-none-match") == Some(&etag) => {
                count(&self.tally.confirmed);
                Reply::status(304)
            }
            5..12 => Reply::steps(halves()),
            12 => Reply::steps(halves()).before(Step::Wait(secs(0))),
            _ => Reply::ok(body),
        };
        let reply = if call.parts.method == Method::HEAD { reply.body("") } else { reply };
        let parity = if page % 2 == 0 { "even" } else { "odd" };
        reply.header("vary", "accept-language").header("etag", etag).header("cache-tag", parity)
    }

    /// Changes some pages, says so to the cache, and holds it to that from then on.
    async fn change(&self, random: &mut Rng) {
        let page = random.usize(..PAGES);
        let url = format!("http://example.com/{page}");
        let (parts, ()) = request(&format!("/{page}")).body(()).unwrap().into_parts();
        let one = page..page + 1;
        let (purge, pages) = match random.u8(..6) {
            0 => (Some(Purge::key(Key::of("route", &Target, &parts).expect("a key"))), one),
            1 => (Some(Purge::url(&url).unwrap()), one),
            2 => (Some(Purge::tag(if page % 2 == 0 { "even" } else { "odd" })), one),
            3 => (Some(Purge::route("route")), 0..PAGES),
            4 => (Some(Purge::all()), 0..PAGES),
            _ => (None, one),
        };
        let soft = purge.is_some() && random.bool();
        // A soft purge of what has not changed is answered by a 304.
        let changed = if soft && random.bool() { 0..0 } else { pages };
        let versions: Vec<_> =
            changed.map(|page| (page, self.pages[page].version.fetch_add(1, SeqCst) + 1)).collect();
        match purge {
            Some(purge) => drop(self.cache.handle.purge(if soft { purge.soft() } else { purge })),
            None => drop(self.cache.send(http::Request::post(url)).await),
        }
        for (page, version) in versions {
            let Page { floor, fresh_floor, .. } = &self.pages[page];
            fresh_floor.fetch_max(version, SeqCst);
            if !soft {
                floor.fetch_max(version, SeqCst);
            }
        }
        count(&self.tally.purges);
    }

    /// Asks for a page, or leaves before the answer or its body is there.
    async fn read(&self, random: &mut Rng) {
        let page = random.usize(..PAGES);
        let language = LANGUAGES[random.usize(..LANGUAGES.len())];
        let Page { floor, fresh_floor, .. } = &self.pages[page];
        let floors = (floor.load(SeqCst), fresh_floor.load(SeqCst));
        let mut asks = request(&format!("/{page}")).header("accept-language", language);
        let head = random.u8(..10) == 0;
        if head {
            asks = asks.method(Method::HEAD);
        }
        let call = self.cache.call(asks);
        if random.u8(..20) == 0 {
            tokio::spawn(call).abort();
            return count(&self.tally.left);
        }
        let Ok(mut response) = call.await else { return count(&self.tally.failed) };
        if random.u8(..20) == 0 {
            drop(response.body_mut().frame().await);
            return count(&self.tally.left);
        }
        let answer = Answer::read(response).await;
        if answer.status.is_server_error() {
            return count(&self.tally.failed);
        }
        self.check(&answer, head, page, language, floors);
    }

    fn check(&self, answer: &Answer, head: bool, page: usize, language: &str, floors: (u64, u64)) {
        let (floor, fresh_floor) = floors;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        let version = told_version(&answer.headers, page, language);
        let least = if answer.said == "hit" { fresh_floor } else { floor };
        assert!(version >= least, "{page}: {version} is older than {least}: {answer:?}");
        let whole = text(page, version, language);
        if answer.body_error.is_some() {
            assert!(!head && whole.as_bytes().starts_with(&answer.body), "{answer:?}");
            assert_ne!(answer.said, "hit", "a part was stored");
            return count(&self.tally.cut);
        }
        assert_eq!(&answer.body[..], if head { b"" } else { whole.as_bytes() }, "{answer:?}");
        count(match &*answer.said {
            "hit" => &self.tally.hits,
            "hit; detail=stale" | "hit; detail=stale_error" => &self.tally.stale,
            said if said.ends_with("collapsed") => &self.tally.collapsed,
            _ => return,
        });
    }
}

fn count(of: &AtomicUsize) {
    of.fetch_add(1, SeqCst);
}

/// A page's body: what it is, and as many bytes more as its version asks for.
fn text(page: usize, version: u64, language: &str) -> String {
    let filler = (0..version % 97).map(|n| char::from(b'a' + ((n + version) % 26) as u8));
    format!("{page} {version} {language} {}", filler.collect::<String>())
}

/// The version that a response says it is of, which has to be one of this page.
fn told_version(headers: &HeaderMap, page: usize, language: &str) -> u64 {
    let etag = headers["etag"].to_str().unwrap().trim_matches('"');
    let parts: Vec<_> = etag.split('-').collect();
    assert_eq!([parts[0], parts[2]], [&*page.to_string(), language], "another one's page");
    parts[1].parse().unwrap()
}

/// `STRESS=100` runs it a hundred times as long.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_the_threads_do_everybody_gets_their_page_whole_and_as_new_as_it_has_to_be() {
    let times: usize = std::env::var("STRESS").ok().and_then(|times| times.parse().ok()).unwrap_or(1);
    let world = World::new();
    let tasks = (0..TASKS as u64).map(|seed| {
        let world = Arc::clone(&world);
        tokio::spawn(async move {
            let mut random = Rng::with_seed(seed);
            for _ in 0..1000 * times {
                match random.u8(..20) {
                    0 => world.change(&mut random).await,
                    _ => world.read(&mut random).await,
                }
                if random.bool() {
                    tokio::task::yield_now().await;
                }
            }
        })
    });
    for task in join_all(tasks).await {
        task.unwrap();
    }
    // Whoever left may have a fetch under way still.
    while world.cache.origin.running() > 0 || world.cache.handle.stats().fetches > 0 {
        tokio::task::yield_now().await;
    }
    let Tally { hits, stale, collapsed, confirmed, cut, failed, left, purges } = &world.tally;
    for seen in [hits, stale, collapsed, confirmed, cut, failed, left, purges] {
        assert!(seen.load(SeqCst) > 0, "this was to happen, too: {:?}", world.tally);
    }
    println!("{:?}, {} calls", world.tally, world.cache.origin.calls());
    world.cache.handle.purge_all();
    let stats = world.cache.handle.stats();
    assert_eq!((stats.indexed, stats.inflight_bytes, world.cache.origin.bodies()), (0, 0, 0), "{stats:?}");
}
