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

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[test]
    fn a_function_is_told_each_time_though_it_panics() {
        let told = Arc::new(Mutex::new(Vec::new()));
        let list = Arc::clone(&told);
        let hook = Hook::new(move |number: &u32| {
            list.lock().expect("whole").push(*number);
            panic!("as it was told");
        });
        hook.tell(&1);
        hook.tell(&2);
        Hook::default().tell(&3);
        assert_eq!(*told.lock().expect("whole"), [1, 2]);
        assert_eq!(format!("{hook:?} {:?}", Hook::<u32>::default()), "Hook(true) Hook(false)");
    }
}
