//! What the RFCs say of HTTP caches, case by case. A case names its section and reads as a story:
//!
//! ```ignore
//! case("RFC 9111 §4.3.3", "a 304 makes what is stored fresh again")
//!     .origin([ok([r#"etag: "a""#, "cache-control: max-age=10"]), unchanged([])])
//!     .get(0, "200 #1 fwd=uri-miss; stored")
//!     .get(10, "200 #1 fwd=stale; fwd-status=304").sent([r#"if-none-match: "a""#])
//!     .get(15, "200 #1 hit").shows(["age: 5"])
//! ```
//!
//! * The route goes by its responses alone, unless the case is `on` another one.
//! * `origin` lists the answers to its first call, its second and so on; the last one answers all further calls. A body is
//!   `#` and the number of the call.
//! * Each request has its second, and the answer: status, body (`-` for none), and what `Cache-Status` says.
//!   `error` is an error of the service.
//! * What follows a request is about it: `with` these lines, the answer `shows` these and `lacks` those names, the origin
//!   was `sent` these and `spared` those names. All lines of a name are meant, in order.
//! * A line is `name: value`; the value `@N` is the date N seconds after the wall clock's, which stands still.

mod completing;
mod conditionals;
mod directives;
mod fields;
mod freshness;
mod head;
mod immutable;
mod invalidation;
mod keys;
mod no_vary_search;
mod parts;
mod post;
mod ranges;
mod run;
mod stale;
mod status;
mod storing;
mod survival;
mod targeted;
mod updating;
mod validation;
mod vary;

use std::collections::BTreeSet;

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use tower_swr_cache::SwrConfigBuilder;

use self::run::play;
use crate::support::{Call, Reply, Step, origin_says, route, secs, wall};

