//! Single-flight: of all who ask for one thing at the same time, one leads and the others wait for what it finds.
//!
//! A flight is *pending* until its leader [publishes](Lead::publish) a value, *landed* from then on, and over when its
//! [`Lead`] is dropped, in whatever way that comes about. Who joins a pending flight waits; who joins a landed one has
//! its value at once; a flight that is over without a value tells its waiters so. What the value is, and whom it suits,
//! is the caller's business: this file knows no HTTP.
//!
//! A key stands for several variants, and by what they are told apart is known from earlier values, or not before a flight
//! [turns out](Lead::turns_out) to be for one of them; nor do all values say the same. So each flight is known by what it is
//! taken to be for, and who comes joins one that it would select by that.

use std::{
    collections::HashMap,
    fmt,
    hash::Hash,
    mem,
    sync::{Arc, PoisonError},
};

use quick_cache::DefaultHashBuilder;
use smallvec::SmallVec;
use tokio::sync::watch;

use crate::sync::{Mutex, MutexGuard};

/// In how many ways the flights of one key are told apart at most. Nobody can join a flight that turns out to be for a
/// variant in yet another way.
const MAX_GROUPS: usize = 4;

/// Which of all that a key stands for is meant: fields that tell variants apart, and their values. The default is none of
/// them, which everybody selects.
pub(crate) trait Variant: Clone + Default + Eq + Hash {
    /// Whether both have the same fields, whatever their values.
    fn same_fields(&self, other: &Self) -> bool;
}

/// All flights of a cache.
pub(crate) struct Flights<K, V, T> {
    seats: Arc<Mutex<Seats<K, V, T>>>,
}

/// The flights that can be joined.
struct Seats<K, V, T> {
    seats: Map<Place<K, V>, Seat<T>>,
    /// Those of a key, by what they are told apart by; the newest first.
    groups: Map<K, SmallVec<[Group<V>; 1]>>,
}

/// Hashed with a seed at random: strangers choose the keys.
type Map<K, V> = HashMap<K, V, DefaultHashBuilder>;

/// A key, and which variant of it.
type Place<K, V> = (K, V);

/// Flights of one key that are told apart by the same fields.
struct Group<V> {
    /// A variant with these fields.
    like: V,
    flights: usize,
}

struct Seat<T> {
    number: u64,
    landed: watch::Receiver<Option<T>>,
}

/// What joining came to.
pub(crate) enum Join<K: Eq + Hash + Clone, V: Variant, T> {
    /// Nobody was there, or nobody acceptable: the caller leads.
    Lead(Lead<K, V, T>),
    /// Another one leads.
    Wait(Wait<T>),
}

impl<K: Eq + Hash + Clone, V: Variant, T: Clone> Flights<K, V, T> {
    pub(crate) fn new() -> Self {
        Self { seats: Arc::new(Mutex::new(Seats { seats: Map::default(), groups: Map::default() })) }
    }

    /// Joins a flight of `key`, or starts one. Who asks selects a variant `by` the fields of another one, and knows its
    /// own if it is `known` what tells the variants apart. `number` is the flight's own if one is started: each number is
    /// used once. A flight that `accepts` refuses by its number is replaced; it goes on unseen, for those who are in it.
    pub(crate) fn join(
        &self,
        key: &K,
        known: Option<V>,
        by: impl Fn(&V) -> V,
        number: u64,
        accepts: impl Fn(u64) -> bool,
    ) -> Join<K, V, T> {
        let mut seats = lock(&self.seats);
        let groups = seats.groups.get(key).map_or(&[][..], SmallVec::as_slice);
        for Group { like, .. } in groups {
            let variant = known.clone().filter(|known| known.same_fields(like)).unwrap_or_else(|| by(like));
            let seat = seats.seats.get(&(key.clone(), variant));
            if let Some(seat) = seat.filter(|seat| accepts(seat.number)) {
                return Join::Wait(Wait { landed: seat.landed.clone() });
            }
        }
        let has_room = |variant: &V| {
            groups.len() < MAX_GROUPS || groups.iter().any(|group| group.like.same_fields(variant))
        };
        let newest = || groups.first().map_or_else(V::default, |group| by(&group.like));
        let place = (key.clone(), known.filter(has_room).unwrap_or_else(newest));
        let (publish, landed) = watch::channel(None);
        let replaced = seats.take(&place, Seat { number, landed });
        drop(seats);
        drop(replaced); // a landed value may be large; let it go outside the lock
        Join::Lead(Lead { seats: Arc::clone(&self.seats), place, number, publish })
    }

