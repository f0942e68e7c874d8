//! What the programs say to those who call them wrongly: one line, and status 2.

use super::{
    http,
    process::{Process, command, run},
};

const PROXY: [&str; 4] = ["--listen", "127.0.0.1:0", "--upstream", "http://127.0.0.1:9"];

#[test]
fn wrong_options_are_one_line_and_status_2() {
    let proxy = |more: &[&'static str]| ("reverse_proxy", [&PROXY, more].concat());
    for (example, args) in [
        ("demo", vec!["--bogus"]),
        ("demo", vec!["once"]),
        ("demo", vec!["--once=yes"]),
        ("demo", vec!["--listen"]),
        ("demo", vec!["--listen", "localhost"]),
        ("demo", vec!["--listen", "127.0.0.1:70000"]),
        ("demo", vec!["--capacity"]),
        ("demo", vec!["--capacity", "1MB"]),
        ("demo", vec!["--capacity", "1KiB"]),
        ("demo", vec!["--token", ""]),
        ("demo", vec!["--token", "two words"]),
        ("demo", vec!["--no-recorder=yes"]),
        ("demo", vec!["--log-format", "xml"]),
        ("axum_server", vec!["--bogus"]),
        ("axum_server", vec!["--check=yes"]),
        ("axum_server", vec!["--listen", "localhost"]),
        ("axum_server", vec!["--log-format", "xml"]),
        ("axum_server", vec!["--log-format"]),
        ("axum_server", vec!["--routes"]),
        ("axum_server", vec!["--routes", "no such file"]),
        ("axum_server", vec!["--routes", "README.md"]),
        ("chaos", vec![]),
        ("chaos", vec!["--bogus"]),
        ("chaos", vec!["mayhem"]),
        ("chaos", vec!["chaos", "--seed"]),
        ("chaos", vec!["chaos", "--seed", "-1"]),
        ("chaos", vec!["chaos", "--scale", "0"]),
        ("chaos", vec!["soak", "--minutes", "0"]),
        ("load", vec!["--bogus"]),
        ("load", vec!["--seed"]),
        ("load", vec!["--seed", "-1"]),
        ("load", vec!["--keys", "0"]),
        ("load", vec!["--requests", "many"]),
        ("load", vec!["--zipf", "NaN"]),
        ("load", vec!["--latency", "50"]),
        ("load", vec!["--failure-rate", "1.5"]),
        ("load", vec!["--speed-up", "0"]),
        ("load", vec!["--concurrency", "0"]),
        ("load", vec!["--capacity", "1MB"]),
        ("load", vec!["--capacity", "1KiB"]),
        ("load", vec!["--max-body", "1GiB"]),
        ("load", vec!["--soft-ttl", "2m", "--hard-ttl", "1m"]),
        ("load", vec!["--clock", "wall"]),
        ("load", vec!["--trace", "no such file"]),
        ("load", vec!["--trace", "Cargo.toml", "--keys", "5"]),
        ("load", vec!["--expect-served", "most"]),
        ("reverse_proxy", vec![]),
        ("reverse_proxy", vec!["--listen", "127.0.0.1:0"]),
        proxy(&["--bogus"]),
        proxy(&["--soft-ttl", "5"]),
        proxy(&["--soft-ttl", "2s", "--hard-ttl", "1s"]),
        proxy(&["--freshness", "route"]),
        proxy(&["--capacity", "0"]),
        proxy(&["--max-body", "1GiB"]),
        proxy(&["--fetch-timeout", "0s"]),
        proxy(&["--failure-extension", "101"]),
        proxy(&["--threads", "0"]),
        proxy(&["--upstream", "ftp://host"]),
        proxy(&["--breaker-failures", "-1"]),
        proxy(&["--log-format", "xml"]),
        proxy(&["--admin", "localhost"]),
        proxy(&["--admin-token", "alone"]),
        proxy(&["--admin", "127.0.0.1:0", "--admin-token", "two words"]),
    ] {
        let ended = run(example, &args);
        assert_eq!(ended.code, Some(2), "{example} {args:?}: {ended:#?}");
        assert!(
            matches!(&ended.stderr[..], [line] if line.starts_with(&format!("{example}: ")) && line.len() > 15),
            "{example} {args:?}: {ended:#?}"
        );
        assert!(ended.stdout.is_empty(), "{example} {args:?}: {ended:#?}");
    }
}

#[test]
fn every_option_of_the_proxy_can_be_given_alone() {
    let options = [
        ("--admin", "127.0.0.1:0"),
        ("--soft-ttl", "500ms"),
        ("--hard-ttl", "5m"),
        ("--freshness", "origin"),
        ("--capacity", "1GiB"),
        ("--max-body", "64KiB"),
        ("--fetch-timeout", "10s"),
        ("--breaker-failures", "0"),
        ("--breaker-cooldown", "1s"),
        ("--failure-extension", "0"),
        ("--stale-if-error", "1h"),
        ("--keep", "0s"),
        ("--heuristic", ""),
        ("--client-directives", ""),
        ("--key-header", "x-tenant"),
        ("--ignore-query", "utm_source"),
        ("--normalise-encoding", "br"),
        ("--normalise-language", "en"),
        ("--field-lists", ""),
        ("--store-parts", ""),
        ("--store-post", ""),
        ("--no-vary-search", ""),
        ("--ignore-cookies", ""),
        ("--store-set-cookie", ""),
        ("--threads", "1"),
        ("--log-format", "json"),
    ];
    let help = run("reverse_proxy", &["--help"]).stdout;
    let known = help.iter().filter_map(|line| line.trim_start().split(' ').next());
    for known in known.filter(|word| word.starts_with("--")) {
        let elsewhere = ["--listen", "--upstream", "--admin-token"].contains(&known);
        assert!(elsewhere || options.iter().any(|(name, _)| *name == known), "{known}");
    }
    for (name, value) in options {
        let more = [name, value];
        let more = if value.is_empty() { &more[..1] } else { &more };
        Process::start("reverse_proxy", &[&PROXY, more].concat()).address();
    }
}

#[test]
fn help_names_the_options_and_is_no_error() {
    for (example, option) in [
        ("axum_server", "--routes"),
        ("chaos", "--scale"),
        ("demo", "--capacity"),
        ("load", "--expect-served"),
        ("reverse_proxy", "--upstream"),
    ] {
        let ended = run(example, &["--help"]);
        assert_eq!((ended.code, ended.stderr.len()), (Some(0), 0), "{ended:#?}");
        assert!(ended.stdout.iter().any(|line| line.trim_start().starts_with(option)), "{ended:#?}");
    }
}

#[test]
fn a_port_that_is_taken_is_one_line_and_status_1() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    for (example, args) in [
        ("axum_server", vec!["--listen", &address]),
        ("demo", vec!["--listen", &address]),
        ("reverse_proxy", vec!["--listen", &address, "--upstream", "http://127.0.0.1:9"]),
    ] {
        let ended = run(example, &args);
        assert_eq!((ended.code, ended.stderr.len(), ended.stdout.len()), (Some(1), 1, 0), "{ended:#?}");
    }
}

