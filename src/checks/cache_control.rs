use std::time::Duration;

use http::HeaderValue;
use http::header::{CACHE_CONTROL, PRAGMA};

use super::{field, mentions, reversed, values};
use crate::policy::cache_control::{FieldList, MAX_SECONDS, RequestDirectives, ResponseDirectives};

/// `Cache-Control`, each line of the text one of its lines, in a response and in a request.
pub fn cache_control(text: &[u8]) {
    let lines = values(text);
    response(&lines);
    request(&lines);
}

fn response(lines: &[HeaderValue]) {
    let read = |lines: &[HeaderValue]| plain(ResponseDirectives::from_headers(&field(&CACHE_CONTROL, lines)));
    let all = read(lines);

    // No number is above what RFC 9111 §1.2.2 clamps to.
    assert!(numbers(&all).iter().all(|(_, number)| number.is_none_or(|number| number <= MAX_SECONDS)));

    // The order of lines does not matter, nor that they are repeated, nor case.
    assert_eq!(read(&reversed(lines)), all);
    assert_eq!(read(&[lines, lines].concat()), all);
    assert_eq!(read(&each(lines, <[u8]>::to_ascii_uppercase)), all);

    // Lines are one list (RFC 9110 §5.3). A quote that is never closed reaches to the end of its line.
    if !lines.iter().any(|line| mentions(line, "\"")) {
        assert_eq!(read(&joined(lines)), all);
    }

    // One line more restricts, or grants what it names: nothing else.
    for n in 0..lines.len() {
        let (less, more) = (read(&lines[..n]), read(&lines[..=n]));
        assert_no_laxer(&less, &more, |grant| mentions(&lines[n], grant));
    }

    // What restricts does so, whatever stands on the lines around it.
    for (line, holds) in RESTRICTIONS {
        let line = [HeaderValue::from_static(line)];
        assert!(holds(&read(&[lines, &line].concat())), "{line:?} at the end");
        assert!(holds(&read(&[&line, lines].concat())), "{line:?} at the beginning");
    }
}

type Restriction = (&'static str, fn(&ResponseDirectives) -> bool);

static RESTRICTIONS: [Restriction; 10] = [
    ("no-store", |read| read.no_store),
    ("no-cache", |read| read.no_cache == FieldList::All),
    ("private", |read| read.private == FieldList::All),
    ("must-revalidate", |read| read.must_revalidate),
    ("proxy-revalidate", |read| read.proxy_revalidate),
    ("no-transform", |read| read.no_transform),
    ("max-age=0", |read| read.max_age == Some(Duration::ZERO)),
    ("s-maxage=x", |read| read.s_maxage == Some(Duration::ZERO)),
    ("stale-while-revalidate=x", |read| read.stale_while_revalidate.is_none()),
    ("stale-if-error=-1", |read| read.stale_if_error.is_none()),
];

/// That `more`, which has something added, allows nothing that `less` does not, but for the grants that were `added`.
fn assert_no_laxer(less: &ResponseDirectives, more: &ResponseDirectives, added: impl Fn(&str) -> bool) {
    for (less, more) in restrictions(less).into_iter().zip(restrictions(more)) {
        assert!(less <= more, "a restriction was lifted");
    }
    for ((name, less), (_, more)) in numbers(less).into_iter().zip(numbers(more)) {
        // `None` is the least of all. It grants nothing, and for `max-age` it cannot come back.
        assert!(more <= less || (less.is_none() && added(name)), "{name} grew to {more:?}");
    }
    assert!(less.max_age.is_none() || more.max_age.is_some());
    assert!(less.s_maxage.is_none() || more.s_maxage.is_some());
    for (name, less, more) in [
        ("public", less.public, more.public),
        ("immutable", less.immutable, more.immutable),
        ("must-understand", less.must_understand, more.must_understand),
    ] {
        assert!(more <= less || added(name), "{name} was granted");
    }
    let shares = ["public", "must-revalidate", "s-maxage"].into_iter().any(added);
    assert!(more.shares_authorized <= less.shares_authorized || shares);
}

fn restrictions(of: &ResponseDirectives) -> [bool; 6] {
    let lists = [of.no_cache != FieldList::Absent, of.private != FieldList::Absent];
    let [no_cache, private] = lists;
    [of.no_store, no_cache, private, of.must_revalidate, of.proxy_revalidate, of.no_transform]
}

fn numbers(of: &ResponseDirectives) -> [(&'static str, Option<Duration>); 4] {
    [
        ("max-age", of.max_age),
        ("s-maxage", of.s_maxage),
        ("stale-while-revalidate", of.stale_while_revalidate),
        ("stale-if-error", of.stale_if_error),
    ]
}

/// With lists of fields as restrictions of the whole: how many names are kept apart depends on their order.
fn plain(read: ResponseDirectives) -> ResponseDirectives {
    let whole = |list| if list == FieldList::Absent { list } else { FieldList::All };
    ResponseDirectives { no_cache: whole(read.no_cache), private: whole(read.private), ..read }
}

fn request(lines: &[HeaderValue]) {
    let read = |lines: &[HeaderValue]| RequestDirectives::from_headers(&field(&CACHE_CONTROL, lines));
    let all = read(lines);

    let numbers = [all.max_age, all.min_fresh, all.max_stale.flatten()];
    assert!(numbers.into_iter().flatten().all(|number| number <= MAX_SECONDS));
    assert_eq!(read(&reversed(lines)), all);
    assert_eq!(read(&[lines, lines].concat()), all);
    assert_eq!(read(&each(lines, <[u8]>::to_ascii_uppercase)), all);

    // One line more asks for more, or is content with something stale.
    for n in 0..lines.len() {
        let (less, more) = (read(&lines[..n]), read(&lines[..=n]));
        assert!(less.no_cache <= more.no_cache && less.no_store <= more.no_store);
        assert!(less.only_if_cached <= more.only_if_cached);
        assert!(less.max_age.is_none_or(|less| more.max_age.is_some_and(|more| more <= less)));
        assert!(less.min_fresh <= more.min_fresh);
        let stale = |asked: &RequestDirectives| asked.max_stale.map(|most| most.unwrap_or(Duration::MAX));
        assert!(
            stale(&more) <= stale(&less) || (less.max_stale.is_none() && mentions(&lines[n], "max-stale"))
        );
    }

    // `Pragma` says `no-cache` or nothing, and nothing beside `Cache-Control` (RFC 9111 §5.4).
    let pragma = RequestDirectives::from_headers(&field(&PRAGMA, lines));
    assert_eq!(pragma, RequestDirectives { no_cache: pragma.no_cache, ..RequestDirectives::default() });
    let mut both = field(&PRAGMA, lines);
    both.extend(field(&CACHE_CONTROL, [&HeaderValue::from_static("foo")]));
    assert_eq!(RequestDirectives::from_headers(&both), RequestDirectives::default());
}

fn each(lines: &[HeaderValue], change: impl Fn(&[u8]) -> Vec<u8>) -> Vec<HeaderValue> {
    lines.iter().filter_map(|line| HeaderValue::from_bytes(&change(line.as_bytes())).ok()).collect()
}

fn joined(lines: &[HeaderValue]) -> Vec<HeaderValue> {
    let lines: Vec<_> = lines.iter().map(HeaderValue::as_bytes).collect();
    HeaderValue::from_bytes(&lines.join(&b", "[..])).into_iter().collect()
}
