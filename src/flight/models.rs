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

fn flights() -> Arc<Flights<&'static str, u64>> {
    Arc::new(Flights::new())
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

    fn come(self, lead: Lead<&'static str, u64>) {
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
                        let place = flights.join(&KEY, number, |_| true);
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
            let Join::Lead(lead) = flights.join(&KEY, 1, |_| true) else { panic!("nobody was there") };
            let seats = Arc::clone(&flights);
            let other = thread::spawn(move || match seats.join(&KEY, 2, |_| true) {
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
            let Join::Lead(first) = flights.join(&KEY, 1, |_| true) else { panic!("nobody was there") };
            let ends = thread::spawn(move || end.come(first));
            let refuses = |number| number > 1;
            let Join::Lead(second) = flights.join(&KEY, 2, refuses) else { panic!("joined the first") };
            let Join::Wait(wait) = flights.join(&KEY, 3, refuses) else { panic!("the second is there") };
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
        let Join::Lead(lead) = flights.join(&KEY, 1, |_| true) else { panic!("nobody was there") };
        let Join::Wait(leaves) = flights.join(&KEY, 2, |_| true) else { panic!("somebody leads") };
        let Join::Wait(stays) = flights.join(&KEY, 3, |_| true) else { panic!("somebody leads") };
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