#[test]
fn logs_are_json_if_they_are_wanted_so_and_rust_log_says_which() {
    // Nobody listens there, and the fifth failure opens the breaker.
    let args = [&PROXY[..], &["--log-format", "json"]].concat();
    let proxy = Process::of(command("reverse_proxy").args(args).env("RUST_LOG", "tower_swr_cache=warn"));
    let address = proxy.address();
    for key in 0..5 {
        assert_eq!(http::get(address, &format!("/{key}")).status, 502);
    }
    let first: serde_json::Value =
        proxy.log_line(|line| Some(serde_json::from_str(line).expect("a line of JSON")));
    assert_eq!(
        (&first["level"], &first["target"]),
        (&"WARN".into(), &"tower_swr_cache::telemetry::events".into())
    );
    assert!(first["fields"]["breaker"].is_string() && first["timestamp"].is_string(), "{first}");

    for (example, args) in [
        ("axum_server", &["--listen", "127.0.0.1:0"][..]),
        ("demo", &["--listen", "127.0.0.1:0"]),
        ("reverse_proxy", &PROXY),
    ] {
        let ended = Process::of(command(example).args(args).env("RUST_LOG", "tower_swr_cache=loud")).end();
        assert_eq!(ended.code, Some(2), "{ended:#?}");
        assert!(ended.stderr.iter().any(|line| line.contains("RUST_LOG: ")), "{ended:#?}");
    }
}
