//! How models are run. A model is a closure that starts threads, joins them, and asserts; it holds if it does in every
//! schedule that is tried, and a thread that waits for ever fails it, too.

use shuttle::{
    Config, FailurePersistence, Runner,
    scheduler::{DfsScheduler, PctScheduler, RandomScheduler, Scheduler},
};

/// Schedules that are tried of a model with too many of them.
const SAMPLES: usize = 2_000;
/// No model is to have more schedules than this, if all of them are tried.
const MOST: usize = 2_000_000;
/// How many times a thread is held up at an awkward moment, in the half of the samples that look for rare bugs.
const DEPTH: usize = 4;

/// Runs a small model under each schedule that it has.
pub(crate) fn every_schedule(model: impl Fn() + Send + Sync + 'static) {
    let tried = run(DfsScheduler::new(Some(MOST), false), model);
    assert!(tried < MOST, "too large to try all of its schedules");
    report(tried, "all");
}

/// Runs a larger model under many schedules: chosen at random, and so that few preemptions do the most harm.
pub(crate) fn many_schedules(model: impl Fn() + Clone + Send + Sync + 'static) {
    let random = run(RandomScheduler::new(SAMPLES), model.clone());
    let awkward = run(PctScheduler::new(DEPTH, SAMPLES), model);
    report(random + awkward, "many");
}

fn run(scheduler: impl Scheduler + 'static, model: impl Fn() + Send + Sync + 'static) -> usize {
    let mut config = Config::new();
    config.failure_persistence = FailurePersistence::Print;
    Runner::new(scheduler, config).run(model)
}

fn report(tried: usize, of: &str) {
    let name = std::thread::current().name().unwrap_or("a model").to_owned();
    println!("{name}: {tried} schedules, {of} of them");
}
