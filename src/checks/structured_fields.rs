use std::time::Duration;

use http::header::CACHE_CONTROL;
use http::{HeaderName, HeaderValue};
use sfv::{DictSerializer, Dictionary, Parser};

use super::{field, values};
use crate::policy::{
    cache_control::{FieldList, MAX_SECONDS, ResponseDirectives},
    targeted::Governing,
};

const TARGET: HeaderName = HeaderName::from_static("cdn-cache-control");

/// `CDN-Cache-Control`, each line of the text one of its lines, beside a `Cache-Control`.
pub fn structured_fields(text: &[u8]) {
    let lines = values(text);
    let others = field(&CACHE_CONTROL, [&HeaderValue::from_static("max-age=5, stale-if-error=5")]);
    let read = |lines: &[HeaderValue]| {
        let mut headers = others.clone();
        headers.extend(field(&TARGET, lines));
        Governing::of(&headers, &[TARGET])
    };
    let all = read(&lines);
    let own = &all.directives;

    // It governs alone, or not at all.
    assert!(all.targeted || *own == ResponseDirectives::from_headers(&others));
    let numbers = [own.max_age, own.s_maxage, own.stale_while_revalidate, own.stale_if_error];
    assert!(numbers.into_iter().flatten().all(|number| number <= MAX_SECONDS));

    // Lines are one field (RFC 9651 §4.2).
    let text: Vec<_> = lines.iter().map(HeaderValue::as_bytes).collect();
    let text = text.join(&b", "[..]);
    let Ok(joined) = HeaderValue::from_bytes(&text) else { return };
    assert!(lines.is_empty() || read(&[joined]) == all);

    // Written down from its members, in any order, it reads the same.
    if all.targeted {
        let members: Dictionary = Parser::new(&text).parse().unwrap_or_default();
        assert_eq!(read(&written(members.iter())), all);
        assert_eq!(read(&written(members.iter().rev())), all);
    }

    // The last member of a name counts, so that a restriction at the end holds.
    for (line, holds) in RESTRICTIONS {
        let more = read(&[&lines[..], &[HeaderValue::from_static(line)]].concat());
        assert_eq!(more.targeted, all.targeted || lines.is_empty(), "{line}");
        assert!(!more.targeted || holds(&more.directives), "{line}");
    }
}

type Restriction = (&'static str, fn(&ResponseDirectives) -> bool);

static RESTRICTIONS: [Restriction; 6] = [
    ("no-store", |read| read.no_store),
    ("private=\"a\"", |read| read.private == FieldList::All),
    ("no-cache=1", |read| read.no_cache == FieldList::All),
    ("must-revalidate=(a)", |read| read.must_revalidate),
    ("max-age=-1", |read| read.max_age == Some(Duration::ZERO)),
    ("stale-while-revalidate=x", |read| read.stale_while_revalidate.is_none()),
];

fn written<'a>(members: impl Iterator<Item = (&'a sfv::Key, &'a sfv::ListEntry)>) -> Vec<HeaderValue> {
    let mut text = DictSerializer::new();
    text.members(members);
    text.finish().and_then(|text| HeaderValue::try_from(text).ok()).into_iter().collect()
}
