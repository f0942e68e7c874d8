//! What does a hit cost, next to the least that any cache in memory has to do?
#![allow(clippy::disallowed_methods)]

mod support;

use std::time::Instant;

use http::request::Parts;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};
use tower_swr_cache::{
    HISTOGRAM_BOUNDS,
    key::{self, KeyDecision, KeyWriter},
};

use support::{
    rounds::Rounds,
    stack::{BODY, Cache, Floor, Origin, PATH, cache, fill, hit, request, route, runtime, said},
};

/// What the cache's key for [`PATH`] holds.
const KEY: &str = "route http odds.example.com /odds/nba/2024-11-05?market=main&line=2.5";

fn filled(cache: Cache) -> Cache {
    runtime().block_on(fill(&cache, request(PATH)));
    cache
}

/// Three variants, of which the request wants the one that was stored first.
fn three_variants() -> Cache {
    let cache = cache(route(), Origin::with(BODY, &[("vary", "accept-encoding")]));
    for encoding in ["gzip, br", "br", "zstd"] {
        let mut request = request(PATH);
        request.headers_mut().insert("accept-encoding", encoding.parse().unwrap());
        runtime().block_on(fill(&cache, request));
    }
    cache
}

/// All kinds of hits with the floor beside them. What a recorder has collected is taken from it `between` the rounds.
fn compare(title: &'static str, between: impl FnMut()) {
    let mut plain = filled(cache(route(), Origin::new(BODY)));
    let answer = hit(&mut plain, request(PATH));
    assert_eq!((said(&answer), answer.headers().len()), ("tower-swr-cache; hit", 10));
    let floor = Floor::new(1000);
    floor.put(KEY, &answer);

    let composed = (key::Authority, key::Path, key::Query::only(["market"]));
    let mut composed = filled(cache(route().key(composed), Origin::new(BODY)));
    let closure = |parts: &Parts, key: &mut KeyWriter| {
        key.push("odds.example.com");
        key.push(parts.uri.path());
        key.push(parts.uri.query().unwrap_or_default());
        KeyDecision::Cache
    };
    let mut closure = filled(cache(route().key(closure), Origin::new(BODY)));
    let mut silent = filled(cache(route().cache_status_field(None), Origin::new(BODY)));
    let mut variants = three_variants();
    let asked = request(PATH);

    let mut rounds = Rounds::new(title, 400);
    let less = rounds.case("request", || asked.clone());
    let floor = rounds.case("floor", || floor.get(KEY));
    let plain = rounds.case("hit", || hit(&mut plain, asked.clone()));
    let others = [
        rounds.case("hit without Cache-Status", || hit(&mut silent, asked.clone())),
        rounds.case("hit, 3 variants", || hit(&mut variants, asked.clone())),
        rounds.case("hit, key of 3 extractors", || hit(&mut composed, asked.clone())),
        rounds.case("hit, key of 3 parts by a closure", || hit(&mut closure, asked.clone())),
    ];
    rounds.less(plain, less);
    rounds.over(plain, floor);
    for case in others {
        rounds.less(case, less);
        rounds.over(case, plain);
    }
    rounds.between(between);
    rounds.print();
}

/// What the floor itself is made of.
fn parts() {
    let plain = &mut filled(cache(route(), Origin::new(BODY)));
    let headers = hit(plain, request(PATH)).headers().clone();
    let floor = Floor::new(1000);
    floor.put(KEY, &hit(plain, request(PATH)));
    let mut rounds = Rounds::new("the floor's parts", 200);
    rounds.case("look up", || floor.find(KEY));
    rounds.case("10 headers", || headers.clone());
    rounds.case("clock", Instant::now);
    rounds.print();
}

fn main() {
    parts();
    compare("no recorder", || {});
    let bounds = HISTOGRAM_BOUNDS.iter().fold(PrometheusBuilder::new(), |builder, (name, bounds)| {
        builder.set_buckets_for_metric(Matcher::Full((*name).to_owned()), bounds).unwrap()
    });
    let recorder = bounds.install_recorder().unwrap();
    compare("Prometheus recorder", || recorder.run_upkeep());
    assert!(recorder.render().contains(r#"swr_cache_requests_total{route="route",outcome="hit"}"#));
}
