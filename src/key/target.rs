use std::{fmt::Write, ptr, str};

use http::{Uri, header::HOST, request::Parts};

use super::{KeyDecision, KeyExtractor, KeyWriter};

/// The default extractor: [`Authority`], then path and query byte for byte.
///
/// Neither percent-escapes, nor the order of parameters, nor slashes, nor a default port are touched:
/// requests that only an application knows to be the same have different keys. `OPTIONS *`, the authority
/// form and empty paths have keys too.
///
/// Where a router or a middleware has changed the URI, and the feature `axum` is on, the key holds what the
/// client sent and in a part named `routed` what has become of it.
///
/// ```
/// # use http::Request;
/// use tower_swr_cache::key::{Key, Target};
///
/// let (parts, ()) = Request::get("https://Example.com:8443/odds?b=2&a=%31").body(())?.into_parts();
/// let key = Key::of("odds", &Target, &parts).unwrap();
/// assert_eq!(key.to_string(), "odds|https|example.com:8443|/odds?b=2&a=%2531");
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Target;

impl KeyExtractor for Target {
    fn extract(&self, parts: &Parts, key: &mut KeyWriter) -> KeyDecision {
        if Authority.extract(parts, key) == KeyDecision::Bypass {
            return KeyDecision::Bypass;
        }
        let uri = target_uri(parts);
        key.push(uri.path_and_query().map_or("", |target| target.as_str()));
        // A rewrite may depend on more than the URI it started from.
        if !ptr::eq(uri, &parts.uri) && *uri != parts.uri {
            key.push_pair_with("routed", |value| {
                let _ = write!(value, "{}", parts.uri);
            });
        }
        KeyDecision::Cache
    }
}

/// Scheme and authority, both in lower case.
///
/// The scheme is empty where the URI has none, as on most servers. The authority is the URI's, else the
/// `Host` header's. A `Host` that contradicts the URI joins the key under its own name, since an
/// application may read either.
///
/// Bypasses the cache when there are several `Host` headers or one that is not visible ASCII, and when the
/// URI has user information: it may be a credential, which belongs neither in a key nor in anybody else's
/// answer.
///
/// ```
/// # use http::Request;
/// use tower_swr_cache::key::{Authority, Key, Path};
///
/// let (parts, ()) = Request::get("/odds?x=1").header("host", "Example.com").body(())?.into_parts();
/// let key = Key::of("odds", &(Authority, Path), &parts).unwrap();
/// assert_eq!(key.to_string(), "odds||example.com|/odds");
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Authority;

impl KeyExtractor for Authority {
    fn extract(&self, parts: &Parts, key: &mut KeyWriter) -> KeyDecision {
        let uri = target_uri(parts);
        let Ok(host) = host(parts) else { return KeyDecision::Bypass };
        if has_userinfo(uri) || has_userinfo(&parts.uri) {
            return KeyDecision::Bypass;
        }
        key.push_lowercase(uri.scheme_str().unwrap_or_default().as_bytes());
        match (uri_authority(uri).map(str::as_bytes), host) {
            (Some(authority), host) => {
                key.push_lowercase(authority);
                if let Some(host) = host.filter(|host| !host.eq_ignore_ascii_case(authority)) {
                    key.push_pair_with("host", |value| value.append_lowercase(host));
                }
            }
            (None, Some(host)) => key.push_lowercase(host),
            (None, None) => key.push_absent("host"),
        }
        KeyDecision::Cache
    }
}

/// The URI the client asked for.
///
/// A layer inside axum's `nest` sees a URI that has lost its prefix;
/// [`OriginalUri`](axum::extract::OriginalUri) still has it.
#[cfg(feature = "axum")]
pub(crate) fn target_uri(parts: &Parts) -> &Uri {
    parts.extensions.get::<axum::extract::OriginalUri>().map_or(&parts.uri, |original| &original.0)
}

/// The URI the client asked for.
#[cfg(not(feature = "axum"))]
pub(crate) fn target_uri(parts: &Parts) -> &Uri {
    &parts.uri
}

