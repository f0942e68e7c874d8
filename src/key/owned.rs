use std::{
    borrow::Borrow,
    fmt,
    str::{self, FromStr},
    sync::Arc,
};

use http::request::Parts;

use super::{
    KeyDecision, KeyExtractor, KeyWriter,
    encoding::{Part, parts},
    printed::{self, InvalidKey},
};

/// A cache key: the namespace and the parts that an extractor wrote.
///
/// A clone is a reference count. Keys compare, hash and sort as their bytes, so a map of keys can be asked
/// with a `&[u8]`. [`Display`](fmt::Display) and [`FromStr`] convert to and from the [printable
/// form](super#the-printable-form).
///
/// ```
/// use tower_swr_cache::key::Key;
///
/// let key: Key = "odds|https|example.com|/odds/nba|+accept-language=en".parse()?;
/// assert_eq!(key.namespace(), "odds");
/// assert_eq!(key.to_string(), "odds|https|example.com|/odds/nba|+accept-language=en");
/// # Ok::<(), tower_swr_cache::key::InvalidKey>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Arc<[u8]>);

impl Key {
    /// The key that `extractor` gives a request; `None` where it bypasses the cache.
    ///
    /// For tests of an extractor, and for naming one stored response. Guarded headers are no part of it: a
    /// request that carries one is stored under this key and a part for each of them.
    pub fn of(namespace: &str, extractor: &(impl KeyExtractor + ?Sized), parts: &Parts) -> Option<Self> {
        let mut key = KeyWriter::new(namespace);
        match extractor.extract(parts, &mut key) {
            KeyDecision::Cache => Some(key.to_key()),
            KeyDecision::Bypass => None,
        }
    }

    /// A key of bytes that a [`KeyWriter`] wrote.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    /// The key's bytes. They differ between versions of this crate.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The first part: the route's name, or the namespace it shares.
    pub fn namespace(&self) -> &str {
        match parts(&self.0).next() {
            Some(Part::Plain(name)) => str::from_utf8(name).unwrap_or_default(),
            _ => "",
        }
    }
}

impl Borrow<[u8]> for Key {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        printed::print(&self.0, f)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Key").field(&format_args!("{self}")).finish()
    }
}

impl FromStr for Key {
    type Err = InvalidKey;

    /// Parses the printable form.
    ///
    /// # Errors
    ///
    /// [`InvalidKey`] for everything that is not, character for character, what a key prints.
    fn from_str(printed: &str) -> Result<Self, InvalidKey> {
        let key = printed::parse(printed)?.to_key();
        // One spelling a key: whatever the parser overlooked prints differently from what was given.
        if key.to_string() == printed { Ok(key) } else { Err(InvalidKey::new()) }
    }
}
