use tokio_test::{assert_pending, assert_ready_eq, task};

use super::*;

/// Two fields that may tell variants apart, and their values; whoever asks has both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Shape {
    colour: Option<u32>,
    size: Option<u32>,
}

impl Variant for Shape {
    fn same_fields(&self, other: &Self) -> bool {
        (self.colour.is_some(), self.size.is_some()) == (other.colour.is_some(), other.size.is_some())
    }
}

impl Shape {
    const ANY: Self = Self { colour: None, size: None };

    fn colour(colour: u32) -> Self {
        Self { colour: Some(colour), size: None }
    }

    fn size(size: u32) -> Self {
        Self { colour: None, size: Some(size) }
    }

    fn both(colour: u32, size: u32) -> Self {
        Self { colour: Some(colour), size: Some(size) }
    }

    /// The same values of the fields of another one.
    fn by(self, like: &Self) -> Self {
        Self { colour: like.colour.and(self.colour), size: like.size.and(self.size) }
    }
}

type Board = Flights<&'static str, Shape, u32>;
type Leader = Lead<&'static str, Shape, u32>;

/// Joins the flight of a request for a variant that does not know what tells it from others.
fn join(flights: &Board, request: Shape, number: u64) -> Join<&'static str, Shape, u32> {
    flights.join(&"key", None, |like| request.by(like), number, |_| true)
}

fn lead_for(flights: &Board, request: Shape, number: u64) -> Leader {
    match join(flights, request, number) {
        Join::Lead(lead) => lead,
        Join::Wait(_) => panic!("somebody leads already"),
    }
}

fn wait_for(flights: &Board, request: Shape) -> impl Future<Output = Option<u32>> {
    match join(flights, request, u64::MAX) {
        Join::Wait(wait) => wait.landed(),
        Join::Lead(_) => panic!("nobody leads"),
    }
}

fn lead(flights: &Board, number: u64) -> Leader {
    lead_for(flights, Shape::both(0, 0), number)
}

