use std::{
    cell::Cell,
    hash::{Hash, Hasher},
    time::Duration,
};

use http::{HeaderMap, HeaderValue};
use quick_cache::Equivalent;

use super::*;
use crate::{
    entry::{Origin, RouteMark, Target},
    key::{KeyWriter, SearchVariance},
    policy::{
        reuse::Reuse,
        vary::{Selecting, Vary},
    },
    store::Purge,
    tag::Tags,
};

pub(super) const NOW: Tick = Tick::from_raw(1 << 50);
pub(super) const WEIGHTS: Weights = Weights { capacity: 1 << 20, max_body: 64 << 10 };

pub(super) fn key(name: &str) -> Key {
    Key::from_bytes(name.as_bytes())
}

pub(super) fn mark() -> Arc<RouteMark> {
    Arc::new(RouteMark::new("route", &[]))
}

/// An entry fetched with the store's next number.
pub(super) fn entry(
    store: &Store,
    route: &Arc<RouteMark>,
    path: &str,
    tags: &[&str],
    body: usize,
) -> Arc<Entry> {
    varied(store, route, path, tags, body, Selecting::default())
}

fn varied(
    store: &Store,
    route: &Arc<RouteMark>,
    path: &str,
    tags: &[&str],
    body: usize,
    selecting: Selecting,
) -> Arc<Entry> {
    let origin = Origin {
        number: store.take_number(),
        route: Arc::clone(route),
        target: Target::new("example.com", path),
        tags: tags.iter().map(|tag| Box::from(*tag)).collect(),
        groups: Tags::default(),
    };
    Entry::fixture(origin, selecting, body, NOW)
}

/// The same entry, which says by its `No-Vary-Search` for which other queries it is.
pub(super) fn same_for_others(entry: Arc<Entry>, rule: Option<&'static str>) -> Arc<Entry> {
    let field = http::HeaderName::from_static("no-vary-search");
    let says = rule.map(|rule| (field, HeaderValue::from_static(rule)));
    let search = SearchVariance::from_headers(&says.into_iter().collect()).map(Arc::new);
    Arc::new(Entry { search, ..Arc::into_inner(entry).expect("one") })
}

fn language(value: &'static str) -> HeaderMap {
    HeaderMap::from_iter([(http::header::ACCEPT_LANGUAGE, HeaderValue::from_static(value))])
}

fn by_language(value: &'static str) -> Selecting {
    let vary = HeaderMap::from_iter([(http::header::VARY, HeaderValue::from_static("accept-language"))]);
    Vary::from_headers(&vary).select(&language(value)).expect("no star")
}

pub(super) fn found(store: &Store, name: &str, request: &HeaderMap) -> bool {
    store.get(key(name).as_bytes()).is_some_and(|slot| slot.select(request).is_some())
}

#[test]
fn every_scope_purges_what_it_covers_and_nothing_else() {
    let url = |url| Purge::url(url).expect("a url");
    let cases: [(Purge, [bool; 3]); 8] = [
        (Purge::key(key("a")), [false, true, true]),
        (url("/a"), [false, true, true]),
        (url("http://example.com/a"), [false, true, true]),
        (url("http://elsewhere.com/a"), [true, true, true]),
        (Purge::tag("even"), [false, true, false]),
        (Purge::tag("none"), [true, true, true]),
        (Purge::route("route"), [false, false, false]),
        (Purge::all(), [false, false, false]),
    ];
    for (purge, left) in cases {
        let (store, route) = (Store::new(WEIGHTS), mark());
        for (name, path, tags) in [("a", "/a", &["even"][..]), ("b", "/b", &[]), ("c", "/c", &["even", "x"])]
        {
            assert_eq!(store.insert(&key(name), &entry(&store, &route, path, tags, 10), None, NOW), Ok(()));
        }
        let count = store.purge(&purge, &[Arc::clone(&route)], NOW);
        let none = HeaderMap::new();
        assert_eq!(["a", "b", "c"].map(|name| found(&store, name, &none)), left, "{purge:?}");
        assert_eq!(count, left.iter().filter(|stays| !**stays).count(), "{purge:?}");
        store.purge(&Purge::all(), &[route], NOW);
        assert_eq!((store.len(), store.indexed(), store.weight()), (0, 0, 0), "{purge:?}");
    }
}

