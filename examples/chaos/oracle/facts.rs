//! What an answer says of itself.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Method, header, request};

/// The header that carries an answer's facts. An answer without it is not the origin's.
pub(crate) const FACTS: HeaderName = HeaderName::from_static("x-facts");

/// What an answer depends on: the naive origin believes `X-Forwarded-Host`, has a page for each user below `/my/`, and one
/// for each language below `/lang/`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Subject {
    pub(crate) method: Method,
    pub(crate) host: String,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) user: String,
    pub(crate) language: String,
}

/// Where an answer does not depend on it.
const NOBODY: &str = "-";

impl Subject {
    pub(crate) fn of(parts: &request::Parts) -> Self {
        let host = text(&parts.headers, "x-forwarded-host")
            .or_else(|| parts.uri.authority().map(|authority| authority.as_str()))
            .or_else(|| text(&parts.headers, "host"))
            .unwrap_or(NOBODY);
        let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
        let user = if target.starts_with("/my/") { user(&parts.headers) } else { NOBODY };
        let language = text(&parts.headers, "accept-language").filter(|_| target.starts_with("/lang/"));
        Self {
            method: parts.method.clone(),
            host: host.to_ascii_lowercase(),
            target: target.to_owned(),
            user: user.to_owned(),
            language: language.unwrap_or(NOBODY).to_owned(),
        }
    }

    /// The first segment of its path: its answers' tag.
    pub(crate) fn tag(&self) -> &str {
        self.target.split(['/', '?']).nth(1).unwrap_or_default()
    }
}

/// Who asks: by a token, or by a session.
fn user(headers: &HeaderMap) -> &str {
    let token = text(headers, "authorization").and_then(|value| value.strip_prefix("Bearer "));
    let session = || text(headers, "cookie").and_then(|value| value.strip_prefix("session="));
    token.or_else(session).unwrap_or(NOBODY)
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// What an answer says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) subject: Subject,
    /// The number of the origin's call that it comes from.
    pub(crate) version: u64,
    /// When it was made, since the oracle's beginning.
    pub(crate) born: Duration,
    /// The length of its body.
    pub(crate) len: usize,
}

impl Facts {
    /// A body is at least as long as what it says.
    pub(crate) fn new(subject: Subject, version: u64, born: Duration, len: usize) -> Self {
        let facts = Self { subject, version, born, len };
        let len = len.max(facts.line().len() + 1);
        Self { len, ..facts }
    }

    /// All of it in a line, with a hash at its end.
    pub(crate) fn line(&self) -> String {
        let text = self.text();
        let hash = hash(&text);
        format!("{text} {hash:016x}")
    }

    fn text(&self) -> String {
        let Subject { method, host, target, user, language } = &self.subject;
        let (version, born, len) = (self.version, self.born.as_nanos(), self.len);
        // Of one width, so that the length is known before it is written.
        format!("{method} {host} {target} {user} {language} {version} {born} {len:020}")
    }

    /// Reads a line back; `None` if it is not as it was written.
    pub(crate) fn read(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let mut word = || words.next();
        let subject = Subject {
            method: word()?.parse().ok()?,
            host: word()?.to_owned(),
            target: word()?.to_owned(),
            user: word()?.to_owned(),
            language: word()?.to_owned(),
        };
        let version = word()?.parse().ok()?;
        let born = Duration::from_nanos(word()?.parse().ok()?);
        let facts = Self { subject, version, born, len: word()?.parse().ok()? };
        (facts.line() == line).then_some(facts)
    }

    /// The facts that came with an answer.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        Self::read(headers.get(FACTS)?.to_str().ok()?)
    }

    /// The whole body: the line, and bytes that follow from it, so that no piece of it fits another.
    pub(crate) fn body(&self) -> Bytes {
        let mut body = self.line().into_bytes();
        body.push(b'\n');
        let mut state = hash(&self.text()) | 1;
        while body.len() < self.len {
            // xorshift64
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let left = self.len - body.len();
            body.extend_from_slice(&state.to_le_bytes()[..left.min(8)]);
        }
        body.into()
    }

    /// Its validator.
    pub(crate) fn etag(&self) -> String {
        format!("\"v{}\"", self.version)
    }

    /// The version that a request's condition names.
    pub(crate) fn named(headers: &HeaderMap) -> Option<u64> {
        let condition = headers.get(header::IF_NONE_MATCH)?.to_str().ok()?;
        condition.strip_prefix("\"v")?.strip_suffix('"')?.parse().ok()
    }
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}
