//! What can happen: what is asked, what the origin says to it, and how much later.

use std::{fmt, time::Duration};

use proptest::{collection::vec, option, prelude::*, sample::select};

use super::rfc::{self, Fields, Response};
use crate::support::{Call, Reply, Step as Event, secs};

/// A sequence, shown a step on a line.
#[derive(Clone)]
pub(super) struct Steps(pub(super) Vec<Step>);

impl fmt::Debug for Steps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|step| write!(f, "\n{step:?}"))
    }
}

#[derive(Clone, Debug)]
pub(super) struct Step {
    /// Before it.
    pub(super) wait: u64,
    pub(super) request: Ask,
    /// What the origin says to whatever it is asked in this step.
    pub(super) reply: Say,
}

#[derive(Clone, Debug)]
pub(super) struct Ask {
    a: Option<&'static str>,
    b: Option<&'static str>,
    authorization: bool,
    cookie: bool,
    /// With the last tag that came.
    pub(super) conditional: bool,
}

impl Ask {
    pub(super) fn fields(&self) -> Fields {
        let fields = [
            ("x-a", self.a),
            ("x-b", self.b),
            ("authorization", self.authorization.then_some("Basic YTpi")),
            ("cookie", self.cookie.then_some("user=1")),
        ];
        fields.into_iter().filter_map(|(name, value)| Some((name, value?.to_owned()))).collect()
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Full(u16),
    /// 304, if it is asked whether something has changed.
    Same,
    /// The same, about another response.
    Other,
    Error,
}

/// An answer, but for what depends on when it is given and to what.
#[derive(Clone, Debug)]
pub(super) struct Say {
    pub(super) delay: u64,
    kind: Kind,
    control: Vec<&'static str>,
    /// Before or after the answer.
    expires: Option<i64>,
    /// Before the answer.
    date: Option<u64>,
    age: Option<u64>,
    etag: Option<&'static str>,
    modified: bool,
    vary: Option<&'static str>,
    cookie: bool,
}

/// What the origin was asked, and what it said.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) at: u64,
    conditions: [Option<String>; 2],
    /// Nothing is an error.
    pub(super) answer: Option<Response>,
}

impl Say {
    pub(super) fn to(&self, call: &Call, at: u64) -> Asked {
        let conditions =
            ["if-none-match", "if-modified-since"].map(|name| call.header(name).map(str::to_owned));
        let is_asked = conditions.iter().any(Option::is_some);
        let answer = match self.kind {
            Kind::Error => None,
            Kind::Full(status) => Some(self.whole(status, call.n, at)),
            Kind::Same | Kind::Other if !is_asked => Some(self.whole(200, call.n, at)),
            Kind::Same => Some(self.same(call.n, at, &conditions)),
            Kind::Other => {
                let mut same = self.same(call.n, at, &conditions);
                same.fields.insert("etag", "\"other\"".to_owned());
                Some(same)
            }
        };
        Asked { at, conditions, answer }
    }

    fn whole(&self, status: u16, n: usize, at: u64) -> Response {
        let mut fields = self.fields(at);
        fields.insert("x-id", n.to_string());
        if let Some(weak) = self.etag {
            fields.insert("etag", format!("{weak}\"{n}\""));
        }
        if self.modified {
            let since = rfc::at(0) - secs(100_000) + secs(n as u64);
            fields.insert("last-modified", httpdate::fmt_http_date(since));
        }
        Response { status, fields }
    }

    /// Says by whichever validators it would say otherwise that nothing has changed.
    fn same(&self, n: usize, at: u64, [etag, modified]: &[Option<String>; 2]) -> Response {
        let mut fields = self.fields(at);
        fields.insert("x-confirmed", n.to_string());
        fields.extend(etag.clone().filter(|_| self.etag.is_some()).map(|tag| ("etag", tag)));
        fields.extend(modified.clone().filter(|_| self.modified).map(|date| ("last-modified", date)));
        Response { status: 304, fields }
    }