#[test]
fn a_soft_purge_leaves_it_stale() {
    let (store, route) = (Store::new(WEIGHTS), mark());
    let kept = entry(&store, &route, "/", &["t"], 10);
    assert_eq!(store.insert(&key("a"), &kept, None, NOW), Ok(()));
    assert_eq!(kept.reuse(NOW), Reuse::Fresh);
    assert_eq!(store.purge(&Purge::tag("t").soft(), &[route], NOW), 1);
    assert_eq!(kept.reuse(NOW), Reuse::Stale);
}

#[test]
fn nothing_fetched_before_a_purge_is_stored_after_it() {
    let url = Purge::url("/").expect("a url");
    for purge in [Purge::key(key("a")), url, Purge::tag("t"), Purge::route("route"), Purge::all()] {
        let (store, route) = (Store::new(WEIGHTS), mark());
        let before = entry(&store, &route, "/", &["t"], 10);
        store.purge(&purge, &[Arc::clone(&route)], NOW);
        assert_eq!(store.insert(&key("a"), &before, None, NOW), Err(Reason::Purged), "{purge:?}");
        let after = entry(&store, &route, "/", &["t"], 10);
        assert_eq!(store.insert(&key("a"), &after, None, NOW), Ok(()), "{purge:?}");

        let before = entry(&store, &route, "/", &["t"], 10);
        store.purge(&purge.clone().soft(), &[Arc::clone(&route)], NOW);
        assert_eq!(store.insert(&key("a"), &before, None, NOW), Ok(()), "{purge:?}, soft");
        assert_ne!(before.reuse(NOW), Reuse::Fresh, "{purge:?}, soft");
    }
}

#[test]
fn what_was_fetched_later_stays() {
    let (store, route) = (Store::new(WEIGHTS), mark());
    let (early, late) = (entry(&store, &route, "/", &[], 10), entry(&store, &route, "/", &[], 10));
    assert_eq!(store.insert(&key("a"), &late, None, NOW), Ok(()));
    assert_eq!(store.insert(&key("a"), &early, None, NOW), Err(Reason::Overtaken));
}

#[test]
fn variants_stand_side_by_side_up_to_their_number() {
    let (store, route) = (Store::new(WEIGHTS), mark());
    let names: Vec<&'static str> = (0..40).map(|n| &*String::leak(format!("l{n}"))).collect();
    for name in &names {
        let entry = varied(&store, &route, "/", &[name], 10, by_language(name));
        assert_eq!(store.insert(&key("a"), &entry, None, NOW), Ok(()));
    }
    let kept = names.iter().filter(|name| found(&store, "a", &language(name))).count();
    assert_eq!(kept, 32);
    assert_eq!(store.indexed(), 32 + 1, "the tags of the oldest have left with them");
    assert_eq!(store.purge(&Purge::tag("l39"), &[Arc::clone(&route)], NOW), 1);
    assert!(!found(&store, "a", &language("l39")) && found(&store, "a", &language("l38")));
    let plain = entry(&store, &route, "/", &[], 10);
    assert_eq!(store.insert(&key("a"), &plain, None, NOW), Ok(()));
    assert_eq!(store.indexed(), 1, "a response that does not vary takes the place of all");
}

#[test]
fn the_index_is_true_whatever_leaves() {
    let (store, route) = (Store::new(WEIGHTS), mark());
    for round in 0..2_000 {
        let (name, path, tag) =
            (format!("k{}", round % 700), format!("/{}", round % 700), format!("t{}", round % 13));
        let entry = entry(&store, &route, &path, &[&tag], 1000 + round % 3000);
        assert_eq!(store.insert(&key(&name), &entry, None, NOW), Ok(()));
        assert!(store.weight() <= WEIGHTS.capacity);
        match round % 110 {
            7 => drop(store.purge(&Purge::tag(tag), &[], NOW)),
            n if n % 11 == 3 => {
                store.remove(&key(&name), &entry, NOW);
                assert!(!found(&store, &name, &HeaderMap::new()));
            }
            _ => {}
        }
    }
    assert!(store.evicted() > 100, "there was not room for all: {}", store.evicted());
    let mut expected: Vec<ScopeHash> =
        store.cache.iter().flat_map(|(_, slot)| store.index_scopes(&slot, 0)).collect();
    expected.sort_unstable();
    expected.dedup();
    assert!(!expected.is_empty());
    assert_eq!(store.indexed(), expected.len());
    assert_eq!(store.weight(), store.cache.iter().map(|(_, slot)| slot.weight()).sum::<u64>());
}

