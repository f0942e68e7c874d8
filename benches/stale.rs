//! What does a stale answer cost whose refresh is under way already, next to a hit?
#![allow(clippy::disallowed_methods)]

mod support;

use support::{
    rounds::Rounds,
    stack::{BODY, Origin, PATH, cache, fill, hit, request, route, runtime, stale},
};

fn main() {
    let runtime = runtime();
    let _entered = runtime.enter();
    let asked = request(PATH);
    let mut fresh = cache(route(), Origin::new(BODY));
    runtime.block_on(fill(&fresh, request(PATH)));
    let mut stale = runtime.block_on(stale(Origin::new(BODY)));
    let mut rounds = Rounds::new("one key", 400);
    let less = rounds.case("request", || asked.clone());
    let fresh = rounds.case("hit", || hit(&mut fresh, asked.clone()));
    let stale = rounds.case("stale, its refresh claimed", || hit(&mut stale, asked.clone()));
    rounds.less(fresh, less);
    rounds.less(stale, less);
    rounds.over(stale, fresh);
    rounds.print();
}
