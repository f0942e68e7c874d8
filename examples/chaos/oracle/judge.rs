//! Whether an answer is one to what was asked.

use std::ops::Range;
use std::time::Duration;

use http::{HeaderMap, Method, StatusCode, header, request};

use super::facts::{FACTS, Facts, Subject};
use super::ledger::{Barrier, Oracle};

/// How old an answer may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Fresh until here.
    pub(crate) soft: Duration,
    /// Stale until here.
    pub(crate) hard: Duration,
    /// After a failure until here.
    pub(crate) error: Duration,
    /// Whether the cache may see failures that the origin does not, as when a breaker refuses a call.
    pub(crate) unseen_failures: bool,
}

impl Limits {
    /// A route with these TTLs and without a breaker, for answers that say nothing themselves.
    pub(crate) fn of_route(soft: Duration, hard: Duration) -> Self {
        Self { soft, hard, error: hard + hard / 2, unseen_failures: false }
    }

    /// For those who look at the clock late.
    pub(crate) fn later_by(self, span: Duration) -> Self {
        let Self { soft, hard, error, unseen_failures } = self;
        Self { soft: soft + span, hard: hard + span, error: error + span, unseen_failures }
    }
}

/// What a client got.
#[derive(Debug)]
pub(crate) struct Answer<'a> {
    pub(crate) status: StatusCode,
    pub(crate) headers: &'a HeaderMap,
    /// As much of the body as came.
    pub(crate) body: &'a [u8],
    pub(crate) end: End,
}

/// How a body ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// As if it were whole.
    Clean,
    /// By an error, or because the client left.
    Broken,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Wrong,
    Foreign,
    OverAge,
    CutShort,
}

/// What a client asked, and when.
#[derive(Debug)]
pub(crate) struct Question {
    oracle: Oracle,
    subject: Subject,
    head: bool,
    range: bool,
    /// What had been purged when it asked.
    purged: Barrier,
    /// How many calls there had been.
    calls: u64,
    /// When the head of its answer came.
    answered: Option<Duration>,
}

impl Question {
    pub(super) fn new(
        oracle: Oracle,
        parts: &request::Parts,
        subject: Subject,
        purged: Barrier,
        calls: u64,
    ) -> Self {
        let head = parts.method == Method::HEAD;
        let range = parts.headers.contains_key(header::RANGE);
        Self { oracle, subject, head, range, purged, calls, answered: None }
    }

    /// The head of the answer is there.
    pub(crate) fn answered(&mut self) {
        self.answered = Some(self.oracle.now());
    }

    /// Counts what is wrong with the answer, if anything is.
    pub(crate) fn judge(&self, limits: &Limits, answer: &Answer<'_>) {
        let fault = self.fault(limits, answer).err().map(|fault| {
            let status = status(answer.headers);
            let facts = answer.headers.get(FACTS);
            let Self { subject, head, range, purged, calls, answered, .. } = self;
            let asked = format!("{subject:?} head={head} range={range} after {calls} calls and {purged:?}");
            (fault, format!("{asked}, at {answered:?}: {} {status:?} {facts:?}", answer.status))
        });
        self.oracle.count(fault);
    }

    fn fault(&self, limits: &Limits, answer: &Answer<'_>) -> Result<(), Fault> {
        let Some(facts) = Facts::of(answer.headers) else {
            // The cache's own word; or one about a stored answer, without a body.
            let own = !answer.status.is_success() && !answer.headers.contains_key(FACTS);
            return if own { Ok(()) } else { Err(Fault::Wrong) };
        };
        let Facts { subject, .. } = &facts;
        if subject.user != self.subject.user {
            return Err(Fault::Foreign);
        }
        if *subject != self.subject {
            return Err(Fault::Wrong);
        }
        self.check_body(&facts, answer)?;
        self.check_age(&facts, limits, answer.headers)
    }

    fn check_body(&self, facts: &Facts, answer: &Answer<'_>) -> Result<(), Fault> {
        if self.head || answer.status == StatusCode::NOT_MODIFIED {
            return if answer.body.is_empty() { Ok(()) } else { Err(Fault::Wrong) };
        }
        let whole = facts.body();
        let expected = match answer.status {
            StatusCode::PARTIAL_CONTENT => {
                let part = part(answer.headers, facts.len).filter(|_| self.range);
                &whole[part.ok_or(Fault::Wrong)?]
            }
            StatusCode::RANGE_NOT_SATISFIABLE => return Ok(()),
            _ => &whole[..],
        };
        match (expected.starts_with(answer.body), answer.end) {
            (false, _) => Err(Fault::Wrong),
            (true, End::Clean) if answer.body.len() < expected.len() => {
                // What is passed on as it came is as short as it came; by its promise the client sees that.
                let kept = ["hit", "stored", "collapsed"].iter().any(|what| says(answer.headers, what));
                let promised =
                    answer.headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
                let seen = promised.is_some_and(|length| length.parse() == Ok(expected.len()));
                if kept || !seen { Err(Fault::CutShort) } else { Ok(()) }
            }
            (true, _) => Ok(()),
        }
    }

    fn check_age(&self, facts: &Facts, limits: &Limits, headers: &HeaderMap) -> Result<(), Fault> {
        let (vouched, vouched_by) = self.oracle.vouched(facts);
        let answered = self.answered.unwrap_or_else(|| self.oracle.now());
        let age = answered.saturating_sub(vouched);
        let says = |what| says(headers, what);
        let fresh = says("hit") && !says("detail=stale") && !says("detail=stale_error");
        let may_be = match () {
            () if fresh => limits.soft,
            () if says("detail=stale_error") => {
                let failed = limits.unseen_failures || self.oracle.failed_since(&self.subject, vouched);
                if failed { limits.error } else { limits.hard }
            }
            () => limits.hard,
        };
        let purged = facts.version <= self.purged.hard || (fresh && vouched_by <= self.purged.soft);
        // Who is told that the call was its own has to have the answer to it.
        let not_its_own = says("stored") && !says("collapsed") && facts.version <= self.calls;
        if age > may_be || purged || not_its_own { Err(Fault::OverAge) } else { Ok(()) }
    }
}

fn status(headers: &HeaderMap) -> &str {
    headers.get("cache-status").and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn says(headers: &HeaderMap, what: &str) -> bool {
    status(headers).split(';').any(|part| part.trim() == what)
}

/// The bytes that a partial answer says it is.
fn part(headers: &HeaderMap, len: usize) -> Option<Range<usize>> {
    let says = headers.get(header::CONTENT_RANGE)?.to_str().ok()?.strip_prefix("bytes ")?;
    let (range, total) = says.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last) = (first.parse::<usize>().ok()?, last.parse::<usize>().ok()?);
    (total.parse() == Ok(len) && first <= last && last < len).then_some(first..last + 1)
}
