//! What does it cost a long body that comes over TCP to be kept on its way, next to the same body without a cache?
#![allow(clippy::disallowed_methods)]

mod support;

use std::{
    cell::Cell,
    convert::Infallible,
    net::SocketAddr,
    pin::pin,
    thread,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::{
    client::legacy::Client,
    rt::{TokioExecutor, TokioIo},
};
use support::{
    heap::Heap,
    rounds::Rounds,
    stack::{Body, handle, route, runtime},
};
use tokio::{net::TcpListener, runtime::Runtime};
use tower::{Layer, Service, ServiceExt};

#[global_allocator]
static HEAP: Heap = Heap::new();

const BODY: usize = 10_000_000;
/// Enough that what a first byte takes is measured by several.
const BATCH: Duration = Duration::from_micros(500);

/// An origin on loopback, in a thread of its own, that answers everything with the same body.
fn origin() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    listener.set_nonblocking(true).expect("nonblocking");
    thread::spawn(move || {
        let body = Bytes::from(vec![b'x'; BODY]);
        runtime().block_on(async {
            let listener = TcpListener::from_std(listener).expect("a listener");
            while let Ok((stream, _)) = listener.accept().await {
                let body = body.clone();
                let answer = move |_| {
                    let response = Response::new(Full::new(body.clone()));
                    async move { Ok::<_, Infallible>(response) }
                };
                let connection =
                    http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer));
                tokio::spawn(connection);
            }
        });
    });
    address
}

/// How one body came.
struct Came {
    first_byte: Duration,
    all: Duration,
    /// The bytes taken at most while it came, beyond those taken before.
    most: i64,
}

/// Which part of the time is asked about.
type Part = fn(&Came) -> Duration;

/// Asks for what nobody has asked for, and reads it to its end.
async fn download<S, B>(service: S, origin: SocketAddr) -> Came
where
    S: Service<Request<Body>, Response = Response<B>>,
    B: http_body::Body,
{
    thread_local!(static NEXT: Cell<u64> = const { Cell::new(0) });
    let uri = format!("http://{origin}/{}", NEXT.replace(NEXT.get() + 1));
    let request = Request::get(uri).body(Body::default()).expect("a request");
    let (before, began) = (HEAP.bytes(), Instant::now());
    let Ok(response) = service.oneshot(request).await else { panic!("an error") };
    let mut body = pin!(response.into_body());
    let (mut first_byte, mut length, mut most) = (None, 0, 0);
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { panic!("an error") };
        first_byte.get_or_insert_with(|| began.elapsed());
        length += frame.into_data().map_or(0, |data| bytes::Buf::remaining(&data));
        most = most.max(HEAP.bytes() - before);
    }
    assert_eq!(length, BODY);
    Came { first_byte: first_byte.expect("a frame"), all: began.elapsed(), most }
}

/// The same in a task, as a server's: who blocks on a future has it looked at less often.
fn downloaded<S, B>(runtime: &Runtime, service: &S, origin: SocketAddr) -> Came
where
    S: Service<Request<Body>, Response = Response<B>, Future: Send> + Clone + Send + 'static,
    B: http_body::Body + Send + 'static,
{
    runtime.block_on(runtime.spawn(download(service.clone(), origin))).expect("no panic")
}

/// A case that downloads so often, and sums up a part of the time.
fn case<'a, S, B>(
    runtime: &'a Runtime,
    service: &'a S,
    origin: SocketAddr,
    part: Part,
) -> impl FnMut(u32) -> Duration + 'a
where
    S: Service<Request<Body>, Response = Response<B>, Future: Send> + Clone + Send + 'static,
    B: http_body::Body + Send + 'static,
{
    move |n| (0..n).map(|_| part(&downloaded(runtime, service, origin))).sum()
}

fn main() {
    let runtime = &runtime();
    let origin = origin();
    let client = &Client::builder(TokioExecutor::new()).build_http::<Body>();
    let handle = handle().capacity_bytes(256 << 20).max_body_bytes(16 << 20).build().expect("a cache");
    let cache = &handle.layer(route().build().expect("a route")).layer(client.clone());

    let alone = downloaded(runtime, client, origin);
    let kept = downloaded(runtime, cache, origin);
    assert_eq!(handle.stats().keys, 1, "it is stored");
    println!("\n| bytes taken at most, as parts of the body | |\n|---|---|");
    for (name, came) in [("client alone", alone), ("miss", kept)] {
        println!("| {name} | {:.3} |", came.most as f64 / BODY as f64);
    }

    let parts: [(_, Part); 2] =
        [("10 MB over loopback", |came| came.all), ("its first byte", |came| came.first_byte)];
    for (title, part) in parts {
        let mut rounds = Rounds::new(title, 100).batch(BATCH);
        let alone = rounds.timed("client alone", case(runtime, client, origin, part));
        let miss = rounds.timed("miss, kept on its way", case(runtime, cache, origin, part));
        rounds.over(miss, alone);
        rounds.print();
    }
}