    fn fields(&self, at: u64) -> Fields {
        let came = rfc::at(at + self.delay);
        let date = |seconds: i64| {
            let span = Duration::from_secs(seconds.unsigned_abs());
            httpdate::fmt_http_date(if seconds < 0 { came - span } else { came + span })
        };
        let fields = [
            ("cache-control", (!self.control.is_empty()).then(|| self.control.join(", "))),
            ("expires", self.expires.map(date)),
            ("date", self.date.map(|before| date(-(before as i64)))),
            ("age", self.age.map(|age| age.to_string())),
            ("vary", self.vary.map(str::to_owned)),
            ("set-cookie", self.cookie.then(|| "user=2".to_owned())),
        ];
        fields.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

impl Asked {
    pub(super) fn conditions(&self) -> [Option<&String>; 2] {
        self.conditions.each_ref().map(Option::as_ref)
    }

    pub(super) fn reply(&self, delay: u64) -> Reply {
        let reply = match &self.answer {
            None => Reply::none(Event::Error),
            Some(answer) => {
                let body = answer.fields.get("x-id").cloned().unwrap_or_default();
                let reply = Reply::status(answer.status).body(body);
                answer.fields.iter().fold(reply, |reply, (name, value)| reply.header(name, value))
            }
        };
        reply.after(secs(delay))
    }
}

pub(super) fn steps() -> impl Strategy<Value = Steps> {
    let step = (wait(), ask(), say()).prop_map(|(wait, request, reply)| Step { wait, request, reply });
    vec(step, 1..12).prop_map(Steps)
}

/// Mostly short, as limits are; never so long that what is stored is forgotten.
fn wait() -> impl Strategy<Value = u64> {
    prop_oneof![3 => Just(0_u64), 6 => 1..8_u64, 3 => 8..35_u64]
}

fn ask() -> impl Strategy<Value = Ask> {
    let value = || select(vec![None, Some("1"), Some("1"), Some("2")]);
    (value(), value(), one_in(8), one_in(8), one_in(4)).prop_map(
        |(a, b, authorization, cookie, conditional)| Ask { a, b, authorization, cookie, conditional },
    )
}

fn say() -> impl Strategy<Value = Say> {
    let kind = prop_oneof![
        8 => Just(Kind::Full(200)),
        7 => Just(Kind::Same),
        1 => Just(Kind::Other),
        1 => Just(Kind::Full(404)),
        2 => Just(Kind::Full(503)),
        2 => Just(Kind::Error),
    ];
    let delay = prop_oneof![4 => Just(0_u64), 1 => 1..4_u64];
    let dates = (
        option::weighted(0.2, -5..30_i64),
        option::weighted(0.6, prop_oneof![2 => Just(0_u64), 1 => 0..15_u64]),
        option::weighted(0.2, 0..15_u64),
    );
    let vary = prop_oneof![
        6 => Just(None),
        3 => Just(Some("x-a")),
        3 => Just(Some("x-a, x-b")),
        1 => Just(Some("x-b")),
        1 => Just(Some("*")),
    ];
    let validators = (select(vec![None, Some(""), Some(""), Some("W/")]), one_in(3));
    (delay, kind, control(), dates, validators, vary, one_in(20)).prop_map(
        |(delay, kind, control, (expires, date, age), (etag, modified), vary, cookie)| Say {
            delay,
            kind,
            control,
            expires,
            date,
            age,
            etag,
            modified,
            vary,
            cookie,
        },
    )
}

/// A lifetime, grants, and now and then something that forbids.
fn control() -> impl Strategy<Value = Vec<&'static str>> {
    let life =
        select(vec!["max-age=0", "max-age=5", "max-age=10", "max-age=20", "s-maxage=5", "s-maxage=15"]);
    let stale = select(vec!["stale-while-revalidate=5", "stale-while-revalidate=15"]);
    let error = select(vec!["stale-if-error=5", "stale-if-error=20", "stale-if-error=40"]);
    let other = select(vec![
        "no-store",
        "private",
        "no-cache",
        "no-cache",
        "must-revalidate",
        "must-revalidate",
        "proxy-revalidate",
        "public",
    ]);
    let lists = (vec(life, 0..3), option::of(stale), option::of(error), option::weighted(0.25, other));
    lists.prop_map(|(life, stale, error, other)| {
        life.into_iter().chain(stale).chain(error).chain(other).collect::<Vec<_>>()
    })
}

fn one_in(n: u32) -> impl Strategy<Value = bool> {
    prop::bool::weighted(1.0 / f64::from(n))
}
