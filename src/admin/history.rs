//! The last five minutes of each route, for a line on the status page.

use serde::Serialize;

use crate::{event::Outcome, shared::Core, window};

/// The answer to `GET /health/history`.
#[derive(Debug, Serialize)]
pub(super) struct History {
    slot_seconds: u64,
    routes: Vec<RouteHistory>,
}

#[derive(Debug, Serialize)]
struct RouteHistory {
    route: String,
    /// The oldest first; the last one is still under way.
    slots: Vec<Counts>,
}

/// Of the requests of a slot, bypassed ones aside, how many there were, and how many were answered from memory.
#[derive(Debug, Serialize)]
struct Counts {
    requests: u64,
    from_memory: u64,
    fresh: u64,
}

impl History {
    pub(super) fn of(core: &Core) -> Self {
        let now = core.clock.now();
        let routes = core.routes();
        let history = routes.iter().map(|route| RouteHistory {
            route: route.name().to_owned(),
            slots: route.meter.slots(now).iter().map(Counts::of).collect(),
        });
        Self { slot_seconds: window::SLOT.as_secs(), routes: history.collect() }
    }
}

impl Counts {
    fn of(outcomes: &[u64; Outcome::ALL.len()]) -> Self {
        let of = |outcome: Outcome| outcomes.get(outcome as usize).copied().unwrap_or(0);
        let fresh = of(Outcome::Hit);
        Self {
            requests: outcomes.iter().sum::<u64>() - of(Outcome::Bypass),
            from_memory: fresh + of(Outcome::Stale) + of(Outcome::StaleError),
            fresh,
        }
    }
}
