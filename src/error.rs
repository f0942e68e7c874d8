//! Errors: of a configuration, of a body, and what a response says of a fetch that failed.

use std::{error::Error, fmt, sync::Arc};

use crate::event::Reason;

/// Any error, as bodies carry it.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// A configuration that cannot work: which field, which value, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    field: &'static str,
    value: String,
    problem: &'static str,
}

impl ConfigError {
    pub(crate) fn new(field: &'static str, value: impl fmt::Debug, problem: &'static str) -> Self {
        Self { field, value: format!("{value:?}"), problem }
    }

    /// The field, by the name of its setter.
    #[must_use]
    pub fn field(&self) -> &'static str {
        self.field
    }

    /// The value that was refused.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {}: {}", self.field, self.value, self.problem)
    }
}

impl Error for ConfigError {}

/// In the extensions of a response that the cache made up because there was nothing to give: a 502, 503 or 504 for a
/// request that waited for another one's fetch, whose fetch was refused, or that wanted none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheFailure {
    reason: Reason,
}

impl CacheFailure {
    pub(crate) fn new(reason: Reason) -> Self {
        Self { reason }
    }

    /// Why there was nothing to give.
    #[must_use]
    pub fn reason(&self) -> Reason {
        self.reason
    }
}

/// Why a body ended before its end, for a reader who shares it with others.
#[derive(Clone, Debug)]
pub struct BodyError {
    reason: Reason,
    source: Option<Arc<BoxError>>,
}

impl BodyError {
    pub(crate) fn new(reason: Reason) -> Self {
        Self { reason, source: None }
    }

    pub(crate) fn upstream(source: BoxError) -> Self {
        Self { reason: Reason::BodyError, source: Some(Arc::new(source)) }
    }

    pub(crate) fn reason(&self) -> Reason {
        self.reason
    }

    /// Whether the inner service's body ended with an error of its own, which is then this error's source.
    #[must_use]
    pub fn is_upstream(&self) -> bool {
        self.source.is_some()
    }

    /// Whether a time-out ended it: of the inner service's body, or of a reader who stood still for too long.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        self.reason == Reason::BodyTimeout
    }
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.reason {
            Reason::BodyMismatch => "body differs from its content-length",
            Reason::BodyTimeout => "body stood still for too long",
            Reason::Panic => "body panicked",
            Reason::Aborted => "body was given up",
            _ => "body failed",
        })
    }
}

impl Error for BodyError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| &**source as &(dyn Error + 'static))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_configuration_that_cannot_work_says_which_field_and_which_value() {
        let error = ConfigError::new("soft_ttl", Duration::ZERO, "has to be more than nothing");
        assert_eq!((error.field(), error.value()), ("soft_ttl", "0ns"));
        assert_eq!(error.to_string(), "soft_ttl = 0ns: has to be more than nothing");
    }

    #[test]
    fn a_body_says_why_it_ended() {
        let source = |error: &BodyError| error.source().map(ToString::to_string);
        for (reason, text, is_timeout) in [
            (Reason::BodyMismatch, "body differs from its content-length", false),
            (Reason::BodyTimeout, "body stood still for too long", true),
            (Reason::Panic, "body panicked", false),
            (Reason::Aborted, "body was given up", false),
            (Reason::NoRoom, "body failed", false),
        ] {
            let error = BodyError::new(reason);
            assert_eq!((error.to_string().as_str(), error.is_timeout()), (text, is_timeout), "{reason}");
            assert_eq!((error.is_upstream(), source(&error)), (false, None), "{reason}");
        }
        let error = BodyError::upstream("reset".into());
        assert_eq!((error.to_string().as_str(), error.is_timeout()), ("body failed", false));
        assert_eq!((error.is_upstream(), source(&error)), (true, Some("reset".to_owned())));
    }
}
