//! How long do 10,000 readers of one cold key take once its answer is there, next to as many tasks that wait for a value?
#![allow(clippy::disallowed_methods)]

mod support;

use std::{
    cell::Cell,
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use http::{Request, Response};
use http_body_util::BodyExt;
use support::{
    rounds::Rounds,
    stack::{BODY, Body, Origin, handle, request, route},
};
use tokio::{runtime, sync::watch};
use tower::{Layer, Service, ServiceExt, service_fn};

const READERS: usize = 10_000;

/// Starts all readers, sends the value once all of them wait, and gives the time from then until all are done.
async fn herd<F>(value: &watch::Sender<bool>, waiting: &AtomicUsize, reader: impl Fn() -> F) -> Duration
where
    F: Future<Output = ()> + Send + 'static,
{
    value.send_replace(false);
    waiting.store(0, Ordering::SeqCst);
    let readers: Vec<_> = (0..READERS).map(|_| tokio::spawn(reader())).collect();
    while waiting.load(Ordering::SeqCst) < READERS {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    // The last of them has said so before it waits.
    tokio::time::sleep(Duration::from_millis(5)).await;
    let began = Instant::now();
    value.send_replace(true);
    for reader in readers {
        reader.await.unwrap();
    }
    began.elapsed()
}

fn main() {
    let runtime = &runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (value, sent) = &watch::channel(false);
    let waiting = &Arc::new(AtomicUsize::new(0));
    let calls = &Arc::new(AtomicUsize::new(0));

    let (origin, late, counted) = (Origin::new(BODY), sent.clone(), Arc::clone(calls));
    let origin = service_fn(move |request: Request<Body>| {
        counted.fetch_add(1, Ordering::SeqCst);
        let (mut origin, mut late) = (origin.clone(), late.clone());
        async move {
            let _ = late.wait_for(|sent| *sent).await;
            Ok::<Response<Body>, Infallible>(origin.call(request).await.unwrap())
        }
    });
    let cache = &handle().build().unwrap().layer(route().build().unwrap()).layer(origin);
    let key = &Cell::new(0);

    let mut rounds = Rounds::new("10,000 at once, from the answer on", 50);
    let floor = rounds.timed("tasks that wait for a value", |_| {
        runtime.block_on(herd(value, waiting, || {
            let (mut sent, waiting) = (sent.clone(), Arc::clone(waiting));
            async move {
                waiting.fetch_add(1, Ordering::SeqCst);
                let _ = sent.wait_for(|sent| *sent).await;
            }
        }))
    });
    let readers = rounds.timed("readers of a cold key, body read", |_| {
        key.set(key.get() + 1);
        calls.store(0, Ordering::SeqCst);
        let took = runtime.block_on(herd(value, waiting, || {
            let (cache, waiting) = (cache.clone(), Arc::clone(waiting));
            let request = request(&format!("/{}", key.get()));
            async move {
                waiting.fetch_add(1, Ordering::SeqCst);
                let response = cache.oneshot(request).await.unwrap();
                response.into_body().collect().await.unwrap();
            }
        }));
        assert_eq!(calls.load(Ordering::SeqCst), 1);
        took
    });
    rounds.over(readers, floor);
    rounds.print();
}
