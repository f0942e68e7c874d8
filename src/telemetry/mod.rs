//! What the cache says of itself.

mod events;

pub(crate) use events::{LogGates, extension, fetch_panicked, fetch_span, refresh_failure, refresh_success};
