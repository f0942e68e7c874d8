//! Who may change something.

use std::{fmt, sync::Arc};

use http::{HeaderMap, header};
use subtle::ConstantTimeEq;

use crate::error::ConfigError;

/// The secret that mutating calls have to know.
#[derive(Clone)]
pub(super) struct Token(Arc<[u8]>);

impl Token {
    pub(super) fn new(token: &str) -> Result<Self, ConfigError> {
        // The value stays out of the error: it may be a secret with a typing error.
        let wrong = |problem| Err(ConfigError::new("token", "…", problem));
        if token.is_empty() {
            return wrong("is empty");
        }
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return wrong("has characters that a header does not take: only visible ASCII, no spaces");
        }
        Ok(Self(token.as_bytes().into()))
    }

    /// Whether a request has it, as `Authorization: Bearer …` (RFC 6750 §2.1). How long that takes says nothing of where
    /// a wrong one differs; only its length is no secret.
    pub(super) fn admits(&self, headers: &HeaderMap) -> bool {
        let mut fields = headers.get_all(header::AUTHORIZATION).iter();
        let (Some(field), None) = (fields.next(), fields.next()) else { return false };
        let field = field.as_bytes();
        let (scheme, token) =
            field.split_at(field.iter().position(|byte| *byte == b' ').unwrap_or(field.len()));
        scheme.eq_ignore_ascii_case(b"bearer") && token.trim_ascii().ct_eq(&self.0).into()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// Whether a request says that its body is JSON. A form of another site cannot say so: a browser would ask first, and
/// nobody answers.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let mut fields = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(field), None) = (fields.next(), fields.next()) else { return false };
    let essence = field.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
    essence.trim_ascii().eq_ignore_ascii_case(b"application/json")
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn fields(name: HeaderName, values: &[&str]) -> HeaderMap {
        values
            .iter()
            .map(|value| (name.clone(), HeaderValue::from_bytes(value.as_bytes()).expect("a value")))
            .collect()
    }

    #[test]
    fn only_the_very_token_is_admitted() {
        let token = Token::new("sesame").expect("a token");
        for (values, admitted) in [
            (&["Bearer sesame"][..], true),
            (&["bearer  sesame "], true),
            (&[], false),
            (&[""], false),
            (&["Bearer"], false),
            (&["Bearer "], false),
            (&["sesame"], false),
            (&["Bearer sesam"], false),
            (&["Bearer sesamee"], false),
            (&["Bearer Sesame"], false),
            (&["Bearer sesame sesame"], false),
            (&["Basic sesame"], false),
            (&["Bearersesame"], false),
            (&["Bearer s\u{e9}same"], false),
            (&["Bearer sesame", "Bearer sesame"], false),
        ] {
            assert_eq!(token.admits(&fields(header::AUTHORIZATION, values)), admitted, "{values:?}");
        }
    }

    #[test]
    fn a_token_has_to_fit_into_a_header_and_shows_nowhere() {
        for wrong in ["", " ", "open sesame", "s\u{e9}same", "sesame\n"] {
            let error = Token::new(wrong).map(|_| ()).expect_err(wrong);
            assert_eq!(error.field(), "token");
            assert!(!error.to_string().contains("same"), "{error}");
        }
        assert!(!format!("{:?}", Token::new("sesame")).contains("sesame"));
    }

    #[test]
    fn json_is_what_says_that_it_is() {
        for (values, json) in [
            (&["application/json"][..], true),
            (&["Application/JSON ; charset=utf-8"], true),
            (&[], false),
            (&["text/plain"], false),
            (&["application/x-www-form-urlencoded"], false),
            (&["multipart/form-data; boundary=application/json"], false),
            (&["text/plain;application/json"], false),
            (&["application/jsonp"], false),
            (&["application/json", "text/plain"], false),
        ] {
            assert_eq!(is_json(&fields(header::CONTENT_TYPE, values)), json, "{values:?}");
        }
    }
}
