//! What purges and fills of one key do to each other, in whatever order their steps come.
//!
//! The origin has a version, and what is stored has it for its length: it grows before a purge begins, so what is older
//! than the newest version was asked for before.

use http::HeaderMap;
use shuttle::thread;

use super::{
    tests::{NOW, WEIGHTS, entry, key, mark},
    *,
};
use crate::{
    entry::RouteMark,
    policy::reuse::Reuse,
    store::Purge,
    sync::{
        atomic::{AtomicUsize, Ordering::SeqCst},
        explore::{every_schedule, many_schedules},
    },
};

/// A store and the origin behind it.
struct World {
    store: Store,
    route: Arc<RouteMark>,
    version: AtomicUsize,
    /// The version that the last purge which has ended left behind.
    purged: AtomicUsize,
}

impl World {
    fn new() -> Arc<Self> {
        let (version, purged) = (AtomicUsize::new(1), AtomicUsize::new(1));
        Arc::new(Self { store: Store::new(WEIGHTS), route: mark(), version, purged })
    }

    /// Fetches and stores: a fetch has its number before it asks.
    fn fill(&self) {
        let number = self.store.take_number();
        let version = self.version.load(SeqCst);
        let fetched = entry(&self.store, &self.route, "/", &["t"], version);
        let mut fetched = Arc::into_inner(fetched).expect("nobody else has it");
        fetched.origin.number = number;
        let _refused = self.store.insert(&key("a"), &Arc::new(fetched), None, NOW);
    }

    /// The origin changes, and somebody says so.
    fn change(&self, purge: &Purge) {
        let version = self.version.fetch_add(1, SeqCst) + 1;
        self.store.purge(purge, &[Arc::clone(&self.route)], NOW);
        self.purged.fetch_max(version, SeqCst);
        self.look(purge.soft);
    }

    /// A POST changes the origin. Its answer is what a GET would get from then on, and invalidates what there was before.
    fn post(&self, soft: bool) {
        let number = self.store.take_number();
        let version = self.version.fetch_add(1, SeqCst) + 1;
        let answer = entry(&self.store, &self.route, "/", &["t"], version);
        let mut answer = Arc::into_inner(answer).expect("nobody else has it");
        answer.origin.number = number;
        let url = Purge::url("/").expect("a url");
        let stands =
            self.store.purge_before(&[url, Purge::key(key("a"))], &key("a"), &mut answer, NOW, |_, _| ());
        self.purged.fetch_max(version, SeqCst);
        self.look(soft);
        if stands {
            let _overtaken = self.store.insert(&key("a"), &Arc::new(answer), None, NOW);
        }
        self.look(soft);
    }

    /// A request that comes now is not answered from what was fetched before a purge that has ended; where the purge is
    /// soft, not as if it were fresh.
    fn look(&self, soft: bool) {
        let purged = self.purged.load(SeqCst);
        let slot = self.store.get(key("a").as_bytes());
        let Some(found) = slot.as_ref().and_then(|slot| slot.select(&HeaderMap::new())) else { return };
        let old = found.body_len() < purged as u64;
        assert!(!old || (soft && found.reuse(NOW) != Reuse::Fresh), "from before the purge");
    }
}

fn purges() -> Vec<Purge> {
    let url = Purge::url("/").expect("a url");
    let hard = [Purge::key(key("a")), url, Purge::tag("t"), Purge::route("route"), Purge::all()];
    hard.iter().cloned().chain(hard.iter().cloned().map(Purge::soft)).collect()
}

fn run(world: &Arc<World>, does: impl Fn(&World) + Send + 'static) -> thread::JoinHandle<()> {
    let world = Arc::clone(world);
    thread::spawn(move || does(&world))
}

#[test]
fn what_was_fetched_before_a_purge_neither_answers_nor_is_stored_after_it() {
    for purge in purges() {
        every_schedule(move || {
            let world = World::new();
            let fill = run(&world, World::fill);
            world.change(&purge);
            fill.join().unwrap();
            world.look(purge.soft);
        });
    }
}

#[test]
fn what_a_post_brings_is_not_stored_after_a_purge_that_came_after_its_request() {
    for purge in purges() {
        many_schedules(move || {
            let world = World::new();
            let soft = purge.soft;
            let post = run(&world, move |world| world.post(soft));
            world.change(&purge);
            post.join().unwrap();
            world.look(soft);
        });
    }
}

#[test]
fn what_a_post_brings_stays_and_what_was_fetched_before_it_does_not() {
    many_schedules(|| {
        let world = World::new();
        let fill = run(&world, World::fill);
        world.post(false);
        fill.join().unwrap();
        let slot = world.store.get(key("a").as_bytes()).expect("stored");
        assert!(slot.select(&HeaderMap::new()).is_some_and(|found| found.body_len() == 2));
    });
}

#[test]
fn no_reader_of_many_is_answered_from_before_a_purge_that_has_ended() {
    for purge in purges() {
        many_schedules(move || {
            let world = World::new();
            let soft = purge.soft;
            world.fill();
            let change = purge.clone();
            let threads = [
                run(&world, move |world| (0..2).for_each(|_| world.change(&change))),
                run(&world, World::fill),
                run(&world, World::fill),
                run(&world, move |world| world.post(soft)),
                run(&world, move |world| (0..3).for_each(|_| world.look(soft))),
            ];
            threads.into_iter().for_each(|thread| thread.join().unwrap());
            world.look(soft);
            // The purges took no more than they had to.
            world.fill();
            let slot = world.store.get(key("a").as_bytes()).expect("stored");
            assert!(slot.select(&HeaderMap::new()).is_some_and(|found| found.body_len() == 4));
        });
    }
}
