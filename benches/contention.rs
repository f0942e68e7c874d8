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

/// Many, and not so many that the CPU forgets them between two cases.
const KEYS: usize = 100;

/// A thread that has stood still for so long in a run was not beside the other one.
const STILL: Duration = Duration::from_micros(20);
/// How often a run is tried on a machine that has no two CPUs for it.
const TRIES: usize = 50;

/// Runs what `start` makes for each thread so often on each of them, and gives their mean time. Other work on the machine
/// does not count: a run in which a thread had to wait for a CPU is made once more.
fn side_by_side<F: FnMut(usize)>(
    threads: u32,
    iterations: u32,
    start: impl Fn(usize) -> F + Sync,
) -> Duration {
    let mut runs = (0..TRIES).map(|_| once_side_by_side(threads, iterations, &start)).peekable();
    let first = runs.peek().map_or(Duration::ZERO, |(took, _)| *took);
    runs.find(|(_, stood)| *stood < STILL).map_or(first, |(took, _)| took)
}

/// The mean time, and how long one of them stood still at most.
fn once_side_by_side<F: FnMut(usize)>(
    threads: u32,
    iterations: u32,
    start: impl Fn(usize) -> F + Sync,
) -> (Duration, Duration) {
    // They spin until all are there: who sleeps at a barrier comes late.
    let missing = AtomicU32::new(threads);
    let run = |thread: usize| {
        let mut once = start(thread);
        missing.fetch_sub(1, Ordering::AcqRel);
        while missing.load(Ordering::Acquire) > 0 {
            spin_loop();
        }
        let stood = stood_still();
        let began = Instant::now();
        for n in 0..iterations as usize {
            once(n);
        }
        (began.elapsed(), stood_still() - stood)
    };
    std::thread::scope(|scope| {
        let run = &run;
        let others: Vec<_> = (1..threads as usize).map(|thread| scope.spawn(move || run(thread))).collect();
        let own = run(0);
        let others = others.into_iter().map(|other| other.join().unwrap());
        let (took, stood) = others.fold(own, |(sum, most), (took, stood)| (sum + took, most.max(stood)));
        (took / threads, stood)
    })
}

/// How long this thread has waited for a CPU in its life, where the system tells it.
fn stood_still() -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = told.and_then(|told| told.split(' ').nth(1)?.parse().ok());
    Duration::from_nanos(nanos.unwrap_or(0))
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
    // Each thread has requests of its own, as their clones share memory.
    let requests = [0, 1].map(|_| paths.iter().map(|path| request(path)).collect::<Vec<_>>());
    // Each thread begins elsewhere, and goes round.
    let at = |thread: usize, n: usize, keys: usize| (thread * KEYS / 2 + n) % keys;
    let (cache, floor, paths, requests) = (&cache, &floor, &paths, &requests);

    let hits = |threads: u32, keys: usize| {
        move |iterations: u32| {
            side_by_side(threads, iterations, |thread| {
                let mut cache = cache.clone();
                move |n| drop(black_box(hit(&mut cache, requests[thread][at(thread, n, keys)].clone())))
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
                move |n| drop(black_box(requests[thread][at(thread, n, keys)].clone()))
            })
        }
    };

    let mut rounds = Rounds::new("time for one, on each thread", 300).batch(Duration::from_millis(1));
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
