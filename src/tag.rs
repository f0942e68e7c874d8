//! Tags: names under which stored responses are purged together.
//!
//! A response brings them in `Cache-Tag` (separated by commas or spaces), in `Surrogate-Key` (separated by spaces), in
//! `Cache-Groups` (RFC 9875) or in a [`CacheOverride`](crate::CacheOverride).

use std::ops::Deref;

use http::{HeaderMap, HeaderName};
use sfv::{BareItem, List, ListEntry, Parser};

/// The fields that carry tags. They are for caches, so they are not sent downstream unless a route says so.
pub(crate) const TAG_FIELDS: [HeaderName; 2] =
    [HeaderName::from_static("cache-tag"), HeaderName::from_static("surrogate-key")];

/// The groups that a response belongs to, among the responses of its origin (RFC 9875 §2). It is for every cache on the
/// way, so it is sent on.
const CACHE_GROUPS: HeaderName = HeaderName::from_static("cache-groups");
/// The groups that a response to an unsafe request invalidates (RFC 9875 §3).
const CACHE_GROUP_INVALIDATION: HeaderName = HeaderName::from_static("cache-group-invalidation");

/// The tags of a stored response, in order and each of them once.
#[expect(clippy::box_collection, reason = "most responses have none, and take one word for that")]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tags(Option<Box<Vec<Box<str>>>>);

impl FromIterator<Box<str>> for Tags {
    fn from_iter<T: IntoIterator<Item = Box<str>>>(tags: T) -> Self {
        let mut tags: Vec<Box<str>> = tags.into_iter().collect();
        tags.sort_unstable();
        tags.dedup();
        tags.shrink_to_fit();
        Self((!tags.is_empty()).then(|| Box::new(tags)))
    }
}

impl Deref for Tags {
    type Target = [Box<str>];

    fn deref(&self) -> &[Box<str>] {
        self.0.as_deref().map_or(&[], Vec::as_slice)
    }
}

/// The groups of a response (RFC 9875 §2).
pub(crate) fn groups(headers: &HeaderMap) -> Tags {
    strings(headers, &CACHE_GROUPS)
}

/// The groups that a response says are invalid (RFC 9875 §3).
pub(crate) fn invalidated_groups(headers: &HeaderMap) -> Tags {
    strings(headers, &CACHE_GROUP_INVALIDATION)
}

/// A field that is a list of strings, without repetition; nothing where it is anything else (RFC 9651 §1.1).
fn strings(headers: &HeaderMap, field: &HeaderName) -> Tags {
    let lines: Vec<&[u8]> = headers.get_all(field).iter().map(|line| line.as_bytes()).collect();
    if lines.is_empty() {
        return Tags::default();
    }
    let Ok(list) = Parser::new(&lines.join(&b", "[..])).parse::<List>() else { return Tags::default() };
    let string = |entry: &ListEntry| match entry {
        ListEntry::Item(item) => match &item.bare_item {
            BareItem::String(text) => Some(Box::from(text.as_str())),
            _ => None,
        },
        ListEntry::InnerList(_) => None,
    };
    list.iter().map(string).collect::<Option<_>>().unwrap_or_default()
}

/// Whether a response brings tags of its own; groups stay among the stored headers.
pub(crate) fn names_any(headers: &HeaderMap, more: &[String]) -> bool {
    !more.is_empty() || TAG_FIELDS.iter().any(|field| headers.contains_key(field))
}

/// What is in one of them, or in both.
pub(crate) fn union(some: &Tags, others: &Tags) -> Tags {
    some.iter().chain(others.iter()).cloned().collect()
}

/// Collects the tags of the headers, the groups among them, and `more`, without repetition.
pub(crate) fn collect(headers: &HeaderMap, more: &[String]) -> Tags {
    let mut tags: Vec<Box<str>> = Vec::new();
    let [cache_tag, surrogate_key] = &TAG_FIELDS;
    for (field, commas) in [(cache_tag, true), (surrogate_key, false)] {
        for line in headers.get_all(field) {
            let text = String::from_utf8_lossy(line.as_bytes());
            let separates = |c: char| c.is_ascii_whitespace() || (commas && c == ',');
            tags.extend(text.split(separates).filter(|tag| !tag.is_empty()).map(Box::from));
        }
    }
    tags.extend(groups(headers).iter().cloned());
    tags.extend(more.iter().map(|tag| tag.trim()).filter(|tag| !tag.is_empty()).map(Box::from));
    tags.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn groups_are_a_list_of_strings_or_none() {
        for (lines, expected) in [
            (&["\"b\", \"a c\";x=1", "\"b\""][..], &["a c", "b"][..]),
            (&["\"A\", \"a\""], &["A", "a"]),
            (&["\"a\", b"], &[]),
            (&["\"a\", (\"b\")"], &[]),
            (&["\"a\","], &[]),
            (&["\"a"], &[]),
            (&[""], &[]),
            (&[], &[]),
        ] {
            for (field, read) in [
                (CACHE_GROUPS, groups as fn(&HeaderMap) -> Tags),
                (CACHE_GROUP_INVALIDATION, invalidated_groups),
            ] {
                let lines = lines.iter().map(|line| (field.clone(), HeaderValue::from_static(line)));
                let found = read(&lines.collect());
                assert_eq!(found.iter().map(|group| &**group).collect::<Vec<_>>(), expected, "{field}");
            }
        }
    }

    #[test]
    fn a_response_names_tags_by_a_field_or_by_the_override() {
        for (field, more, expected) in [
            (None, &[][..], false),
            (Some("cache-groups"), &[], false),
            (Some("cache-tag"), &[], true),
            (Some("surrogate-key"), &[], true),
            (None, &["extra".to_owned()], true),
        ] {
            let headers = field.map(|name| (HeaderName::from_static(name), HeaderValue::from_static("a")));
            assert_eq!(names_any(&headers.into_iter().collect(), more), expected, "{field:?} {more:?}");
        }
    }

    #[test]
    fn a_union_has_each_tag_once() {
        let tags = |tags: &[&str]| tags.iter().map(|tag| Box::from(*tag)).collect::<Tags>();
        assert_eq!(union(&tags(&["a", "c"]), &tags(&["c", "b"])), tags(&["a", "b", "c"]));
    }

    #[test]
    fn tags_come_from_all_fields_and_the_override() {
        let mut headers = HeaderMap::new();
        headers.append("cache-tag", HeaderValue::from_static("nba, odds,,nba"));
        headers.append("cache-tag", HeaderValue::from_static("home"));
        headers.append("surrogate-key", HeaderValue::from_static("a,b  c"));
        headers.append("cache-groups", HeaderValue::from_static("\"a group\""));
        let tags = collect(&headers, &["extra".to_owned(), " ".to_owned()]);
        assert_eq!(
            tags.iter().map(|tag| &**tag).collect::<Vec<_>>(),
            ["a group", "a,b", "c", "extra", "home", "nba", "odds"]
        );
    }
}
