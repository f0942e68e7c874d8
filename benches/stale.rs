//! What does a stale answer cost whose refresh is under way already, next to a hit?
#![allow(clippy::disallowed_methods)]

mod support;

use std::time::Duration;

use support::{
    rounds::Rounds,
    stack::{BODY, Origin, PATH, cache, fill, hit, request, route, runtime, said},
};
use tower_swr_cache::SwrConfig;

fn main() {
    let runtime = runtime();
    let _entered = runtime.enter();
    let asked = request(PATH);
    let mut fresh = cache(route(), Origin::new(BODY));
    runtime.block_on(fill(&fresh, request(PATH)));

    let origin = Origin::new(BODY);
    let hours = Duration::from_secs(40_000);
    let soon =
        SwrConfig::builder("route").soft_ttl(Duration::from_millis(50)).hard_ttl(hours).fetch_timeout(hours);
    let mut stale = cache(soon, origin.clone());
    runtime.block_on(async {
        fill(&stale, request(PATH)).await;
        origin.hang();
        tokio::time::sleep(Duration::from_millis(100)).await;
        // The first one starts the refresh.
        hit(&mut stale, request(PATH));
        tokio::time::sleep(Duration::from_millis(10)).await;
    });
    assert_eq!(said(&hit(&mut stale, request(PATH))), "tower-swr-cache; hit; detail=stale");

    let mut rounds = Rounds::new("one key", 400);
    let less = rounds.case("request", || asked.clone());
    let fresh = rounds.case("hit", || hit(&mut fresh, asked.clone()));
    let stale = rounds.case("stale, its refresh claimed", || hit(&mut stale, asked.clone()));
    rounds.less(fresh, less);
    rounds.less(stale, less);
    rounds.over(stale, fresh);
    rounds.print();
}
