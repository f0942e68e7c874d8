//! Single-flight: of all who ask for one key at the same time, one leads and the others wait for what it finds.
//!
//! A flight is *pending* until its leader [publishes](Lead::publish) a value, *landed* from then on, and over when its
//! [`Lead`] is dropped, in whatever way that comes about. Who joins a pending flight waits; who joins a landed one has
//! its value at once; a flight that is over without a value tells its waiters so. What the value is, and whom it suits,
//! is the caller's business: this file knows no HTTP.

use std::{
    collections::{HashMap, hash_map},
    fmt,
    hash::Hash,
    sync::{Arc, PoisonError},
};

use smallvec::{SmallVec, smallvec};
use tokio::sync::watch;

use crate::sync::{Mutex, MutexGuard};

type Map<K, T> = Arc<Mutex<HashMap<K, Seat<T>>>>;

/// All flights of a cache.
pub(crate) struct Flights<K, T> {
    map: Map<K, T>,
}

struct Seat<T> {
    number: u64,
    landed: watch::Receiver<Option<T>>,
}

/// What joining came to.
pub(crate) enum Join<K: Eq + Hash, T> {
    /// Nobody was there, or nobody acceptable: the caller leads.
    Lead(Lead<K, T>),
    /// Another one leads.
    Wait(Wait<T>),
}

impl<K: Eq + Hash + Clone, T: Clone> Flights<K, T> {
    pub(crate) fn new() -> Self {
        Self { map: Arc::default() }
    }

    /// Joins the flight of `key`, or starts one. `number` is the flight's own if one is started: each number is used
    /// once. A flight that `accepts` refuses by its number is replaced; it goes on unseen, for those who are in it.
    pub(crate) fn join(&self, key: &K, number: u64, accepts: impl FnOnce(u64) -> bool) -> Join<K, T> {
        let mut map = lock(&self.map);
        if let Some(seat) = map.get(key) {
            if accepts(seat.number) {
                return Join::Wait(Wait { landed: seat.landed.clone() });
            }
        }
        let (publish, landed) = watch::channel(None);
        map.insert(key.clone(), Seat { number, landed });
        Join::Lead(Lead { map: Arc::clone(&self.map), keys: smallvec![key.clone()], number, publish })
    }

    /// How many flights there are.
    pub(crate) fn len(&self) -> usize {
        lock(&self.map).len()
    }
}

impl<K, T> fmt::Debug for Flights<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flights").finish_non_exhaustive()
    }
}

/// The right and the duty to find the value of a key. Dropping it ends the flight and wakes all who wait.
pub(crate) struct Lead<K: Eq + Hash, T> {
    map: Map<K, T>,
    /// The key it was started for, and those that it has been found to be for as well.
    keys: SmallVec<[K; 1]>,
    number: u64,
    publish: watch::Sender<Option<T>>,
}

impl<K: Eq + Hash, T> Lead<K, T> {
    /// Lets those who ask for another key join this flight too, unless that key has one.
    pub(crate) fn also_for(&mut self, key: K)
    where
        K: Clone,
    {
        if let hash_map::Entry::Vacant(place) = lock(&self.map).entry(key.clone()) {
            place.insert(Seat { number: self.number, landed: self.publish.subscribe() });
            self.keys.push(key);
        }
    }

    /// Gives `value` to all who wait and to all who join until the flight is over.
    pub(crate) fn publish(&self, value: T) {
        self.publish.send_replace(Some(value));
    }
}

impl<K: Eq + Hash, T> Drop for Lead<K, T> {
    fn drop(&mut self) {
        let mut map = lock(&self.map);
        let gone: SmallVec<[_; 1]> = self
            .keys
            .iter()
            .filter_map(|key| {
                // Another flight may have taken the place of this one.
                let own = map.get(key).is_some_and(|seat| seat.number == self.number);
                own.then(|| map.remove_entry(key)).flatten()
            })
            .collect();
        if map.is_empty() && map.capacity() > 1024 {
            map.shrink_to(64);
        }
        drop(map);
        drop(gone); // a landed value may be large; let it go outside the lock
    }
}

/// A place in another one's flight.
pub(crate) struct Wait<T> {
    landed: watch::Receiver<Option<T>>,
}

impl<T: Clone> Wait<T> {
    /// Whether the flight has its value already.
    pub(crate) fn has_landed(&self) -> bool {
        self.landed.borrow().is_some()
    }

    /// The flight's value, or `None` if it is over without one.
    pub(crate) async fn landed(mut self) -> Option<T> {
        match self.landed.wait_for(Option::is_some).await {
            Ok(value) => value.clone(),
            Err(_abandoned) => None,
        }
    }
}

