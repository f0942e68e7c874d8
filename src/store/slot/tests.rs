use std::{ops::Range, time::Duration};

use http::{HeaderValue, header};

use super::*;
use crate::{
    entry::{Origin, RouteMark, StoredHeaders, Target},
    policy::{extent::Extent, vary::Vary},
    sync::atomic::Ordering,
};

const NOW: Tick = Tick::from_raw(1 << 50);
const KEY: usize = 3;

fn mark() -> Arc<RouteMark> {
    Arc::new(RouteMark::new("route", &[]))
}

fn language(value: &'static str) -> HeaderMap {
    HeaderMap::from_iter([(header::ACCEPT_LANGUAGE, HeaderValue::from_static(value))])
}

/// A response in a language: the whole, or these bytes of a content with this tag.
type Response = (&'static str, Option<(Range<u64>, &'static str)>);

fn entry(route: &Arc<RouteMark>, number: u64, (accepts, part): Response) -> Arc<Entry> {
    let vary = HeaderMap::from_iter([(header::VARY, HeaderValue::from_static("accept-language"))]);
    let selecting = Vary::from_headers(&vary).select(&language(accepts)).expect("no star");
    let origin = Origin {
        number,
        route: Arc::clone(route),
        target: Target::new("example.com", "/"),
        tags: Default::default(),
        groups: Default::default(),
    };
    let mut entry = Arc::into_inner(Entry::fixture(origin, selecting, 100, NOW)).expect("one");
    if let Some((bytes, tag)) = part {
        let tag = (header::ETAG, HeaderValue::from_static(tag));
        entry.headers = StoredHeaders::new(&HeaderMap::from_iter([tag]), None);
        entry.extent = Some(Box::new(Extent { bytes, whole: 100 }));
    }
    Arc::new(entry)
}

const A: &str = "\"a\"";
const B: &str = "\"b\"";

#[test]
fn the_newest_takes_the_place_of_its_own_variant_and_of_the_bytes_it_has() {
    let whole = |language| (language, None);
    let part = |language, bytes, tag| (language, Some((bytes, tag)));
    for (old, new, stays) in [
        (whole("en"), whole("en"), false),
        (whole("en"), whole("de"), true),
        (whole("en"), part("en", 0..4, A), false),
        (whole("en"), part("de", 0..4, A), true),
        (part("en", 0..4, A), whole("en"), false),
        (part("en", 0..4, A), whole("de"), true),
        (part("en", 0..4, A), part("en", 4..8, A), true),
        (part("en", 0..4, A), part("en", 0..8, A), false),
        (part("en", 0..8, A), part("en", 0..4, A), true),
        (part("en", 0..4, A), part("en", 4..8, B), false),
        (part("en", 0..4, A), part("de", 0..4, A), true),
    ] {
        let title = format!("{old:?}, {new:?}");
        let route = mark();
        let (old, new) = (entry(&route, 1, old), entry(&route, 2, new));
        let slot = Slot::EMPTY.with(Arc::clone(&old), KEY, 1 << 20).with(Arc::clone(&new), KEY, 1 << 20);
        assert!(slot.entries().any(|entry| Arc::ptr_eq(entry, &new)), "{title}");
        assert_eq!(slot.entries().any(|entry| Arc::ptr_eq(entry, &old)), stays, "{title}");
        let wholes = slot.entries().filter(|entry| entry.extent.is_none()).count();
        assert_eq!(slot.variants().len(), wholes, "{title}");
        let weights: u64 = slot.entries().map(|entry| entry.weight()).sum();
        let alone = matches!(slot.stands, Stands::One(_));
        assert_eq!(alone, slot.entries().count() == 1 && wholes == 1, "{title}");
        let several = if alone { 0 } else { size_of::<Several>() };
        assert_eq!(slot.weight(), SLOT_COST + (KEY + several) as u64 + weights, "{title}");
    }
}

