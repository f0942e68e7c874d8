//! Keys that differ in the query and in nothing else.

use std::str;

use super::{
    KeyWriter,
    encoding::{Part, parts},
    search::split_query,
};

/// A key that [`Target`](super::Target) wrote, taken apart: what it is without the query, and that query.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stem<'k> {
    pub(crate) key: Vec<u8>,
    pub(crate) query: Option<&'k str>,
}

impl<'k> Stem<'k> {
    /// Takes a key apart. The target is its last plain part; where a router has changed it, what became of it is without the
    /// same query, too.
    pub(crate) fn of(key: &'k [u8]) -> Option<Self> {
        let (place, target) = parts(key).enumerate().filter_map(plain).last()?;
        let (path, query) = split_query(str::from_utf8(target).ok()?);
        let mut stem = KeyWriter::empty();
        for (n, part) in parts(key).enumerate() {
            match part {
                Part::Plain(_) if n == place => stem.push(path),
                Part::Plain(part) => stem.push(part),
                Part::Named { name, value } => stem.push_pair(name, without(query, name, value)),
                Part::Absent(name) => stem.push_absent(name),
                Part::Guarded { name, value } => stem.push_guarded(name, value),
            }
        }
        Some(Self { key: stem.as_bytes().to_vec(), query })
    }
}

fn plain<'k>((n, part): (usize, Part<'k>)) -> Option<(usize, &'k [u8])> {
    match part {
        Part::Plain(part) => Some((n, part)),
        _ => None,
    }
}

fn without<'k>(query: Option<&str>, name: &[u8], value: &'k [u8]) -> &'k [u8] {
    let routed = query.filter(|_| name == b"routed");
    let path = routed.and_then(|query| value.strip_suffix(query.as_bytes())?.strip_suffix(b"?"));
    path.unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::{Credentials, Key, Target, tests::*};

    #[test]
    fn the_query_is_told_from_the_rest() {
        for (uri, headers, stem, query) in [
            ("/x?a=1", &[("host", "a")][..], "ns||a|/x", Some("a=1")),
            ("/x?", &[("host", "a")], "ns||a|/x", Some("")),
            ("/x", &[("host", "a")], "ns||a|/x", None),
            ("/x?a?b", &[], "ns||-host|/x", Some("a?b")),
            ("http://a/x?q", &[("host", "b?q")], "ns|http|a|+host=b?q|/x", Some("q")),
        ] {
            let key = Key::of("ns", &Target, &get(uri, headers)).expect("a key");
            let found = Stem::of(key.as_bytes()).expect("a stem");
            assert_eq!(
                (Key::from_bytes(&found.key).to_string().as_str(), found.query),
                (stem, query),
                "{uri}"
            );
        }
        let key =
            Key::of("ns", &(Target, Credentials), &get("/x?a", &[("authorization", "b")])).expect("a key");
        let other =
            Key::of("ns", &(Target, Credentials), &get("/x?a", &[("authorization", "c")])).expect("a key");
        let (stem, other) = (Stem::of(key.as_bytes()), Stem::of(other.as_bytes()));
        assert_eq!(stem.as_ref().and_then(|stem| stem.query), Some("a"));
        assert_ne!(stem, other, "what tells identities apart stays");
        assert_eq!(Stem::of(b""), None);
    }

    #[cfg(feature = "axum")]
    #[test]
    fn what_a_router_made_of_the_target_loses_the_same_query_only() {
        let stem = |original: &'static str, routed: &str| {
            let mut parts = get(routed, &[("host", "a")]);
            parts.extensions.insert(axum::extract::OriginalUri(http::Uri::from_static(original)));
            let key = Key::of("ns", &Target, &parts).expect("a key");
            Key::from_bytes(&Stem::of(key.as_bytes()).expect("a stem").key).to_string()
        };
        assert_eq!(stem("/t1/x?q=1", "/x?q=1"), "ns||a|/t1/x|+routed=/x");
        assert_eq!(stem("/t1/x?q=1", "/x?r=1"), "ns||a|/t1/x|+routed=/x?r=1");
    }
}
