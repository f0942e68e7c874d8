//! What those who find the same entry stale do to each other.

use shuttle::thread::{self, yield_now};

use super::*;
use crate::{
    entry::{Origin, RouteMark, Target},
    policy::vary::Selecting,
    sync::{
        atomic::{AtomicUsize, Ordering::SeqCst},
        explore::{every_schedule, many_schedules},
    },
    tag::Tags,
};

const NOW: Tick = Tick::from_raw(1 << 50);
const PAUSE: Duration = Duration::from_secs(5);

fn entry() -> Arc<Entry> {
    let route = Arc::new(RouteMark::new("route", &[]));
    let target = Target::new("example.com", "/");
    let origin = Origin { number: 1, route, target, tags: Tags::default(), groups: Tags::default() };
    Entry::fixture(origin, Selecting::default(), 1, NOW)
}

/// How a refresh ends.
#[derive(Clone, Copy, Debug)]
enum End {
    Dropped,
    Failed,
    Postponed,
}

impl End {
    fn come(self, entry: &Entry, claim: Claim) {
        match self {
            Self::Dropped => drop(claim),
            Self::Failed => {
                entry.refresh.fail(NOW, Some(PAUSE));
                drop(claim);
            }
            Self::Postponed => {
                entry.refresh.postpone(NOW);
                drop(claim);
            }
        }
    }
}

#[test]
fn a_claim_has_one_holder_and_is_free_again_after_it() {
    for end in [End::Dropped, End::Failed, End::Postponed] {
        many_schedules(move || {
            let entry = entry();
            let holders = Arc::new(AtomicUsize::new(0));
            let threads: Vec<_> = (0..3)
                .map(|_| {
                    let (entry, holders) = (Arc::clone(&entry), Arc::clone(&holders));
                    thread::spawn(move || {
                        let Some(claim) = Claim::take(&entry, NOW) else { return 0 };
                        assert_eq!(holders.fetch_add(1, SeqCst), 0, "two refresh at a time");
                        yield_now();
                        holders.fetch_sub(1, SeqCst);
                        end.come(&entry, claim);
                        1
                    })
                })
                .collect();
            let taken: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
            match end {
                End::Dropped => assert!(taken >= 1 && Claim::take(&entry, NOW).is_some()),
                End::Failed | End::Postponed => {
                    assert_eq!(taken, 1, "{end:?}: it pauses");
                    assert!(Claim::take(&entry, NOW).is_none());
                }
            }
            assert!(Claim::take(&entry, NOW.after(PAUSE)).is_some());
        });
    }
}

#[test]
fn a_pause_that_another_fetch_brings_about_neither_ends_a_claim_nor_ends_with_it() {
    for end in [End::Dropped, End::Failed] {
        every_schedule(move || {
            let entry = entry();
            let failing = Arc::clone(&entry);
            // A request that shares with nobody has a fetch of its own.
            let alone = thread::spawn(move || failing.refresh.fail(NOW, Some(PAUSE)));
            if let Some(claim) = Claim::take(&entry, NOW) {
                yield_now();
                assert!(Claim::take(&entry, NOW.after(PAUSE)).is_none(), "held");
                end.come(&entry, claim);
            }
            alone.join().unwrap();
            assert!(Claim::take(&entry, NOW).is_none(), "pausing");
            assert!(Claim::take(&entry, NOW.after(PAUSE)).is_some());
        });
    }
}
