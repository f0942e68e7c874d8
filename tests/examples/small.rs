//! The shortest programs: one that ends by itself, one that serves.

use super::{
    http::{get, request},
    process::{Process, run},
};

#[test]
fn outbound_client_has_a_hit_the_second_time_and_keeps_two_identities_apart() {
    let ended = run("outbound_client", &[]);
    assert_eq!((ended.code, ended.stderr.len()), (Some(0), 0), "{ended:#?}");
    let lines: Vec<_> =
        ended.stdout.iter().map(|line| line.trim()).filter(|line| !line.contains("http://")).collect();
    assert_eq!(
        lines,
        [
            "the server is asked for the account of alice",
            "the account of alice",
            "tower-swr-cache; fwd=uri-miss; stored",
            "the account of alice",
            "tower-swr-cache; hit",
            "the server is asked for the account of bob",
            "the account of bob",
            "tower-swr-cache; fwd=uri-miss; stored",
        ]
    );
}

#[test]
fn hyper_server_caches_what_its_handler_gives() {
    let server = Process::start("hyper_server", &["127.0.0.1:0"]);
    let address = server.address();
    for said in ["fwd=uri-miss; stored", "hit"] {
        let odds = get(address, "/odds/nba");
        assert_eq!((odds.status, odds.text().as_str()), (200, "fetched: /odds/nba\n"));
        assert!(odds.cache_status().ends_with(said), "{odds:?}");
    }
    let post = request(address, "POST", "/odds/nba", "content-length: 1\r\n", "x");
    assert!(post.cache_status().ends_with("fwd=method; detail=method"), "{post:?}");
}