#[test]
fn who_leaves_for_want_of_room_is_counted() {
    const KEYS: u64 = 1000;
    let (store, route) = (Store::new(WEIGHTS), mark());
    for n in 0..KEYS {
        let (name, entry) = (n.to_string(), entry(&store, &route, "/", &[], 4000));
        assert_eq!(store.insert(&key(&name), &entry, None, NOW), Ok(()));
        // Another one in its place is no reason for anybody to leave.
        assert_eq!(store.insert(&key(&name), &entry, None, NOW), Ok(()));
    }
    let left = store.len() as u64;
    assert!(left * 4000 > store.capacity() / 2 && left * 4000 < store.capacity(), "{left}");
    assert_eq!((store.capacity(), store.evicted()), (WEIGHTS.capacity, KEYS - left));
}

#[test]
fn a_number_is_foreseen_and_then_taken_once() {
    let store = Store::new(WEIGHTS);
    let next = store.next_number();
    assert_eq!([store.next_number(), store.take_number(), store.next_number()], [next, next, next + 1]);
    store.purge(&Purge::all(), &[], NOW);
    assert_eq!(store.next_number(), next + 2);
}

#[test]
fn what_is_the_same_for_other_queries_is_found_while_it_stands() {
    let (store, route) = (Store::new(WEIGHTS), mark());
    let key = |target: &str| KeyWriter::new(target).to_key();
    let insert = |rule: Option<&'static str>, tags: &[&str]| {
        let entry = same_for_others(entry(&store, &route, "/x?a=1&b=2", tags, 10), rule);
        assert_eq!(store.insert(&key("/x?a=1&b=2"), &entry, None, NOW), Ok(()));
        // Its paths and tags, and where the other queries find it.
        ["/x?b=2", "/x?b=2&a=1", "/x?b=3", "/x?a=1&b=2", "/y?b=2"]
            .map(|other| store.equivalents(key(other).as_bytes()).len())
    };
    let all_but_a = Some("params=(\"a\")");
    assert_eq!(insert(all_but_a, &[]), [1, 1, 0, 0, 0]);
    assert_eq!(store.indexed(), 2 + 2);
    assert_eq!(insert(all_but_a, &["t"]), [1, 1, 0, 0, 0], "it says the same again");
    assert_eq!(store.indexed(), 3 + 2);
    assert_eq!(insert(Some("key-order"), &[]), [0, 1, 0, 0, 0], "it says something else");
    assert_eq!(store.indexed(), 2 + 2);
    assert_eq!(insert(None, &[]), [0; 5], "it is for its own query alone");
    assert_eq!(store.indexed(), 1);
}

#[test]
fn what_is_stored_while_a_purge_of_everything_sweeps_stays_and_is_in_the_index() {
    // A route that is gone has no mark to raise: what it stored may stand beside what is new.
    let accepts = language;
    for (registered, language) in [(true, "en"), (true, "de"), (false, "en"), (false, "de")] {
        let (store, route) = (Store::new(WEIGHTS), mark());
        let marks: Vec<_> = registered.then(|| Arc::clone(&route)).into_iter().collect();
        let insert = |language| {
            let entry = varied(&store, &route, "/", &["t"], 10, by_language(language));
            assert_eq!(store.insert(&key("a"), &entry, None, NOW), Ok(()));
        };
        insert("en");
        let number = store.raise_barrier(&Purge::all(), &marks);
        insert(language);
        store.remove_older(number, NOW);
        let left = ["en", "de"].map(|other| found(&store, "a", &accepts(other)));
        assert_eq!(left, [language == "en", language == "de"], "{registered}");
        assert_eq!((store.len(), store.indexed()), (1, 2), "{registered} {language}");
        assert_eq!(store.purge(&Purge::tag("t"), &marks, NOW), 1, "{registered} {language}");
        assert_eq!((store.len(), store.indexed(), store.weight()), (0, 0, 0), "{registered} {language}");
    }
}

#[test]
fn what_a_purge_means_by_another_query_is_passed_before_it_is_swept() {
    let (store, route) = (Store::new(WEIGHTS), mark());
    let entry = same_for_others(entry(&store, &route, "/x?a=1&b=2", &[], 10), Some("params=(\"a\")"));
    let key = KeyWriter::new("/x?a=1&b=2").to_key();
    assert_eq!(store.insert(&key, &entry, None, NOW), Ok(()));
    for (url, passed) in
        [("/y?b=2", false), ("/x?b=3", false), ("http://example.org/x?b=2", false), ("/x?b=2", true)]
    {
        let purge = Purge::url(url).expect("a URL");
        store.raise_barrier(&purge, &[]);
        assert_eq!(store.entry_purged(&key, &entry).is_some(), passed, "{url}");
    }
}

