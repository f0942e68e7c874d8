//! `axum_server`: its file of routes, its endpoints, its own `/health`.

use std::path::PathBuf;

use super::{
    http,
    process::{Ended, Process, run},
};

const FILE: &str = include_str!("../../examples/axum_server/routes.toml");

/// A file of routes for one test.
struct Routes(PathBuf);

impl Routes {
    fn new(name: &str, text: &str) -> Self {
        let file = format!("axum_server-{}-{name}.toml", std::process::id());
        let path = std::env::temp_dir().join(file);
        std::fs::write(&path, text).expect("can be written");
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("is text")
    }

    fn check(&self) -> Ended {
        run("axum_server", &["--check", "--routes", self.path()])
    }
}

impl Drop for Routes {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn check_prints_what_each_route_does() {
    let words = |line: &String| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let rows = ["odds 30s 300s", "scores 2s 10s", "sports 3600s 86400s", "standings 600s 7200s"];
    let ended = run("axum_server", &["--check"]);
    assert_eq!((ended.code, ended.stderr.len()), (Some(0), 0), "{ended:#?}");
    assert_eq!(ended.stdout[1..].iter().map(words).collect::<Vec<_>>(), rows);

    let ended = Routes::new("other", &FILE.replace("\"30s\"\nhard", "\"20s\"\nhard")).check();
    assert_eq!((ended.code, words(&ended.stdout[1])), (Some(0), "odds 20s 300s".to_owned()), "{ended:#?}");
}

#[test]
fn a_file_that_is_wrong_is_one_line_with_its_place_and_status_2() {
    for (name, from, to, told) in [
        ("value", "\"5m\"", "\"5\"", ":6: odds: hard_ttl: invalid value: string \"5\""),
        ("order", "\"5m\"", "\"5s\"", ":4: odds: hard_ttl = 5s: must not be below the soft TTL"),
        ("field", "hard_ttl = \"5m\"", "hard = \"5m\"", ":4: odds: unknown field `hard`"),
        ("key", "odds:{sport}", "odds:{sports}", ":7: odds: key: "),
        ("route", "[odds]", "[odd]", ": route = \"odds\": is not among the routes"),
        ("syntax", "[odds]", "[odds", ":4: "),
    ] {
        let file = Routes::new(name, &FILE.replacen(from, to, 1));
        let ended = file.check();
        assert_eq!((ended.code, ended.stderr.len(), ended.stdout.len()), (Some(2), 1, 0), "{ended:#?}");
        let wanted = format!("axum_server: {}{told}", file.path());
        assert!(ended.stderr[0].starts_with(&wanted), "{wanted}\n{ended:#?}");
    }
}

#[test]
fn it_serves_from_the_cache_and_its_health_tells_of_it() {
    let server = Process::start("axum_server", &["--listen", "127.0.0.1:0"]);
    let address = server.address();
    for (path, begins) in [
        ("/odds/nba?market=h2h", "nba h2h 1."),
        ("/scores/7", "game 7 "),
        ("/sports", "nba nfl nhl mlb"),
        ("/standings/nba", "nba current 1. Owls"),
    ] {
        let (first, second) = (http::get(address, path), http::get(address, path));
        assert!(first.status == 200 && first.text().starts_with(begins), "{first:?}");
        assert!(second.is_hit() && second.text() == first.text(), "{second:?}");
    }
    let health = http::get(address, "/health");
    let told: serde_json::Value = serde_json::from_slice(&health.body).expect("is JSON");
    assert_eq!((health.status, &told["status"]), (200, &"ok".into()));
    for (field, number) in [("hits", 4), ("misses", 4), ("entries", 4)] {
        assert_eq!(told["tiered_cache"][field], number, "{field}: {told}");
    }
    let metrics = http::get(address, "/metrics");
    for line in [
        "app_starts_total 1",
        "swr_cache_requests_total{route=\"odds\",outcome=\"hit\"} 1",
        "swr_cache_hit_ratio{route=\"odds\"} 0.5",
        "swr_cache_request_duration_seconds_bucket{route=\"odds\",served=\"cache\",le=\"+Inf\"} 1",
    ] {
        assert!(metrics.text().lines().any(|found| found == line), "{line}\n{}", metrics.text());
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_it() {
    let server = Process::start("axum_server", &["--listen", "127.0.0.1:0"]);
    let address = server.address();
    // The signal is only caught once it serves.
    assert_eq!(http::get(address, "/sports").status, 200);
    server.signal("INT");
    assert_eq!(server.end().code, Some(0));
}
