//! The command line and the fields; the way of whole requests is tested with the program as a process.

use std::ffi::OsString;
use std::time::Duration;

use http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::options::{Freshness, Options, parse};
use crate::{fields, options};

const REQUIRED: [&str; 4] = ["--listen", "127.0.0.1:0", "--upstream", "http://origin:9000"];

fn given(more: &[&str]) -> Result<Option<Options>, String> {
    parse(REQUIRED.iter().chain(more).map(OsString::from))
}

fn accepted(more: &[&str]) -> Options {
    given(more).expect("is accepted").expect("is no call for help")
}

fn headers(lines: &[(&'static str, &'static [u8])]) -> HeaderMap {
    lines
        .iter()
        .map(|(name, value)| {
            (HeaderName::from_static(name), HeaderValue::from_bytes(value).expect("a value"))
        })
        .collect()
}

#[test]
fn defaults_are_those_of_the_help() {
    let options = accepted(&[]);
    assert_eq!(options.upstream.as_str(), "origin:9000");
    assert_eq!((options.capacity, options.max_body), (256 << 20, 4 << 20));
    assert_eq!((options.ttls(), options.freshness), (None, Freshness::Origin));
    assert_eq!((options.admin, options.admin_token), (None, None));
    assert!(options::help().contains("[256MiB]"));
}

#[test]
fn values_have_units_and_may_be_attached() {
    let options = accepted(&[
        "--soft-ttl=500ms",
        "--hard-ttl",
        "1h",
        "--keep",
        "2m",
        "--capacity",
        "64KiB",
        "--max-body=12",
    ]);
    assert_eq!(options.ttls(), Some((Duration::from_millis(500), Duration::from_secs(3600))));
    assert_eq!((options.keep, options.capacity, options.max_body), (Duration::from_secs(120), 65536, 12));
}

#[test]
fn one_ttl_stands_for_both() {
    let second = Duration::from_secs(1);
    assert_eq!(accepted(&["--soft-ttl", "1s"]).ttls(), Some((second, second)));
    assert_eq!(accepted(&["--freshness", "route", "--hard-ttl", "1s"]).ttls(), Some((second, second)));
}

#[test]
fn repeatable_options_add_up() {
    let options = accepted(&["--key-header", "X-A", "--key-header", "x-b", "--ignore-query", "utm"]);
    assert_eq!(options.key_headers, ["x-a", "x-b"]);
    assert_eq!(options.ignore_query, ["utm"]);
}

#[test]
fn the_last_of_an_option_counts() {
    let options = accepted(&["--admin", "127.0.0.1:1", "--admin-token", "secret", "--admin", "127.0.0.1:2"]);
    assert_eq!(options.admin.map(|address| address.port()), Some(2));
    assert_eq!(options.admin_token.as_deref(), Some("secret"));
}

#[test]
fn what_cannot_be_read_is_one_line_that_names_the_option() {
    for wrong in [
        &["--bogus"] as &[&str],
        &["--bog\nus"],
        &["--soft-ttl"],
        &["--soft-ttl", "5"],
        &["--soft-ttl", "5d"],
        &["--soft-ttl", "18446744073709551615h"],
        &["--capacity", "1MB"],
        &["--capacity", "-1"],
        &["--threads", "0"],
        &["--heuristic=1"],
        &["--freshness", "both"],
        &["--freshness", "route"],
        &["--key-header", "a b"],
        &["--ignore-query", ""],
        &["--failure-extension", "NaN"],
        &["--failure-extension", "-1"],
        &["--listen", "localhost"],
        &["--upstream", "https://origin"],
        &["--upstream", "http://origin/path"],
        &["--upstream", "http://user@origin"],
        &["--upstream", "origin:80"],
        &["--admin", "localhost"],
        &["--admin-token", ""],
        &["--admin-token", "alone"],
        &["--breaker-failures", "many"],
    ] {
        let message = given(wrong).expect_err(wrong[0]);
        assert!(message.starts_with("--") && !message.contains('\n'), "{wrong:?}: {message:?}");
    }
}

#[test]
fn listen_and_upstream_are_required_unless_help_is_asked_for() {
    let ask = |args: &[&str]| parse(args.iter().map(OsString::from));
    assert!(ask(&REQUIRED[..2]).is_err_and(|message| message.contains("--upstream")));
    assert!(ask(&REQUIRED[2..]).is_err_and(|message| message.contains("--listen")));
    assert!(ask(&["--help"]).is_ok_and(|options| options.is_none()));
}

#[test]
fn hop_by_hop_fields_go_and_what_everybody_needs_stays() {
    let mut headers = headers(&[
        ("connection", b"close, X-Hop , \xff,,"),
        ("connection", b"Cache-Control, cookie"),
        ("x-hop", b"1"),
        ("keep-alive", b"timeout=5"),
        ("transfer-encoding", b"chunked"),
        ("te", b"trailers"),
        ("upgrade", b"h2c"),
        ("cache-control", b"no-store"),
        ("cookie", b"a=1"),
        ("trailer", b"x-t"),
    ]);
    fields::remove_hop_by_hop(&mut headers);
    let mut left: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
    left.sort_unstable();
    assert_eq!(left, ["cache-control", "cookie", "trailer"]);
}

#[test]
fn pieces_of_a_cookie_are_joined() {
    let mut headers = headers(&[("cookie", b"a=1"), ("cookie", b"b=\xff")]);
    fields::join_cookies(&mut headers);
    assert_eq!(
        headers.get_all("cookie").iter().map(HeaderValue::as_bytes).collect::<Vec<_>>(),
        [b"a=1; b=\xff"]
    );
}

#[test]
fn repeated_lengths_become_one_and_contradicting_ones_none() {
    for (lines, left) in [
        (&[b"5" as &[u8], b"5, 5"] as &[&'static [u8]], Some("5")),
        (&[b"5"], Some("5")),
        (&[b"5, 6"], None),
        (&[b"5", b"x"], None),
        (&[], None),
    ] {
        let mut headers = headers(&lines.iter().map(|line| ("content-length", *line)).collect::<Vec<_>>());
        fields::join_content_length(&mut headers);
        let lengths: Vec<_> = headers.get_all("content-length").iter().collect();
        assert_eq!(lengths, Vec::from_iter(left), "{lines:?}");
    }
}

#[test]
fn host_is_what_the_target_names() {
    for (target, host) in
        [("/x", "field"), ("http://user:pw@target:8/x", "target:8"), ("http://[::1]/", "[::1]")]
    {
        let mut headers = headers(&[("host", b"field")]);
        fields::set_host(&mut headers, &target.parse().expect("a target"));
        assert_eq!(headers["host"], host, "{target}");
    }
}