fn wait(flights: &Board) -> impl Future<Output = Option<u32>> {
    wait_for(flights, Shape::both(0, 0))
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
fn a_refused_flight_is_replaced_and_does_not_end_its_successor() {
    let flights = Flights::new();
    let first = lead(&flights, 1);
    let mut of_first = task::spawn(wait(&flights));
    assert_pending!(of_first.poll());
    let Join::Lead(second) = flights.join(&"key", None, Shape::clone, 2, |number| number > 1) else {
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

#[test]
fn who_joins_is_told_whether_the_flight_has_landed() {
    let flights = Flights::new();
    let leader = lead(&flights, 1);
    let has_landed = || match join(&flights, Shape::ANY, 2) {
        Join::Wait(wait) => wait.has_landed(),
        Join::Lead(_) => panic!("nobody leads"),
    };
    assert!(!has_landed());
    leader.publish(1);
    assert!(has_landed());
}

#[test]
fn a_flight_that_turns_out_to_be_for_a_variant_is_joined_by_its_own_alone() {
    let flights = Flights::new();
    let mut red = lead_for(&flights, Shape::both(1, 1), 1);
    let mut before = task::spawn(wait_for(&flights, Shape::both(2, 1)));
    assert_pending!(before.poll());
    red.turns_out(Shape::colour(1));
    let mut after = task::spawn(wait_for(&flights, Shape::both(1, 2)));
    assert_pending!(after.poll());
    // What tells the variants apart is known from the flight that is there.
    let blue = lead_for(&flights, Shape::both(2, 1), 2);
    let mut of_blue = task::spawn(wait_for(&flights, Shape::both(2, 2)));
    assert_pending!(of_blue.poll());
    red.publish(1);
    assert_ready_eq!(before.poll(), Some(1), "who came before is told all the same");
    assert_ready_eq!(after.poll(), Some(1));
    assert_eq!(flights.len(), 2);
    drop(red);
    // And still is, when that one is over.
    let _green = lead_for(&flights, Shape::both(3, 1), 3);
    blue.publish(2);
    assert_ready_eq!(of_blue.poll(), Some(2));
}

#[test]
fn where_values_disagree_what_tells_them_apart_who_comes_joins_whichever_it_selects() {
    let flights = Flights::new();
    let mut red = lead_for(&flights, Shape::both(1, 1), 1);
    red.turns_out(Shape::colour(1));
    let mut large = lead_for(&flights, Shape::both(2, 2), 2);
    large.turns_out(Shape::size(2));
    red.publish(1);
    large.publish(2);
    for (request, value) in [((1, 1), 1), ((1, 3), 1), ((3, 2), 2), ((1, 2), 2)] {
        let mut waiter = task::spawn(wait_for(&flights, Shape::both(request.0, request.1)));
        assert_ready_eq!(waiter.poll(), Some(value), "{request:?}");
    }
    // Who selects neither is told from others by the newest word, or by what it knows itself.
    let other = lead_for(&flights, Shape::both(3, 3), 3);
    assert_eq!(other.place.1, Shape::size(3));
    let by_both = |known| flights.join(&"key", Some(known), |like| known.by(like), 4, |_| true);
    let Join::Lead(known) = by_both(Shape::both(4, 4)) else { panic!("joined another's") };
    assert_eq!(known.place.1, Shape::both(4, 4));
    assert!(matches!(by_both(Shape::both(4, 4)), Join::Wait(_)));
    assert!(matches!(by_both(Shape::both(5, 3)), Join::Wait(_)), "it selects another's by that one's fields");
}

#[test]
fn what_varies_on_nothing_is_joined_by_all() {
    let flights = Flights::new();
    let request = Shape::both(1, 1);
    let Join::Lead(mut all) = flights.join(&"key", Some(request), |like| request.by(like), 1, |_| true)
    else {
        panic!("nobody was there")
    };
    let other = lead_for(&flights, Shape::both(2, 1), 2);
    all.turns_out(Shape::ANY);
    all.publish(1);
    for request in [Shape::both(1, 1), Shape::both(3, 3)] {
        assert_ready_eq!(task::spawn(wait_for(&flights, request)).poll(), Some(1));
    }
    drop((all, other));
    assert_eq!(flights.len(), 0);
}

#[test]
fn of_flights_that_turn_out_to_be_for_one_variant_the_newer_is_joined() {
    for newer_first in [true, false] {
        let flights = Flights::new();
        let taken_for = |known: Shape, number| match flights.join(
            &"key",
            Some(known),
            |like| known.by(like),
            number,
            |_| true,
        ) {
            Join::Lead(lead) => lead,
            Join::Wait(_) => panic!("{known:?} is another one"),
        };
        let (mut old, mut new) = (taken_for(Shape::colour(8), 1), taken_for(Shape::size(9), 2));
        let order = if newer_first { [&mut new, &mut old] } else { [&mut old, &mut new] };
        order.into_iter().for_each(|lead| lead.turns_out(Shape::colour(1)));
        assert_eq!(flights.len(), 1);
        let mut waiter = task::spawn(wait_for(&flights, Shape::both(1, 1)));
        old.end(1);
        assert_pending!(waiter.poll(), "newer first: {newer_first}");
        new.end(2);
        assert_ready_eq!(waiter.poll(), Some(2), "newer first: {newer_first}");
        assert_eq!(flights.len(), 0);
    }
}

#[test]
fn a_flight_that_was_replaced_is_not_seen_again_whatever_it_turns_out_to_be() {
    let flights = Flights::new();
    let mut first = lead(&flights, 1);
    let Join::Lead(second) = flights.join(&"key", None, Shape::clone, 2, |_| false) else {
        panic!("joined the first")
    };
    first.turns_out(Shape::colour(0));
    first.publish(1);
    let mut waiter = task::spawn(wait(&flights));
    assert_pending!(waiter.poll());
    second.publish(2);
    assert_ready_eq!(waiter.poll(), Some(2));
}

#[test]
fn there_is_room_for_few_ways_in_which_the_flights_of_a_key_are_told_apart() {
    let flights = Flights::<_, Way, u32>::new();
    let join = |way: u32, value: u32| {
        flights.join(&"key", Some(Way(way, value)), |like| Way(like.0, value), u64::from(value), |_| true)
    };
    let mut leads = Vec::new();
    for n in 1..=10 {
        let Join::Lead(lead) = join(n, n) else { panic!("{n} joined another's") };
        leads.push(lead);
    }
    let most = u32::try_from(MAX_GROUPS).unwrap();
    let taken: Vec<_> = leads.iter().map(|lead| lead.place.1.0).collect();
    let expected: Vec<_> = (1..=10).map(|n| n.min(most)).collect();
    assert_eq!(taken, expected, "for the rest the newest of the first few holds");
    assert_eq!(flights.len(), 10);
    // One that turns out to be told apart in yet another way is joined by nobody any more.
    leads[0].turns_out(Way(11, 1));
    leads[9].turns_out(Way(12, 10));
    assert_eq!(flights.len(), 9, "the first made room");
    assert!(matches!(join(11, 1), Join::Wait(_)));
    assert!(matches!(join(most, 9), Join::Wait(_)));
    assert!(matches!(join(12, 10), Join::Lead(_)));
    drop(leads);
    assert_eq!(flights.len(), 0);
    assert!(flights.seats.lock().unwrap().groups.is_empty());
}

/// One of many fields that may tell variants apart, and its value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Way(u32, u32);

impl Variant for Way {
    fn same_fields(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

#[test]
fn what_many_flights_took_is_given_back() {
    let flights = Flights::<u32, Way, u32>::new();
    let lead = |key, value| match flights.join(&key, Some(Way(1, value)), Way::clone, value.into(), |_| false)
    {
        Join::Lead(lead) => lead,
        Join::Wait(_) => unreachable!("all are refused"),
    };
    let first = lead(0, 0);
    let others: Vec<_> = (1..10_000).flat_map(|n| [lead(0, n), lead(n, 0)]).collect();
    assert_eq!(flights.len(), 1 + 2 * 9_999);
    drop(others);
    let seats = flights.seats.lock().unwrap();
    let groups = &seats.groups[&0];
    assert_eq!((seats.seats.len(), seats.groups.len(), groups.len(), groups[0].flights), (1, 1, 1, 1));
    assert!(seats.seats.capacity() <= 1024 && seats.groups.capacity() <= 1024);
    drop(seats);
    drop(first);
}
