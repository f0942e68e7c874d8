use http::{HeaderName, HeaderValue};

use super::*;

type Lines<'a> = &'a [(&'static str, &'a str)];

const NOBODY: Asker =
    Asker { authorization: false, cookie: false, no_store: false, part: false, post: false };

fn headers(lines: Lines<'_>) -> HeaderMap {
    let parsed = lines
        .iter()
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).expect("a value")));
    parsed.collect()
}

fn says(rules: &Rules, asker: Asker, status: u16, lines: Lines<'_>) -> Option<(Whose, Reason)> {
    let headers = headers(lines);
    let directives = ResponseDirectives::from_headers(&headers);
    let status = StatusCode::from_u16(status).expect("a status");
    forbidden(rules, asker, status, &headers, &directives, &Withheld::new(), None)
}

#[test]
fn a_response_forbids_to_store_it_unless_the_route_lifts_that() {
    let rules = Rules::default;
    let cases: &[(&str, &str, &str, Reason, Rules)] = &[
        (
            "§5.2.2.5",
            "cache-control",
            "no-store",
            Reason::NoStore,
            Rules { ignore_no_store: true, ..rules() },
        ),
        ("§5.2.2.7", "cache-control", "private", Reason::Private, Rules { store_private: true, ..rules() }),
        (
            "§5.2.2.7",
            "cache-control",
            "private=\"a\"",
            Reason::Private,
            Rules { store_private: true, ..rules() },
        ),
        ("§7.3", "set-cookie", "a=b", Reason::SetCookie, Rules { store_set_cookie: true, ..rules() }),
    ];
    for (section, name, value, reason, lifted) in cases {
        let lines: Lines<'_> = &[(name, value)];
        let own = Some((Whose::Response, *reason));
        assert_eq!(says(&rules(), NOBODY, 200, lines), own, "{section} {value}");
        assert_eq!(says(lifted, NOBODY, 200, lines), None, "{section} {value}");
    }
    // What one option lifts, the others do not.
    let others = Rules { store_private: true, store_set_cookie: true, share_authorized: true, ..rules() };
    let no_store = Some((Whose::Response, Reason::NoStore));
    assert_eq!(says(&others, NOBODY, 200, &[("cache-control", "no-store")]), no_store);
}

