//! What has happened at the origin, in order.
#![allow(clippy::disallowed_methods, reason = "who judges ages looks at the clock")]

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{Method, request};
use tokio::time::Instant;

use super::facts::{Facts, Subject};
use super::judge::{Fault, Question};

/// The memory of an origin. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Oracle {
    began: Instant,
    ledger: Arc<Mutex<Ledger>>,
}

#[derive(Debug, Default)]
struct Ledger {
    /// Calls are numbered from 1 on.
    calls: u64,
    /// The newest whole answer to each subject.
    newest: HashMap<Subject, u64>,
    /// When an answer was last confirmed, and by which call, by its number.
    confirmed: HashMap<u64, (Duration, u64)>,
    /// When a call for a subject last failed.
    failed: HashMap<Subject, Duration>,
    purged: HashMap<Scope, Barrier>,
    /// The calls under way that others may share, from their beginning to the end of their bodies.
    running: HashMap<Subject, Vec<u64>>,
    counts: Counts,
    /// The first of each kind, in words.
    faults: BTreeMap<&'static str, String>,
}

/// What is purged together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Scope {
    All,
    Host(String),
    Tag(String),
    /// A host and a target.
    Url(String, String),
}

/// The newest calls that purges have passed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Barrier {
    pub(super) hard: u64,
    pub(super) soft: u64,
}

/// How many answers were judged, and what was wrong with them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) judged: u64,
    /// The answer to another request.
    pub(crate) wrong: u64,
    /// Another user's.
    pub(crate) foreign: u64,
    /// Older than it may be, or purged.
    pub(crate) over_age: u64,
    /// Ended as if it were whole, before its end.
    pub(crate) cut_short: u64,
    /// Calls that began while another one for the same was under way.
    pub(crate) doubled: u64,
}

/// So many confirmations are kept, and those that are no older than this, in any case: longer than a campaign's answers
/// serve after one.
const MAX_CONFIRMED: usize = 5_000;
const FORGOTTEN: Duration = Duration::from_secs(60);

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { judged, wrong, foreign, over_age, cut_short, doubled } = self;
        write!(
            f,
            "{judged} judged: {wrong} wrong, {foreign} foreign, {over_age} over age, {cut_short} cut short; {doubled} calls doubled"
        )
    }
}

impl fmt::Debug for Oracle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Oracle").field("counts", &self.counts()).finish_non_exhaustive()
    }
}

impl Oracle {
    /// Begins now.
    pub(crate) fn new() -> Self {
        Self { began: Instant::now(), ledger: Arc::default() }
    }

    pub(crate) fn counts(&self) -> Counts {
        self.ledger().counts
    }

    /// What was wrong, in words: the first of each kind.
    pub(crate) fn faults(&self) -> Vec<String> {
        let ledger = self.ledger();
        ledger.faults.iter().map(|(kind, what)| format!("{kind}: {what}")).collect()
    }

    /// The origin is called. `shared` says that nobody else should be calling for the same.
    pub(crate) fn called(&self, subject: Subject, shared: bool) -> Call {
        let mut ledger = self.ledger();
        ledger.calls += 1;
        let number = ledger.calls;
        if shared {
            let barrier = ledger.barrier(&subject).hard;
            let others = ledger.running.entry(subject.clone()).or_default();
            let beside = others.iter().copied().find(|other| *other > barrier);
            others.push(number);
            if let Some(other) = beside {
                ledger.counts.doubled += 1;
                ledger.note("doubled", || format!("call {number} beside {other} for {subject:?}"));
            }
        }
        drop(ledger);
        Call { oracle: self.clone(), subject, number, shared, failed: true }
    }

    /// A client asks.
    pub(crate) fn ask(&self, parts: &request::Parts) -> Question {
        let subject = Subject { method: asked_for(&parts.method), ..Subject::of(parts) };
        let ledger = self.ledger();
        let (barrier, calls) = (ledger.barrier(&subject), ledger.calls);
        drop(ledger);
        Question::new(self.clone(), parts, subject, barrier, calls)
    }

    /// What a purge that is carried out now has to pass.
    pub(crate) fn newest_call(&self) -> u64 {
        self.ledger().calls
    }

