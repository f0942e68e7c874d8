//! Whether a stored response may answer a request now (RFC 9111 §4).

use std::time::Duration;

use super::cache_control::RequestDirectives;
use crate::{clock::Tick, event::Outcome};

/// The instants of a stored response, and what has happened to it since.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standing {
    pub(crate) soft_at: Tick,
    pub(crate) hard_at: Tick,
    pub(crate) error_at: Tick,
    pub(crate) keep_until: Tick,
    pub(crate) stale_allowed: bool,
    /// Whether it may be served stale whatever its limits are, by an operator's word.
    pub(crate) emergency: bool,
    pub(crate) immutable: bool,
    /// Whether a fetch to replace it has failed.
    pub(crate) failed: bool,
}

/// What a stored response is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reuse {
    /// It answers.
    Fresh,
    /// It answers, and is to be refreshed.
    Stale,
    /// It answers because the fetch to replace it failed, and is to be refreshed.
    StaleError,
    /// It does not answer unless a fetch fails first.
    OnError,
    /// It does not answer; it can be revalidated.
    Revalidate,
    /// It is over.
    Gone,
}

impl Reuse {
    /// What an answer from it is, if it gives one at once.
    #[inline]
    pub(crate) const fn outcome(self) -> Option<Outcome> {
        match self {
            Self::Fresh => Some(Outcome::Hit),
            Self::Stale => Some(Outcome::Stale),
            Self::StaleError => Some(Outcome::StaleError),
            Self::OnError | Self::Revalidate | Self::Gone => None,
        }
    }
}

/// What a stored response is good for at `now`.
#[inline]
pub(crate) fn reuse(of: &Standing, now: Tick) -> Reuse {
    if now < of.soft_at {
        Reuse::Fresh
    } else if of.emergency || (of.stale_allowed && now < of.hard_at) {
        Reuse::Stale
    } else if of.stale_allowed && now < of.error_at {
        if of.failed { Reuse::StaleError } else { Reuse::OnError }
    } else if now < of.keep_until {
        Reuse::Revalidate
    } else {
        Reuse::Gone
    }
}

