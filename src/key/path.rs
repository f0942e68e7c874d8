use http::request::Parts;

use super::{KeyDecision, KeyExtractor, KeyWriter, target_uri};

/// The path, byte for byte, and nothing else: no query, and **no authority**, so that hosts share what they
/// have under one path unless [`Authority`](super::Authority) comes before it.
///
/// ```
/// # use http::Request;
/// use tower_swr_cache::key::{Key, Path};
///
/// let (parts, ()) = Request::get("/odds/nba?market=main").body(())?.into_parts();
/// assert_eq!(Key::of("odds", &Path, &parts).unwrap().to_string(), "odds|/odds/nba");
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Path;

impl KeyExtractor for Path {
    fn extract(&self, parts: &Parts, key: &mut KeyWriter) -> KeyDecision {
        key.push(target_uri(parts).path());
        KeyDecision::Cache
    }
}
