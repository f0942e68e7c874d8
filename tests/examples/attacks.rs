//! Attacks over raw sockets: what an HTTP client would tidy up before it is sent.

use std::net::SocketAddr;

use super::{
    http::{Response, get, send},
    origin::{Origin, ok},
    proxy::proxy,
};

/// An origin that believes everything: its body is the request as it came, and the number of the call.
fn credulous() -> Origin {
    let calls = std::sync::atomic::AtomicUsize::new(0);
    Origin::start(move |received| {
        let call = calls.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        ok(&format!("{call} {}", String::from_utf8_lossy(&received.head)))
    })
}

fn raw(address: SocketAddr, head: &str) -> Option<Response> {
    send(address, format!("{head}\r\nconnection: close\r\n\r\n").as_bytes())
}

/// Whether a word of the attacker's is in what an innocent reader gets.
#[track_caller]
fn assert_unpoisoned(address: SocketAddr, path: &str, attack: &str) {
    for _ in 0..2 {
        let innocent = get(address, path);
        assert_eq!(innocent.status, 200, "{attack:?}: {innocent:?}");
        assert!(!innocent.text().to_lowercase().contains("evil"), "{attack:?}: {innocent:?}");
    }
}

#[test]
fn no_head_however_written_poisons_the_page_of_another_reader() {
    let origin = credulous();
    let (_proxy, address) = proxy(&origin, &["--soft-ttl", "1h"]);
    let attacks = [
        // Another host, said in other ways.
        "GET /PATH HTTP/1.1\r\nhost: evil.example",
        "GET http://evil.example/PATH HTTP/1.1\r\nhost: site.example",
        "GET /PATH HTTP/1.1\r\nhost: site.example\r\nx-forwarded-host: evil.example",
        "GET /PATH HTTP/1.1\r\nhost: site.example\r\nX-FORWARDED-HOST: evil.example",
        "GET /PATH HTTP/1.1\r\nhost: site.example\r\nx-forwarded-host: site.example\r\nx-forwarded-host: evil.example",
        "GET /PATH HTTP/1.1\r\nhost: site.example\r\nx-host: evil.example",
        "GET /PATH HTTP/1.1\r\nhost: site.example\r\nforwarded: for=1;host=evil.example",
        "GET /PATH HTTP/1.1\r\nhost: site.example\r\nforwarded: for=1\r\nforwarded: host=evil.example",
        "GET /PATH HTTP/1.1\r\nhost: site.example\r\nx-original-url: /evil",
        "GET /PATH HTTP/1.1\r\nhost: site.example\r\nx-rewrite-url: /evil",
        "GET /PATH HTTP/1.1\r\nhost: site.example\r\nx-forwarded-scheme: evil",
        "GET /PATH HTTP/1.1\r\nhost: site.example\r\nx-http-method-override: EVIL",
        // The guarded field as one of the connection's, which would be gone before it is keyed.
        "GET /PATH HTTP/1.1\r\nhost: site.example\r\nx-forwarded-host: evil.example\r\nconnection: x-forwarded-host",
        // Before a query, behind an escape, with an absolute form that has no path.
        "GET /PATH?evil HTTP/1.1\r\nhost: site.example",
        "GET /PATH%3fevil HTTP/1.1\r\nhost: site.example",
        "GET /PATH%00evil HTTP/1.1\r\nhost: site.example",
        "GET /PATH%0d%0aevil:%20x HTTP/1.1\r\nhost: site.example",
        "GET //PATH/evil HTTP/1.1\r\nhost: site.example",
        "GET /PATH#evil HTTP/1.1\r\nhost: site.example",
        "HEAD /PATH HTTP/1.1\r\nhost: evil.example",
        // A folded line, a space before the colon, a bare line end: refused, or at least nobody else's.
        "GET /PATH HTTP/1.1\r\nhost: site.example\r\nx-a: b\r\n x-forwarded-host: evil.example",
        "GET /PATH HTTP/1.1\r\nhost: site.example\r\nx-forwarded-host : evil.example",
        "GET /PATH HTTP/1.1\r\nhost: site.example\nx-forwarded-host: evil.example",
        "GET /PATH HTTP/1.1\r\nhost: site.example\r\nhost: evil.example",
        // A body that a GET has, and one that two ends see differently.
        "GET /PATH HTTP/1.1\r\nhost: site.example\r\ncontent-length: 4\r\n\r\nevil",
        "GET /PATH HTTP/1.1\r\nhost: site.example\r\ncontent-length: 0\r\ntransfer-encoding: chunked\r\n\r\n4\r\nevil\r\n0\r\n",
        "GET /PATH HTTP/1.1\r\nhost: site.example\r\ntransfer-encoding: xchunked\r\n\r\n4\r\nevil\r\n0\r\n",
    ];
    for (n, attack) in attacks.iter().enumerate() {
        for first in [true, false] {
            let path = format!("/page-{n}-{first}");
            let attack = attack.replace("PATH", &path[1..]);
            if !first {
                get(address, &path);
            }
            drop(raw(address, &attack));
            assert_unpoisoned(address, &path, &attack);
        }
    }
}

#[test]
fn requests_in_a_row_get_their_own_answers_in_order() {
    let origin = Origin::start(|received| ok(&received.line()));
    let (_proxy, address) = proxy(&origin, &["--soft-ttl", "1h"]);
    get(address, "/2");
    let ask = |path: &str, last: bool| {
        let close = if last { "connection: close\r\n" } else { "" };
        format!("GET {path} HTTP/1.1\r\nhost: site.example\r\n{close}\r\n")
    };
    let row: String = (1..=5).map(|n| ask(&format!("/{n}"), n == 5)).collect();
    let answers = send(address, row.as_bytes()).expect("answers");
    // The first one's body goes on with all that came behind it.
    let text = answers.text();
    let at: Vec<_> = (1..=5).map(|n| text.find(&format!("GET /{n} HTTP/1.1"))).collect();
    assert!(at.iter().all(Option::is_some) && at.is_sorted(), "{at:?}: {text}");
}

#[test]
fn answers_that_are_one_users_are_nobody_elses_however_they_say_so() {
    for says in [
        "cache-control: private",
        "Cache-Control:PRIVATE",
        "CACHE-CONTROL: max-age=60\r\ncache-control: private",
        "cache-control: max-age=60, private=\"\"",
        "cache-control: max-age=60,\tno-store",
        "cache-control: no-store\r\ncache-control: max-age=60, public",
        "Set-Cookie: id=1",
        "sEt-cOoKiE: id=1\r\ncache-control: public, max-age=60",
        "set-cookie: id=1\r\nconnection: close, set-cookie",
        "cache-control: private\r\nconnection: close, cache-control",
        "vary: *",
        "vary: accept\r\nvary: *",
    ] {
        let calls = std::sync::atomic::AtomicUsize::new(0);
        let origin = Origin::start(move |_| {
            let call = calls.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            format!("HTTP/1.1 200 OK\r\nconnection: close\r\n{says}\r\ncontent-length: 1\r\n\r\n{call}")
                .into()
        });
        let (_proxy, address) = proxy(&origin, &["--soft-ttl", "1h"]);
        for expected in ["0", "1", "2"] {
            let answer = get(address, "/");
            assert_eq!((answer.status, answer.text().as_str()), (200, expected), "{says:?}: {answer:?}");
        }
    }
}
