//! What is asked for, and when.

pub(crate) mod trace;
pub(crate) mod zipf;

use std::collections::HashSet;
use std::time::Duration;

use http::{Method, StatusCode, Uri};

/// What the origin has under one target.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    pub(crate) target: Uri,
    pub(crate) status: StatusCode,
    pub(crate) size: u64,
}

/// One request.
#[derive(Debug)]
pub(crate) struct Ask {
    /// Since the beginning.
    pub(crate) at: Duration,
    pub(crate) method: Method,
    /// The index of the page it asks for.
    pub(crate) page: usize,
    pub(crate) condition: Condition,
}

/// What the client asked for beside the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Condition {
    None,
    /// It has the page already, by its validator.
    IfNoneMatch,
    /// So many bytes from the start.
    Range(u64),
}

#[derive(Debug)]
pub(crate) struct Workload {
    /// What it is, in a line.
    pub(crate) title: String,
    pub(crate) pages: Vec<Page>,
    /// In the order of time.
    pub(crate) asks: Vec<Ask>,
}

impl Workload {
    /// From the first request to the last.
    pub(crate) fn span(&self) -> Duration {
        self.asks.last().map_or(Duration::ZERO, |ask| ask.at)
    }

    /// Which part of `repeats` rounds repeats an earlier GET target: more than that no cache can answer unasked.
    pub(crate) fn ceiling(&self, repeats: u32) -> f64 {
        let gets = || self.asks.iter().filter(|ask| ask.method == Method::GET);
        let distinct = gets().map(|ask| ask.page).collect::<HashSet<_>>().len();
        let rounds = f64::from(repeats);
        (gets().count() as f64 * rounds - distinct as f64) / (self.asks.len().max(1) as f64 * rounds)
    }
}
