use std::net::SocketAddr;

use super::{
    http,
    process::{Process, command, eventually, run},
};

#[test]
fn the_story_happens_as_told() {
    let ended = run("demo", &["--once"]);
    assert_eq!((ended.code, &ended.stderr[..]), (Some(0), &[][..]), "{ended:#?}");
    for told in [
        "cold miss",
        "1,000 readers at once",
        "100 hits",
        "past the soft TTL: stale",
        "refreshed",
        "API down: stale, to the hard TTL",
        "API down: stale_error, to 1.5 × the hard TTL",
        "API down: after that an error",
        "API down: failures open the breaker",
        "breaker open: 1,000 readers, no call",
        "API up: the probe closes the breaker",
        "API up: the next reader fetches",
        "tag nba purged: nfl stays",
        "tag nba purged: its next reader fetches",
    ] {
        assert!(ended.stdout.iter().any(|line| line.starts_with(told)), "{told}: {ended:#?}");
    }
    let crowd = ended.stdout.iter().find(|line| line.starts_with("1,000")).expect("is there");
    let columns: Vec<&str> = crowd.rsplit("stored").next().expect("the columns").split_whitespace().collect();
    assert_eq!(columns[..2], ["1000", "1"], "a thousand requests, one call: {crowd}");
}

#[test]
fn it_serves_and_the_lines_it_says_to_try_work() {
    let demo = Process::start("demo", &["--listen", "127.0.0.1:0"]);
    let address = demo.address();
    let next_line = || demo.line(|line| curl(line.trim()));
    let lines: [(String, String); 6] = std::array::from_fn(|_| next_line());
    let [odds, down, purge, metrics, health, cache_health] = lines.map(|line| perform(address, line));
    assert_eq!(odds.status, 200);
    assert!(odds.text().starts_with("nba main "), "{odds:?}");
    assert!(odds.cache_status().starts_with("tower-swr-cache; "), "{odds:?}");
    assert!(down.status == 200 && down.text().contains("down"), "{down:?}");
    assert!(purge.status == 200 && purge.text().ends_with(" purged\n"), "{purge:?}");
    assert!(
        metrics.text().contains("swr_cache_purged_entries_total{cache=\"cache\",scope=\"tag\"}"),
        "{metrics:?}"
    );
    assert!(health.status == 200 && health.text().contains("\"tiered_cache\":{\"hits\":"), "{health:?}");
    assert!(cache_health.text().contains("\"stale_runway_seconds\":"), "{cache_health:?}");
    assert!(cache_health.text().contains("\"recorder_installed\":true"), "{cache_health:?}");

    // What the built-in load has not asked for is not stored, and nobody answers for the API now.
    let cold = http::get(address, "/odds/nba?market=cold");
    assert_eq!(cold.status, 503);
    assert_eq!(http::request(address, "POST", "/api/up", "", "").status, 200);
    // The load may have opened the breaker in the meantime, until its next probe.
    eventually("the API is asked again", || http::get(address, "/odds/nba?market=cold").status == 200);

    let status = demo.line(|line| line.contains(" requests: ").then(|| line.to_owned()));
    assert!(status.contains("API ") && status.contains(" calls, $"), "{status}");
}

#[test]
fn its_api_gets_into_any_trouble_and_out_of_it() {
    let demo = Process::start("demo", &["--listen", "127.0.0.1:0"]);
    let address = demo.address();
    let switch = |state: &str| http::request(address, "POST", &format!("/api/{state}"), "", "").status;
    // Each of these keys is new, and the built-in load does not ask for it.
    for (state, status, cache_status, field) in [
        ("cookies", 200, "detail=set_cookie", "set-cookie"),
        ("throttled", 429, "detail=throttled", "retry-after"),
        ("slow", 200, "stored", "content-type"),
        ("up", 200, "stored", "content-type"),
        // The load may have opened the breaker by then, or not.
        ("down", 503, "detail=", "retry-after"),
    ] {
        assert_eq!(switch(state), 200, "{state}");
        let key = format!("/scores/{status}{}", state.len());
        let answer = http::get(address, &key);
        assert_eq!(answer.status, status, "{state}: {answer:?}");
        assert!(answer.cache_status().contains(cache_status), "{state}: {answer:?}");
        assert!(!answer.field(field).is_empty(), "{state}: {answer:?}");
        assert_eq!(switch("up"), 200);
    }
    assert_eq!(switch("sideways"), 404);
}

