//! What does a hit cost in other caches for tower, next to this one?
//!
//! All get the same request in the same runtime, and the body is read to its end. Each has to show that its hits leave the
//! inner service alone, and that they bring what it once answered.
#![allow(clippy::disallowed_methods)]

mod peers;
#[path = "../../support/mod.rs"]
mod support;

use std::{
    convert::Infallible,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use http::{Request, Response};
use http_body_util::BodyExt;
use support::{
    heap::Heap,
    rounds::Rounds,
    stack::{BODY, Body, Floor, Origin, PATH, handle, request, route, runtime},
};
use tokio::runtime::Runtime;
use tower::{Layer, Service, ServiceExt};

#[global_allocator]
static HEAP: Heap = Heap::new();

/// The origin's own, and `Cache-Control`.
const HEADERS: usize = 9;

/// The origin for any cache's requests. It counts its calls, and does nothing before it is polled: one of the caches calls
/// it on a hit, too, and then drops the future.
#[derive(Clone)]
pub(crate) struct Counted {
    origin: Origin,
    calls: Arc<AtomicU64>,
}

impl Counted {
    fn new() -> Self {
        // It is what it is for decades: some go by that, and by the origin's `Date`, alone.
        let origin = Origin::with(BODY, &[("cache-control", "public, max-age=2000000000")]);
        Self { origin, calls: Arc::default() }
    }
}

impl<B> Service<Request<B>> for Counted {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Self;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<B>) -> Self {
        self.clone()
    }
}

impl Future for Counted {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        pin!(self.origin.call(Request::default())).poll(cx)
    }
}

/// One request, its response's body to the end: how many headers it has, and how many bytes.
async fn whole<S, Req, Res>(service: &mut S, request: Request<Req>) -> (usize, usize)
where
    S: Service<Request<Req>, Response = Response<Res>>,
    Res: http_body::Body,
{
    let Ok(service) = service.ready().await else { panic!("not ready") };
    let Ok(response) = service.call(request).await else { panic!("an error") };
    let headers = response.headers().len();
    let mut body = pin!(response.into_body());
    let mut bytes = 0;
    while let Some(Ok(frame)) = body.frame().await {
        bytes += frame.into_data().map_or(0, |data| bytes::Buf::remaining(&data));
    }
    (headers, bytes)
}

/// What is measured: so many hits, and how long they take.
type Hits<'a> = Box<dyn FnMut(u32) -> Duration + 'a>;

/// A cache that has the answer.
fn filled<'a, S, Req, Res>(
    runtime: &'a Runtime,
    name: &str,
    layer: impl Layer<Counted, Service = S>,
    asked: Request<Req>,
) -> Hits<'a>
where
    S: Service<Request<Req>, Response = Response<Res>> + 'a,
    Req: Clone + 'a,
    Res: http_body::Body,
{
    let inner = Counted::new();
    let mut cache = layer.layer(inner.clone());
    runtime.block_on(async {
        whole(&mut cache, asked.clone()).await;
        // Some store in a task of their own.
        tokio::time::sleep(Duration::from_millis(50)).await;
        for _ in 0..100 {
            let (headers, bytes) = whole(&mut cache, asked.clone()).await;
            assert!(headers >= HEADERS && bytes == BODY, "{name}: {headers} headers, {bytes} bytes");
        }
    });
    assert_eq!(inner.calls.load(Ordering::Relaxed), 1, "{name}: calls of the inner service");
    Box::new(move |iterations| {
        runtime.block_on(async {
            let began = Instant::now();
            for _ in 0..iterations {
                whole(&mut cache, asked.clone()).await;
            }
            began.elapsed()
        })
    })
}

fn allocations(hits: &mut Hits<'_>) -> u64 {
    const HITS: u32 = 1000;
    hits(100);
    let before = HEAP.allocations();
    hits(HITS);
    (HEAP.allocations() - before) / u64::from(HITS)
}

fn main() {
    let runtime = &runtime();
    let ours = || handle().build().unwrap().layer(route().build().unwrap());
    let floor = runtime.block_on(async {
        let mut cache = ours().layer(Counted::new());
        whole(&mut cache, request(PATH)).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        let floor = Floor::new(1000);
        floor.put(PATH, &cache.call(request(PATH)).await.unwrap());
        floor
    });
    let mut cases = vec![("tower-swr-cache", filled(runtime, "tower-swr-cache", ours(), request(PATH)))];
    cases.extend(peers::all(runtime));

    let asked = request(PATH);
    let mut clones: Hits<'_> = Box::new(|n| {
        let began = Instant::now();
        (0..n).for_each(|_| drop(std::hint::black_box(asked.clone())));
        began.elapsed()
    });
    let of_request = allocations(&mut clones);
    println!("\n| a hit | allocations |\n|---|---|");
    for (name, hits) in &mut cases {
        println!("| {name} | {} |", allocations(hits) - of_request);
    }

    let mut rounds = Rounds::new("a hit, its body read", 200);
    let clones = rounds.timed("request", clones);
    let floor = rounds.case("floor", || floor.get(PATH));
    let mut ours = None;
    for (name, hits) in cases {
        let case = rounds.timed(name, hits);
        rounds.less(case, clones);
        rounds.over(case, *ours.get_or_insert(case));
    }
    rounds.over(floor, ours.unwrap());
    rounds.print();
}
