use super::*;

#[test]
fn a_purge_counts_for_what_was_fetched_before_it() {
    let mut log = PurgeLog::default();
    log.record(1, 10, false);
    log.record(2, 20, true);
    assert_eq!(log.hard_after(9, [1, 2]), Some(10));
    assert_eq!(log.hard_after(10, [1, 2]), None);
    assert_eq!(log.hard_after(9, [3]), None);
    assert!(log.soft_after(19, [2]));
    assert!(!log.soft_after(20, [2]));
    assert!(log.any_after(19) && !log.any_after(20));
}

#[test]
fn a_later_purge_hides_no_earlier_one() {
    let mut log = PurgeLog::default();
    log.record(1, 10, false);
    log.record(1, 30, false);
    log.record(2, 40, false);
    for (fetch, request, between) in
        [(5, 10, false), (5, 11, true), (5, 35, true), (10, 30, false), (15, 31, true), (40, 50, false)]
    {
        assert_eq!(log.hard_between(fetch, request, [1, 2]), between, "{fetch} and {request}");
    }
    for number in 100..200 {
        log.record(1, number, false);
    }
    assert!(log.hard_between(150, 151, [1]), "what is forgotten counts as if it were between");
    assert!(!log.hard_between(199, 300, [1]));
}

#[test]
fn a_full_log_forgets_nothing_that_counts() {
    let mut log = PurgeLog::default();
    for number in 0..3 * MAX_RECORDS as u64 {
        log.record(number, number, number % 2 == 0);
        assert!(log.hard.len() + log.soft.len() <= MAX_RECORDS);
    }
    assert!(log.hard_after(0, [5]).is_some_and(|newest| newest >= 5));
    assert!(log.hard_between(5, 10, [5]), "what is forgotten counts as if it were between");
    let (since, none) = (log.barrier, u64::MAX);
    assert_eq!((log.hard_after(since, [none]), log.hard_between(since, none, [none])), (None, false));
}

#[test]
fn each_kind_of_scope_has_its_word() {
    let key = Purge::key(Key::from_bytes(b"a"));
    let url = Purge::url("/").expect("a url");
    let (tag, group, route) = (Purge::tag("a"), Purge::group("a", "b"), Purge::route("a"));
    let words = [key, url, tag, group, route, Purge::all()].map(|purge| purge.scope.kind().as_str());
    assert_eq!(words, ["key", "url", "tag", "group", "route", "all"]);
}

#[test]
fn a_url_is_a_path_on_one_host_or_on_all() {
    let url = |url| Purge::url(url).map(|purge| purge.scope);
    assert_eq!(
        url("https://Example.com/a?b").ok(),
        Some(Scope::Url { authority: Some("example.com".into()), path: "/a?b".into() })
    );
    assert_eq!(url("/a").ok(), Some(Scope::Url { authority: None, path: "/a".into() }));
    assert!(url("http://exa mple.com/").is_err());
    assert!(url("").is_err());
}
