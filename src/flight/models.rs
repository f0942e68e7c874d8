//! What those who join a flight at the same time do to each other.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use shuttle::{
    future::block_on,
    thread::{self, yield_now},
};

use super::*;
use crate::sync::{
    atomic::{AtomicUsize, Ordering::SeqCst},
    explore::{every_schedule, many_schedules},
};

const KEY: &str = "key";

/// A field that tells variants apart, and its value.
type Field = Option<u32>;

impl Variant for Field {
    fn same_fields(&self, other: &Self) -> bool {
        self.is_some() == other.is_some()
    }
}

type Board = Flights<&'static str, Field, u64>;

fn flights() -> Arc<Board> {
    Arc::new(Flights::new())
}

/// Joins the flight of a request that has `value` in the field, and may know that it counts.
fn join(
    flights: &Board,
    known: Field,
    value: u32,
    number: u64,
    accepts: impl Fn(u64) -> bool,
) -> Join<&'static str, Field, u64> {
    flights.join(&KEY, known.map(Some), |like| like.map(|_| value), number, accepts)
}

/// How a leader's fetch ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// With a value, which is the flight's number.
    Value,
    /// With nothing: it is dropped.
    Nothing,
    /// With a panic.
    Panic,
}

impl End {
    const ALL: [Self; 3] = [Self::Value, Self::Nothing, Self::Panic];

    fn come(self, lead: Lead<&'static str, Field, u64>) {
        yield_now();
        match self {
            Self::Value => lead.publish(lead.number),
            Self::Nothing => {}
            Self::Panic => {
                let panics = || {
                    let _lead = lead;
                    resume_unwind(Box::new("the fetch"))
                };
                assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
            }
        }
    }
}

#[test]
fn of_all_who_come_while_a_flight_is_under_way_one_leads() {
    for end in End::ALL {
        many_schedules(move || {
            const ALL: usize = 4;
            let flights = flights();
            let joined = Arc::new(AtomicUsize::new(0));
            let threads: Vec<_> = (1..=ALL as u64)
                .map(|number| {
                    let (flights, joined) = (Arc::clone(&flights), Arc::clone(&joined));
                    thread::spawn(move || {
                        let place = join(&flights, None, 0, number, |_| true);
                        joined.fetch_add(1, SeqCst);
                        match place {
                            Join::Wait(wait) => Some(block_on(wait.landed())),
                            Join::Lead(lead) => {
                                while joined.load(SeqCst) < ALL {
                                    yield_now();
                                }
                                end.come(lead);
                                None
                            }
                        }
                    })
                })
                .collect();
            let told: Vec<_> = threads.into_iter().filter_map(|thread| thread.join().unwrap()).collect();
            assert_eq!(told.len(), ALL - 1);
            assert!(told.iter().all(|value| value.is_some() == (end == End::Value)));
            assert_eq!(flights.len(), 0, "a seat is left");
        });
    }
}

#[test]
fn who_waits_is_told_at_whatever_moment_the_leader_ends() {
    for end in End::ALL {
        every_schedule(move || {
            let flights = flights();
            let Join::Lead(lead) = join(&flights, None, 0, 1, |_| true) else { panic!("nobody was there") };
            let seats = Arc::clone(&flights);
            let other = thread::spawn(move || match join(&seats, None, 0, 2, |_| true) {
                Join::Wait(wait) => {
                    assert_eq!(block_on(wait.landed()), (end == End::Value).then_some(1));
                }
                Join::Lead(late) => late.publish(2),
            });
            end.come(lead);
            other.join().unwrap();
            assert_eq!(flights.len(), 0, "a seat is left");
        });
    }
}

#[test]
fn a_flight_that_was_replaced_does_not_end_its_successor() {
    for end in End::ALL {
        every_schedule(move || {
            let flights = flights();
            let Join::Lead(first) = join(&flights, None, 0, 1, |_| true) else { panic!("nobody was there") };
            let ends = thread::spawn(move || end.come(first));
            let refuses = |number| number > 1;
            let Join::Lead(second) = join(&flights, None, 0, 2, refuses) else { panic!("joined the first") };
            let Join::Wait(wait) = join(&flights, None, 0, 3, refuses) else { panic!("the second is there") };
            ends.join().unwrap();
            assert_eq!(flights.len(), 1);
            End::Value.come(second);
            assert_eq!(block_on(wait.landed()), Some(2));
            assert_eq!(flights.len(), 0, "a seat is left");
        });
    }
}