/// Puts another query into the URI the client asked for, and into what a router made of it where that has the same one.
pub(crate) fn set_query(parts: &mut Parts, query: Option<&str>) -> Option<()> {
    let uri = with_query(&parts.uri, query)?;
    #[cfg(feature = "axum")]
    if let Some(original) = parts.extensions.get_mut::<axum::extract::OriginalUri>() {
        if original.0.query() != parts.uri.query() {
            return None;
        }
        original.0 = with_query(&original.0, query)?;
    }
    parts.uri = uri;
    Some(())
}

fn with_query(uri: &Uri, query: Option<&str>) -> Option<Uri> {
    let target = query.map_or_else(|| uri.path().to_owned(), |query| format!("{}?{query}", uri.path()));
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(target.parse().ok()?);
    Uri::from_parts(parts).ok()
}

/// The authority the client asked for, as it was spelled: the URI's without user information (RFC 9112
/// §3.2.2), else that of the `Host` header, unless it is unclear.
pub(crate) fn authority(parts: &Parts) -> Option<&str> {
    uri_authority(target_uri(parts)).or_else(|| str::from_utf8(host(parts).ok().flatten()?).ok())
}

fn uri_authority(uri: &Uri) -> Option<&str> {
    uri.authority().and_then(|authority| authority.as_str().rsplit('@').next())
}

/// There is more than one `Host`, or one that cannot be read: servers differ in what they make of it (RFC
/// 9112 §3.2).
struct UnclearHost;

/// What is in `Host`, all of it visible ASCII.
fn host(parts: &Parts) -> Result<Option<&[u8]>, UnclearHost> {
    // It should be the first field (RFC 9110 §7.2), where it is found without its name being hashed.
    let first = parts.headers.iter().next().filter(|(name, _)| **name == HOST).map(|(_, value)| value);
    let Some(host) = first.or_else(|| parts.headers.get(HOST)) else { return Ok(None) };
    // Where no name has a second line, `Host` has none; that is known without looking for it.
    let several = || parts.headers.get_all(HOST).iter().nth(1).is_some();
    let repeats = parts.headers.len() != parts.headers.keys_len() && several();
    let host = host.as_bytes();
    // All of it in any case: a loop without a way out looks at many bytes at once.
    let is_graphic = host.iter().fold(true, |all, byte| all & byte.is_ascii_graphic());
    if is_graphic && !repeats { Ok(Some(host)) } else { Err(UnclearHost) }
}

