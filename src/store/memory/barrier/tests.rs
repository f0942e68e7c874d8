use http::HeaderMap;

use super::*;
use crate::{event::Reason, store::memory::tests::*};

#[test]
fn a_purge_of_something_else_passes_nothing() {
    for purge in [
        Purge::key(key("b")),
        Purge::url("/y?b=2").expect("a url"),
        Purge::tag("u"),
        Purge::group("example.com", "t"),
        Purge::route("other"),
    ] {
        let (store, route) = (Store::new(WEIGHTS), mark());
        let entry = entry(&store, &route, "/x?a=1&b=2", &["t"], 10);
        let entry = same_for_others(entry, Some("params=(\"a\")"));
        assert_eq!(store.purge(&purge, &[route], NOW), 0);
        assert_eq!(store.insert(&key("a"), &entry, None, NOW), Ok(()), "{purge:?}");
    }
}

#[test]
fn a_group_is_purged_among_the_responses_of_its_host() {
    let (store, route) = (Store::new(WEIGHTS), mark());
    let member = |host: &str, group: &str| {
        let mut entry = Arc::into_inner(entry(&store, &route, "/", &[group], 10)).expect("one");
        entry.origin.target = Target::new(host, "/");
        entry.origin.groups = entry.origin.tags.clone();
        Arc::new(entry)
    };
    let hosts_and_groups = [("example.com", "g"), ("example.org", "g"), ("example.com", "h")];
    let stored = hosts_and_groups.map(|(host, group)| member(host, group));
    let on_its_way = hosts_and_groups.map(|(host, group)| member(host, group));
    for (name, entry) in ["a", "b", "c"].iter().zip(&stored) {
        assert_eq!(store.insert(&key(name), entry, None, NOW), Ok(()));
    }
    assert_eq!(store.purge(&Purge::group("example.com", "g"), &[], NOW), 1);
    let none = HeaderMap::new();
    assert_eq!(["a", "b", "c"].map(|name| found(&store, name, &none)), [false, true, true]);
    let kept = on_its_way.map(|entry| store.insert(&key("d"), &entry, None, NOW));
    assert_eq!(kept, [Err(Reason::Purged), Ok(()), Ok(())]);
}
