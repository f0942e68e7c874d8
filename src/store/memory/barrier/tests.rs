use http::HeaderMap;

use super::*;
use crate::{
    event::Reason,
    store::{Weights, memory::tests::*},
};

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
    let purge = Purge::group("example.com", "g");
    // Where a key names no host, more than one may stand under it.
    let covered = stored.each_ref().map(|entry| purge.scope.covers(&key("a"), entry));
    assert_eq!(covered, [true, false, false]);
    assert_eq!(store.purge(&purge, &[], NOW), 1);
    let none = HeaderMap::new();
    assert_eq!(["a", "b", "c"].map(|name| found(&store, name, &none)), [false, true, true]);
    let kept = on_its_way.map(|entry| store.insert(&key("d"), &entry, None, NOW));
    assert_eq!(kept, [Err(Reason::Purged), Ok(()), Ok(())]);
}

#[test]
fn what_a_route_or_everything_left_is_not_served_from_the_barrier_on() {
    for (purge, is_served) in [
        (Purge::all(), false),
        (Purge::route("route"), false),
        (Purge::route("other"), true),
        (Purge::all().soft(), true),
        (Purge::route("route").soft(), true),
    ] {
        let (store, route) = (Store::new(WEIGHTS), mark());
        let before = entry(&store, &route, "/", &[], 10);
        assert_eq!(store.insert(&key("a"), &before, None, NOW), Ok(()));
        store.raise_barrier(&purge, &[Arc::clone(&route)]);
        assert_eq!(found(&store, "a", &HeaderMap::new()), is_served, "{purge:?}");
        let after = entry(&store, &route, "/", &[], 10);
        assert_eq!(store.insert(&key("a"), &after, None, NOW), Ok(()), "{purge:?}");
        assert!(found(&store, "a", &HeaderMap::new()), "{purge:?}");
    }
}

#[test]
fn a_response_passes_the_purges_it_demands_and_no_others() {
    let none = HeaderMap::new();
    for (others, stays) in [
        (None, true),
        (Some(Purge::tag("u")), true),
        (Some(Purge::tag("t")), false),
        (Some(Purge::tag("t").soft()), false),
        (Some(Purge::route("route")), false),
    ] {
        let (store, route) = (Store::new(WEIGHTS), mark());
        let mut own = Arc::into_inner(entry(&store, &route, "/", &["t"], 10)).expect("one");
        let since = own.origin.number;
        if let Some(others) = &others {
            store.purge(others, &[Arc::clone(&route)], NOW);
        }
        let stored = entry(&store, &route, "/", &[], 10);
        assert_eq!(store.insert(&key("a"), &stored, None, NOW), Ok(()));
        let demanded = [Purge::target(Target::new("example.com", "/"))];
        let mut told = Vec::new();
        let passes = store.purge_before(&demanded, &key("a"), &mut own, NOW, |_, count| told.push(count));
        assert_eq!((passes, own.origin.number > since), (stays, stays), "{others:?}");
        assert_eq!(told, [1], "{others:?}");
        assert!(!found(&store, "a", &none), "{others:?}: what was stored is gone");
        assert_eq!(store.insert(&key("a"), &Arc::new(own), None, NOW).is_ok(), stays, "{others:?}");
    }
}

#[tokio::test]
async fn a_purge_of_many_gives_all_of_them_back() {
    const KEYS: usize = 3 * MANY;
    for purge in [Purge::all(), Purge::route("route")] {
        let (store, route) = (Store::new(Weights { capacity: 64 << 20, ..WEIGHTS }), mark());
        let entries: Vec<_> = (0..KEYS).map(|_| entry(&store, &route, "/", &[], 10)).collect();
        for (n, entry) in entries.iter().enumerate() {
            assert_eq!(store.insert(&key(&n.to_string()), entry, None, NOW), Ok(()));
        }
        assert_eq!(store.purge(&purge, &[route], NOW), KEYS, "{purge:?}");
        assert_eq!((store.len(), store.weight()), (0, 0), "{purge:?}");
        // A task of its own drops them.
        let dropped = async {
            while entries.iter().any(|entry| Arc::strong_count(entry) > 1) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(30), dropped).await.expect("dropped");
    }
}