/// What it is good for, `age` old, to a request that says this (RFC 9111 §5.2.1).
///
/// What the request does not want is revalidated, and does not stand in for a fetch that fails. `max-stale` lets a
/// response serve past its hard limit without one, but never past the limit for failures, and never what must not be
/// served stale.
pub(crate) fn reuse_as_asked(asked: &RequestDirectives, of: &Standing, age: Duration, now: Tick) -> Reuse {
    let reuse = reuse(of, now);
    let fresh = match reuse {
        Reuse::Fresh => true,
        Reuse::Stale | Reuse::StaleError | Reuse::OnError => false,
        Reuse::Revalidate | Reuse::Gone => return reuse,
    };
    // A response's age is zero for a moment, and `max-age=0` is meant to ask. It is what a browser says to reload, which is
    // no reason to ask about what does not change (RFC 8246 §2); `no-cache` is.
    let too_old = asked.max_age.is_some_and(|most| match most.is_zero() {
        true => !(fresh && of.immutable),
        false => age > most,
    });
    let too_near = asked.min_fresh.is_some_and(|least| !fresh || of.soft_at.since(now) < least);
    let too_stale = !fresh
        && match asked.max_stale {
            Some(most) => most.is_some_and(|most| now.since(of.soft_at) > most),
            // §5.2.1.1: who names an age does not want it stale.
            None => asked.max_age.is_some(),
        };
    if asked.no_cache || too_old || too_near || too_stale {
        Reuse::Revalidate
    } else if reuse == Reuse::OnError && asked.max_stale.is_some() {
        Reuse::Stale
    } else {
        reuse
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, header};

    use super::*;

    /// Seconds after the start.
    fn at(seconds: u64) -> Tick {
        Tick::from_raw(1 << 50).after(Duration::from_secs(seconds))
    }

    /// Limits at 10, 20, 30 and 40 seconds.
    fn standing() -> Standing {
        Standing {
            soft_at: at(10),
            hard_at: at(20),
            error_at: at(30),
            keep_until: at(40),
            stale_allowed: true,
            emergency: false,
            immutable: false,
            failed: false,
        }
    }

    #[test]
    fn a_stored_response_passes_through_its_spans() {
        let of = standing();
        let failed = Standing { failed: true, ..of };
        let strict = Standing { stale_allowed: false, ..failed };
        for (second, expected, after_failure, without_stale) in [
            (0, Reuse::Fresh, Reuse::Fresh, Reuse::Fresh),
            (9, Reuse::Fresh, Reuse::Fresh, Reuse::Fresh),
            (10, Reuse::Stale, Reuse::Stale, Reuse::Revalidate),
            (19, Reuse::Stale, Reuse::Stale, Reuse::Revalidate),
            (20, Reuse::OnError, Reuse::StaleError, Reuse::Revalidate),
            (29, Reuse::OnError, Reuse::StaleError, Reuse::Revalidate),
            (30, Reuse::Revalidate, Reuse::Revalidate, Reuse::Revalidate),
            (40, Reuse::Gone, Reuse::Gone, Reuse::Gone),
        ] {
            assert_eq!(reuse(&of, at(second)), expected, "at {second}");
            assert_eq!(reuse(&failed, at(second)), after_failure, "at {second}, failed");
            assert_eq!(reuse(&strict, at(second)), without_stale, "at {second}, no stale");
        }
    }

    fn asked(line: &'static str) -> RequestDirectives {
        let line = HeaderValue::from_static(line);
        RequestDirectives::from_headers(&HeaderMap::from_iter([(header::CACHE_CONTROL, line)]))
    }

    /// What it is good for at 4, 9, 10, 15, 20, 25, 30 and 40 seconds, a letter each.
    fn spans(line: &'static str, of: &Standing) -> String {
        let asked = asked(line);
        let letter = |second| match reuse_as_asked(&asked, of, at(second).since(at(0)), at(second)) {
            Reuse::Fresh => 'F',
            Reuse::Stale => 'S',
            Reuse::StaleError => 'E',
            Reuse::OnError => 'O',
            Reuse::Revalidate => '-',
            Reuse::Gone => ' ',
        };
        [4, 9, 10, 15, 20, 25, 30, 40].map(letter).into_iter().collect()
    }

    #[test]
    fn a_request_may_want_more_of_a_response_or_be_content_with_less() {
        for (line, expected, after_failure, without_stale) in [
            ("no-store, only-if-cached, foo", "FFSSOO- ", "FFSSEE- ", "FF----- "),
            ("no-cache", "------- ", "------- ", "------- "),
            ("no-cache, max-stale", "------- ", "------- ", "------- "),
            ("max-age=0", "------- ", "------- ", "------- "),
            ("max-age=4", "F------ ", "F------ ", "F------ "),
            ("max-age=60", "FF----- ", "FF----- ", "FF----- "),
            ("min-fresh=1", "FF----- ", "FF----- ", "FF----- "),
            ("min-fresh=2", "F------ ", "F------ ", "F------ "),
            ("min-fresh=0, max-stale", "FF----- ", "FF----- ", "FF----- "),
            ("max-stale", "FFSSSS- ", "FFSSEE- ", "FF----- "),
            ("max-stale=15", "FFSSSS- ", "FFSSEE- ", "FF----- "),
            ("max-stale=5", "FFSS--- ", "FFSS--- ", "FF----- "),
            ("max-stale=0", "FFS---- ", "FFS---- ", "FF----- "),
            ("max-stale, max-age=12", "FFS---- ", "FFS---- ", "FF----- "),
        ] {
            let of = standing();
            let failed = Standing { failed: true, ..of };
            let strict = Standing { stale_allowed: false, ..failed };
            assert_eq!(spans(line, &of), expected, "{line}");
            assert_eq!(spans(line, &failed), after_failure, "{line}, failed");
            assert_eq!(spans(line, &strict), without_stale, "{line}, no stale");
        }
    }

    #[test]
    fn in_an_emergency_a_response_is_stale_however_old_it_is() {
        let of = Standing { emergency: true, ..standing() };
        for (second, expected) in
            [(9, Reuse::Fresh), (10, Reuse::Stale), (35, Reuse::Stale), (99, Reuse::Stale)]
        {
            assert_eq!(reuse(&of, at(second)), expected, "at {second}");
        }
        for (line, expected) in
            [("no-cache", "--------"), ("max-age=60", "FF------"), ("max-stale", "FFSSSSSS")]
        {
            assert_eq!(spans(line, &of), expected, "{line}");
        }
    }

    #[test]
    fn a_reload_asks_nothing_about_what_does_not_change() {
        let of = Standing { immutable: true, ..standing() };
        for (line, expected) in [
            ("max-age=0", "FF----- "),
            ("max-age=4", "F------ "),
            ("no-cache", "------- "),
            ("max-age=0, no-cache", "------- "),
        ] {
            assert_eq!(spans(line, &of), expected, "{line}");
        }
    }

    #[test]
    fn max_age_is_about_the_age_that_a_response_has_had_elsewhere_too() {
        for (line, age, expected) in [
            ("max-age=5", 5, Reuse::Fresh),
            ("max-age=5", 6, Reuse::Revalidate),
            ("max-age=0", 0, Reuse::Revalidate),
        ] {
            let reuse = reuse_as_asked(&asked(line), &standing(), Duration::from_secs(age), at(1));
            assert_eq!(reuse, expected, "{line} at the age of {age}");
        }
    }
}
