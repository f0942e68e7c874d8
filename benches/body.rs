//! What does a body's length cost: in a hit, and on its way into the store next to the inner service alone?
#![allow(clippy::disallowed_methods)]

mod support;

use std::{
    cell::Cell,
    pin::pin,
    task::{Context, Poll, Waker},
    time::Instant,
};

use http::{Request, Response};
use http_body_util::BodyExt;
use support::{
    rounds::Rounds,
    stack::{Body, Cache, Origin, PATH, cache, fill, hit, request, route, runtime},
};
use tokio::runtime::Runtime;
use tower::{Service, ServiceExt};

/// A hit, its body read to the end.
fn read(cache: &mut Cache, request: Request<Body>) -> usize {
    let mut body = pin!(hit(cache, request).into_body());
    let mut cx = Context::from_waker(Waker::noop());
    let mut length = 0;
    while let Poll::Ready(Some(Ok(frame))) = http_body::Body::poll_frame(body.as_mut(), &mut cx) {
        length += frame.into_data().map_or(0, |data| data.len());
    }
    length
}

/// As many calls for new keys, their bodies read to the end.
fn misses<S, B>(runtime: &Runtime, service: &S, iterations: u32) -> std::time::Duration
where
    S: Service<Request<Body>, Response = Response<B>> + Clone,
    B: http_body::Body,
{
    thread_local!(static NEXT: Cell<u64> = const { Cell::new(0) });
    runtime.block_on(async {
        let began = Instant::now();
        for _ in 0..iterations {
            let request = request(&format!("/{}", NEXT.replace(NEXT.get() + 1)));
            let Ok(response) = service.clone().oneshot(request).await else { panic!("an error") };
            let mut body = pin!(response.into_body());
            while let Some(frame) = body.frame().await {
                assert!(frame.is_ok());
            }
            tokio::task::yield_now().await;
        }
        began.elapsed()
    })
}

fn main() {
    let runtime = &runtime();
    let asked = request(PATH);
    let mut rounds = Rounds::new("hit, body read", 200);
    let less = rounds.case("request", || asked.clone());
    let mut first = None;
    for (name, body) in [("1 KiB", 1 << 10), ("64 KiB", 64 << 10), ("1 MiB", 1 << 20), ("4 MiB", 4 << 20)] {
        let mut cache = cache(route(), Origin::new(body));
        runtime.block_on(fill(&cache, request(PATH)));
        assert_eq!(read(&mut cache, request(PATH)), body);
        let asked = &asked;
        let case = rounds.case(name, move || read(&mut cache, asked.clone()));
        rounds.less(case, less);
        rounds.over(case, *first.get_or_insert(case));
    }
    rounds.print();

    let mut rounds = Rounds::new("miss, body read, less the inner service", 100);
    for (name, body) in [("1 KiB", 1 << 10), ("64 KiB", 64 << 10), ("1 MiB", 1 << 20)] {
        let origin = Origin::new(body);
        let cache = cache(route(), origin.clone());
        let inner = rounds.timed("inner service", move |n| misses(runtime, &origin, n));
        let case = rounds.timed(name, move |n| misses(runtime, &cache, n));
        rounds.less(case, inner);
    }
    rounds.print();
}
