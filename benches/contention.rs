//! What do two threads do to each other, on one key and on many, next to what they do to each other on the floor?
#![allow(clippy::disallowed_methods)]

mod support;

use std::{
    hint::{black_box, spin_loop},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use support::{
    rounds::Rounds,
    stack::{BODY, Floor, Origin, cache, fill, hit, request, route, runtime},
};

const KEYS: usize = 1000;

/// Runs what `start` makes for each thread so often on each of them, and gives their mean time.
fn side_by_side<F: FnMut(usize)>(
    threads: u32,
    iterations: u32,
    start: impl Fn(usize) -> F + Sync,
) -> Duration {
    // They spin until all are there: who sleeps at a barrier comes late.
    let missing = AtomicU32::new(threads);
    let run = |thread: usize| {
        let mut once = start(thread);
        missing.fetch_sub(1, Ordering::AcqRel);
        while missing.load(Ordering::Acquire) > 0 {
            spin_loop();
        }
        let began = Instant::now();
        for n in 0..iterations as usize {
            once(n);
        }
        began.elapsed()
    };
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads as usize).map(|thread| scope.spawn(move || run(thread))).collect();
        let all = run(0) + others.into_iter().map(|other| other.join().unwrap()).sum::<Duration>();
        all / threads
    })
}

fn main() {
    let cache = cache(route(), Origin::new(BODY));
    let paths: Vec<String> = (0..KEYS).map(|n| format!("/odds/nba/{n}?market=main&line=2.5")).collect();
    let floor = Floor::new(2 * KEYS);
    runtime().block_on(async {
        for path in &paths {
            fill(&cache, request(path)).await;
            floor.put(path, &hit(&mut cache.clone(), request(path)));
        }
    });
    let requests: Vec<_> = paths.iter().map(|path| request(path)).collect();
    // Each thread begins elsewhere, and goes round.
    let at = |thread: usize, n: usize, keys: usize| (thread * KEYS / 2 + n) % keys;
    let (cache, floor, paths, requests) = (&cache, &floor, &paths, &requests);

    let hits = |threads: u32, keys: usize| {
        move |iterations: u32| {
            side_by_side(threads, iterations, |thread| {
                let mut cache = cache.clone();
                move |n| drop(black_box(hit(&mut cache, requests[at(thread, n, keys)].clone())))
            })
        }
    };
    let gets = |threads: u32, keys: usize| {
        move |iterations: u32| {
            side_by_side(threads, iterations, |thread| {
                move |n| drop(black_box(floor.get(&paths[at(thread, n, keys)])))
            })
        }
    };
    let only_requests = |threads: u32, keys: usize| {
        move |iterations: u32| {
            side_by_side(threads, iterations, |thread| {
                move |n| drop(black_box(requests[at(thread, n, keys)].clone()))
            })
        }
    };

    let mut rounds = Rounds::new("time for one, on each thread", 150).batch(Duration::from_millis(5));
    for (keys, names) in [
        (1, ["floor, one key", "floor, one key, 2 threads", "hit, one key", "hit, one key, 2 threads"]),
        (
            KEYS,
            [
                "floor, many keys",
                "floor, many keys, 2 threads",
                "hit, many keys",
                "hit, many keys, 2 threads",
            ],
        ),
    ] {
        let requests = [1, 2].map(|threads| rounds.timed("request", only_requests(threads, keys)));
        let [one, two] =
            [(1, names[0]), (2, names[1])].map(|(threads, name)| rounds.timed(name, gets(threads, keys)));
        rounds.over(two, one);
        let [one, two] =
            [(1, names[2]), (2, names[3])].map(|(threads, name)| rounds.timed(name, hits(threads, keys)));
        rounds.over(two, one);
        rounds.less(one, requests[0]);
        rounds.less(two, requests[1]);
    }
    rounds.print();
}