fn has_userinfo(uri: &Uri) -> bool {
    uri.authority().is_some_and(|authority| authority.as_str().contains('@'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::tests::*;

    #[test]
    fn every_form_of_a_request_target_has_a_key() {
        for (uri, host, key) in [
            ("/", "a", "ns||a|/"),
            ("/x?", "a", "ns||a|/x?"),
            ("/X/%2f//?b=1&a=2&b=%7C", "a", "ns||a|/X/%252f//?b=1&a=2&b=%257C"),
            ("*", "a", "ns||a|*"),
            ("/x", "EXAMPLE.com:80", "ns||example.com:80|/x"),
            ("/x", "user@a", "ns||user@a|/x"),
            ("http://a", "a", "ns|http|a|/"),
            ("http://a?x", "a", "ns|http|a|?x"),
            ("HTTPS://Example.COM/X", "example.com", "ns|https|example.com|/X"),
            ("ws+Unix://a/", "a", "ns|ws+unix|a|/"),
            ("http://[::1]:80/", "[::1]:80", "ns|http|[::1]:80|/"),
            ("http://a/", "B", "ns|http|a|+host=b|/"),
            ("a:443", "a:443", "ns||a:443|"),
            ("/x", "", "ns|||/x"),
        ] {
            assert_eq!(printed(&Target, &get(uri, &[("host", host)])), key, "{uri} {host}");
        }
        assert_eq!(printed(&Target, &get("/x", &[])), "ns||-host|/x");
        assert_eq!(printed(&Target, &get("http://a/x", &[])), "ns|http|a|/x");
    }

    #[test]
    fn an_unclear_host_bypasses() {
        for hosts in [&["a", "b"][..], &["a", "a"], &["a b"], &["a\t"], &["ä"], &["", ""]] {
            let headers: Vec<_> = hosts.iter().map(|host| ("host", *host)).collect();
            for uri in ["/x", "http://a/x"] {
                assert_eq!(printed(&Target, &get(uri, &headers)), BYPASS, "{uri} {hosts:?}");
                assert_eq!(printed(&Authority, &get(uri, &headers)), BYPASS, "{uri} {hosts:?}");
            }
            assert_eq!(authority(&get("/x", &headers)), None);
        }
    }

    #[test]
    fn the_host_is_found_wherever_it_stands() {
        for headers in [[("host", "a"), ("accept", "b")], [("accept", "b"), ("host", "a")]] {
            assert_eq!(printed(&Target, &get("/x", &headers)), "ns||a|/x", "{headers:?}");
        }
    }

    #[test]
    fn user_information_is_never_written() {
        let parts = get("http://user:secret@a/x", &[]);
        assert_eq!(printed(&Target, &parts), BYPASS);
        assert_eq!(authority(&parts), Some("a"));
    }

    #[test]
    fn another_query_leaves_all_else_as_it_is() {
        for (uri, query, expected) in [
            ("/x?a=1", Some("b=2"), Some("/x?b=2")),
            ("/x", Some("b?c"), Some("/x?b?c")),
            ("/x?a=1", Some(""), Some("/x?")),
            ("/x?a=1", None, Some("/x")),
            ("/", None, Some("/")),
            ("https://u:p@a:8443/x?a", Some("b"), Some("https://u:p@a:8443/x?b")),
            ("http://a", Some("b"), Some("http://a/?b")),
            ("/x?a", Some("b c"), None),
            // It has no path that a query could follow.
            ("a:443", Some("b"), None),
        ] {
            let mut parts = get(uri, &[]);
            let set = set_query(&mut parts, query).map(|()| parts.uri.to_string());
            assert_eq!(set.as_deref(), expected, "{uri} {query:?}");
            assert!(set.is_some() || parts.uri == *uri, "{uri} {query:?}: {}", parts.uri);
        }
    }

    #[cfg(feature = "axum")]
    #[test]
    fn under_axum_both_uris_get_another_query_if_they_had_the_same_one() {
        for (original, routed, expected) in [
            ("/t1/x?a", "/x?a", Some(("/t1/x?b", "/x?b"))),
            ("/t1/x", "/x", Some(("/t1/x?b", "/x?b"))),
            ("/t1/x?a", "/x?c", None),
            ("/t1/x?a", "/x", None),
            ("a:443", "/", None),
        ] {
            let mut parts = get(routed, &[]);
            parts.extensions.insert(axum::extract::OriginalUri(Uri::from_static(original)));
            let set = set_query(&mut parts, Some("b"));
            assert_eq!(set.is_some(), expected.is_some(), "{original} {routed}");
            let found = (target_uri(&parts).to_string(), parts.uri.to_string());
            let (original, routed) = expected.unwrap_or((original, routed));
            assert_eq!(found, (original.to_owned(), routed.to_owned()));
        }
    }

    #[cfg(feature = "axum")]
    #[test]
    fn under_axum_both_the_original_and_the_routed_uri_count() {
        let nested = |original: &'static str, routed: &str| {
            let mut parts = get(routed, &[("host", "a")]);
            parts.extensions.insert(axum::extract::OriginalUri(Uri::from_static(original)));
            parts
        };
        assert_eq!(printed(&Target, &nested("/t1/x?q", "/x?q")), "ns||a|/t1/x?q|+routed=/x?q");
        assert_eq!(printed(&Target, &nested("/x", "/x")), "ns||a|/x");
        assert_eq!(printed(&crate::key::Path, &nested("/t1/x", "/x")), "ns|/t1/x");
        assert_eq!(printed(&Target, &nested("/x", "http://u:p@a/x")), BYPASS);
    }
}
