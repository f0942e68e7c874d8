//! Campaigns against the cache, in small.

use super::process::{Ended, run};

/// The figure of a line.
fn figure(ended: &Ended, line: &str) -> f64 {
    let found = ended.stdout.iter().find_map(|text| text.trim_start().strip_prefix(line));
    let figure = found.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
    figure.unwrap_or_else(|| panic!("no {line:?}: {ended:#?}"))
}

#[test]
fn a_short_campaign_keeps_its_limits_and_shows_its_figures() {
    let ended = run("chaos", &["chaos", "--seed", "7", "--scale", "0.02"]);
    assert_eq!((ended.code, ended.stderr.len()), (Some(0), 0), "{ended:#?}");
    for line in ["wrong bodies", "bodies of another user", "bodies older", "bodies cut short"] {
        let text = ended.stdout.iter().find(|text| text.trim_start().starts_with(line));
        assert!(text.is_some_and(|text| text.ends_with("at most 0")), "{line}: {ended:#?}");
    }
    assert!(figure(&ended, "answers judged") > 10_000.0, "{ended:#?}");
}

#[test]
fn a_limit_that_is_not_kept_is_status_1() {
    // Too short to stir anything up, which is one of its limits.
    let ended = run("chaos", &["chaos", "--scale", "0.001"]);
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    assert!(ended.stdout.iter().any(|line| line.ends_with("BROKEN")), "{ended:#?}");
    assert!(ended.stderr.iter().any(|line| line.starts_with("chaos: ") && line.ends_with("are broken")));
}
