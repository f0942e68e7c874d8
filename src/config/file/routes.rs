//! All routes of an application, from one file.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error, MapAccess, Visitor},
};

use super::fields::Route;
use crate::{config::SwrConfig, error::ConfigError};

/// The routes of an application, read from one place: a table for each, by its name. With the feature `serde`, from any
/// format that serde has a crate for.
///
/// ```
/// use tower_swr_cache::{CacheHandle, Routes};
///
/// let routes: Routes = toml::from_str(
///     r#"
///     [odds]
///     soft_ttl = "30s"
///     hard_ttl = "5m"
///     key = { path = "/odds/{sport}", pattern = "odds:{sport}:{?market}" }
///
///     [sports]
///     soft_ttl = "1h"
///     status_ttl.404 = { soft = "5s", hard = "10s" }
///     "#,
/// )?;
///
/// let cache = CacheHandle::builder().build()?;
/// let odds = cache.layer(routes.get("odds")?);
/// let sports = cache.layer(routes.get("sports")?);
/// # let _ = (odds, sports);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
///
/// # Fields
///
/// A field is called like the setter of [`SwrConfigBuilder`](crate::SwrConfigBuilder) that it stands for, and does the same.
/// One that is not there leaves the setter's default; one that does not exist is refused.
///
/// | field | value |
/// |---|---|
/// | `soft_ttl`, `hard_ttl`, `stale_if_error`, `keep`, `fetch_timeout`, `body_timeout` | a time: `"500ms"`, `"30s"`, `"5m"`, `"1h 30m"` |
/// | `fallback_ttl` | `{ soft = "30s", hard = "5m" }` |
/// | `status_ttl` | such a table for each status: `{ 404 = { soft = "5s", hard = "10s" } }` |
/// | `soft_jitter`, `failure_extension` | a number |
/// | `max_body_bytes` | a number of bytes, or a size: `"512KiB"`, `"4MiB"` |
/// | `namespace`, `breaker_name`, `cache_status_name` | a text |
/// | `targeted_fields`, `normalise_encoding`, `normalise_language` | a list: `["br", "gzip"]` |
/// | `cache_status_field` | the name of a header field, or `false` for none |
/// | `mode` | `"on"`, `"observe"` or `"bypass"` |
/// | `breaker` | `{ failures = 5, cooldown = "30s" }`, or `false` for none |
/// | `ignore_cookies`, `store_set_cookie`, `share_authorized`, `store_private`, `ignore_no_store`, `ignore_no_cache`, `ignore_must_revalidate`, `field_lists`, `store_parts`, `store_post`, `no_vary_search`, `client_directives`, `heuristic`, `cache_status_ttl`, `cache_status_key`, `forward_tags` | `true`, or `false` as without it |
/// | `key` | see below |
///
/// A single [`SwrConfig`] is read from the same fields and a `name`. What is code has no field: a
/// [`failure_classifier`](crate::SwrConfigBuilder::failure_classifier),
/// [`breaker_by`](crate::SwrConfigBuilder::breaker_by), extractors of your own. A route that needs one is read as a
/// [`SwrConfigBuilder`](crate::SwrConfigBuilder).
///
/// # Keys
///
/// | `key` | made of |
/// |---|---|
/// | `{}` | [`Target`](crate::key::Target), the default |
/// | `{ path = "/odds/{sport}", pattern = "odds:{sport}:{?market}" }` | [`Pattern`](crate::key::Pattern), without the authority |
/// | `{ query = ["market"] }` | authority, path, and [these parameters](crate::key::Query::only) |
/// | `{ ignore_query = ["utm_source"] }` | authority, path, and [all parameters but these](crate::key::Query::ignoring) |
/// | `{ sort_query = true }` | authority, path, and [all parameters, sorted](crate::key::Query::sorted) |
///
/// Beside any of them, `headers = ["accept-language"]` and `cookies = ["currency"]` join the key, and `authority` says
/// whether the authority does: a service that answers for several hosts wants `authority = true` beside a pattern.
///
/// # Errors
///
/// They are those of the format, and name the route, the field and the value, on one line:
/// `odds: soft_ttl: invalid value: string "30", expected a time with its unit, such as "30s"`.
#[derive(Clone, Debug, Default)]
pub struct Routes {
    by_name: BTreeMap<String, SwrConfig>,
}

impl Routes {
    /// The route of this name. Wherever it is given, it is the same route.
    ///
    /// # Errors
    /// When there is none.
    pub fn get(&self, name: &str) -> Result<SwrConfig, ConfigError> {
        let route = self.by_name.get(name).cloned();
        route.ok_or_else(|| ConfigError::new("route", name, "is not among the routes"))
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = &SwrConfig> {
        self.by_name.values()
    }
}

impl<'de> Deserialize<'de> for Routes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(RoutesVisitor)
    }
}

struct RoutesVisitor;

impl<'de> Visitor<'de> for RoutesVisitor {
    type Value = Routes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table of routes by their names")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Routes, A::Error> {
        let mut by_name = BTreeMap::new();
        while let Some(name) = map.next_key::<String>()? {
            if by_name.contains_key(&name) {
                return Err(A::Error::custom(format_args!("{name}: a second route of this name")));
            }
            let route = map.next_value_seed(Entry(&name))?;
            by_name.insert(name, route);
        }
        Ok(Routes { by_name })
    }
}

/// A route under its name, checked.
struct Entry<'a>(&'a str);

impl<'de> DeserializeSeed<'de> for Entry<'_> {
    type Value = SwrConfig;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<SwrConfig, D::Error> {
        let route = Route(Some(self.0));
        route.deserialize(deserializer)?.build().map_err(|error| route.error(error))
    }
}
