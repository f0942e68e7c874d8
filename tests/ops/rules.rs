//! The rules, as `promtool` sees them.

use super::tools;

#[track_caller]
fn succeeds(args: &[&str]) {
    let Some(promtool) = tools::find("promtool") else { return };
    let output = tools::run(promtool, args, "");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_configuration_and_its_rules_are_valid() {
    succeeds(&["check", "config", "prometheus/prometheus.yml"]);
    succeeds(&["check", "rules", "prometheus/rules.yml"]);
}

#[test]
fn each_alert_is_there_when_it_has_to_be_and_at_no_other_time() {
    succeeds(&["test", "rules", "prometheus/tests.yml"]);
}
