//! The application, as it was before it had a cache: what is new is `.layer(cache.layer(…))` at each handler.

mod feed;
mod handlers;
mod health;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use tower_swr_cache::{CacheHandle, ConfigError, Routes};

use feed::Feed;

/// What handlers share.
#[derive(Clone)]
pub(crate) struct App {
    feed: Arc<Feed>,
    cache: CacheHandle,
}

/// All endpoints. An error names the route that the file lacks.
pub(crate) fn router(cache: &CacheHandle, routes: &Routes) -> Result<Router, ConfigError> {
    let app = App { feed: Arc::default(), cache: cache.clone() };
    Ok(Router::new()
        .route("/odds/{sport}", get(handlers::odds).layer(cache.layer(routes.get("odds")?)))
        .route("/scores/{game}", get(handlers::scores).layer(cache.layer(routes.get("scores")?)))
        .route("/sports", get(handlers::sports).layer(cache.layer(routes.get("sports")?)))
        .route("/standings/{league}", get(handlers::standings).layer(cache.layer(routes.get("standings")?)))
        .route("/health", get(health::health))
        .with_state(app))
}