#[test]
fn the_route_that_lacks_a_key_part_is_observed_and_leaks_nothing() {
    let demo = Process::start("demo", &["--listen", "127.0.0.1:0"]);
    let address = demo.address();
    let quote = |currency: &str| {
        http::request(address, "GET", "/quotes/7", &format!("X-Currency: {currency}\r\n"), "").text()
    };
    let observed = |verdict: &str| {
        let health = http::get(address, "/health/cache").text();
        let health: serde_json::Value = serde_json::from_str(&health).expect("is JSON");
        let quotes =
            health["routes"].as_array().expect("routes").iter().find(|route| route["route"] == "quotes");
        quotes.map_or(0, |route| route[verdict].as_u64().expect("a count"))
    };
    assert!(quote("EUR").ends_with("EUR\n"));
    eventually("the same again is the same", || {
        assert!(quote("EUR").ends_with("EUR\n"));
        observed("observed_same") > 0
    });
    assert_eq!(observed("observed_different"), 0);
    eventually("another currency is different", || {
        assert!(quote("USD").ends_with("USD\n"));
        observed("observed_different") > 0
    });
}

#[test]
fn without_a_recorder_it_says_so_and_a_token_is_what_it_was_told() {
    let demo = Process::start("demo", &["--listen", "127.0.0.1:0", "--no-recorder", "--token", "sesame"]);
    let address = demo.address();
    assert_eq!(http::get(address, "/metrics").status, 404);
    assert!(http::get(address, "/health/cache").text().contains("\"recorder_installed\":false"));
    let entries = |token: &str| {
        let bearer = format!("Authorization: Bearer {token}\r\n");
        http::request(address, "GET", "/entries?text=odds", &bearer, "").status
    };
    assert_eq!((entries("demo"), entries("sesame")), (401, 200));
}

#[test]
fn its_log_is_on_standard_error_and_json_if_wanted() {
    let demo = Process::of(
        command("demo").args(["--listen", "127.0.0.1:0", "--log-format", "json"]).env_remove("RUST_LOG"),
    );
    let address = demo.address();
    assert_eq!(http::request(address, "POST", "/api/down", "", "").status, 200);
    let first: serde_json::Value =
        demo.log_line(|line| Some(serde_json::from_str(line).expect("a line of JSON")));
    assert_eq!(first["level"], "WARN", "{first}");
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_it() {
    let demo = Process::start("demo", &["--listen", "127.0.0.1:0"]);
    demo.address();
    // The signal is only caught once it serves, which the first status line shows.
    demo.line(|line| line.contains(" requests: ").then_some(()));
    demo.signal("INT");
    assert_eq!(demo.end().code, Some(0));
}

/// The method and the URL of a `curl` line.
fn curl(line: &str) -> Option<(String, String)> {
    let words: Vec<&str> = line.strip_prefix("curl ")?.split_whitespace().collect();
    let method = words.iter().position(|word| *word == "-X").map_or("GET", |at| words[at + 1]);
    let url = words.last().expect("a URL").trim_matches('\'');
    Some((method.to_owned(), url.to_owned()))
}

fn perform(address: SocketAddr, (method, url): (String, String)) -> http::Response {
    let path = url.strip_prefix(&format!("http://{address}")).expect("the address that it listens on");
    http::request(address, &method, path, "", "")
}
