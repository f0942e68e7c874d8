//! An entry for tests.

use bytes::Bytes;

use super::*;

impl Entry {
    /// A response with a body of `len` bytes, fresh for a minute from `now` on.
    pub(crate) fn fixture(origin: Origin, selecting: Selecting, len: usize, now: Tick) -> Arc<Self> {
        let later = now.after(Duration::from_secs(60));
        let content = Content { body: StoredBody::Whole(Bytes::from(vec![0; len])), trailers: None };
        Arc::new(Self {
            status: StatusCode::OK,
            headers: StoredHeaders::default(),
            content: OnceLock::from(content),
            times: Times::new(now, SystemTime::UNIX_EPOCH, later, later, later, later),
            born: now,
            stale_allowed: true,
            emergency: false,
            fresh_by: FreshnessSource::Route,
            immutable: false,
            route_alone: false,
            for_authorized: false,
            final_uri: None,
            selecting,
            search: None,
            extent: None,
            origin,
            refresh: RefreshState::default(),
            hits: Default::default(),
        })
    }
}