    /// A purge of all calls up to this one has been carried out: who asks from now on must not see them; or, if it was
    /// soft, not as fresh.
    pub(crate) fn purged(&self, scope: Scope, soft: bool, up_to: u64) {
        let mut ledger = self.ledger();
        let barrier = ledger.purged.entry(scope).or_default();
        let newest = if soft { &mut barrier.soft } else { &mut barrier.hard };
        *newest = up_to.max(*newest);
    }

    /// The time since the beginning.
    pub(crate) fn now(&self) -> Duration {
        self.began.elapsed()
    }

    /// When the origin last stood by an answer, and by which call.
    pub(super) fn vouched(&self, facts: &Facts) -> (Duration, u64) {
        let confirmed = self.ledger().confirmed.get(&facts.version).copied();
        confirmed.unwrap_or((facts.born, facts.version))
    }

    /// Whether a call for this has failed since then.
    pub(super) fn failed_since(&self, subject: &Subject, then: Duration) -> bool {
        self.ledger().failed.get(subject).is_some_and(|failed| *failed >= then)
    }

    pub(super) fn count(&self, fault: Option<(Fault, String)>) {
        let mut ledger = self.ledger();
        ledger.counts.judged += 1;
        let Some((fault, what)) = fault else { return };
        let (kind, count) = match fault {
            Fault::Wrong => ("wrong", &mut ledger.counts.wrong),
            Fault::Foreign => ("foreign", &mut ledger.counts.foreign),
            Fault::OverAge => ("over age", &mut ledger.counts.over_age),
            Fault::CutShort => ("cut short", &mut ledger.counts.cut_short),
        };
        *count += 1;
        ledger.note(kind, || what);
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ledger {
    fn barrier(&self, subject: &Subject) -> Barrier {
        let scopes = [
            Scope::All,
            Scope::Host(subject.host.clone()),
            Scope::Tag(subject.tag().to_owned()),
            Scope::Url(subject.host.clone(), subject.target.clone()),
        ];
        let purged = scopes.iter().filter_map(|scope| self.purged.get(scope));
        purged.fold(Barrier::default(), |all, one| Barrier {
            hard: all.hard.max(one.hard),
            soft: all.soft.max(one.soft),
        })
    }

    fn note(&mut self, kind: &'static str, what: impl FnOnce() -> String) {
        self.faults.entry(kind).or_insert_with(what);
    }
}

/// A HEAD is answered as a GET is, without the body.
fn asked_for(method: &Method) -> Method {
    if *method == Method::HEAD { Method::GET } else { method.clone() }
}

/// A call of the origin, until its answer is out. One that is dropped before [`done`](Self::done) has failed.
#[derive(Debug)]
pub(crate) struct Call {
    oracle: Oracle,
    subject: Subject,
    number: u64,
    shared: bool,
    failed: bool,
}

impl Call {
    /// The answer is made now.
    pub(crate) fn facts(&self, len: usize) -> Facts {
        let subject = Subject { method: asked_for(&self.subject.method), ..self.subject.clone() };
        Facts::new(subject, self.number, self.oracle.now(), len)
    }

    /// Whether `version` is the newest whole answer to this; if so, the origin stands by it.
    pub(crate) fn confirms(&self, version: u64) -> bool {
        let now = self.oracle.now();
        let mut ledger = self.oracle.ledger();
        let newest = ledger.newest.get(&self.subject) == Some(&version);
        if newest {
            ledger.confirmed.insert(version, (now, self.number));
            if ledger.confirmed.len() > MAX_CONFIRMED {
                ledger.confirmed.retain(|_, (then, _)| now.saturating_sub(*then) < FORGOTTEN);
            }
        }
        newest
    }

    /// All of the answer is out.
    pub(crate) fn done(&mut self) {
        self.failed = false;
        self.oracle.ledger().newest.insert(self.subject.clone(), self.number);
    }

    /// There is no body to wait for, and nothing new.
    pub(crate) fn confirmed(mut self) {
        self.failed = false;
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let now = self.oracle.now();
        let mut ledger = self.oracle.ledger();
        if self.failed {
            ledger.failed.insert(self.subject.clone(), now);
        }
        if self.shared {
            if let Some(running) = ledger.running.get_mut(&self.subject) {
                running.retain(|number| *number != self.number);
            }
        }
    }
}