type Lines<const N: usize> = [&'static str; N];

/// What one section says, once.
pub(super) struct Case {
    section: &'static str,
    title: String,
    routes: Vec<SwrConfigBuilder>,
    origin: Vec<Up>,
    asks: Vec<Ask>,
}

/// One request and its answer.
#[derive(Default)]
struct Ask {
    method: Method,
    uri: String,
    second: f64,
    with: Vec<&'static str>,
    answer: String,
    /// The answer to the same request, made at the same moment.
    twin: Option<String>,
    shows: Vec<&'static str>,
    lacks: Vec<&'static str>,
    sent: Vec<&'static str>,
    spared: Vec<&'static str>,
}

pub(super) fn case(section: &'static str, title: impl Into<String>) -> Case {
    Case { section, title: title.into(), routes: Vec::new(), origin: Vec::new(), asks: Vec::new() }
}

impl Case {
    /// On this route; several times: on each of these.
    fn on(mut self, route: SwrConfigBuilder) -> Self {
        self.routes.push(route);
        self
    }

    /// In both modes: the responses say how long they are fresh, or the route does.
    fn in_both_modes(self) -> Self {
        self.on(origin_says()).on(route(60, 60))
    }

    fn origin<const N: usize>(mut self, answers: [Up; N]) -> Self {
        self.origin.extend(answers);
        self
    }

    fn get(self, second: impl Into<f64>, answer: impl Into<String>) -> Self {
        self.ask("GET", second, answer)
    }

    fn head(self, second: impl Into<f64>, answer: impl Into<String>) -> Self {
        self.ask("HEAD", second, answer)
    }

    fn ask(mut self, method: &str, second: impl Into<f64>, answer: impl Into<String>) -> Self {
        self.asks.push(Ask {
            method: method.parse().unwrap(),
            uri: "http://example.com/".to_owned(),
            second: second.into(),
            answer: answer.into(),
            ..Ask::default()
        });
        self
    }

    /// The first request, whose response is stored.
    fn fill(self) -> Self {
        let answer = format!("{} fwd=uri-miss; stored", self.origin[0].shown(1));
        self.get(0, answer)
    }

    /// The response is stored, and a hit from then on.
    fn stored(self) -> Self {
        let answer = format!("{} hit", self.origin[0].shown(1));
        self.fill().get(1, answer)
    }

    /// The response is not stored, for this reason.
    fn not_stored(self, reason: &str) -> Self {
        let answer = |n| format!("{} fwd=uri-miss; detail={reason}", self.origin[0].shown(n));
        let (first, second) = (answer(1), answer(2));
        self.get(0, first).get(1, second)
    }

    /// The response is stored, fresh for so many seconds, and not served after them.
    fn fresh_for(self, seconds: u32) -> Self {
        let shown = |n| self.origin[0].shown(n);
        let (hit, new) = (format!("{} hit", shown(1)), format!("{} fwd=stale; stored", shown(2)));
        self.fill().get(f64::from(seconds) - 0.001, hit).get(seconds, new)
    }

    /// For another path of the same host, or another URI.
    fn to(self, uri: &str) -> Self {
        let uri = if uri.starts_with('/') { format!("http://example.com{uri}") } else { uri.to_owned() };
        self.of_last(|ask| ask.uri = uri)
    }

    fn with<const N: usize>(self, lines: Lines<N>) -> Self {
        self.of_last(|ask| ask.with.extend(lines))
    }

    /// The same request once more at the same moment has this answer.
    fn twin(self, answer: &str) -> Self {
        self.of_last(|ask| ask.twin = Some(answer.to_owned()))
    }

    fn shows<const N: usize>(self, lines: Lines<N>) -> Self {
        self.of_last(|ask| ask.shows.extend(lines))
    }

    fn lacks<const N: usize>(self, names: Lines<N>) -> Self {
        self.of_last(|ask| ask.lacks.extend(names))
    }

    fn sent<const N: usize>(self, lines: Lines<N>) -> Self {
        self.of_last(|ask| ask.sent.extend(lines))
    }

    fn spared<const N: usize>(self, names: Lines<N>) -> Self {
        self.of_last(|ask| ask.spared.extend(names))
    }

    fn of_last(mut self, change: impl FnOnce(&mut Ask)) -> Self {
        change(self.asks.last_mut().expect("a request before what is said of it"));
        self
    }
}

/// What the origin answers to one call.
#[derive(Clone)]
pub(super) struct Up {
    reply: Reply,
    status: u16,
    body: Option<&'static str>,
}

fn up<const N: usize>(status: u16, lines: Lines<N>) -> Up {
    let body = matches!(status, 204 | 205 | 304).then_some("");
    Up { reply: Reply::status(status).headers(&headers(&lines)), status, body }
}

fn ok<const N: usize>(lines: Lines<N>) -> Up {
    up(200, lines)
}

fn unchanged<const N: usize>(lines: Lines<N>) -> Up {
    up(304, lines)
}

/// The connection breaks.
fn broken() -> Up {
    Up { reply: Reply::none(Step::Error), ..ok([]) }
}

/// No answer, however long one waits.
fn hangs() -> Up {
    Up { reply: Reply::none(Step::Hang), ..ok([]) }
}

impl Up {
    fn body(self, body: &'static str) -> Self {
        Self { body: Some(body), ..self }
    }

    /// Its head takes so long.
    fn after(self, seconds: u64) -> Self {
        Self { reply: self.reply.after(secs(seconds)), ..self }
    }

    fn body_of(&self, n: usize) -> String {
        self.body.map_or_else(|| format!("#{n}"), str::to_owned)
    }

    /// Status and body, if it answers the call of this number.
    fn shown(&self, n: usize) -> String {
        shown(self.status, &self.body_of(n))
    }

    fn reply(&self, call: &Call) -> Reply {
        let body = if call.parts.method == Method::HEAD { String::new() } else { self.body_of(call.n) };
        self.reply.clone().body(body)
    }
}

fn shown(status: u16, body: &str) -> String {
    format!("{status} {}", if body.is_empty() { "-" } else { body })
}

fn headers(lines: &[&str]) -> HeaderMap {
    let line = |line: &&str| {
        let (name, value) = line.split_once(':').expect("name: value");
        (name.parse::<HeaderName>().unwrap(), value_of(value.trim_start()))
    };
    lines.iter().map(line).collect()
}

fn value_of(text: &str) -> HeaderValue {
    let Some(seconds) = text.strip_prefix('@') else {
        return HeaderValue::from_bytes(text.as_bytes()).unwrap();
    };
    let seconds: i64 = seconds.parse().unwrap();
    let span = secs(seconds.unsigned_abs());
    let date = if seconds < 0 { wall() - span } else { wall() + span };
    HeaderValue::try_from(httpdate::fmt_http_date(date)).unwrap()
}

/// All tables.
fn all() -> Vec<Case> {
    let tables = [
        completing::cases,
        conditionals::cases,
        directives::cases,
        fields::cases,
        freshness::cases,
        head::cases,
        immutable::cases,
        invalidation::cases,
        keys::cases,
        no_vary_search::cases,
        parts::cases,
        post::cases,
        ranges::cases,
        stale::cases,
        status::cases,
        storing::cases,
        survival::cases,
        targeted::cases,
        updating::cases,
        validation::cases,
        vary::cases,
    ];
    tables.into_iter().flat_map(|cases| cases()).collect()
}

#[test]
fn every_case_is_one_of_many_and_names_its_section() {
    let cases = all();
    assert!(cases.len() >= 300, "{}", cases.len());
    let mut names = BTreeSet::new();
    for Case { section, title, origin, asks, .. } in &cases {
        let (rfc, number) = section.split_once(" §").expect(section);
        let is_rfc = rfc.strip_prefix("RFC ").is_some_and(|number| number.parse::<u16>().is_ok());
        assert!(is_rfc || rfc == "draft-ietf-httpbis-no-vary-search", "{section}");
        assert!(number.split('.').all(|part| part.parse::<u8>().is_ok()), "{section}");
        assert!(names.insert((section, title)), "twice: {section}, {title}");
        assert!(!title.is_empty() && !origin.is_empty() && !asks.is_empty(), "{section}, {title}");
    }
}
