//! What is stored, for operators: found by text, tag or URL, and shown one key at a time.
//!
//! No body is shown, and of headers the values of those that are known to hold no secret; the others are named.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use serde::Serialize;

use super::{
    query::Parameters,
    reply::{self, Reply},
};
use crate::{
    clock::Tick,
    entry::{Entry, EntryInfo},
    key::Key,
    policy::reuse::Reuse,
    shared::Core,
    store::{Found, Purge, Slot},
};

/// The keys that a search shows at most.
const MOST: usize = 50;

/// The headers whose values are shown.
const SHOWN: [HeaderName; 26] = [
    header::ACCEPT_RANGES,
    header::AGE,
    header::ALLOW,
    HeaderName::from_static("cache-groups"),
    header::CACHE_CONTROL,
    header::CACHE_STATUS,
    HeaderName::from_static("cache-tag"),
    HeaderName::from_static("cdn-cache-control"),
    header::CONTENT_ENCODING,
    header::CONTENT_LANGUAGE,
    header::CONTENT_LENGTH,
    header::CONTENT_RANGE,
    header::CONTENT_TYPE,
    header::DATE,
    header::ETAG,
    header::EXPIRES,
    header::LAST_MODIFIED,
    HeaderName::from_static("no-vary-search"),
    header::PRAGMA,
    header::RETRY_AFTER,
    header::SERVER,
    HeaderName::from_static("surrogate-control"),
    HeaderName::from_static("surrogate-key"),
    header::TRANSFER_ENCODING,
    header::VARY,
    header::VIA,
];

/// The answer to a search.
#[derive(Debug, Serialize)]
struct List {
    entries: Vec<Listed>,
    /// Whether there is more than is shown.
    more: bool,
}

/// A key, and the newest response under it.
#[derive(Debug, Serialize)]
struct Listed {
    #[serde(flatten)]
    newest: Stored,
    /// How many responses there are under the key: variants, and parts.
    responses: usize,
}

/// The answer to `GET /entry`.
#[derive(Debug, Serialize)]
struct Shown {
    key: String,
    responses: Vec<Details>,
}

#[derive(Debug, Serialize)]
struct Details {
    #[serde(flatten)]
    stored: Stored,
    headers: Vec<Field>,
}

#[derive(Debug, Serialize)]
struct Stored {
    #[serde(flatten)]
    info: EntryInfo,
    /// What it is good for now.
    state: &'static str,
}

#[derive(Debug, Serialize)]
struct Field {
    name: String,
    /// `None` where it might be a secret.
    value: Option<String>,
}

/// `GET /entries`: what has a text in its key, a tag, or a URL.
pub(super) fn search(uri: &Uri, core: &Core) -> Reply {
    let parameters = match Parameters::of(uri) {
        Ok(parameters) => parameters,
        Err(problem) => return reply::error(StatusCode::BAD_REQUEST, &problem),
    };
    let ways = ["text", "tag", "url"].map(|name| parameters.first(name));
    let found = match ways {
        [Some(text), None, None] => core.store.find_text(text, MOST),
        [None, Some(tag), None] => core.store.find_scope(&Purge::tag(tag).scope, MOST),
        [None, None, Some(url)] => match Purge::url(url) {
            Ok(purge) => core.store.find_scope(&purge.scope, MOST),
            Err(error) => return reply::error(StatusCode::BAD_REQUEST, &error.to_string()),
        },
        _ => return reply::error(StatusCode::BAD_REQUEST, "exactly one of text, tag, url is wanted"),
    };
    let now = core.clock.now();
    let Found { slots, more } = found;
    let mut entries: Vec<_> = slots.iter().filter_map(|(key, slot)| Listed::of(key, slot, now)).collect();
    entries.sort_unstable_by(|a, b| a.newest.info.key.cmp(&b.newest.info.key));
    reply::json(StatusCode::OK, &List { entries, more })
}

/// `GET /entry`: all that is stored under a key.
pub(super) fn show(uri: &Uri, core: &Core) -> Reply {
    let parameters = match Parameters::of(uri) {
        Ok(parameters) => parameters,
        Err(problem) => return reply::error(StatusCode::BAD_REQUEST, &problem),
    };
    let Some(printed) = parameters.first("key") else {
        return reply::error(StatusCode::BAD_REQUEST, "key is wanted");
    };
    let Ok(key) = printed.parse::<Key>() else {
        return reply::error(StatusCode::BAD_REQUEST, "key: is not the printable form of a key");
    };
    let now = core.clock.now();
    let slot = core.store.peek(key.as_bytes());
    let responses: Vec<_> =
        slot.iter().flat_map(current).map(|entry| Details::of(entry, &key, now)).collect();
    if responses.is_empty() {
        return reply::error(StatusCode::NOT_FOUND, "nothing is stored under this key");
    }
    reply::json(StatusCode::OK, &Shown { key: printed.to_owned(), responses })
}

fn current(slot: &Slot) -> impl Iterator<Item = &Entry> {
    slot.entries().map(AsRef::as_ref).filter(|entry: &&Entry| !entry.is_purged())
}

impl Listed {
    fn of(key: &Key, slot: &Slot, now: Tick) -> Option<Self> {
        let newest = Stored::of(current(slot).next()?, key, now);
        Some(Self { newest, responses: current(slot).count() })
    }
}

impl Details {
    fn of(entry: &Entry, key: &Key, now: Tick) -> Self {
        Self { stored: Stored::of(entry, key, now), headers: fields(&entry.headers.without_slots()) }
    }
}

impl Stored {
    fn of(entry: &Entry, key: &Key, now: Tick) -> Self {
        let state = match entry.reuse(now) {
            Reuse::Fresh => "fresh",
            Reuse::Stale => "stale",
            Reuse::StaleError => "stale_error",
            Reuse::OnError => "on_error",
            Reuse::Revalidate => "revalidate",
            Reuse::Gone => "gone",
        };
        Self { info: EntryInfo::new(entry, key.to_string(), now), state }
    }
}

/// Every line of the headers, in the order of their names.
fn fields(headers: &HeaderMap) -> Vec<Field> {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let mut fields: Vec<_> = headers
        .iter()
        .map(|(name, value)| Field {
            name: name.to_string(),
            value: (SHOWN.contains(name) && !value.is_sensitive()).then(|| text(value)),
        })
        .collect();
    fields.sort_by(|a, b| a.name.cmp(&b.name));
    fields
}
