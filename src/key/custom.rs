use http::request::Parts;

use super::{KeyDecision, KeyExtractor, KeyWriter};

/// One plain part that a function reads from the request; `None` bypasses the cache.
///
/// ```
/// # use http::Request;
/// use http::request::Parts;
/// use tower_swr_cache::key::{Key, Target, key_by};
///
/// let api_key = key_by(|parts: &Parts| Some(parts.headers.get("x-api-key")?.as_bytes().to_vec()));
/// let extractor = (Target, api_key);
///
/// let (parts, ()) = Request::get("/odds").header("host", "a").body(())?.into_parts();
/// assert_eq!(Key::of("odds", &extractor, &parts), None);
/// # Ok::<(), http::Error>(())
/// ```
pub fn key_by<V: AsRef<[u8]>>(
    read: impl Fn(&Parts) -> Option<V> + Send + Sync + 'static,
) -> impl KeyExtractor {
    move |parts: &Parts, key: &mut KeyWriter| match read(parts) {
        Some(part) => {
            key.push(part);
            KeyDecision::Cache
        }
        None => KeyDecision::Bypass,
    }
}

/// One plain part that is read from a request extension: a tenant, a plan, a user whom an outer layer has
/// identified.
///
/// A request without the extension bypasses the cache: who it is for is unknown, so it is shared with nobody.
///
/// ```
/// # use http::Request;
/// use tower_swr_cache::key::{Key, Path, from_extension};
///
/// #[derive(Clone)]
/// struct TenantId(u64);
///
/// let extractor = (from_extension(|tenant: &TenantId| tenant.0.to_string()), Path);
///
/// let (mut parts, ()) = Request::get("/odds").body(())?.into_parts();
/// assert_eq!(Key::of("odds", &extractor, &parts), None);
///
/// parts.extensions.insert(TenantId(7));
/// assert_eq!(Key::of("odds", &extractor, &parts).unwrap().to_string(), "odds|7|/odds");
/// # Ok::<(), http::Error>(())
/// ```
pub fn from_extension<T, V>(read: impl Fn(&T) -> V + Send + Sync + 'static) -> impl KeyExtractor
where
    T: Send + Sync + 'static,
    V: AsRef<[u8]>,
{
    key_by(move |parts| parts.extensions.get::<T>().map(&read))
}
