//! What a request was aimed at, as purges see it.

use std::{str, sync::Arc};

use http::{Uri, request, uri::PathAndQuery};
use smallvec::SmallVec;

use crate::key;

/// The authority (lower case) and the path with its query that a request named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// The one after the other, in one piece of memory.
    text: Arc<str>,
    /// Where the path begins.
    path: usize,
}

impl Target {
    /// The target of a request: what the key sees of its URI, or else its `Host`.
    pub(crate) fn of(parts: &request::Parts) -> Self {
        Self::of_parts(key::authority(parts).unwrap_or_default(), key::target_uri(parts))
    }

    pub(crate) fn of_uri(uri: &Uri) -> Self {
        let authority = uri.authority().map_or("", |authority| {
            let text = authority.as_str();
            text.rsplit_once('@').map_or(text, |(_user, host)| host)
        });
        Self::of_parts(authority, uri)
    }

    fn of_parts(authority: &str, uri: &Uri) -> Self {
        match uri.path_and_query().map_or("", PathAndQuery::as_str) {
            query if query.starts_with('?') => Self::new(authority, &format!("/{query}")),
            path => Self::new(authority, path),
        }
    }

    /// One of this authority, in any case, and this path.
    pub(crate) fn new(authority: &str, path: &str) -> Self {
        // Put together beside the heap, where it is one piece from the start.
        let mut text = SmallVec::<[u8; 256]>::new();
        text.extend_from_slice(authority.as_bytes());
        text.make_ascii_lowercase();
        text.extend_from_slice(path.as_bytes());
        let text = str::from_utf8(&text).unwrap_or_default();
        Self { text: text.into(), path: authority.len() }
    }

    pub(crate) fn authority(&self) -> &str {
        self.split().0
    }

    pub(crate) fn path(&self) -> &str {
        self.split().1
    }

    fn split(&self) -> (&str, &str) {
        self.text.split_at_checked(self.path).unwrap_or_default()
    }

    /// An estimate of the bytes it takes beside itself.
    pub(super) fn weight(&self) -> usize {
        2 * size_of::<usize>() + self.text.len()
    }

    /// What a reference in a response to this request means, if it has the same origin (RFC 3986 §5.2, RFC 9110 §4.3.1).
    /// Without a `scheme` any one will do: a server is asked without it, and behind a proxy does not know its own.
    pub(crate) fn resolve(&self, scheme: Option<&str>, reference: &str) -> Option<Self> {
        let reference = reference.split('#').next().unwrap_or_default();
        let absolute = reference.split_once("://").filter(|(named, _)| {
            let same = |scheme: &str| named.eq_ignore_ascii_case(scheme);
            scheme.map_or_else(|| same("http") || same("https"), same)
        });
        let rest = absolute.map(|(_, rest)| rest).or_else(|| reference.strip_prefix("//"));
        let path = match rest {
            Some(rest) => {
                let end = rest.find(['/', '?']).unwrap_or(rest.len());
                let (authority, path) = rest.split_at(end);
                if !authority.eq_ignore_ascii_case(self.authority()) {
                    return None;
                }
                if path.starts_with('/') { path.to_owned() } else { format!("/{path}") }
            }
            None if reference.contains(':') && !reference.starts_with(['/', '.', '?']) => return None,
            None if reference.starts_with('/') => reference.to_owned(),
            None => {
                let own = self.path().split('?').next().unwrap_or_default();
                let folder = own.rsplit_once('/').map_or("", |(folder, _)| folder);
                match reference {
                    "" => self.path().to_owned(),
                    query if query.starts_with('?') => format!("{own}{query}"),
                    relative => without_dots(&format!("{folder}/{relative}")),
                }
            }
        };
        Some(Self::new(self.authority(), &path))
    }
}

/// A path without `.` and `..` segments (RFC 3986 §5.2.4); its query stays as it is.
fn without_dots(path: &str) -> String {
    let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        match segment {
            "." => {}
            ".." => drop(kept.pop()),
            segment => kept.push(segment),
        }
        if segments.peek().is_none() && matches!(segment, "." | "..") {
            kept.push("");
        }
    }
    let path = format!("/{}", kept.join("/"));
    query.map_or(path.clone(), |query| format!("{path}?{query}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_resolved_on_their_own_host_only() {
        let base = Target::new("example.com:8080", "/a/b/c?d");
        for (reference, expected) in [
            ("http://example.com:8080/x?y", Some("/x?y")),
            ("HTTPS://EXAMPLE.com:8080/x", Some("/x")),
            ("//example.com:8080/x#f", Some("/x")),
            ("http://example.com:8080", Some("/")),
            ("http://example.com:8080?q", Some("/?q")),
            ("http://example.com/x", None),
            ("http://example.com:8080@evil/x", None),
            ("//evil/x", None),
            ("mailto:a@example.com", None),
            ("/x", Some("/x")),
            ("x", Some("/a/b/x")),
            ("x:y", None),
            ("./x:y", Some("/a/b/x:y")),
            ("../x?y", Some("/a/x?y")),
            ("../../../../x", Some("/x")),
            ("..", Some("/a/")),
            ("?x", Some("/a/b/c?x")),
            ("", Some("/a/b/c?d")),
        ] {
            let found = base.resolve(None, reference);
            assert_eq!(found.as_ref().map(Target::path), expected, "{reference}");
        }
        for (scheme, expected) in [("http", true), ("https", false)] {
            assert_eq!(base.resolve(Some(scheme), "http://example.com:8080/x").is_some(), expected);
            assert_eq!(base.resolve(Some(scheme), "HTTPS://example.com:8080/x").is_some(), !expected);
            assert!(base.resolve(Some(scheme), "//example.com:8080/x").is_some());
            assert!(base.resolve(Some(scheme), "/x").is_some());
        }
    }
}
