//! A Prometheus that scrapes the demo.

use std::{fs, net::SocketAddr, path::PathBuf};

use serde_json::Value;

use super::{
    documents,
    http::{self, Response},
    process::{Process, eventually},
    tools,
};

/// A server with the rules of `ops/`, and the folder that it keeps its data in.
struct Prometheus {
    process: Process,
    address: SocketAddr,
    folder: PathBuf,
}

impl Prometheus {
    /// One that scrapes this address every second; `None` where it is not installed.
    fn scraping(target: SocketAddr) -> Option<Self> {
        let mut command = tools::find("prometheus")?;
        let folder = std::env::temp_dir().join(format!("tower-swr-cache-prometheus-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let config = include_str!("../../ops/prometheus/prometheus.yml");
        let changed = [
            ("15s", "1s"),
            ("[rules.yml]", concat!("[", env!("CARGO_MANIFEST_DIR"), "/ops/prometheus/rules.yml]")),
            ("127.0.0.1:3000", &target.to_string()),
        ]
        .into_iter()
        .fold(config.to_owned(), |config, (old, new)| {
            assert!(config.contains(old), "{old}");
            config.replace(old, new)
        });
        let file = folder.join("prometheus.yml");
        fs::write(&file, changed).expect("can be written");
        let process = Process::of(
            command
                .arg(format!("--config.file={}", file.display()))
                .arg(format!("--storage.tsdb.path={}", folder.join("data").display()))
                .arg("--web.listen-address=127.0.0.1:0"),
        );
        let address = process.log_line(|line| {
            let address = line.split_once("msg=\"Listening on\" address=")?.1;
            Some(address.trim().parse().expect("an address"))
        });
        let started = Self { process, address, folder };
        eventually("it is ready", || http::get(address, "/-/ready").status == 200);
        Some(started)
    }

    fn api(&self, path: &str) -> Value {
        let Response { status, body, .. } = http::get(self.address, path);
        let answer: Value = serde_json::from_slice(&body).unwrap_or_default();
        assert!(status == 200 && answer["status"] == "success", "{path}: {status} {answer}");
        answer["data"].clone()
    }

    /// How many series an expression has now. An error if it is none.
    fn series(&self, expression: &str) -> usize {
        let escaped: String = expression.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let data = self.api(&format!("/api/v1/query?query={escaped}"));
        data["result"].as_array().map_or(0, Vec::len)
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        // It has to be gone before its folder can be; what cannot be removed lies in the folder for such things.
        self.process.kill();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

#[test]
fn it_scrapes_the_demo_and_finds_all_that_is_documented() {
    let demo = Process::start("demo", &["--listen", "127.0.0.1:0"]);
    let target = demo.address();
    let Some(prometheus) = Prometheus::scraping(target) else { return };

    // A purge, a request that is none for a cache, what a route that only observes would have served, and an upstream that
    // fails until its breaker opens are not part of the demo's own load.
    for currency in ["eur", "usd"] {
        let field = format!("x-currency: {currency}\r\n");
        assert_eq!(http::request(target, "GET", "/quotes/1", &field, "").status, 200);
    }
    assert_eq!(http::request(target, "POST", "/purge/nba", "", "").status, 200);
    assert_eq!(http::request(target, "GET", "/sports", "upgrade: websocket\r\n", "").status, 200);
    assert_eq!(http::request(target, "POST", "/api/down", "", "").status, 200);

    eventually("the target is up", || {
        let targets = prometheus.api("/api/v1/targets")["activeTargets"].clone();
        targets[0]["health"] == "up" && targets[0]["lastError"] == ""
    });
    for metric in documents::documented() {
        let name = metric.name;
        let sample = if metric.histogram { format!("{name}_bucket") } else { name.to_owned() };
        eventually(&sample, || prometheus.series(&sample) > 0);
    }
    for expression in documents::dashboard_expressions() {
        // What has failed, been evicted or been refused need not have happened; the expression has to be one.
        prometheus.series(&expression);
    }
    eventually("the rules are evaluated", || {
        let groups = prometheus.api("/api/v1/rules")["groups"].clone();
        let rules: Vec<&Value> = groups.as_array().expect("groups").iter().flat_map(rules_of).collect();
        assert!(rules.iter().all(|rule| rule["health"] != "err"), "{rules:?}");
        rules.len() > 10 && rules.iter().all(|rule| rule["health"] == "ok")
    });
    eventually("a recording rule has its series", || {
        prometheus.series("job_route:swr_cache_hit:ratio_rate5m{route=\"odds\"}") == 1
    });

    let Some(promtool) = tools::find("promtool") else { return };
    let scrape = http::get(target, "/metrics").text();
    let output = tools::run(promtool, &["check", "metrics"], &scrape);
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success() && said.is_empty(), "{}", String::from_utf8_lossy(&said));
}

fn rules_of(group: &Value) -> impl Iterator<Item = &Value> {
    group["rules"].as_array().into_iter().flatten()
}
