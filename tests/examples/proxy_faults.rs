//! What upstreams and clients do to a proxy.

use std::{
    io::Write,
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use super::{
    http::{get, send},
    origin::{Origin, ok},
    process::{Process, eventually},
    proxy::proxy,
};

/// What an origin that breaks HTTP sends, and then closes.
const BROKEN: [(&str, &[u8]); 7] = [
    ("nothing", b""),
    ("no HTTP", b"\x16\x03\x01\x00\xf1 hello\r\n\r\n"),
    ("half a head", b"HTTP/1.1 200 OK\r\ncontent-len"),
    ("no status", b"HTTP/1.1 abc OK\r\n\r\n"),
    ("a field without a colon", b"HTTP/1.1 200 OK\r\nnonsense\r\n\r\nbody"),
    ("a length that is none", b"HTTP/1.1 200 OK\r\ncontent-length: five\r\n\r\nfive!"),
    (
        "an upgrade that nobody asked for",
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
    ),
];

#[test]
fn an_origin_that_breaks_http_is_a_502() {
    for (what, answer) in BROKEN {
        let origin = Origin::start(|_| answer.to_vec());
        let (_proxy, address) = proxy(&origin, &["--soft-ttl", "1h"]);
        let response = get(address, "/");
        assert_eq!((response.status, response.whole), (502, true), "{what}: {response:?}");
    }
}

#[test]
fn an_origin_that_breaks_http_is_a_failure_and_what_is_stored_serves() {
    for (what, answer) in BROKEN {
        let broken = Arc::new(AtomicBool::new(false));
        let switch = Arc::clone(&broken);
        let origin =
            Origin::start(
                move |_| if switch.load(Ordering::SeqCst) { answer.to_vec() } else { ok("stored") },
            );
        let (_proxy, address) =
            proxy(&origin, &["--soft-ttl", "50ms", "--hard-ttl", "50ms", "--stale-if-error", "1h"]);
        assert_eq!(get(address, "/").text(), "stored", "{what}");
        broken.store(true, Ordering::SeqCst);
        eventually("what is stored is no longer fresh", || {
            let response = get(address, "/");
            assert_eq!((response.status, response.text().as_str()), (200, "stored"), "{what}: {response:?}");
            response.cache_status().ends_with("detail=stale_error")
        });
        broken.store(false, Ordering::SeqCst);
        eventually("the origin is asked again", || !get(address, "/").cache_status().contains("stale_error"));
    }
}

#[test]
fn a_body_that_is_cut_off_is_not_kept_and_shows_as_cut_off() {
    let cut = Arc::new(AtomicBool::new(true));
    let switch = Arc::clone(&cut);
    for head in ["content-length: 10", "transfer-encoding: chunked"] {
        let (switch, chunked) = (Arc::clone(&switch), head.contains("chunked"));
        let origin = Origin::start(move |_| {
            let piece = if chunked { "a\r\nhalf" } else { "half" };
            if switch.load(Ordering::SeqCst) {
                format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{piece}").into_bytes()
            } else {
                ok("the whole")
            }
        });
        cut.store(true, Ordering::SeqCst);
        let (_proxy, address) = proxy(&origin, &["--soft-ttl", "1h"]);
        // Not even a head, if the end was seen before it was sent.
        let request = b"GET / HTTP/1.1\r\nhost: site.example\r\nconnection: close\r\n\r\n";
        let response = send(address, request);
        assert!(response.as_ref().is_none_or(|response| !response.whole), "{head}: {response:?}");
        cut.store(false, Ordering::SeqCst);
        let again = get(address, "/");
        assert!(!again.is_hit() && again.text() == "the whole", "{head}: {again:?}");
        assert!(get(address, "/").is_hit());
    }
}

#[test]
fn a_dead_upstream_is_a_502() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let proxy =
        Process::start("reverse_proxy", &["--listen", "127.0.0.1:0", "--upstream", &url, "--soft-ttl", "1s"]);
    let address = proxy.address();
    for method in ["GET", "HEAD", "POST"] {
        assert_eq!(super::http::request(address, method, "/", "", "").status, 502, "{method}");
    }
}

#[test]
fn an_upstream_that_never_answers_is_a_504() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", silent.local_addr().expect("an address"));
    let args =
        ["--listen", "127.0.0.1:0", "--upstream", &url, "--fetch-timeout", "300ms", "--soft-ttl", "1s"];
    let proxy = Process::start("reverse_proxy", &args);
    let response = get(proxy.address(), "/");
    assert_eq!(response.status, 504, "{response:?}");
    assert!(response.cache_status().ends_with("detail=timeout"), "{response:?}");
}

