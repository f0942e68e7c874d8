//! Plays the cases against a cache and its origin.

use std::sync::{Arc, Mutex};

use http::{HeaderMap, HeaderName, Request};
use http_body_util::{BodyExt, Collected};
use tower::Service;

use super::{Ask, Case, headers, shown};
use crate::support::{Cache, Open, Origin, OriginError, ReqBody, Start, origin_says, rest};

/// Plays all cases; what differs is told of all of them together.
pub(super) async fn play(cases: Vec<Case>) {
    let all = cases.len();
    let mut report = Vec::new();
    for case in cases {
        let name = format!("{}: {}", case.section, case.title);
        let wrong = case.play().await;
        if !wrong.is_empty() {
            report.push(format!("\n{name}{}", wrong.concat()));
        }
    }
    assert!(report.is_empty(), "{} of {all} cases fail{}", report.len(), report.concat());
}

impl Case {
    /// What differs from what it says.
    async fn play(mut self) -> Vec<String> {
        if self.routes.is_empty() {
            self.routes.push(origin_says());
        }
        let mut wrong = Vec::new();
        for (n, route) in (1..).zip(self.routes) {
            let received = Received::default();
            let (answers, log) = (self.origin.clone(), Arc::clone(&received));
            let origin = Origin::new(move |call| {
                log.lock().unwrap().push(call.parts.headers.clone());
                answers[(call.n - 1).min(answers.len() - 1)].reply(call)
            });
            let cache = Cache::new(route, &origin);
            let start = Start::now();
            for ask in &self.asks {
                start.at(ask.second).await;
                let differs = ask.put(&cache, &received).await;
                let at = |what| format!("\n    route {n}, {} at {}: {what}", ask.method, ask.second);
                wrong.extend(differs.into_iter().map(at));
            }
        }
        wrong
    }
}

/// The headers of the calls that the origin received.
type Received = Arc<Mutex<Vec<HeaderMap>>>;

impl Ask {
    /// Makes the request, and says what of its answer differs from the expected one.
    async fn put(&self, cache: &Cache, received: &Received) -> Vec<String> {
        received.lock().unwrap().clear();
        let send = || async { cache.service.clone().call(self.request()).await };
        let (answer, twin) = match self.twin {
            None => (send().await, None),
            Some(_) => {
                let (first, second) = tokio::join!(send(), send());
                (first, Some(second))
            }
        };
        let (told, lines) = Self::read(answer).await;
        let mut differs: Vec<_> = different("answer", &self.answer, &told).into_iter().collect();
        if let (Some(expected), Some(twin)) = (&self.twin, twin) {
            differs.extend(different("twin", expected, &Self::read(twin).await.0));
        }
        rest().await;
        let received = std::mem::take(&mut *received.lock().unwrap());
        if told.ends_with(" hit") && !received.is_empty() {
            differs.push("a fresh hit asks the origin".to_owned());
        }
        differs.extend(unlike("shows", &lines, &self.shows, &self.lacks));
        if !(self.sent.is_empty() && self.spared.is_empty()) {
            match received.last() {
                Some(sent) => differs.extend(unlike("sent", sent, &self.sent, &self.spared)),
                None => differs.push("the origin is not asked".to_owned()),
            }
        }
        differs
    }

    fn request(&self) -> Request<ReqBody> {
        let mut request = Request::new(ReqBody::default());
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.parse().unwrap();
        *request.headers_mut() = headers(&self.with);
        request
    }

    /// Status, body and this cache's word of an answer; and its headers.
    async fn read(answer: Result<Open, OriginError>) -> (String, HeaderMap) {
        let Ok(open) = answer else { return ("error".to_owned(), HeaderMap::new()) };
        let (head, body) = open.into_parts();
        let body = body.collect().await.map(Collected::to_bytes);
        let body = body.map_or("cut".to_owned(), |bytes| String::from_utf8_lossy(&bytes).into_owned());
        let said =
            head.headers.get_all("cache-status").iter().next_back().map_or("", |said| said.to_str().unwrap());
        let said = said.strip_prefix("tower-swr-cache; ").unwrap_or(said);
        (format!("{} {said}", shown(head.status.as_u16(), &body)), head.headers)
    }
}

fn different(what: &str, expected: &str, found: &str) -> Option<String> {
    (expected != found).then(|| format!("{what} `{expected}` is `{found}`"))
}

/// What of these lines a message has not, and which of these names it has.
fn unlike(what: &str, message: &HeaderMap, lines: &[&str], names: &[&str]) -> Vec<String> {
    let expected = headers(lines);
    let absent = names.iter().map(|name| name.parse::<HeaderName>().unwrap());
    let of_name = |name: HeaderName| {
        let values = |all: &HeaderMap| all.get_all(&name).iter().cloned().collect::<Vec<_>>();
        let (wanted, found) = (values(&expected), values(message));
        (wanted != found).then(|| format!("{what} {name}: {wanted:?} is {found:?}"))
    };
    expected.keys().cloned().chain(absent).filter_map(of_name).collect()
}
