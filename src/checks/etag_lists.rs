use http::header::{ETAG, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue, StatusCode};

use super::{field, reversed, values};
use crate::policy::validation::{Condition, Validators, client_condition, confirms};

/// The first line is a stored `ETag`, the others are the lines of an `If-None-Match`.
pub fn etag_lists(text: &[u8]) {
    let mut lines = values(text);
    if lines.is_empty() {
        return;
    }
    let etag = lines.remove(0);
    let stored = field(&ETAG, [&etag]);
    let validators = Validators::from_headers(&stored);
    let listed = |lines: &[HeaderValue], status| {
        let condition = client_condition(&field(&IF_NONE_MATCH, lines), &stored, status);
        assert_ne!(condition, Condition::Forward);
        condition == Condition::NotModified
    };
    let ok = |lines: &[HeaderValue]| listed(lines, StatusCode::OK);

    // The order of lines does not matter; a client that has the tag has what is stored; no list speaks of an error.
    assert_eq!(ok(&reversed(&lines)), ok(&lines));
    assert!(validators.etag.is_none() || ok(&[&lines[..], std::slice::from_ref(&etag)].concat()));
    assert!(!listed(&lines, StatusCode::NOT_FOUND));

    // One line more finds no less, but beside `*`, which stands alone.
    for n in 0..lines.len() {
        assert!(is_any(&lines[..n]) || ok(&lines[..n]) <= ok(&lines[..=n]));
    }

    // What is found stands there, quotes and all.
    if ok(&lines) && !is_any(&lines) {
        let tag = etag.as_bytes().trim_ascii();
        let opaque = tag.strip_prefix(b"W/").unwrap_or(tag);
        let holds = |line: &HeaderValue| line.as_bytes().windows(opaque.len()).any(|part| part == opaque);
        assert!(validators.etag.is_some() && lines.iter().any(holds));
    }

    // Each line as the tag of a 304: a strong one has to be the stored one; the stored one confirms itself.
    assert!(validators.etag.is_none() || confirms(&validators, &stored));
    for line in &lines {
        let fresh = field(&ETAG, [line]);
        let strong = Validators::from_headers(&fresh).etag.filter(|tag| tag.as_bytes().starts_with(b"\""));
        assert!(
            confirms(&Validators::default(), &HeaderMap::new()),
            "no validator, an answer to what we asked"
        );
        assert!(!confirms(&Validators::default(), &fresh), "nothing stored has this tag");
        let is_stored = |tag: HeaderValue| tag.as_bytes().trim_ascii() == etag.as_bytes().trim_ascii();
        assert!(!confirms(&validators, &fresh) || strong.is_none_or(is_stored));
    }
}

fn is_any(lines: &[HeaderValue]) -> bool {
    matches!(lines, [line] if line.as_bytes().trim_ascii() == b"*")
}