/// A poisoned map is still a map: nothing of the callers' runs under this lock.
fn lock<K, T>(map: &Map<K, T>) -> MutexGuard<'_, HashMap<K, Seat<T>>> {
    map.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(all(test, shuttle))]
mod models;

#[cfg(test)]
mod tests {
    use tokio_test::{assert_pending, assert_ready_eq, task};

    use super::*;

    fn lead(flights: &Flights<&'static str, u32>, number: u64) -> Lead<&'static str, u32> {
        match flights.join(&"key", number, |_| true) {
            Join::Lead(lead) => lead,
            Join::Wait(_) => panic!("somebody leads already"),
        }
    }

    fn wait(flights: &Flights<&'static str, u32>) -> impl Future<Output = Option<u32>> {
        match flights.join(&"key", u64::MAX, |_| true) {
            Join::Wait(wait) => wait.landed(),
            Join::Lead(_) => panic!("nobody leads"),
        }
    }

    #[test]
    fn all_who_wait_get_what_the_leader_found() {
        let flights = Flights::new();
        let leader = lead(&flights, 1);
        let mut early = task::spawn(wait(&flights));
        assert_pending!(early.poll());
        leader.publish(7);
        assert!(early.is_woken());
        assert_ready_eq!(early.poll(), Some(7));
        let mut late = task::spawn(wait(&flights));
        assert_ready_eq!(late.poll(), Some(7));
        drop(leader);
        assert_eq!(flights.len(), 0);
    }

    #[test]
    fn a_leader_who_leaves_wakes_those_who_wait() {
        let flights = Flights::new();
        let leader = lead(&flights, 1);
        let mut waiter = task::spawn(wait(&flights));
        assert_pending!(waiter.poll());
        drop(leader);
        assert!(waiter.is_woken());
        assert_ready_eq!(waiter.poll(), None);
        lead(&flights, 2);
    }

    #[test]
    fn a_waiter_who_leaves_is_nobodys_loss() {
        let flights = Flights::new();
        let leader = lead(&flights, 1);
        let mut gone = task::spawn(wait(&flights));
        let mut stays = task::spawn(wait(&flights));
        assert_pending!(gone.poll());
        assert_pending!(stays.poll());
        drop(gone);
        leader.publish(1);
        assert_ready_eq!(stays.poll(), Some(1));
    }

    #[test]
    fn who_joins_is_told_whether_the_flight_has_landed() {
        let flights = Flights::new();
        let leader = lead(&flights, 1);
        let has_landed = || match flights.join(&"key", 2, |_| true) {
            Join::Wait(wait) => wait.has_landed(),
            Join::Lead(_) => panic!("nobody leads"),
        };
        assert!(!has_landed());
        leader.publish(1);
        assert!(has_landed());
    }

    #[test]
    fn a_crowd_of_flights_leaves_no_large_map_behind() {
        let flights = Flights::<u32, u32>::new();
        let crowd: Vec<_> = (0..5_000).map(|key| flights.join(&key, 1, |_| true)).collect();
        assert!(lock(&flights.map).capacity() >= 5_000);
        drop(crowd);
        assert!(lock(&flights.map).capacity() < 1_000);
    }

    #[test]
    fn a_flight_can_be_for_another_key_as_well() {
        let flights = Flights::new();
        let mut leader = lead(&flights, 1);
        leader.also_for("other");
        leader.also_for("other");
        let Join::Wait(wait) = flights.join(&"other", 2, |number| number == 1) else {
            panic!("nobody leads")
        };
        let mut waiter = task::spawn(wait.landed());
        assert_pending!(waiter.poll());
        leader.publish(1);
        assert_ready_eq!(waiter.poll(), Some(1));
        drop(leader);
        assert_eq!(flights.len(), 0);

        let Join::Lead(other) = flights.join(&"other", 3, |_| true) else { panic!("somebody leads") };
        let mut leader = lead(&flights, 4);
        leader.also_for("other");
        drop(leader);
        assert_eq!(flights.len(), 1, "the other key's flight is not this one's to end");
        drop(other);
    }

    #[test]
    fn a_refused_flight_is_replaced_and_does_not_end_its_successor() {
        let flights = Flights::new();
        let first = lead(&flights, 1);
        let mut of_first = task::spawn(wait(&flights));
        assert_pending!(of_first.poll());
        let Join::Lead(second) = flights.join(&"key", 2, |number| number > 1) else {
            panic!("joined the first")
        };
        first.publish(1);
        drop(first);
        assert_ready_eq!(of_first.poll(), Some(1));
        assert_eq!(flights.len(), 1);
        let mut of_second = task::spawn(wait(&flights));
        assert_pending!(of_second.poll());
        second.publish(2);
        assert_ready_eq!(of_second.poll(), Some(2));
    }
}