#[test]
fn a_mark_of_no_collapsing_ends_with_the_next_response_to_share() {
    let (store, route) = (Store::new(WEIGHTS), mark());
    let marked = |store: &Store| store.get(key("a").as_bytes()).is_some_and(|slot| slot.is_uncollapsed(NOW));
    let note = Uncollapsed { until: NOW.after(Duration::from_secs(1)), reason: None };
    store.mark_uncollapsed(&key("a"), note, NOW);
    assert!(marked(&store));
    assert_eq!(store.insert(&key("a"), &entry(&store, &route, "/", &[], 10), None, NOW), Ok(()));
    assert!(!marked(&store));
}

#[test]
fn what_does_not_fit_is_refused_and_leaves_what_stands() {
    let (store, route) = (Store::new(WEIGHTS), mark());
    assert_eq!(store.insert(&key("a"), &entry(&store, &route, "/", &[], 10), None, NOW), Ok(()));
    let huge = entry(&store, &route, "/", &[], 1 << 20);
    assert_eq!(store.insert(&key("a"), &huge, None, NOW), Err(Reason::TooLarge));
    assert!(found(&store, "a", &HeaderMap::new()));
}

#[test]
fn two_of_the_largest_bodies_fit_into_a_shard() {
    for (capacity, max_body) in [(64 << 10, 16 << 10), (48 << 20, 4 << 20), (1 << 30, 4 << 20), (1 << 40, 1)]
    {
        let weights = Weights { capacity, max_body };
        let shards = Store::shards(weights) as u64;
        assert!(shards.is_power_of_two());
        assert!(shards == 1 || capacity / shards >= 2 * max_body, "{weights:?}");
    }
    for (fit, shards) in [(0, 1), (1, 1), (2, 2), (3, 2), (4, 4)] {
        let weights = Weights { capacity: fit * 2 * ((1 << 20) + HEAD_ROOM), max_body: 1 << 20 };
        assert_eq!(Store::shards(weights), shards, "{fit}");
    }
}

/// A key that is looked up, and how many stored ones it was compared with.
struct Asked<'a>(&'a [u8], Cell<usize>);

impl Hash for Asked<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl Equivalent<Key> for Asked<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        self.1.set(self.1.get() + 1);
        self.0 == key.as_bytes()
    }
}

#[test]
fn no_choice_of_keys_makes_them_meet() {
    const KEYS: usize = 4096;
    // With what is stored, each key is compared with itself and, by chance, with few others.
    let compared = |what: &str, name: &dyn Fn(usize) -> Vec<u8>| {
        let store = Store::new(Weights { capacity: 64 << 20, max_body: 64 << 10 });
        let route = mark();
        let names: Vec<Vec<u8>> = (0..KEYS).map(name).collect();
        for name in &names {
            let entry = entry(&store, &route, "/", &[], 0);
            assert_eq!(store.insert(&Key::from_bytes(name), &entry, None, NOW), Ok(()), "{what}");
        }
        let asked = names.iter().map(|name| Asked(name, Cell::new(0)));
        asked
            .inspect(|asked| assert!(store.cache.get(asked).is_some(), "{what}"))
            .map(|asked| asked.1.get())
            .sum()
    };
    let pairs = |n: usize| (0..12).flat_map(|bit| if n >> bit & 1 == 0 { *b"Aa" } else { *b"BB" }).collect();
    let by_chance: usize = compared("at random", &|_| (0..24).map(|_| fastrand::u8(..)).collect());
    for (what, name) in [
        ("a polynomial of 31 gives them one hash", &pairs as &dyn Fn(usize) -> Vec<u8>),
        ("in few bits", &|n| format!("odds|https|example.com|/odds/{n:05}/nba").into_bytes()),
        ("in the first bytes", &|n| format!("{n:05}{}", "0".repeat(300)).into_bytes()),
        ("in the last bits of words", &|n| {
            (0..12).flat_map(|bit| (n as u64 >> bit & 1).to_be_bytes()).collect()
        }),
        ("in length", &|n| vec![0; n]),
    ] {
        let chosen: usize = compared(what, name);
        assert!(chosen <= 2 * by_chance, "{what}: {chosen} comparisons, {by_chance} at random");
    }
}

#[test]
fn each_store_hashes_by_a_key_of_its_own() {
    let hashes = [(); 3].map(|()| Store::new(WEIGHTS).hash(&key("a")));
    assert!(hashes[0] != hashes[1] && hashes[1] != hashes[2], "{hashes:?}");
}
