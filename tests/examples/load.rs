use std::{fs, path::PathBuf};

use super::process::{Ended, run};

const SMALL: [&str; 6] = ["--seed", "1", "--requests", "20000", "--keys", "500"];

fn small(more: &[&str]) -> Ended {
    run("load", &[&SMALL, more].concat())
}

/// Outcome, requests and share: what does not depend on the machine.
fn shares(ended: &Ended) -> Vec<Vec<&str>> {
    let table = ended.stdout.iter().skip_while(|line| !line.starts_with("outcome")).skip(1);
    table
        .take_while(|line| !line.starts_with("from the call"))
        .map(|line| line.split_whitespace().take(3).collect())
        .collect()
}

fn requests_of(ended: &Ended, outcome: &str) -> usize {
    let row = shares(ended).into_iter().find(|row| row[0] == outcome);
    row.map_or(0, |row| row[1].parse().expect("a number"))
}

fn number(ended: &Ended, name: &str) -> f64 {
    let line = ended.stdout.iter().find_map(|line| line.strip_prefix(name)).expect(name);
    line.split_whitespace().next().expect("a number").parse().expect("a number")
}

fn stored(ended: &Ended) -> usize {
    number(ended, "stored keys") as usize
}

#[test]
fn a_popular_mix_is_served_from_the_cache() {
    let ended = small(&["--expect-served", "0.95"]);
    assert_eq!((ended.code, &ended.stderr[..]), (Some(0), &[][..]), "{ended:#?}");
    let (served, ceiling) = (number(&ended, "served from the cache"), number(&ended, "ceiling"));
    assert!((95.0..=ceiling).contains(&served), "{served} of {ceiling}");
    assert_eq!(requests_of(&ended, "miss"), stored(&ended), "not one key is fetched for a second reader");
    let total: usize = shares(&ended).iter().map(|row| row[1].parse::<usize>().expect("a number")).sum();
    assert_eq!(total, 20_000);
}

#[test]
fn what_is_not_reached_is_an_error() {
    let ended = small(&["--expect-served", "1.01"]);
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    assert!(matches!(&ended.stderr[..], [line] if line.contains("expected at least 1.01")), "{ended:#?}");
    assert!(!shares(&ended).is_empty(), "the numbers are shown all the same");
}

#[test]
fn a_seed_gives_the_same_shares_each_time() {
    let more =
        ["--breaker-failures", "0", "--failure-rate", "0.3", "--soft-ttl", "500ms", "--hard-ttl", "2s"];
    let (one, two) = (small(&more), small(&more));
    assert!(requests_of(&one, "stale") > 0 && requests_of(&one, "stale_error") > 0, "{one:#?}");
    assert_eq!(shares(&one), shares(&two));
    let other = small(&[&more[..], &["--seed", "2"]].concat());
    assert_ne!(shares(&one), shares(&other));
}

#[test]
fn it_runs_in_real_time_too() {
    let ended = small(&["--clock", "real", "--speed-up", "1000", "--latency", "5ms"]);
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert_eq!(requests_of(&ended, "miss"), stored(&ended));
}

fn log(name: &str, text: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, text).expect("a file");
    path
}

#[test]
fn a_log_is_replayed_as_its_clients_asked() {
    let path = log(
        "load-log.tsv",
        "# seconds\tmethod\tpath\tstatus\tbytes\n\
         0\tGET\t/page\t200\t1000\n\
         5\tGET\t/page\t304\t0\n\
         9\tHEAD\t/page\t200\t0\n\
         10\tGET\t/missing\t404\t30\n\
         11\tGET\t/missing\t404\t30\n\
         12\tGET\t/large\t200\t60000000\n\
         13\tPOST\t/page\t200\t2\n\
         14\tGET\t/page\t200\t1000\n\
         90000\tGET\t/moved?a=1\t301\t300\n\
         90001\tGET\t/moved?a=1\t301\t300\n",
    );
    let path = path.to_str().expect("UTF-8");
    let ended = run("load", &["--trace", path]);
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    // The POST takes the page with it, 404 is not kept, and what is larger than `--max-body` is not either.
    let expected = [
        ["hit", "3", "30.00"],
        ["miss", "3", "30.00"],
        ["uncacheable", "3", "30.00"],
        ["bypass", "1", "10.00"],
    ];
    assert_eq!(shares(&ended), expected, "{ended:#?}");
    assert_eq!(number(&ended, "ceiling"), 40.0);

    let kept = run("load", &["--trace", path, "--negative-ttl=1m", "--max-body=64MiB", "--repeats=2"]);
    assert_eq!(requests_of(&kept, "uncacheable"), 0, "{kept:#?}");
    let failing =
        |failures| run("load", &["--trace", path, "--failure-rate", "1", "--breaker-failures", failures]);
    let ended = failing("0");
    assert_eq!(requests_of(&ended, "failed"), 8, "{ended:#?}");
    // The first two open the breaker; a day later the probe fails.
    let ended = failing("2");
    assert_eq!((requests_of(&ended, "failed"), requests_of(&ended, "rejected")), (3, 5), "{ended:#?}");
}

#[test]
fn a_log_that_cannot_be_read_is_one_line_and_status_2() {
    for (name, text) in [
        ("empty", "# nothing\n"),
        ("fields", "0\tGET\t/\t200\n"),
        ("more-fields", "0\tGET\t/\t200\t1\t1\n"),
        ("time", "-1\tGET\t/\t200\t1\n"),
        ("order", "1\tGET\t/\t200\t1\n0\tGET\t/\t200\t1\n"),
        ("method", "0\tG T\t/\t200\t1\n"),
        ("target", "0\tGET\t/ /\t200\t1\n"),
        ("status", "0\tGET\t/\t20\t1\n"),
        ("bytes", "0\tGET\t/\t200\t-\n"),
    ] {
        let path = log(&format!("load-{name}.tsv"), text);
        let ended = run("load", &["--trace", path.to_str().expect("UTF-8")]);
        assert_eq!(
            (ended.code, ended.stderr.len(), ended.stdout.len()),
            (Some(2), 1, 0),
            "{name}: {ended:#?}"
        );
    }
}