#[test]
fn no_request_however_odd_ends_it() {
    let origin = Origin::start(|_| ok("fine"));
    let (mut proxy, address) = proxy(&origin, &["--soft-ttl", "1h", "--key-header", "x-bin"]);
    let long = "a".repeat(60_000);
    let line = |line: &str| format!("{line}\r\nhost: site.example\r\nconnection: close\r\n\r\n").into_bytes();
    let field = |field: &[u8]| {
        [b"GET /odd HTTP/1.1\r\nhost: site.example\r\nconnection: close\r\n", field, b"\r\n\r\n"].concat()
    };
    // The status where it matters which; everything else may be served or refused, but is no fault of the upstream.
    let odd: Vec<(Vec<u8>, Option<u16>)> = vec![
        (line("OPTIONS * HTTP/1.1"), Some(200)),
        (line("GET * HTTP/1.1"), None),
        (line("GET http://other.example/path HTTP/1.1"), Some(200)),
        (line("GET http://other.example HTTP/1.1"), Some(200)),
        (line("GET http://other.example?query HTTP/1.1"), Some(200)),
        (line("GET http://user:secret@other.example/ HTTP/1.1"), Some(200)),
        (line("GET https://other.example:99999/ HTTP/1.1"), None),
        (line("CONNECT other.example:443 HTTP/1.1"), Some(405)),
        (line("CONNECT / HTTP/1.1"), Some(405)),
        (line("GET other.example:443 HTTP/1.1"), Some(400)),
        (line("BREW /pot HTTP/1.1"), Some(200)),
        (line("get /lower HTTP/1.1"), Some(200)),
        (line("TRACE / HTTP/1.1"), Some(200)),
        (line(&format!("GET /{long} HTTP/1.1")), None),
        (line("GET /%00%ff/../..//?&=%&;|{}\"^` HTTP/1.1"), None),
        (line("GET /\u{e4}\u{f6} HTTP/1.1"), None),
        (line("GET /one HTTP/1.0"), Some(200)),
        (line("GET / HTTP/9.9"), Some(400)),
        (b"GET / HTTP/1.0\r\n\r\n".to_vec(), Some(200)),
        (b"GET / HTTP/1.1\r\nconnection: close\r\n\r\n".to_vec(), Some(400)),
        (field(b"host: another.example"), Some(400)),
        (field(b"x-bin: \x80\xff\xfe"), Some(200)),
        (field(b"x-bin: a\x00b"), Some(400)),
        (field(b"cookie: \xff=\xfe"), Some(200)),
        (field(b"range: bytes=5-1,,-"), Some(200)),
        (field(b"if-none-match: \xff,W/"), Some(200)),
        (field(b"connection: host, x-bin, \xff"), Some(200)),
        (field(b"upgrade: websocket"), Some(200)),
        (field(b"expect: 200-ok"), None),
        (field(format!("x-long: {long}").as_bytes()), None),
        (field("x: y\r\n".repeat(200).trim_end().as_bytes()), Some(431)),
        (field(b"content-length: -1"), Some(400)),
        (field(b"content-length: 1\r\ncontent-length: 2"), Some(400)),
        (both_lengths("content-length: 4\r\ntransfer-encoding: chunked"), None),
        (both_lengths("transfer-encoding: chunked\r\ncontent-length: 4"), None),
        (b"\x00\x01\x02\x03\r\n\r\n".to_vec(), None),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nnonsense nonsense".to_vec(), None),
    ];
    for (bytes, expected) in odd {
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(80)]).into_owned();
        let status = send(address, &bytes).map(|response| response.status);
        assert!(expected.is_none() || status == expected, "{shown:?}: {status:?}");
        assert!(status.is_none_or(|status| status < 500), "{shown:?}: {status:?}");
        assert_eq!(get(address, "/alive").text(), "fine", "after {shown:?}");
    }
    // A client that promises a body and leaves.
    let mut left = TcpStream::connect(address).expect("it listens");
    left.write_all(b"PUT / HTTP/1.1\r\nhost: site.example\r\ncontent-length: 10\r\n\r\nhalf")
        .expect("it reads");
    drop(left);
    assert_eq!(get(address, "/alive").text(), "fine");
    assert!(proxy.is_running());

    // Two lengths for one body would let a client put a request of its own between those of others.
    for received in origin.received() {
        let both =
            !received.field("content-length").is_empty() && !received.field("transfer-encoding").is_empty();
        assert!(!both, "{received:?}");
        if received.line().starts_with("POST /both") {
            assert_eq!(received.body, b"hi", "{received:?}");
        }
    }
    let binary = origin.received().into_iter().find(|received| received.line().starts_with("GET /odd"));
    assert!(binary.is_some_and(|received| received.head.windows(3).any(|window| window == b"\x80\xff\xfe")));
}

/// A body of two bytes in chunks, and of four by its length.
fn both_lengths(fields: &str) -> Vec<u8> {
    format!(
        "POST /both HTTP/1.1\r\nhost: site.example\r\nconnection: close\r\n{fields}\r\n\r\n2\r\nhi\r\n0\r\n\r\n"
    )
    .into_bytes()
}
