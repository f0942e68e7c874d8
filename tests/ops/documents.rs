//! The files in `ops/`, and what they name.

use std::collections::BTreeSet;

use serde_json::Value;
use tower_swr_cache::Reason;

pub(crate) const DASHBOARD: &str = include_str!("../../ops/grafana/dashboard.json");
pub(crate) const RULES: &str = include_str!("../../ops/prometheus/rules.yml");
const README: &str = include_str!("../../README.md");
const RUNBOOK: &str = include_str!("../../ops/RUNBOOK.md");

/// A metric as the README has it.
#[derive(Debug)]
pub(crate) struct Documented {
    pub(crate) name: &'static str,
    pub(crate) histogram: bool,
}

pub(crate) fn documented() -> Vec<Documented> {
    let rows = README.lines().filter_map(|line| line.strip_prefix("| `swr_cache_"));
    let metrics: Vec<Documented> = rows
        .map(|row| {
            let mut cells = row.split(" | ");
            let name = cells.next().expect("a name").trim_end_matches('`');
            let start = README.find(&format!("`swr_cache_{name}`")).expect("it is there") + 1;
            let name = &README[start..start + "swr_cache_".len() + name.len()];
            Documented { name, histogram: cells.next() == Some("histogram") }
        })
        .collect();
    assert!(metrics.len() > 20, "{metrics:?}");
    metrics
}

/// The expressions of the dashboard's panels, as they are asked for all routes over five minutes.
pub(crate) fn dashboard_expressions() -> Vec<String> {
    let dashboard: Value = serde_json::from_str(DASHBOARD).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels");
    let targets = panels.iter().filter_map(|panel| panel["targets"].as_array()).flatten();
    targets
        .map(|target| target["expr"].as_str().expect("an expression"))
        .map(|expr| expr.replace("$__rate_interval", "5m"))
        .map(|expr| ["$job", "$instance", "$route"].iter().fold(expr, |expr, name| expr.replace(name, ".*")))
        .collect()
}

/// The metrics that a text names, without what a histogram's name is followed by.
fn named(text: &str) -> BTreeSet<&str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':');
    text.split(|c| !is_part(c))
        .filter(|word| word.starts_with("swr_cache_"))
        .map(|word| word.strip_suffix("_bucket").unwrap_or(word))
        .collect()
}

#[test]
fn dashboard_and_rules_name_what_there_is() {
    let documented: BTreeSet<&str> = documented().iter().map(|metric| metric.name).collect();
    let on_the_dashboard = dashboard_expressions().join(" ");
    for text in [RULES, &on_the_dashboard] {
        let named = named(text);
        assert!(named.len() > 5 && named.is_subset(&documented), "{:?}", named.difference(&documented));
    }
    let missing: Vec<_> = documented.difference(&named(&on_the_dashboard)).copied().collect();
    assert!(missing.is_empty(), "the dashboard does not show {missing:?}");
}

#[test]
fn the_dashboards_data_source_is_a_variable() {
    let dashboard: Value = serde_json::from_str(DASHBOARD).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels");
    let mut rows = Vec::new();
    for panel in panels {
        if panel["type"] == "row" {
            rows.push(panel["title"].as_str().expect("a title"));
            continue;
        }
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{}", panel["title"]);
        assert!(panel["description"].as_str().is_some_and(|text| !text.is_empty()), "{}", panel["title"]);
    }
    assert_eq!(rows, ["Service level", "Freshness", "Origin protection", "Memory"]);
    let ids: BTreeSet<u64> = panels.iter().filter_map(|panel| panel["id"].as_u64()).collect();
    assert_eq!(ids.len(), panels.len(), "each has an id of its own");
}

#[test]
fn the_runbook_has_a_section_for_each_alert() {
    let headings: Vec<&str> = RUNBOOK.lines().filter_map(|line| line.strip_prefix("### ")).collect();
    let alerts: Vec<&str> = RULES.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert!(alerts.len() >= 6, "{alerts:?}");
    for alert in alerts {
        assert!(headings.contains(&alert), "{alert}");
        let link = format!("runbook: RUNBOOK.md#{}", alert.to_ascii_lowercase());
        assert!(RULES.contains(&link), "{link}");
    }
}

#[test]
fn the_runbooks_reasons_are_the_caches() {
    let table = RUNBOOK.split("### Everything is uncacheable").nth(1).expect("the section");
    let rows = table.lines().map(str::trim).skip_while(|line| !line.contains("|---|")).skip(1);
    let reasons: Vec<&str> = rows
        .map_while(|row| row.strip_prefix("| "))
        .filter_map(|row| row.split(" | ").next())
        .flat_map(|cell| cell.split(", "))
        .map(|reason| reason.trim_matches('`'))
        .collect();
    assert!(reasons.len() > 10, "{reasons:?}");
    for reason in reasons {
        assert!(Reason::ALL.iter().any(|known| known.as_str() == reason), "{reason}");
    }
}
