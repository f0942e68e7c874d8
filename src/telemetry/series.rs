//! Series of the `metrics` facade, registered when they are first used and somebody listens.
//!
//! A handle that is taken while no recorder is installed stays silent for ever, so none is kept then: the facade's own
//! recorder for that case has no size, which no recorder that keeps anything can have.

use std::sync::{
    OnceLock,
    atomic::{AtomicBool, Ordering},
};

use metrics::{Counter, Gauge, Histogram, Key, Label, Level, Metadata, Recorder, SharedString};

use super::names::{self, Kind, Metric};

static METADATA: Metadata<'static> = Metadata::new("tower_swr_cache", Level::INFO, Some(module_path!()));

/// A handle of the facade.
pub(super) trait Handle: Sized {
    fn register(recorder: &dyn Recorder, key: &Key) -> Self;
}

impl Handle for Counter {
    fn register(recorder: &dyn Recorder, key: &Key) -> Self {
        recorder.register_counter(key, &METADATA)
    }
}

impl Handle for Gauge {
    fn register(recorder: &dyn Recorder, key: &Key) -> Self {
        recorder.register_gauge(key, &METADATA)
    }
}

impl Handle for Histogram {
    fn register(recorder: &dyn Recorder, key: &Key) -> Self {
        recorder.register_histogram(key, &METADATA)
    }
}

/// A label: its name and its value.
pub(super) type Pair = (&'static str, SharedString);

/// One series, registered once there is a recorder.
#[derive(Debug)]
pub(super) struct Series<H>(OnceLock<H>);

impl<H> Default for Series<H> {
    fn default() -> Self {
        Self(OnceLock::new())
    }
}

impl<H: Handle> Series<H> {
    /// Lets `record` have the series, if somebody listens.
    pub(super) fn with<const N: usize>(
        &self,
        metric: &'static Metric,
        labels: impl FnOnce() -> [Pair; N],
        record: impl FnOnce(&H),
    ) {
        if let Some(handle) = self.0.get() {
            return record(handle);
        }
        if_heard(|recorder| {
            let labels: Vec<Label> =
                labels().into_iter().map(|(name, value)| Label::new(name, value)).collect();
            let handle = H::register(recorder, &Key::from_parts(metric.name, labels));
            record(self.0.get_or_init(|| handle));
        });
    }
}

/// Calls back with the recorder, if one is installed.
pub(super) fn if_heard(then: impl FnOnce(&dyn Recorder)) {
    metrics::with_recorder(|recorder| {
        if size_of_val(recorder) > 0 {
            then(recorder);
        }
    });
}

/// Whether a recorder is installed.
pub(crate) fn is_heard() -> bool {
    let mut heard = false;
    if_heard(|_| heard = true);
    heard
}

/// Sets a gauge, if somebody listens. For those that are published once in a while.
pub(super) fn set_gauge<const N: usize>(metric: &'static Metric, labels: [Pair; N], value: f64) {
    Series::<Gauge>::default().with(metric, || labels, |gauge| gauge.set(value));
}

/// True for the first who calls it while somebody listens, once all metrics are described to them.
pub(super) fn describe(done: &AtomicBool) -> bool {
    let mut first = false;
    if done.load(Ordering::Relaxed) {
        return first;
    }
    if_heard(|recorder| {
        first = !done.swap(true, Ordering::Relaxed);
        if !first {
            return;
        }
        for Metric { name, kind, unit, help } in names::ALL {
            let (name, help) = ((*name).into(), SharedString::const_str(help));
            match kind {
                Kind::Counter => recorder.describe_counter(name, Some(*unit), help),
                Kind::Gauge => recorder.describe_gauge(name, Some(*unit), help),
                Kind::Histogram => recorder.describe_histogram(name, Some(*unit), help),
            }
        }
    });
    first
}