    /// Whether a flight of this key can be joined by somebody.
    pub(crate) fn is_under_way(&self, key: &K) -> bool {
        lock(&self.seats).groups.contains_key(key)
    }

    /// How many flights there are.
    pub(crate) fn len(&self) -> usize {
        lock(&self.seats).seats.len()
    }
}

impl<K, V, T> fmt::Debug for Flights<K, V, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flights").finish_non_exhaustive()
    }
}

impl<K: Eq + Hash + Clone, V: Variant, T> Seats<K, V, T> {
    /// Takes a place, unless a newer flight has it or there is no room. Gives the one that does not have it.
    fn take(&mut self, place: &Place<K, V>, seat: Seat<T>) -> Option<Seat<T>> {
        if let Some(other) = self.seats.get_mut(place) {
            return Some(if other.number < seat.number { mem::replace(other, seat) } else { seat });
        }
        let (key, variant) = place;
        let groups = self.groups.entry(key.clone()).or_default();
        let has_room = groups.len() < MAX_GROUPS;
        match groups.iter_mut().find(|group| group.like.same_fields(variant)) {
            Some(group) => group.flights += 1,
            None if has_room => groups.insert(0, Group { like: variant.clone(), flights: 1 }),
            None => return Some(seat),
        }
        self.seats.insert(place.clone(), seat)
    }

    /// Gives up a place, if the flight with this number has it.
    fn leave(&mut self, place: &Place<K, V>, number: u64) -> Option<Seat<T>> {
        self.seats.get(place).filter(|seat| seat.number == number)?;
        let (key, variant) = place;
        if let Some(groups) = self.groups.get_mut(key) {
            let own = groups.iter_mut().filter(|group| group.like.same_fields(variant));
            own.for_each(|group| group.flights -= 1);
            groups.retain(|group| group.flights > 0);
            if groups.is_empty() {
                self.groups.remove(key);
            }
        }
        let seat = self.seats.remove(place);
        shrink(&mut self.seats);
        shrink(&mut self.groups);
        seat
    }
}

/// Gives back what many flights took that are over.
fn shrink<K: Eq + Hash, V>(map: &mut Map<K, V>) {
    if map.len() * 8 < map.capacity() && map.capacity() > 1024 {
        map.shrink_to(map.len() * 2);
    }
}

/// The right and the duty to find a value. Dropping it ends the flight and wakes all who wait.
pub(crate) struct Lead<K: Eq + Hash + Clone, V: Variant, T> {
    seats: Arc<Mutex<Seats<K, V, T>>>,
    /// What it is taken to be for.
    place: Place<K, V>,
    number: u64,
    publish: watch::Sender<Option<T>>,
}

impl<K: Eq + Hash + Clone, V: Variant, T> Lead<K, V, T> {
    /// It is for this variant and for no other: from now on those who select it join this flight.
    pub(crate) fn turns_out(&mut self, variant: V) {
        if variant == self.place.1 {
            return;
        }
        let place = (self.place.0.clone(), variant);
        let mut seats = lock(&self.seats);
        let left = seats.leave(&self.place, self.number);
        let unseated = left.and_then(|seat| seats.take(&place, seat));
        drop(seats);
        drop(unseated);
        self.place = place;
    }

    /// Gives `value` to all who wait and to all who join until the flight is over.
    pub(crate) fn publish(&self, value: T) {
        self.publish.send_replace(Some(value));
    }

    /// Gives `value` to all who wait, when nobody can join any more: who asks again then does not meet this flight.
    pub(crate) fn end(self, value: T) {
        self.leave();
        self.publish(value);
    }

    fn leave(&self) {
        let left = lock(&self.seats).leave(&self.place, self.number);
        drop(left); // outside the lock, as above
    }
}

impl<K: Eq + Hash + Clone, V: Variant, T> Drop for Lead<K, V, T> {
    fn drop(&mut self) {
        self.leave();
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

/// A poisoned lock is as good as any: nothing of the callers' runs under it.
fn lock<K, V, T>(seats: &Mutex<Seats<K, V, T>>) -> MutexGuard<'_, Seats<K, V, T>> {
    seats.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(all(test, shuttle))]
mod models;

#[cfg(test)]
mod tests;
