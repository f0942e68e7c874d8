//! Everything at once: many keys and users, an origin that fails, hangs and breaks off, clients that leave, purges, a
//! breaker that is forced and let go.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::sleep;
use tower_swr_cache::{BreakerMode, ConfigError, Purge};

use super::simulated;
use super::world::{Clock, HOSTS, PATHS, World};
use crate::options::Options;
use crate::oracle::Scope;
use crate::report::Report;

const REQUESTS: usize = 1_000_000;

pub(crate) fn run(options: &Options) -> Result<Report, String> {
    // Panics of the origin belong to the campaign; nobody has to read of each.
    std::panic::set_hook(Box::new(|_| {}));
    let requests = options.scaled(REQUESTS);
    let report = simulated(options, campaign(requests))?.map_err(|error| error.to_string());
    drop(std::panic::take_hook());
    report
}

async fn campaign(requests: usize) -> Result<Report, ConfigError> {
    let world = Arc::new(World::new(Clock::Simulated)?);
    // All are back when all visits are over.
    let turns = Arc::new(Semaphore::new(requests));
    let operator = tokio::spawn(operate(Arc::clone(&world)));
    for _ in 0..requests {
        let Ok(turn) = Arc::clone(&turns).try_acquire_owned() else { break };
        let world = Arc::clone(&world);
        tokio::spawn(async move {
            world.visit().await;
            drop(turn);
        });
        // Two a millisecond, some of them at once.
        sleep(Duration::from_millis(u64::from(fastrand::u8(..6) < 3))).await;
    }
    // For the head, for the body, and once more for fetches that nobody waits for.
    sleep(3 * world.patience()).await;
    operator.abort();
    let mut report = Report::default();
    world.report(&mut report, requests - turns.available_permits());
    Ok(report)
}

/// Purges this and that, and forces the breaker.
async fn operate(world: Arc<World>) {
    loop {
        sleep(Duration::from_millis(fastrand::u64(..500))).await;
        let host = HOSTS[fastrand::usize(..HOSTS.len())].to_owned();
        let (path, count) = PATHS[fastrand::usize(..PATHS.len())];
        let number = fastrand::u32(..count);
        let target = format!("/{path}/{number}?q={}", number % 3);
        let tag = path.split('/').next().unwrap_or_default().to_owned();
        let (purge, scope) = match fastrand::u8(..100) {
            0 => (Purge::all(), Scope::All),
            1..5 => (Purge::route(&*host), Scope::Host(host)),
            5..15 => (Purge::tag(&*tag), Scope::Tag(tag)),
            15..20 => {
                let modes = [BreakerMode::ForcedOpen, BreakerMode::ForcedClosed, BreakerMode::Auto];
                world.handle.set_breaker(HOSTS[1], modes[fastrand::usize(..modes.len())]);
                continue;
            }
            _ => match Purge::url(&format!("http://{host}{target}")) {
                Ok(purge) => (purge, Scope::Url(host, target)),
                Err(_) => continue,
            },
        };
        let soft = fastrand::bool();
        let newest = world.oracle.newest_call();
        world.handle.purge(if soft { purge.soft() } else { purge });
        world.oracle.purged(scope, soft, newest);
    }
}