#[test]
fn who_leaves_does_not_keep_others_from_being_told() {
    every_schedule(|| {
        let flights = flights();
        let Join::Lead(lead) = join(&flights, None, 0, 1, |_| true) else { panic!("nobody was there") };
        let Join::Wait(leaves) = join(&flights, None, 0, 2, |_| true) else { panic!("somebody leads") };
        let Join::Wait(stays) = join(&flights, None, 0, 3, |_| true) else { panic!("somebody leads") };
        let leaves = thread::spawn(move || {
            let mut landed = tokio_test::task::spawn(leaves.landed());
            let _told_or_not = landed.poll();
            yield_now();
        });
        let ends = thread::spawn(move || End::Value.come(lead));
        assert_eq!(block_on(stays.landed()), Some(1));
        leaves.join().unwrap();
        ends.join().unwrap();
    });
}

#[test]
fn who_is_told_how_a_flight_ended_does_not_meet_it_again() {
    every_schedule(|| {
        let flights = flights();
        let Join::Lead(lead) = join(&flights, None, 0, 1, |_| true) else { panic!("nobody was there") };
        let Join::Wait(wait) = join(&flights, None, 0, 2, |_| true) else { panic!("somebody leads") };
        let ends = thread::spawn(move || lead.end(1));
        assert_eq!(block_on(wait.landed()), Some(1));
        assert!(matches!(join(&flights, None, 0, 3, |_| true), Join::Lead(_)));
        ends.join().unwrap();
        assert_eq!(flights.len(), 0, "a seat is left");
    });
}

/// Readers of two variants, some of whom know what tells them apart, and an origin that says so at each head.
#[test]
fn at_no_time_there_are_two_flights_for_one_variant() {
    for end in End::ALL {
        many_schedules(move || {
            let flights = flights();
            let running = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
            let readers = [(0, None), (1, None), (1, Some(1)), (0, Some(0))].into_iter().zip(1..);
            let threads: Vec<_> = readers
                .map(|((value, mut known), number)| {
                    let (flights, running) = (Arc::clone(&flights), Arc::clone(&running));
                    thread::spawn(move || {
                        // Twice at most it meets a flight that comes to nothing for it.
                        for turn in 0..3 {
                            match join(&flights, known, value, number + 10 * turn, |_| true) {
                                Join::Lead(mut lead) => {
                                    let running = &running[value as usize];
                                    assert_eq!(running.fetch_add(1, SeqCst), 0, "two at a time");
                                    yield_now();
                                    if end != End::Value {
                                        running.fetch_sub(1, SeqCst);
                                        return end.come(lead);
                                    }
                                    lead.turns_out(Some(value));
                                    lead.publish(u64::from(value));
                                    yield_now();
                                    running.fetch_sub(1, SeqCst);
                                    return lead.end(u64::from(value));
                                }
                                Join::Wait(wait) => match block_on(wait.landed()) {
                                    Some(landed) if landed == u64::from(value) => return,
                                    Some(_) => known = Some(value),
                                    None => {}
                                },
                            }
                        }
                    })
                })
                .collect();
            threads.into_iter().for_each(|thread| thread.join().unwrap());
            assert_eq!(flights.len(), 0, "a seat is left");
        });
    }
}

#[test]
fn a_flight_can_always_be_found_while_it_learns_what_it_is_for() {
    every_schedule(|| {
        let flights = flights();
        let Join::Lead(mut lead) = join(&flights, None, 1, 1, |_| true) else { panic!("nobody was there") };
        let learns = thread::spawn(move || {
            lead.turns_out(Some(1));
            lead
        });
        for known in [None, Some(1)] {
            let found = join(&flights, known, 1, 2, |number| number == 1);
            assert!(matches!(found, Join::Wait(_)), "{known:?}");
        }
        drop(learns.join().unwrap());
        assert_eq!(flights.len(), 0, "a seat is left");
    });
}