#[test]
fn a_response_forbids_to_store_it_whatever_the_route_says() {
    use Reason::{Partial, Status, Streaming, Unrequested304, VaryStar};
    let lax = Rules {
        ignore_no_store: true,
        store_private: true,
        store_set_cookie: true,
        share_authorized: true,
        ..Rules::default()
    };
    let cases: &[(&str, u16, Lines<'_>, Option<Reason>)] = &[
        ("§3", 200, &[], None),
        ("§3", 404, &[], None),
        ("§3.3", 206, &[], Some(Partial)),
        ("§4.3.3", 304, &[], Some(Unrequested304)),
        ("§4.1", 200, &[("vary", "accept")], None),
        ("§4.1", 200, &[("vary", "*")], Some(VaryStar)),
        ("§5.2.2.3", 200, &[("cache-control", "must-understand")], None),
        ("§5.2.2.3", 599, &[("cache-control", "must-understand")], Some(Status)),
        ("§5.2.2.3", 206, &[("cache-control", "must-understand")], Some(Partial)),
        ("§3", 599, &[], None),
        ("", 200, &[("content-type", "text/event-stream")], Some(Streaming)),
        ("", 200, &[("content-type", "Text/Event-Stream ; charset=utf-8")], Some(Streaming)),
        ("", 200, &[("content-type", "multipart/x-mixed-replace;boundary=a")], Some(Streaming)),
        ("", 200, &[("content-type", "application/grpc")], Some(Streaming)),
        ("", 200, &[("content-type", "Application/gRPC+proto")], Some(Streaming)),
        ("", 200, &[("content-type", "text/plain; was=text/event-stream")], None),
        ("", 200, &[("content-type", "application/grp")], None),
        ("", 200, &[("content-type", "")], None),
    ];
    for (section, status, lines, reason) in cases {
        let own = reason.map(|reason| (Whose::Response, reason));
        assert_eq!(says(&lax, NOBODY, *status, lines), own, "{section} {status} {lines:?}");
    }
}

/// RFC 9111 §5.2.2.3.
#[test]
fn no_store_is_lifted_by_must_understand_where_the_status_is_understood() {
    let both: Lines<'_> = &[("cache-control", "no-store, must-understand")];
    for status in [200, 205, 308, 404, 417, 422, 505] {
        assert_eq!(says(&Rules::default(), NOBODY, status, both), None, "{status}");
    }
    for status in [218, 306, 418, 423, 506, 599] {
        let own = Some((Whose::Response, Reason::Status));
        assert_eq!(says(&Rules::default(), NOBODY, status, both), own, "{status}");
    }
}

#[test]
fn a_request_forbids_to_store_what_another_could_get_stored() {
    let authorization = Asker { authorization: true, ..NOBODY };
    let (no_store, part) = (Asker { no_store: true, ..NOBODY }, Asker { part: true, ..NOBODY });
    let cases: &[(&str, Asker, u16, &str, Option<Reason>)] = &[
        ("§3.5", authorization, 200, "max-age=60", Some(Reason::Authorization)),
        ("§3.5", authorization, 200, "max-age=60, public", None),
        ("§3.5", authorization, 200, "max-age=60, must-revalidate", None),
        ("§3.5", authorization, 200, "s-maxage=60", None),
        ("§5.2.1.5", no_store, 200, "max-age=60", Some(Reason::RequestNoStore)),
        ("§3.3", part, 200, "", None),
        ("§3.3", part, 206, "", None),
        ("§3.3", part, 404, "", Some(Reason::Range)),
        ("§3.3", part, 416, "", Some(Reason::Range)),
    ];
    for (section, asker, status, line, reason) in cases {
        let whose = reason.map(|reason| (Whose::Request, reason));
        let found = says(&Rules::default(), *asker, *status, &[("cache-control", line)]);
        assert_eq!(found, whose, "{section} {status} {line}");
    }
    let shared = Rules { share_authorized: true, ..Rules::default() };
    assert_eq!(says(&shared, authorization, 200, &[("cache-control", "max-age=60")]), None);
}

/// Those who wait for the same response would otherwise ask for it again, each for itself.
#[test]
fn the_word_of_the_response_goes_before_that_of_the_request() {
    let asker = Asker { authorization: true, no_store: true, part: true, ..NOBODY };
    for (status, line, reason) in [
        (200, "private", Reason::Private),
        (206, "no-store", Reason::NoStore),
        (304, "max-age=60", Reason::Unrequested304),
    ] {
        let found = says(&Rules::default(), asker, status, &[("cache-control", line)]);
        assert_eq!(found, Some((Whose::Response, reason)), "{status} {line}");
    }
}

/// RFC 9111 §5.2.2.4: a list may name it, and then it is not stored, which leaves nothing to forbid.
#[test]
fn a_cookie_that_is_withheld_forbids_nothing() {
    let headers = headers(&[("set-cookie", "a=b")]);
    for (withheld, expected) in
        [(header::SET_COOKIE, None), (header::SERVER, Some((Whose::Response, Reason::SetCookie)))]
    {
        let withheld = Withheld::from_iter([withheld]);
        let directives = ResponseDirectives::default();
        let found =
            forbidden(&Rules::default(), NOBODY, StatusCode::OK, &headers, &directives, &withheld, None);
        assert_eq!(found, expected, "{withheld:?}");
    }
}

#[test]
fn a_handler_forbids_before_all_else() {
    let directives = ResponseDirectives { no_store: true, ..ResponseDirectives::default() };
    for (overrides, reason) in
        [(CacheOverride::new(), Reason::NoStore), (CacheOverride::new().no_store(), Reason::Override)]
    {
        let (headers, withheld) = (HeaderMap::new(), Withheld::new());
        let found = forbidden(
            &Rules::default(),
            NOBODY,
            StatusCode::OK,
            &headers,
            &directives,
            &withheld,
            Some(&overrides),
        );
        assert_eq!(found, Some((Whose::Response, reason)));
    }
}
