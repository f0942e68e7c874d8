//! The tower stack between the server and the upstream: the cache.

use tower::Layer;
use tower_swr_cache::key::{Authority, Header, KeyExtractor, Path, Query, Target};
use tower_swr_cache::{CacheHandle, ConfigError, SwrCache, SwrConfig};

use crate::options::{Freshness, Options};
use crate::upstream::Upstream;

/// The cache before the upstream. It sees an upstream that fails as an `Err`, and answers from what it has.
pub(crate) fn stack(
    options: &Options,
    upstream: Upstream,
) -> Result<(CacheHandle, SwrCache<Upstream>), ConfigError> {
    let cache =
        CacheHandle::builder().capacity_bytes(options.capacity).max_body_bytes(options.max_body).build()?;
    let service = cache.layer(config(options)?).layer(upstream);
    Ok((cache, service))
}

/// The one route there is: everything.
fn config(options: &Options) -> Result<SwrConfig, ConfigError> {
    let mut config = SwrConfig::builder("proxy")
        .failure_extension(options.failure_extension)
        .stale_if_error(options.stale_if_error)
        .keep(options.keep)
        .fetch_timeout(options.fetch_timeout);
    if let Some(key) = key(options) {
        config = config.key(key);
    }
    config = match options.breaker_failures {
        0 => config.no_breaker(),
        failures => config.breaker(failures, options.breaker_cooldown),
    };
    if let Some((soft, hard)) = options.ttls() {
        config = match options.freshness {
            Freshness::Origin => config.fallback_ttl(soft, hard),
            Freshness::Route => config.soft_ttl(soft).hard_ttl(hard),
        };
    }
    if !options.normalise_encoding.is_empty() {
        config = config.normalise_encoding(&options.normalise_encoding);
    }
    if !options.normalise_language.is_empty() {
        config = config.normalise_language(&options.normalise_language);
    }
    if options.field_lists {
        config = config.field_lists();
    }
    if options.store_parts {
        config = config.store_parts();
    }
    if options.store_post {
        config = config.store_post();
    }
    if options.no_vary_search {
        config = config.no_vary_search();
    }
    if options.ignore_cookies {
        config = config.ignore_cookies();
    }
    if options.store_set_cookie {
        config = config.store_set_cookie();
    }
    if options.heuristic {
        config = config.heuristic();
    }
    if options.client_directives {
        config = config.client_directives();
    }
    config.build()
}

/// The whole target, as it is without a key of its own, unless something in its query is ignored; and then the fields that
/// were named.
fn key(options: &Options) -> Option<Box<dyn KeyExtractor>> {
    if options.ignore_query.is_empty() && options.key_headers.is_empty() {
        return None;
    }
    let target: Box<dyn KeyExtractor> = if options.ignore_query.is_empty() {
        Box::new(Target)
    } else {
        Box::new((Authority, Path, Query::ignoring(options.ignore_query.clone())))
    };
    let headers = options.key_headers.iter();
    Some(headers.fold(target, |key, name| Box::new((key, Header::new(name.clone())))))
}
