use http::header::VARY;
use http::{HeaderMap, HeaderValue};

use super::{field, pairs, reversed, split, values};
use crate::policy::vary::Vary;

/// The lines of a `Vary`, an empty line, a request's head, an empty line, and another one's.
pub fn vary(text: &[u8]) {
    let (lines, requests) = split(text);
    let (one, other) = split(requests);
    let (lines, one, other): (_, HeaderMap, HeaderMap) =
        (values(lines), pairs(one).into_iter().collect(), pairs(other).into_iter().collect());
    let read = |lines: &[HeaderValue]| Vary::from_headers(&field(&VARY, lines));
    let vary = read(&lines);

    // Fields are a set: neither order nor repetition nor case matters, nor how they are spread over lines.
    assert_eq!(read(&reversed(&lines)), vary);
    assert_eq!(read(&[&lines[..], &lines].concat()), vary);
    let upper = lines.iter().map(|line| line.as_bytes().to_ascii_uppercase());
    let upper: Vec<_> = upper.filter_map(|line| HeaderValue::from_bytes(&line).ok()).collect();
    assert_eq!(read(&upper), vary);
    let joined = lines.iter().map(HeaderValue::as_bytes).collect::<Vec<_>>().join(&b","[..]);
    assert_eq!(HeaderValue::from_bytes(&joined).map(|line| read(&[line])).ok(), Some(vary.clone()));

    // Whatever is named beside it, `*` is matched by nobody.
    assert_eq!(read(&[&lines[..], &[HeaderValue::from_static("*")]].concat()), Vary::Any);
    let (Some(selecting), Some(others)) = (vary.select(&one), vary.select(&other)) else {
        return assert_eq!(vary, Vary::Any);
    };

    // A request matches itself, and those who select the same: which is one question, however it is put.
    assert!(selecting.matches(&one));
    assert_eq!(selecting.reselect(&one), selecting);
    assert_eq!(selecting.reselect(&other), others);
    assert!(selecting.same_fields(&others));
    let same = selecting.matches(&other);
    assert_eq!(same, selecting == others);
    assert_eq!(same, others.matches(&one));
    assert!(same || vary != Vary::None);

    // A field that is not named does not matter; one that is, and that the other has not, does.
    let named = |name| matches!(&vary, Vary::Fields(names) if names.contains(name));
    for name in other.keys() {
        let mut less = other.clone();
        less.remove(name);
        assert!(!named(name) || !others.matches(&less));
        assert!(named(name) || selecting.matches(&less) == same);
    }
}
