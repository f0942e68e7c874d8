//! The breakers of a cache, by name.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{Breaker, OnTransition, Settings};

/// A function of the request may name them, so their number is bounded.
const MAX_BREAKERS: usize = 64;
/// The one that all further names share.
const OTHER: &str = "other";

/// Makes a breaker's observer.
pub(crate) type Observe = Box<dyn Fn() -> OnTransition + Send + Sync>;

/// All breakers of a cache.
pub(crate) struct Breakers {
    by_name: Mutex<BTreeMap<Box<str>, Arc<Breaker>>>,
    observe: Observe,
}

impl Breakers {
    pub(crate) fn new(observe: Observe) -> Self {
        Self { by_name: Mutex::default(), observe }
    }

    /// The breaker of this name, made by these settings if there is none yet. Beyond 64 names all share one.
    pub(crate) fn named(&self, name: &str, settings: Settings) -> Arc<Breaker> {
        let mut by_name = self.lock();
        if let Some(breaker) = by_name.get(name) {
            return Arc::clone(breaker);
        }
        let name = if by_name.len() < MAX_BREAKERS - 1 { name } else { OTHER };
        let made = || Breaker::new(name, settings, (self.observe)());
        Arc::clone(by_name.entry(name.into()).or_insert_with(made))
    }

    /// The breaker of this name, if there is one.
    pub(crate) fn get(&self, name: &str) -> Option<Arc<Breaker>> {
        self.lock().get(name).cloned()
    }

    /// All of them, by name.
    pub(crate) fn all(&self) -> Vec<Arc<Breaker>> {
        self.lock().values().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Box<str>, Arc<Breaker>>> {
        self.by_name.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Breakers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.all()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn names_are_bounded_and_the_rest_share_one() {
        let breakers = Breakers::new(Box::new(|| Box::new(|_, _, _| ())));
        let settings = Settings { failures: 5, cooldown: Duration::from_secs(30) };
        for n in 0..1000 {
            breakers.named(&format!("upstream-{n}"), settings);
        }
        assert_eq!(breakers.all().len(), MAX_BREAKERS);
        let (one, two) = (breakers.named("upstream-998", settings), breakers.named("upstream-999", settings));
        assert!(Arc::ptr_eq(&one, &two));
        assert!(Arc::ptr_eq(
            &breakers.named("upstream-0", settings),
            &breakers.named("upstream-0", settings)
        ));
        assert!(breakers.get("upstream-1").is_some() && breakers.get("upstream-999").is_none());
        assert!(format!("{breakers:?}").contains("upstream-1"));
    }
}
