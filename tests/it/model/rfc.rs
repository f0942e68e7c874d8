//! RFC 9111 §3 and §4, with RFC 5861, for one URL and whole seconds, one thing after another; written from their text and
//! as plain as can be. What is this cache's own choice where the text leaves one says so.

use std::collections::BTreeMap;

use crate::support::wall;

/// Field lines, one of a name.
pub(super) type Fields = BTreeMap<&'static str, String>;

#[derive(Clone, Debug)]
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) fields: Fields,
}

/// A stored response. Its limits are ages.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) response: Response,
    selecting: Vec<(String, Option<String>)>,
    arrived: u64,
    initial_age: u64,
    fresh_until: u64,
    stale_until: u64,
    error_until: u64,
    /// Fresh because the route says so, and nobody else.
    route_alone: bool,
    failed: bool,
    /// A fetch for it failed or brought nothing, and the next one may wait.
    pub(super) pauses: bool,
}

/// What a request gets.
#[derive(Debug)]
pub(super) enum Now {
    /// The stored response, and nothing is asked.
    Fresh(Stored),
    /// The stored response, and its refresh is asked for behind it.
    Stale(Stored),
    /// An answer of the origin, which is asked about what is stored.
    Ask(Option<Stored>),
}

/// What the origin's answer means for the one who asked.
#[derive(Debug)]
pub(super) enum Means {
    /// It is passed on and was not stored.
    Own,
    /// It is passed on, with its age, and is stored.
    New(Stored),
    /// What is stored is passed on.
    Confirmed(Stored),
    /// It is about something else, and is asked for again.
    Unrelated,
    /// What is stored, if that may be, or the failure.
    Failed(Option<Stored>),
}

pub(super) struct Model {
    /// The soft and the hard TTL of the route, if it has any.
    ttls: Option<(u64, u64)>,
    /// The newest first.
    stored: Vec<Stored>,
}

impl Stored {
    pub(super) fn age(&self, now: u64) -> u64 {
        self.initial_age + (now - self.arrived)
    }

    fn etag(&self) -> Option<&String> {
        self.response.fields.get("etag")
    }

    /// §4.3.1.
    pub(super) fn validators(&self) -> [Option<&String>; 2] {
        [self.etag(), self.response.fields.get("last-modified")]
    }

    /// §4.1.
    fn is_selected(&self, request: &Fields) -> bool {
        self.selecting.iter().all(|(name, value)| request.get(name.as_str()) == value.as_ref())
    }
}

impl Model {
    pub(super) fn new(ttls: Option<(u64, u64)>) -> Self {
        Self { ttls, stored: Vec::new() }
    }

    /// §4, in the order of its list.
    pub(super) fn now(&self, request: &Fields, now: u64) -> Now {
        let Some(stored) = self.usable(request) else { return Now::Ask(None) };
        let age = stored.age(now);
        if age < stored.fresh_until {
            Now::Fresh(stored.clone())
        } else if age < stored.stale_until || (stored.failed && age < stored.error_until) {
            Now::Stale(stored.clone())
        } else {
            Now::Ask(Some(stored.clone()))
        }
    }

    fn usable(&self, request: &Fields) -> Option<&Stored> {
        let selected = self.stored.iter().find(|stored| stored.is_selected(request))?;
        let for_all = !request.contains_key("authorization") || shares_authorized(&selected.response);
        // The cache's own: a page that says nothing of caching may be one user's.
        let for_cookie = !(request.contains_key("cookie") && selected.route_alone);
        (for_all && for_cookie).then_some(selected)
    }

