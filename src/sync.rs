//! The locks and atomics of what is model-checked: the standard library's, or in the models (`--cfg shuttle`) the checker's
//! own, which run one thread at a time and choose who is next.

#[cfg(not(all(test, shuttle)))]
pub(crate) use std::sync::{Mutex, MutexGuard, atomic};

#[cfg(all(test, shuttle))]
pub(crate) use shuttle::sync::{Mutex, MutexGuard, atomic};

#[cfg(all(test, shuttle))]
pub(crate) mod explore;
