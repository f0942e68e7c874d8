//! What the cache says of itself.

mod events;

pub(crate) use events::{
    LogGates, breaker_transition, extension, fetch_panicked, fetch_span, refresh_failure, refresh_success,
};