    /// The origin's answer to a question about `asked`, sent and come at these times. No answer is an error.
    pub(super) fn arrives(
        &mut self,
        request: &Fields,
        asked: Option<&Stored>,
        answer: Option<&Response>,
        [sent, now]: [u64; 2],
    ) -> Means {
        let place = asked.and_then(|asked| {
            let id = (asked.arrived, asked.response.fields.get("x-id"));
            self.stored.iter().position(|stored| id == (stored.arrived, stored.response.fields.get("x-id")))
        });
        let Some(answer) = answer.filter(|answer| !is_failure(answer)) else {
            let Some(place) = place else { return Means::Failed(None) };
            let stored = &mut self.stored[place];
            (stored.failed, stored.pauses) = (true, true);
            // RFC 5861 §4.
            return Means::Failed(Some(stored.clone()).filter(|stored| stored.age(now) < stored.error_until));
        };
        let mut response = answer.clone();
        if let (304, Some(asked)) = (answer.status, asked) {
            if !confirms(asked, answer) {
                drop(place.map(|place| self.stored.remove(place)));
                return Means::Unrelated;
            }
            // §3.2. Age counts anew (§4.2.3), and so does what came without a `Date` (RFC 9110 §6.6.1).
            response = asked.response.clone();
            response.fields.remove("age");
            response.fields.insert("date", httpdate::fmt_http_date(at(now)));
            response.fields.extend(answer.fields.clone());
        }
        let entry = self.entry(request, &response, [sent, now]);
        match self.may_store(request, &response, &entry) {
            Ok(()) => {
                // The cache's own: what a response varies on is taken for what all of them do.
                let names =
                    |of: &Stored| of.selecting.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
                self.stored.retain(|old| names(old) == names(&entry) && old.selecting != entry.selecting);
                self.stored.insert(0, entry.clone());
            }
            // The origin has it no more. The cache's own: what one user is told says nothing to the others.
            Err(Whose::Response) if !self.is_personal(request) => {
                drop(place.map(|place| self.stored.remove(place)));
            }
            Err(_) => self.stored.iter_mut().for_each(|stored| stored.pauses = true),
        }
        match (answer.status, self.may_store(request, &response, &entry)) {
            (304, _) => Means::Confirmed(entry),
            (_, Ok(())) => Means::New(entry),
            (_, Err(_)) => Means::Own,
        }
    }

    fn is_personal(&self, request: &Fields) -> bool {
        request.contains_key("authorization") || (request.contains_key("cookie") && self.ttls.is_some())
    }

    /// §3, and what this cache refuses beyond it.
    fn may_store(&self, request: &Fields, response: &Response, entry: &Stored) -> Result<(), Whose> {
        let fields = &response.fields;
        let forbidden = says(response, "no-store")
            || says(response, "private")
            || fields.get("vary").is_some_and(|vary| vary == "*")
            || fields.contains_key("set-cookie");
        let explicit = lifetime(response, entry.arrived).is_some();
        let lives = match (response.status, self.ttls) {
            _ if explicit => true,
            (200, Some(_)) => true,
            (_, Some(_)) => false,
            (status, None) => {
                (matches!(status, 200 | 404) || says(response, "public"))
                    && entry.validators() != [None, None]
            }
        };
        // Nothing is kept that could never be used, not even after a question.
        let of_use = entry.initial_age < entry.error_until || entry.validators() != [None, None];
        if forbidden {
            Err(Whose::Response)
        } else if request.contains_key("authorization") && !shares_authorized(response) {
            Err(Whose::Request)
        } else if !lives || !of_use {
            Err(Whose::Response)
        } else if request.contains_key("cookie") && entry.route_alone {
            Err(Whose::Request)
        } else {
            Ok(())
        }
    }

