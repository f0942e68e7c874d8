//! Any sequence of requests, faults, purges, pressure on the store, forced breakers and time, against a model of what may
//! be answered: the oracle's facts, and a few rules that hold whatever came before. `MODEL_STEPS=1000000` makes it long.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use http::{Method, request::Builder};
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, TestRunner},
};
use tokio::task::JoinSet;
use tower_swr_cache::{BreakerMode, CacheHandle, Purge};

use crate::support::{
    Cache, Call, Origin, Reply, Step as Body,
    oracle::{Judge, Limits, Scope, Teller},
    origin_says, request, secs, wall,
};

/// So many keys, and so many more that only take room.
const KEYS: u8 = 6;
const STEPS: usize = 80;
const CAPACITY: u64 = 256 << 10;
const SOFT: Duration = secs(2);
const HARD: Duration = secs(10);

/// What the origin does from now on.
#[derive(Clone, Copy, Debug)]
enum Conduct {
    Answers {
        after: u16,
    },
    /// And stands by what it has said, if it is asked.
    Confirms,
    Says(u16),
    Errs,
    Hangs,
    /// The body breaks off, ends early, or stands still.
    Cut(Cut),
    Forbids(&'static str),
}

#[derive(Clone, Copy, Debug)]
enum Cut {
    Breaks,
    Ends,
    Stalls,
}

#[derive(Clone, Copy, Debug)]
enum Asker {
    Anybody,
    User(u8),
    Part,
    Head,
    Changes,
}

#[derive(Clone, Copy, Debug)]
enum Aim {
    All,
    Route,
    Tag,
    Url(u8),
}

#[derive(Clone, Copy, Debug)]
enum Step {
    /// A request, whose answer is awaited or comes along the way.
    Ask {
        key: u8,
        by: Asker,
        awaited: bool,
    },
    Conduct(Conduct),
    /// So many milliseconds.
    Wait(u16),
    Purge {
        aim: Aim,
        soft: bool,
    },
    Force(BreakerMode),
    /// So many other keys.
    Crowd(u8),
}

fn step() -> impl Strategy<Value = Step> {
    let conduct = prop_oneof![
        6 => (0_u16..1500).prop_map(|after| Conduct::Answers { after }),
        2 => Just(Conduct::Confirms),
        2 => prop::sample::select(vec![404, 429, 500, 503]).prop_map(Conduct::Says),
        1 => Just(Conduct::Errs),
        1 => Just(Conduct::Hangs),
        2 => prop::sample::select(vec![Cut::Breaks, Cut::Ends, Cut::Stalls]).prop_map(Conduct::Cut),
        1 => prop::sample::select(vec!["no-store", "private", "no-cache", "max-age=0, must-revalidate"])
            .prop_map(Conduct::Forbids),
    ];
    let by = prop_oneof![
        10 => Just(Asker::Anybody),
        3 => (0_u8..3).prop_map(Asker::User),
        1 => Just(Asker::Part),
        1 => Just(Asker::Head),
        1 => Just(Asker::Changes),
    ];
    let aim = prop_oneof![Just(Aim::All), Just(Aim::Route), Just(Aim::Tag), (0..KEYS).prop_map(Aim::Url)];
    let modes = vec![BreakerMode::Auto, BreakerMode::ForcedOpen, BreakerMode::ForcedClosed];
    prop_oneof![
        12 => (0..KEYS, by, any::<bool>()).prop_map(|(key, by, awaited)| Step::Ask { key, by, awaited }),
        4 => conduct.prop_map(Step::Conduct),
        6 => prop_oneof![0_u16..300, 500_u16..6000].prop_map(Step::Wait),
        2 => (aim, any::<bool>()).prop_map(|(aim, soft)| Step::Purge { aim, soft }),
        1 => prop::sample::select(modes).prop_map(Step::Force),
        1 => (1_u8..60).prop_map(Step::Crowd),
    ]
}

/// Keys 0 to 2 are everybody's pages, 3 is each user's own, 4 and 5 are pages by language.
fn path(key: u8) -> String {
    match key {
        3 => "/my/3".to_owned(),
        4.. => format!("/lang/{key}"),
        key => format!("/page/{key}"),
    }
}

fn asked(key: u8, by: Asker) -> Builder {
    let asked = request(&path(key)).header("accept-language", ["de", "en"][usize::from(key % 2)]);
    match by {
        Asker::Anybody => asked,
        Asker::User(user) => asked.header("cookie", format!("session=u{user}")),
        Asker::Part => asked.header("range", "bytes=10-19"),
        Asker::Head => asked.method(Method::HEAD),
        Asker::Changes => asked.method(Method::POST),
    }
}

/// What the origin makes of a call.
fn reply(conduct: Conduct, teller: &Teller, call: &Call) -> Reply {
    let whole = |after| {
        let reply = teller.tells(call, if call.path().starts_with("/crowd") { 4000 } else { 400 }, after);
        let reply = reply.header("cache-tag", call.path().split('/').nth(1).unwrap_or_default());
        let reply =
            if call.path().starts_with("/lang") { reply.header("vary", "accept-language") } else { reply };
        if call.parts.method == Method::HEAD { reply.body("") } else { reply }
    };
    match conduct {
        Conduct::Answers { after } => whole(Duration::from_millis(after.into())),
        Conduct::Confirms => teller.confirms(call).unwrap_or_else(|| whole(Duration::ZERO)),
        Conduct::Forbids(what) => whole(Duration::ZERO).control(what),
        Conduct::Cut(_) if call.parts.method != Method::GET => whole(Duration::ZERO),
        Conduct::Cut(cut) => {
            let reply = whole(Duration::ZERO);
            teller.fails(call);
            match cut {
                Cut::Breaks => reply.cut(200, Some(Body::Error)),
                Cut::Ends => reply.cut(200, None),
                Cut::Stalls => reply.cut(200, Some(Body::Hang)),
            }
        }
        failure => {
            teller.fails(call);
            match failure {
                Conduct::Says(status) => Reply::status(status),
                Conduct::Hangs => Reply::none(Body::Hang),
                _ => Reply::none(Body::Error),
            }
        }
    }
}

struct World {
    judge: Judge,
    cache: Cache,
    limits: Limits,
    conduct: Arc<Mutex<Conduct>>,
    /// Whether the origin has forbidden anything so far.
    forbidden: bool,
    visits: JoinSet<()>,
    /// Those that share nothing with others.
    alone: JoinSet<()>,
    crowd: u32,
}

impl World {
    fn new(breaker: bool) -> Self {
        let judge = Judge::new();
        let conduct = Arc::new(Mutex::new(Conduct::Answers { after: 0 }));
        let (teller, now) = (judge.teller(), Arc::clone(&conduct));
        let origin = Origin::new(move |call| {
            let now = *now.lock().unwrap_or_else(PoisonError::into_inner);
            reply(now, &teller, call)
        });
        let config = origin_says().soft_ttl(SOFT).hard_ttl(HARD).fetch_timeout(secs(3)).body_timeout(secs(1));
        let config = if breaker { config.breaker(3, secs(5)) } else { config };
        let (handle, told) =
            (CacheHandle::builder().capacity_bytes(CAPACITY).max_body_bytes(8 << 10), judge.clone());
        let handle = handle.wall_clock(move || wall() + told.now()).build().unwrap();
        let cache = Cache::on(&handle, config.build().unwrap(), &origin);
        let limits = Limits { unseen_failures: breaker, ..Limits::of_route(SOFT, HARD) };
        Self {
            judge,
            cache,
            limits,
            conduct,
            forbidden: false,
            visits: JoinSet::new(),
            alone: JoinSet::new(),
            crowd: 0,
        }
    }

