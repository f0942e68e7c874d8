//! The other caches: in memory, with their defaults wherever those cache at all, and a key of path and query.

use std::time::Duration;

use axum::body::Body as AxumBody;
use hitbox::policy::PolicyConfig;
use hitbox_http::{
    extractors::{Method, path::PathExtractor, query::QueryExtractor},
    predicates::{NeutralRequestPredicate, NeutralResponsePredicate},
};
use hitbox_moka::MokaBackend;
use http::Request;
use http_cache::MokaManager;
use http_cache_tower::HttpCacheLayer;
use http_cache_tower_server::{QueryKeyer, ServerCacheLayer};
use tokio::runtime::Runtime;
use tower::{Layer, ServiceExt, layer::layer_fn};
use tower_http_cache::prelude::{CacheLayer, InMemoryBackend};

use crate::{
    Counted, Hits, filled,
    support::stack::{Body, PATH, request},
};

/// Outlives every run.
const HOURS: Duration = Duration::from_secs(40_000);

pub(crate) fn all(runtime: &Runtime) -> Vec<(&'static str, Hits<'_>)> {
    vec![
        ("axum-response-cache", axum_response_cache(runtime, "axum-response-cache")),
        ("tower-http-cache", tower_http_cache(runtime, "tower-http-cache")),
        ("http-cache-tower", http_cache_tower(runtime, "http-cache-tower")),
        ("http-cache-tower-server", http_cache_tower_server(runtime, "http-cache-tower-server")),
        ("hitbox-tower", hitbox_tower(runtime, "hitbox-tower")),
    ]
}

/// It speaks axum's bodies alone.
fn axum_response_cache<'a>(runtime: &'a Runtime, name: &str) -> Hits<'a> {
    let cache = axum_response_cache::CacheLayer::with_lifespan(HOURS);
    let layer = layer_fn(move |inner: Counted| {
        let inner =
            ServiceExt::<Request<AxumBody>>::map_response(inner, |response| response.map(AxumBody::new));
        cache.layer(inner).map_request(|request: Request<Body>| request.map(|_| AxumBody::empty()))
    });
    filled(runtime, name, layer, request(PATH))
}

fn tower_http_cache<'a>(runtime: &'a Runtime, name: &str) -> Hits<'a> {
    let layer = CacheLayer::builder(InMemoryBackend::new(1000)).ttl(HOURS).build();
    filled(runtime, name, layer, request(PATH))
}

/// It is for clients, whose requests have whole URIs.
fn http_cache_tower<'a>(runtime: &'a Runtime, name: &str) -> Hits<'a> {
    let layer = HttpCacheLayer::new(MokaManager::default());
    filled(runtime, name, layer, request(&format!("http://odds.example.com{PATH}")))
}

fn http_cache_tower_server<'a>(runtime: &'a Runtime, name: &str) -> Hits<'a> {
    let layer = ServerCacheLayer::with_keyer(MokaManager::default(), QueryKeyer);
    filled(runtime, name, layer, request(PATH))
}

fn hitbox_tower<'a>(runtime: &'a Runtime, name: &str) -> Hits<'a> {
    let config = hitbox::Config::builder()
        .request_predicate(NeutralRequestPredicate::new())
        .response_predicate(NeutralResponsePredicate::new())
        .extractor(
            Method::new().path("/odds/{sport}/{day}").query("market".to_owned()).query("line".to_owned()),
        )
        .policy(PolicyConfig::builder().ttl(HOURS).build())
        .build();
    let layer = hitbox_tower::Cache::builder()
        .backend(MokaBackend::builder().max_entries(1000).build())
        .config(config)
        .build();
    filled(runtime, name, layer, request(PATH))
}
