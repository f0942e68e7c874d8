//! Does one case so many times and nothing else, for a tool that counts its instructions: `scripts/instructions.sh`.
#![allow(clippy::disallowed_methods)]

mod support;

use std::{env, hint::black_box};

use http::Method;
use support::stack::{
    BODY, Cache, Floor, Origin, PATH, cache, fill, handle, hit, new_key, request, route, runtime, stale,
    whole,
};
use tokio::{runtime::Runtime, task::yield_now};
use tower::Layer;

/// So many responses are more than the small store holds, so that each miss after them evicts.
const FULL: u32 = 3000;

fn main() {
    // `cargo bench` gives an option to all benches.
    let args: Vec<String> = env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    let [case, times] = args.as_slice() else {
        println!("\ninstructions: counted by scripts/instructions.sh");
        return;
    };
    let times = times.parse().expect("how many times");
    let runtime = &runtime();
    let _entered = runtime.enter();
    let asked = request(PATH);
    match case.as_str() {
        "request" => repeat(times, || asked.clone()),
        "floor" => {
            let floor = Floor::new(1000);
            floor.put(PATH, &hit(&mut fresh(runtime), asked));
            repeat(times, || floor.get(PATH));
        }
        "hit" => {
            let mut cache = fresh(runtime);
            repeat(times, || hit(&mut cache, asked.clone()));
        }
        "stale" => {
            let mut cache = runtime.block_on(stale(origin()));
            repeat(times, || hit(&mut cache, asked.clone()));
        }
        "bypass" => runtime.block_on(async {
            let cache = cache(route(), origin());
            for _ in 0..times {
                let mut asked = new_key();
                *asked.method_mut() = Method::OPTIONS;
                whole(&cache, asked).await;
                yield_now().await;
            }
        }),
        "new request" => repeat(times, new_key),
        "bare" => runtime.block_on(async {
            let origin = origin();
            for _ in 0..times {
                whole(&origin, new_key()).await;
                yield_now().await;
            }
        }),
        "miss" => runtime.block_on(async {
            let cache = small();
            for _ in 0..FULL + times {
                whole(&cache, new_key()).await;
                // A fetch ends after its answer.
                yield_now().await;
            }
        }),
        _ => panic!("no such case: {case}"),
    }
}

fn repeat<T>(times: u32, mut once: impl FnMut() -> T) {
    for _ in 0..times {
        black_box(once());
    }
}

/// One header fewer than in other benches: with ten in the answer, the map is just too large for what malloc keeps at hand,
/// and what it takes then is one of two numbers, by chance of the run.
fn origin() -> Origin {
    Origin::of(BODY, 7, &[])
}

fn fresh(runtime: &Runtime) -> Cache {
    let cache = cache(route(), origin());
    runtime.block_on(fill(&cache, request(PATH)));
    cache
}

/// A cache that is soon full. It has two shards on any machine.
fn small() -> Cache {
    let handle = handle().capacity_bytes(4 << 20).max_body_bytes(512 << 10).build().unwrap();
    handle.layer(route().build().unwrap()).layer(origin())
}
