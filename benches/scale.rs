//! What does a hit cost among a million entries, next to a thousand, each asked for as often as any other?
#![allow(clippy::disallowed_methods)]

mod support;

use support::{
    rounds::Rounds,
    stack::{BODY, Cache, Floor, Origin, fill, handle, hit, request, route, runtime},
};
use tower::Layer;

const FEW: u64 = 1_000;
const MANY: u64 = 1_000_000;

fn path(n: u64) -> String {
    format!("/odds/nba/{n}?market=main&line=2.5")
}

/// A cache and a floor that hold so many entries each.
fn filled(entries: u64) -> (Cache, Floor) {
    let handle = handle().capacity_bytes(16 << 30).build().unwrap();
    let cache = handle.layer(route().build().unwrap()).layer(Origin::new(BODY));
    let floor = Floor::new(2 * entries as usize);
    runtime().block_on(async {
        for n in 0..entries {
            fill(&cache, request(&path(n))).await;
            floor.put(&path(n), &hit(&mut cache.clone(), request(&path(n))));
        }
    });
    assert_eq!(handle.cache_health().store.keys as u64, entries);
    (cache, floor)
}

/// Numbers below `below`, in no order.
fn numbers(below: u64) -> impl FnMut() -> u64 {
    let mut state = 0_u64;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    }
}

fn main() {
    let (mut few, few_floor) = filled(FEW);
    let (mut many, many_floor) = filled(MANY);
    let mut rounds = Rounds::new("entries", 300);

    let paths = rounds.case("path", with(FEW, path));
    let requests = rounds.case("request", with(FEW, |n| request(&path(n))));
    let floors = [
        rounds.case("floor, 1,000", with(FEW, |n| few_floor.get(&path(n)))),
        rounds.case("floor, 1,000,000", with(MANY, |n| many_floor.get(&path(n)))),
    ];
    let hits = [
        rounds.case("hit, 1,000", with(FEW, |n| hit(&mut few, request(&path(n))))),
        rounds.case("hit, 1,000,000", with(MANY, |n| hit(&mut many, request(&path(n))))),
    ];
    for ([few, many], less) in [(floors, paths), (hits, requests)] {
        rounds.less(few, less);
        rounds.less(many, less);
        rounds.over(many, few);
    }
    rounds.print();
}

/// A case that does `once` with another number each time.
fn with<T>(below: u64, mut once: impl FnMut(u64) -> T) -> impl FnMut() -> T {
    let mut next = numbers(below);
    move || once(next())
}
