//! Fields that belong to one connection: they are neither stored nor passed on (RFC 9110 §7.6.1, RFC 9111 §3.1).

use http::header::{self, CONNECTION, HeaderMap, HeaderName};
use smallvec::SmallVec;

use super::vary::list_members;

/// Removes the hop-by-hop fields and those that `Connection` names (RFC 9110 §7.6.1), and those about one proxy's
/// credentials (RFC 9111 §3.1). `Connection` cannot remove what the cache relies on: whoever could would choose what
/// the cache believes about a response.
pub(crate) fn strip_hop_by_hop(headers: &mut HeaderMap) {
    if !headers.keys().any(is_hop_by_hop) {
        return;
    }
    let mut names: SmallVec<[HeaderName; 8]> =
        headers.keys().filter(|name| is_hop_by_hop(name)).cloned().collect();
    let named = list_members(headers, &CONNECTION).filter_map(|member| HeaderName::from_bytes(member).ok());
    names.extend(named.filter(|name| !is_relied_on(name)));
    for name in names {
        headers.remove(name);
    }
}

fn is_hop_by_hop(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "connection"
            | "keep-alive"
            | "proxy-authenticate"
            | "proxy-authentication-info"
            | "proxy-authorization"
            | "proxy-connection"
            | "te"
            | "transfer-encoding"
            | "upgrade"
    )
}

/// Whether the cache itself goes by a field.
pub(super) fn is_relied_on(name: &HeaderName) -> bool {
    static STANDARD: [HeaderName; 17] = [
        header::AGE,
        header::AUTHORIZATION,
        header::CACHE_CONTROL,
        header::CACHE_STATUS,
        header::CDN_CACHE_CONTROL,
        header::CONTENT_ENCODING,
        header::CONTENT_LENGTH,
        header::CONTENT_RANGE,
        header::CONTENT_TYPE,
        header::DATE,
        header::ETAG,
        header::EXPIRES,
        header::HOST,
        header::LAST_MODIFIED,
        header::PRAGMA,
        header::SET_COOKIE,
        header::VARY,
    ];
    STANDARD.contains(name) || matches!(name.as_str(), "cache-tag" | "surrogate-key")
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(lines: &[(&str, &str)]) -> HeaderMap {
        let parsed =
            lines.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_str(value).unwrap()));
        parsed.collect::<Vec<(HeaderName, _)>>().into_iter().collect()
    }

    #[test]
    fn hop_by_hop_fields_go_and_the_others_stay() {
        let mut stripped = headers(&[
            ("connection", "keep-alive, X-Trace , ,TE"),
            ("connection", "x-other"),
            ("keep-alive", "timeout=5"),
            ("proxy-authenticate", "Basic"),
            ("proxy-authentication-info", "a"),
            ("proxy-authorization", "a"),
            ("proxy-connection", "close"),
            ("te", "trailers"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("x-trace", "1"),
            ("x-trace", "2"),
            ("x-other", "1"),
            ("x-kept", "1"),
            ("x-kept", "2"),
            ("trailer", "x-sum"),
        ]);
        strip_hop_by_hop(&mut stripped);
        assert_eq!(stripped, headers(&[("x-kept", "1"), ("x-kept", "2"), ("trailer", "x-sum")]));
    }

    #[test]
    fn connection_cannot_remove_what_the_cache_relies_on() {
        const RELIED_ON: [&str; 19] = [
            "Cache-Control",
            "CDN-Cache-Control",
            "Vary",
            "ETag",
            "Last-Modified",
            "Date",
            "Age",
            "Expires",
            "Content-Length",
            "Content-Type",
            "Content-Encoding",
            "Content-Range",
            "Set-Cookie",
            "Authorization",
            "Cache-Tag",
            "Surrogate-Key",
            "Host",
            "Pragma",
            "Cache-Status",
        ];
        for name in RELIED_ON {
            let kept = headers(&[(name, "1")]);
            let mut stripped = kept.clone();
            stripped.insert(CONNECTION, HeaderValue::from_str(&name.to_uppercase()).unwrap());
            strip_hop_by_hop(&mut stripped);
            assert_eq!(stripped, kept);
        }
    }

    #[test]
    fn what_is_no_name_in_connection_removes_nothing() {
        let mut stripped = headers(&[("connection", "\"x-a, x-a\", x a, , @"), ("x-a", "1")]);
        strip_hop_by_hop(&mut stripped);
        assert_eq!(stripped, headers(&[("x-a", "1")]));
    }
}
