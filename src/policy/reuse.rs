//! Whether a stored response may answer a request now (RFC 9111 §4).

use crate::clock::Tick;

/// The instants of a stored response, and what has happened to it since.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standing {
    pub(crate) soft_at: Tick,
    pub(crate) hard_at: Tick,
    pub(crate) error_at: Tick,
    pub(crate) keep_until: Tick,
    pub(crate) stale_allowed: bool,
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

/// What a stored response is good for at `now`.
pub(crate) fn reuse(of: &Standing, now: Tick) -> Reuse {
    if now < of.soft_at {
        Reuse::Fresh
    } else if of.stale_allowed && now < of.hard_at {
        Reuse::Stale
    } else if of.stale_allowed && now < of.error_at {
        if of.failed { Reuse::StaleError } else { Reuse::OnError }
    } else if now < of.keep_until {
        Reuse::Revalidate
    } else {
        Reuse::Gone
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_stored_response_passes_through_its_spans() {
        let start = Tick::from_raw(1 << 50);
        let at = |s| start.after(Duration::from_secs(s));
        let of = Standing {
            soft_at: at(10),
            hard_at: at(20),
            error_at: at(30),
            keep_until: at(40),
            stale_allowed: true,
            failed: false,
        };
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
}
