//! The origin: what it answers follows from the path, and whether it answers from the faults that it is made to have.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use tower_swr_cache::BoxError;

use crate::oracle::{Call, FACTS, Facts, Oracle, Scope, Subject};

pub(crate) type Body = UnsyncBoxBody<Bytes, BoxError>;

/// Which part of its calls goes wrong, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Faults {
    /// A status, a transport error, or a panic.
    pub(crate) errors: f64,
    /// No head, or no end of the body.
    pub(crate) hangs: f64,
    /// A body that breaks off, ends before its promised length, or breaks after its last byte.
    pub(crate) cuts: f64,
}

#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub(crate) oracle: Oracle,
    pub(crate) faults: Faults,
    /// The host whose answers say themselves how long they are fresh.
    pub(crate) explicit: &'static str,
    /// The length of an answer below `/large/`, which no cache is to keep.
    pub(crate) large: usize,
}

/// What an explicit answer says; `SOFT`, `HARD` and `ERROR` are the limits that follow.
const EXPLICIT: &str = "max-age=1, stale-while-revalidate=4, stale-if-error=5";
pub(crate) const SOFT: Duration = Duration::from_secs(1);
pub(crate) const HARD: Duration = Duration::from_secs(5);
pub(crate) const ERROR: Duration = Duration::from_secs(10);

/// The ways to say that an answer is one user's.
const PRIVATE: [&str; 6] =
    ["private", "Private, max-age=60", "max-age=60, private=\"\"", "private=\"x-a\"", "no-store", "NO-STORE"];

#[derive(Debug)]
pub(crate) struct TransportError;

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection broke")
    }
}

impl std::error::Error for TransportError {}

/// What happens in a body. One that comes to the end of its steps ends, whole or not.
#[derive(Debug)]
enum Step {
    Data(Bytes),
    Wait(Duration),
    Break,
    Hang,
    Done,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    Status,
    Transport,
    Panic,
    NoHead,
    NoEnd,
    Reset,
    Short,
    Late,
}

impl Faults {
    fn draw(self) -> Fault {
        let drawn = fastrand::f64();
        let one_of = |faults: &[Fault]| faults[fastrand::usize(..faults.len())];
        if drawn < self.errors {
            one_of(&[Fault::Status, Fault::Status, Fault::Status, Fault::Transport, Fault::Panic])
        } else if drawn < self.errors + self.hangs {
            one_of(&[Fault::NoHead, Fault::NoEnd])
        } else if drawn < self.errors + self.hangs + self.cuts {
            one_of(&[Fault::Reset, Fault::Short, Fault::Late])
        } else {
            Fault::None
        }
    }
}

impl Origin {
    pub(crate) async fn answer<B>(self, request: Request<B>) -> Result<Response<Body>, TransportError> {
        let (parts, _body) = request.into_parts();
        let subject = Subject::of(&parts);
        let mut call =
            self.oracle.called(subject.clone(), is_for_all(&parts.method, &parts.headers, &subject));
        let fault = self.faults.draw();
        tokio::time::sleep(Duration::from_millis(fastrand::u64(..200))).await;
        match fault {
            Fault::Transport => return Err(TransportError),
            Fault::Panic => panic!("the origin panics, as it was told"),
            Fault::NoHead => std::future::pending().await,
            _ => {}
        }
        let named = Facts::named(&parts.headers).filter(|_| fault == Fault::None);
        if named.is_some_and(|version| call.confirms(version)) {
            let mut response = empty(StatusCode::NOT_MODIFIED);
            self.describe(response.headers_mut(), &subject);
            response.headers_mut().insert(header::ETAG, parts.headers[header::IF_NONE_MATCH].clone());
            call.confirmed();
            return Ok(response);
        }
        let len = if subject.tag() == "large" { self.large } else { fastrand::usize(200..4000) };
        let facts = call.facts(len);
        let mut response = empty(StatusCode::OK);
        let headers = response.headers_mut();
        headers.insert(FACTS, value(&facts.line()));
        if fault == Fault::Status {
            const CODES: [StatusCode; 4] = [
                StatusCode::INTERNAL_SERVER_ERROR,
                StatusCode::BAD_GATEWAY,
                StatusCode::SERVICE_UNAVAILABLE,
                StatusCode::TOO_MANY_REQUESTS,
            ];
            *response.status_mut() = CODES[fastrand::usize(..CODES.len())];
            // The cache is through with the call; the body is for the one who asked.
            drop(call);
            if parts.method != Method::HEAD {
                *response.body_mut() = Full::new(facts.body()).map_err(|never| match never {}).boxed_unsync();
            }
            return Ok(response);
        }
        headers.insert(header::ETAG, value(&facts.etag()));
        self.describe(headers, &subject);
        if subject.tag() == "gone" {
            *response.status_mut() = StatusCode::NOT_FOUND;
        }
        if !parts.method.is_safe() && response.status().is_success() {
            // What the cache has of it is over as soon as it sees this, by its own name.
            let host = parts.uri.authority().map_or(&*subject.host, |authority| authority.as_str());
            let url = Scope::Url(host.to_owned(), subject.target.clone());
            self.oracle.purged(url, false, self.oracle.newest_call());
        }
        let promised = fault == Fault::Short || (subject.tag() != "large" && fastrand::bool());
        if promised {
            response.headers_mut().insert(header::CONTENT_LENGTH, facts.len.into());
        }
        if parts.method == Method::HEAD {
            call.done();
            return Ok(response);
        }
        *response.body_mut() = body(steps(&facts, fault), call);
        Ok(response)
    }

