//! The layer.

use std::sync::Arc;

use tower::Layer;

use super::SwrCache;
use crate::{CacheHandle, config::SwrConfig, shared::Route};

/// Caches the responses of the services it wraps.
///
/// All services that one layer, or a clone of it, makes share its route's part of the store: axum wraps each route of a
/// router for itself, and they still meet in one cache.
#[derive(Clone, Debug)]
pub struct SwrCacheLayer {
    handle: CacheHandle,
    route: Arc<Route>,
}

impl SwrCacheLayer {
    /// A layer with a store of its own: 64 MiB, or four times the route's `max_body_bytes` if that is more. For several
    /// routes on one store, see [`CacheHandle::layer`].
    #[must_use]
    pub fn new(config: SwrConfig) -> Self {
        let handle = CacheHandle::for_one(&config);
        handle.layer(config)
    }

    pub(crate) fn of(handle: CacheHandle, route: Arc<Route>) -> Self {
        Self { handle, route }
    }

    /// The handle of the layer's store: to purge and to look into.
    #[must_use]
    pub fn handle(&self) -> &CacheHandle {
        &self.handle
    }
}

impl<S> Layer<S> for SwrCacheLayer {
    type Service = SwrCache<S>;

    fn layer(&self, inner: S) -> SwrCache<S> {
        SwrCache::new(inner, Arc::clone(&self.route))
    }
}