    async fn take(&mut self, step: Step) {
        match step {
            Step::Ask { key, by, awaited } => self.ask(|| asked(key, by), by, awaited).await,
            Step::Conduct(conduct) => {
                self.forbidden |= matches!(conduct, Conduct::Forbids(_));
                *self.conduct.lock().unwrap_or_else(PoisonError::into_inner) = conduct;
            }
            Step::Wait(millis) => tokio::time::sleep(Duration::from_millis(millis.into())).await,
            Step::Purge { aim, soft } => self.purge(aim, soft),
            Step::Force(mode) => drop(self.cache.handle.set_breaker("route", mode)),
            Step::Crowd(count) => {
                for _ in 0..count {
                    self.crowd += 1;
                    let path = format!("/crowd/{}", self.crowd);
                    self.ask(|| request(&path), Asker::Anybody, false).await;
                    tokio::task::yield_now().await;
                }
            }
        }
        let stats = self.cache.handle.stats();
        assert!(stats.stored_bytes <= stats.capacity_bytes + (16 << 10), "{stats:?}");
        assert!(stats.inflight_bytes <= CAPACITY / 4, "{stats:?}");
    }

    /// Asks, and waits for the answer for as long as a fetch may take at most, or not at all.
    async fn ask(&mut self, asked: impl Fn() -> Builder, by: Asker, awaited: bool) {
        let (parts, ()) = asked().body(()).unwrap().into_parts();
        let now = wall() + self.judge.now();
        let entry = self.cache.handle.entry(&parts);
        // What may have forbidden to be served stale has to be fresh.
        let serves = entry.is_some_and(|entry| {
            now < if self.forbidden { entry.soft_expires_at } else { entry.hard_expires_at }
        });
        let at_once = serves && matches!(by, Asker::Anybody);
        let (judge, began, newest) = (self.judge.clone(), self.judge.now(), self.judge.newest_call());
        let url = Scope::Url("example.com".to_owned(), parts.uri.path().to_owned());
        let answer = self.judge.ask(&self.cache, self.limits, asked());
        let visit = async move {
            let answer = answer.await;
            assert!(!at_once || judge.now() == began, "had to wait: {}", answer.said);
            if matches!(by, Asker::Changes) && answer.status.is_success() {
                judge.purged(url, false, newest);
            }
        };
        // What goes past the cache may hang as long as the origin does.
        let visits = if matches!(by, Asker::Anybody) { &mut self.visits } else { &mut self.alone };
        visits.spawn(visit);
        if awaited {
            drop(tokio::time::timeout(secs(1), visits.join_next()).await);
        }
    }