    /// What it says of caching.
    fn describe(&self, headers: &mut HeaderMap, subject: &Subject) {
        let tag = subject.tag();
        headers.insert(HeaderName::from_static("cache-tag"), value(tag));
        if tag == "lang" {
            headers.insert(header::VARY, HeaderValue::from_static("Accept-Language"));
        }
        let kind = subject.target.split('/').nth(2).unwrap_or_default();
        match (tag, kind) {
            ("my", "private") => {
                let private = PRIVATE[fastrand::usize(..PRIVATE.len())];
                headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(private));
            }
            ("my", "cookie") => {
                let cookie = value(&format!("session={}", subject.user));
                headers.insert(header::SET_COOKIE, cookie);
            }
            ("public", _) => {
                headers.append(header::CACHE_CONTROL, HeaderValue::from_static("public"));
            }
            // A handler with sessions that has never heard of caches.
            _ => {}
        }
        if subject.host == self.explicit && tag != "my" {
            headers.append(header::CACHE_CONTROL, HeaderValue::from_static(EXPLICIT));
        }
    }
}

/// Whether nobody else should be calling for the same at the same time.
fn is_for_all(method: &Method, headers: &HeaderMap, subject: &Subject) -> bool {
    // Where another host's name is in the key, a purge of the host that was asked passes this, and we do not see it.
    let named = HeaderName::from_static("x-forwarded-host");
    let own = [header::AUTHORIZATION, header::COOKIE, header::RANGE, named];
    *method == Method::GET
        && matches!(subject.tag(), "page" | "lang")
        && !own.iter().any(|name| headers.contains_key(name))
}

/// The body in pieces, with its fault somewhere.
fn steps(facts: &Facts, fault: Fault) -> VecDeque<Step> {
    let mut whole = facts.body();
    let cut = fastrand::usize(..whole.len());
    match fault {
        Fault::NoEnd | Fault::Reset | Fault::Short => whole.truncate(cut),
        _ => {}
    }
    let mut steps = VecDeque::new();
    while !whole.is_empty() {
        if fastrand::u8(..4) == 0 {
            steps.push_back(Step::Wait(Duration::from_millis(fastrand::u64(1..50))));
        }
        let most = whole.len().min(64 << 10);
        let piece = whole.split_to(fastrand::usize(most.div_ceil(3)..=most));
        steps.push_back(Step::Data(piece));
    }
    match fault {
        Fault::NoEnd => steps.push_back(Step::Hang),
        Fault::Reset | Fault::Late => steps.push_back(Step::Break),
        Fault::Short => {}
        _ => steps.push_back(Step::Done),
    }
    steps
}

fn body(steps: VecDeque<Step>, call: Call) -> Body {
    let frames = stream::unfold((steps, call), |(mut steps, mut call)| async move {
        loop {
            match steps.pop_front()? {
                Step::Data(data) => {
                    let frame: Result<_, BoxError> = Ok(Frame::data(data));
                    return Some((frame, (steps, call)));
                }
                Step::Wait(span) => tokio::time::sleep(span).await,
                Step::Break => return Some((Err(TransportError.into()), (steps, call))),
                Step::Hang => std::future::pending().await,
                Step::Done => call.done(),
            }
        }
    });
    StreamBody::new(frames).boxed_unsync()
}

fn empty(status: StatusCode) -> Response<Body> {
    let body = Full::default().map_err(|never| match never {}).boxed_unsync();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response
}

fn value(text: &str) -> HeaderValue {
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("-"))
}