#[test]
fn a_request_has_the_parts_of_its_variant_until_they_are_purged() {
    let route = mark();
    let parts = [("en", 0..4), ("de", 0..4), ("en", 8..12)];
    let mut slot = Slot::EMPTY;
    for (number, (language, bytes)) in [1, 3, 5].into_iter().zip(parts) {
        slot = slot.with(entry(&route, number, (language, Some((bytes, A)))), KEY, 1 << 20);
    }
    let numbers = |slot: &Slot, accepts| {
        slot.parts(&language(accepts)).map(|part| part.origin.number).collect::<Vec<_>>()
    };
    assert_eq!(["en", "de", "fr"].map(|accepts| numbers(&slot, accepts)), [vec![5, 1], vec![3], vec![]]);
    assert!(slot.select(&language("en")).is_none(), "a part is no whole");
    assert!(slot.newest_selecting().is_none());
    route.purged.fetch_max(4, Ordering::SeqCst);
    assert_eq!(["en", "de"].map(|accepts| numbers(&slot, accepts)), [vec![5], vec![]]);
    let whole = entry(&route, 6, ("de", None));
    assert_eq!(slot.with(Arc::clone(&whole), KEY, 1 << 20).newest_selecting(), Some(&whole.selecting));
}

#[test]
fn the_oldest_parts_go_first() {
    let route = mark();
    let part = |number: u64| entry(&route, number, ("en", Some((2 * number..2 * number + 1, A))));
    let filled = |max_weight| {
        let slot = (1..=20).fold(Slot::EMPTY, |slot, number| slot.with(part(number), KEY, max_weight));
        slot.parts(&language("en")).map(|part| part.origin.number).collect::<Vec<_>>()
    };
    assert_eq!(filled(1 << 20), (13..=20).rev().collect::<Vec<_>>());
    let two = SLOT_COST + KEY as u64 + part(1).weight() + part(2).weight();
    assert_eq!(filled(two), [20, 19]);
    assert_eq!(filled(two - 1), [20]);
}

#[test]
fn what_was_fetched_later_is_not_replaced_nor_a_whole_by_a_part() {
    let whole = |language| (language, None);
    let part = |language, bytes, tag| (language, Some((bytes, tag)));
    for (stands, number, comes, overtaken) in [
        (whole("en"), 1, whole("en"), true),
        (whole("en"), 3, whole("en"), false),
        (whole("de"), 1, whole("en"), false),
        (whole("en"), 3, part("en", 0..4, A), true),
        (whole("de"), 3, part("en", 0..4, A), false),
        (part("en", 0..4, A), 1, whole("en"), false),
        (part("en", 0..4, A), 1, part("en", 0..2, A), true),
        (part("en", 0..4, A), 3, part("en", 0..2, A), false),
        (part("en", 0..4, A), 1, part("en", 4..8, A), false),
        (part("en", 0..4, A), 1, part("en", 4..8, B), true),
        (part("de", 0..4, A), 1, part("en", 0..2, A), false),
    ] {
        let title = format!("{stands:?}, {number}, {comes:?}");
        let route = mark();
        let slot = Slot::EMPTY.with(entry(&route, 2, stands), KEY, 1 << 20);
        let comes = entry(&route, number, comes);
        assert_eq!(slot.has_overtaken(&comes, NOW), overtaken, "{title}");
        // What is over is in the way of what was fetched earlier, and what is purged of nothing.
        let when_over = NOW.after(Duration::from_secs(3600));
        assert_eq!(slot.has_overtaken(&comes, when_over), overtaken && number < 2, "{title}");
        route.purged.fetch_max(4, Ordering::SeqCst);
        assert!(!slot.has_overtaken(&comes, NOW), "{title}");
    }
}

#[test]
fn a_note_counts_until_its_time() {
    let until = NOW.after(Duration::from_secs(1));
    let slot = Slot::EMPTY.with_uncollapsed(Uncollapsed { until, reason: None }, KEY);
    for (now, counts) in [(NOW, true), (until, false)] {
        assert_eq!((slot.is_uncollapsed(now), slot.is_empty(now)), (counts, !counts));
    }
}