    fn purge(&mut self, aim: Aim, soft: bool) {
        let host = "example.com".to_owned();
        let (purge, scope) = match aim {
            Aim::All => (Purge::all(), Scope::All),
            Aim::Route => (Purge::route("route"), Scope::Host(host)),
            Aim::Tag => (Purge::tag("page"), Scope::Tag("page".to_owned())),
            Aim::Url(key) => (Purge::url(&path(key)).unwrap(), Scope::Url(host, path(key))),
        };
        let newest = self.judge.newest_call();
        self.cache.handle.purge(if soft { purge.soft() } else { purge });
        self.judge.purged(scope, soft, newest);
    }

    /// After the last time-out nobody waits, and nothing is left of what was under way.
    async fn end(mut self) {
        tokio::time::sleep(secs(60)).await;
        while let Some(visit) = self.visits.try_join_next() {
            visit.unwrap();
        }
        assert_eq!(self.visits.len(), 0, "somebody still waits");
        let stats = self.cache.handle.stats();
        assert_eq!((stats.flights, stats.inflight_bytes), (0, 0));
        *self.conduct.lock().unwrap_or_else(PoisonError::into_inner) = Conduct::Answers { after: 0 };
        self.cache.handle.set_breaker("route", BreakerMode::ForcedClosed);
        for key in 0..KEYS {
            let answer = self.judge.ask(&self.cache, self.limits, asked(key, Asker::Anybody)).await;
            assert_eq!(answer.status, 200, "{key} is answered again: {answer:?}");
        }
    }
}

fn play(breaker: bool, steps: &[Step]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.unwrap().block_on(async {
        let mut world = World::new(breaker);
        for step in steps {
            world.take(*step).await;
        }
        world.end().await;
    });
}

#[test]
fn whatever_happens_only_what_may_be_is_answered() {
    let steps = std::env::var("MODEL_STEPS").ok().and_then(|steps| steps.parse().ok()).unwrap_or(100 * STEPS);
    let cases = u32::try_from(steps.div_ceil(STEPS)).unwrap_or(u32::MAX);
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 2000, ..Config::default() };
    let sequences = (any::<bool>(), vec(step(), 1..=STEPS));
    TestRunner::new(config)
        .run(&sequences, |(breaker, steps)| {
            play(breaker, &steps);
            Ok(())
        })
        .unwrap();
}
