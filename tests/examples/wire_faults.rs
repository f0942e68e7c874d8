//! A wire between the proxy and its upstream that cuts, resets, stalls and garbles: what was broken is seen as broken, and
//! never stored.

use std::{
    collections::HashSet,
    net::SocketAddr,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use ::http::{Request, StatusCode, request::Parts};

use super::{
    fault_proxy::{self, Fault},
    http::{Response, get},
    oracle::{Answer, Counts, End, Facts, Limits, Oracle, Subject},
    origin::Origin,
    process::Process,
};

/// A route that keeps what it has.
const LIMITS: Limits = Limits {
    soft: Duration::from_secs(3600),
    hard: Duration::from_secs(3600),
    error: Duration::from_secs(5400),
    unseen_failures: true,
};

/// An origin of the oracle's; every other answer comes in chunks, and some promise their length.
fn origin(oracle: &Oracle) -> Origin {
    let oracle = oracle.clone();
    Origin::start(move |received| {
        let target = received.line().split(' ').nth(1).unwrap_or_default().to_owned();
        let mut call = oracle.called(Subject::of(&parts(&target)), false);
        let facts = call.facts(0);
        call.done();
        let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\nx-facts: {}\r\n", facts.line());
        let body = facts.body();
        if target.contains("chunked") {
            let chunk = format!("{head}transfer-encoding: chunked\r\n\r\n{:x}\r\n", body.len());
            [chunk.as_bytes(), &body, b"\r\n0\r\n\r\n"].concat()
        } else {
            [format!("{head}content-length: {}\r\n\r\n", body.len()).as_bytes(), &body].concat()
        }
    })
}

fn parts(target: &str) -> Parts {
    Request::get(format!("http://site.example{target}")).body(()).expect("is a request").into_parts().0
}

/// The proxy behind the wire. Each target's first answer comes to the fault that its name says, and later ones to none.
fn proxy(oracle: &Oracle) -> (Process, SocketAddr) {
    let origin = origin(oracle);
    let seen = Mutex::new(HashSet::new());
    let wire = fault_proxy::start(origin.address, move |request| {
        let text = String::from_utf8_lossy(request);
        let target = text.split(' ').nth(1).unwrap_or_default().to_owned();
        let first = seen.lock().expect("nobody panics with it").insert(target.clone());
        if first { named(&target) } else { Fault::None }
    });
    let url = format!("http://{wire}");
    let args = ["--listen", "127.0.0.1:0", "--upstream", &url, "--soft-ttl", "1h", "--breaker-failures", "0"];
    let process = Process::start("reverse_proxy", &[&args[..], &["--fetch-timeout", "2s"]].concat());
    let address = process.address();
    (process, address)
}

/// `/kind/fault/at`. Other bytes in a body of a known length are a body of that length to everybody: garbage is for
/// chunks.
fn named(target: &str) -> Fault {
    let mut words = target.split('/').skip(2);
    let fault = words.next().unwrap_or_default();
    let at = words.next().and_then(|at| at.parse().ok()).unwrap_or_default();
    match fault {
        "delay" => Fault::Delay(Duration::from_millis(at as u64)),
        "drip" => Fault::Drip,
        "cut" => Fault::Cut(at),
        "reset" => Fault::Reset(at),
        "hole" => Fault::BlackHole(at),
        "garbage" => Fault::Garbage(at),
        _ => Fault::None,
    }
}

/// Asks, and has the answer judged.
fn ask(oracle: &Oracle, address: SocketAddr, target: &str) -> Option<Response> {
    let mut question = oracle.ask(&parts(target));
    let request =
        format!("GET {target} HTTP/1.1\r\nhost: site.example\r\nconnection: close\r\n\r\n").into_bytes();
    // Not even a head, if the end was seen before it was sent.
    let response = super::http::send(address, &request)?;
    question.answered();
    let headers = response.header_map();
    let status = StatusCode::from_u16(response.status).expect("is a status");
    // What is seen as broken is; the wire may have put anything into it.
    if response.whole {
        let answer = Answer { status, headers: &headers, body: &response.body, end: End::Clean };
        question.judge(&LIMITS, &answer);
    }
    Some(response)
}

#[track_caller]
fn assert_clean(oracle: &Oracle, least: u64) {
    let counts = oracle.counts();
    assert!(counts.judged >= least, "{counts:?}");
    assert_eq!(counts, Counts { judged: counts.judged, ..Counts::default() }, "{:#?}", oracle.faults());
}

#[test]
fn an_answer_that_breaks_at_any_offset_is_not_stored_and_never_passes_for_whole() {
    let oracle = Oracle::new();
    let (_proxy, address) = proxy(&oracle);
    let length = Facts::new(Subject::of(&parts("/chunked/garbage/100")), 1000, Duration::from_secs(9), 0).len;
    let mut judged = 0;
    for (kind, faults) in [("length", &["cut", "reset"][..]), ("chunked", &["cut", "reset", "garbage"])] {
        for fault in faults {
            // From the empty head to the last byte but some; a chunked body's end comes after its bytes.
            for at in (0..length * 2).step_by(3) {
                let target = format!("/{kind}/{fault}/{at}");
                let broken = ask(&oracle, address, &target);
                let whole = broken.as_ref().is_some_and(|response| response.whole && response.status == 200);
                let again = ask(&oracle, address, &target).expect("an answer");
                assert_eq!((again.status, again.whole), (200, true), "{target}: {again:?}");
                // What was whole all the same is stored, and nothing else.
                assert_eq!(again.is_hit(), whole, "{target}: {broken:?} and {again:?}");
                judged += 2;
            }
        }
    }
    assert_clean(&oracle, judged / 2);
}

#[test]
fn a_slow_wire_is_no_broken_one_and_a_silent_one_is_given_up() {
    let oracle = Oracle::new();
    let (_proxy, address) = proxy(&oracle);
    for kind in ["length", "chunked"] {
        for fault in ["delay/300", "drip/0", "none/0"] {
            let target = format!("/{kind}/{fault}");
            let slow = ask(&oracle, address, &target).expect("an answer");
            assert_eq!((slow.status, slow.whole), (200, true), "{target}: {slow:?}");
            assert!(ask(&oracle, address, &target).expect("an answer").is_hit(), "{target}");
        }
        let target = format!("/{kind}/hole/10");
        let silent = get(address, &target);
        assert_eq!(silent.status, 504, "{silent:?}");
        assert!(!ask(&oracle, address, &target).expect("an answer").is_hit());
    }
    assert_clean(&oracle, 10);
}

/// Many readers over a wire that does anything; which fault strikes which answer comes from the seed.
#[test]
fn whatever_the_wire_does_readers_get_what_they_asked_for_or_see_that_they_did_not() {
    let oracle = Oracle::new();
    let (_proxy, address) = proxy(&oracle);
    let mut random = fastrand::Rng::with_seed(1);
    let targets: Vec<String> = (0..120)
        .map(|_| {
            let fault = ["none", "delay", "drip", "cut", "reset", "garbage"][random.usize(..6)];
            let kind = if fault == "garbage" { "chunked" } else { ["length", "chunked"][random.usize(..2)] };
            format!("/{kind}/{fault}/{}", random.usize(..500))
        })
        .collect();
    let targets = Arc::new(targets);
    let readers: Vec<_> = (0..4)
        .map(|reader| {
            let (oracle, targets) = (oracle.clone(), Arc::clone(&targets));
            thread::spawn(move || {
                for n in 0..targets.len() {
                    drop(ask(&oracle, address, &targets[(n + reader * 7) % targets.len()]));
                }
            })
        })
        .collect();
    readers.into_iter().for_each(|reader| reader.join().expect("no reader fails"));
    for target in targets.iter() {
        let whole = ask(&oracle, address, target).expect("an answer");
        assert_eq!((whole.status, whole.whole), (200, true), "{target}: {whole:?}");
    }
    assert_clean(&oracle, 300);
}