    /// §4.2.
    fn entry(&self, request: &Fields, response: &Response, [sent, now]: [u64; 2]) -> Stored {
        let fields = &response.fields;
        let apparent_age = date(fields, "date").map_or(0, |date| (seconds(now) - date).max(0) as u64);
        let age_value = fields.get("age").map_or(0, |age| age.parse().unwrap());
        let initial_age = apparent_age.max(age_value + (now - sent));

        let explicit = lifetime(response, now);
        let life = explicit.unwrap_or(0);
        let grace = |name| number(response, name).unwrap_or(0);
        let by_route = self.ttls.filter(|_| response.status == 200);
        let [mut fresh, mut stale, mut error] = match by_route {
            // A route's times count from the arrival, and half of the hard one is granted after a failure.
            Some((soft, hard)) => [soft, hard, hard + hard / 2].map(|ttl| initial_age + ttl),
            // RFC 5861 §3 and §4: both are limits to staleness. The cache's own: what names no lifetime is asked about.
            None => {
                let stale = explicit.map_or(0, |life| life + grace("stale-while-revalidate"));
                [life, stale, stale.max(life + grace("stale-if-error"))]
            }
        };
        if says(response, "no-cache") {
            fresh = 0; // §5.2.2.4
        }
        if ["no-cache", "must-revalidate", "proxy-revalidate"].iter().any(|name| says(response, name)) {
            (stale, error) = (fresh, fresh); // §4.2.4
        }
        let names = fields.get("vary").into_iter().flat_map(|vary| vary.split(", "));
        Stored {
            selecting: names.map(|name| (name.to_owned(), request.get(name).cloned())).collect(),
            response: response.clone(),
            arrived: now,
            initial_age,
            fresh_until: fresh,
            stale_until: stale,
            error_until: error,
            // The cache's own: of what is not fresh by its own word nobody said that it is everybody's.
            route_alone: by_route.is_some()
                && explicit.is_none_or(|life| life <= initial_age)
                && !says(response, "public"),
            failed: false,
            pauses: false,
        }
    }
}

/// Whose word it is that something is not stored.
enum Whose {
    Response,
    Request,
}

/// The cache's own: these statuses count as failures, unless they say how long they may be kept.
fn is_failure(answer: &Response) -> bool {
    answer.status == 503 && lifetime(answer, u64::MAX).unwrap_or(0) == 0
}

/// §4.3.4.
fn confirms(stored: &Stored, fresh: &Response) -> bool {
    match (fresh.fields.get("etag"), fresh.fields.get("last-modified")) {
        (Some(etag), _) => stored.etag() == Some(etag),
        (None, modified) => modified.is_none() || stored.response.fields.get("last-modified") == modified,
    }
}

/// §3.5.
fn shares_authorized(response: &Response) -> bool {
    ["public", "s-maxage", "must-revalidate"].iter().any(|name| says(response, name))
}

/// §4.2.1, of a response that came at `now`.
fn lifetime(response: &Response, now: u64) -> Option<u64> {
    let expires = || {
        let sent = date(&response.fields, "date").unwrap_or_else(|| seconds(now));
        let expires = response.fields.get("expires").map(|_| date(&response.fields, "expires"));
        expires.map(|at| at.map_or(0, |at| (at - sent).max(0) as u64))
    };
    number(response, "s-maxage").or_else(|| number(response, "max-age")).or_else(expires)
}

fn directives<'a>(of: &'a Response, name: &'a str) -> impl Iterator<Item = Option<&'a str>> {
    let control = of.fields.get("cache-control").map_or("", String::as_str);
    let directives = control.split(", ").map(|directive| match directive.split_once('=') {
        Some((name, argument)) => (name, Some(argument)),
        None => (directive, None),
    });
    directives.filter(move |(found, _)| *found == name).map(|(_, argument)| argument)
}

fn says(response: &Response, name: &str) -> bool {
    directives(response, name).next().is_some()
}

fn number(response: &Response, name: &str) -> Option<u64> {
    directives(response, name).map(|argument| argument.unwrap().parse().unwrap()).min()
}

/// A date as seconds of the wall clock.
fn date(fields: &Fields, name: &str) -> Option<i64> {
    let date = httpdate::parse_http_date(fields.get(name)?).ok()?;
    Some(date.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() as i64)
}

/// The wall clock at this second.
pub(super) fn at(now: u64) -> std::time::SystemTime {
    wall() + crate::support::secs(now)
}

fn seconds(now: u64) -> i64 {
    let wall = wall().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    wall.saturating_add(now).try_into().unwrap_or(i64::MAX / 2)
}
