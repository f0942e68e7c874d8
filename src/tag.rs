//! Tags: names under which stored responses are purged together.
//!
//! A response brings them in `Cache-Tag` (separated by commas or spaces), in `Surrogate-Key` (separated by spaces) or in
//! a [`CacheOverride`](crate::CacheOverride).

use http::{HeaderMap, HeaderName};

/// The fields that carry tags. They are for caches, so they are not sent downstream unless a route says so.
pub(crate) const TAG_FIELDS: [HeaderName; 2] =
    [HeaderName::from_static("cache-tag"), HeaderName::from_static("surrogate-key")];

/// The tags of a stored response.
pub(crate) type Tags = Box<[Box<str>]>;

/// Collects the tags of the headers and `more`, without repetition.
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
    tags.extend(more.iter().map(|tag| tag.trim()).filter(|tag| !tag.is_empty()).map(Box::from));
    tags.sort_unstable();
    tags.dedup();
    tags.into_boxed_slice()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn tags_come_from_both_fields_and_the_override() {
        let mut headers = HeaderMap::new();
        headers.append("cache-tag", HeaderValue::from_static("nba, odds,,nba"));
        headers.append("cache-tag", HeaderValue::from_static("home"));
        headers.append("surrogate-key", HeaderValue::from_static("a,b  c"));
        let tags = collect(&headers, &["extra".to_owned(), " ".to_owned()]);
        assert_eq!(
            tags.iter().map(|tag| &**tag).collect::<Vec<_>>(),
            ["a,b", "c", "extra", "home", "nba", "odds"]
        );
    }
}
