//! Functions of the caller's that are told of something.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
};

type Function<T> = Box<dyn Fn(&T) + Send + Sync>;

/// A function that is told of a `T`, or none.
pub(crate) struct Hook<T>(Option<Function<T>>);

impl<T> Hook<T> {
    pub(crate) fn new(function: impl Fn(&T) + Send + Sync + 'static) -> Self {
        Self(Some(Box::new(function)))
    }

    /// Tells it. What is told has happened already, so nothing of ours ends where it panics.
    pub(crate) fn tell(&self, value: &T) {
        if let Some(function) = &self.0 {
            drop(catch_unwind(AssertUnwindSafe(|| function(value))));
        }
    }
}

impl<T> Default for Hook<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> fmt::Debug for Hook<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Hook").field(&self.0.is_some()).finish()
    }
}
