//! The log lines of a test.

use std::{
    fmt::{Debug, Write},
    sync::{Arc, Mutex, Once},
};

use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
    subscriber::DefaultGuard,
};
use tracing_subscriber::{
    filter::LevelFilter,
    layer::{Context, Layer, SubscriberExt},
    registry::Registry,
};

/// Collects what this thread logs from now on.
#[derive(Debug)]
pub(crate) struct Logs {
    lines: Lines,
    _guard: DefaultGuard,
}

type Lines = Arc<Mutex<Vec<(Level, String)>>>;

impl Logs {
    pub(crate) fn collect() -> Self {
        let lines = Lines::default();
        Self { _guard: subscribe(Collector(Arc::clone(&lines))), lines }
    }

    /// Each line of the cache: its level, its message, its fields as `name=value`.
    pub(crate) fn lines(&self) -> Vec<(Level, String)> {
        self.lines.lock().unwrap().clone()
    }

    /// The lines with these words.
    pub(crate) fn with(&self, words: &str) -> Vec<(Level, String)> {
        self.lines().into_iter().filter(|(_, line)| line.contains(words)).collect()
    }
}

/// Gives this thread a subscriber, for as long as the guard lives.
pub(crate) fn subscribe(layer: impl Layer<Registry> + Send + Sync) -> DefaultGuard {
    static ELSEWHERE: Once = Once::new();
    ELSEWHERE.call_once(|| {
        tracing::subscriber::set_global_default(Registry::default().with(Elsewhere)).expect("the only one");
    });
    tracing::subscriber::set_default(Registry::default().with(layer))
}

/// The subscriber of all other threads. Who cares for a line is asked once, by the thread that comes to it first; while
/// there is but one subscriber, `tracing` asks the thread's own, and a thread that had none would keep the line from
/// everybody. This one cares for all lines and has no use for any: until a test subscribes, no thread comes to one.
struct Elsewhere;

impl<S: Subscriber> Layer<S> for Elsewhere {
    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::OFF)
    }
}

struct Collector(Lines);

impl<S: Subscriber> Layer<S> for Collector {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target().starts_with("tower_swr_cache") {
            let mut line = Line::default();
            event.record(&mut line);
            self.0.lock().unwrap().push((*event.metadata().level(), line.0));
        }
    }
}

#[derive(Default)]
struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let gap = if self.0.is_empty() { "" } else { " " };
        let written = match field.name() {
            "message" => write!(self.0, "{gap}{value:?}"),
            name => write!(self.0, "{gap}{name}={value:?}"),
        };
        written.expect("a string takes everything");
    }
}

#[test]
fn a_line_is_collected_though_another_thread_came_to_it_first() {
    let say = || tracing::info!(target: "tower_swr_cache::test", "said");
    let logs = Logs::collect();
    std::thread::spawn(say).join().unwrap();
    assert!(logs.lines().is_empty(), "what other threads say is not ours");
    say();
    assert_eq!(logs.lines(), [(Level::INFO, "said".to_owned())]);
}
