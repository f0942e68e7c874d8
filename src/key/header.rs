use http::{HeaderName, request::Parts};

use super::{KeyDecision, KeyExtractor, KeyWriter};

/// All values of one request header, in their order and byte for byte, each a named part.
///
/// No such header and an empty one are different. A header that takes many values, such as `User-Agent`,
/// makes as many stored responses; where the origin sends `Vary` this is not needed.
///
/// ```
/// # use http::Request;
/// use tower_swr_cache::key::{Key, Path, header};
///
/// let (parts, ()) = Request::get("/odds").header("accept-language", "en").body(())?.into_parts();
/// let key = Key::of("odds", &(Path, header("accept-language")), &parts).unwrap();
/// assert_eq!(key.to_string(), "odds|/odds|+accept-language=en");
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Header {
    name: HeaderName,
}

impl Header {
    /// The header of this name.
    pub const fn new(name: HeaderName) -> Self {
        Self { name }
    }
}

/// The header of this name, which is given in lower case.
///
/// # Panics
///
/// When it is no header name in lower case, as [`HeaderName::from_static`]; in a `const` that is a compile
/// error.
pub const fn header(name: &'static str) -> Header {
    Header::new(HeaderName::from_static(name))
}

impl KeyExtractor for Header {
    fn extract(&self, parts: &Parts, key: &mut KeyWriter) -> KeyDecision {
        let mut values = parts.headers.get_all(&self.name).iter().peekable();
        if values.peek().is_none() {
            key.push_absent(&self.name);
        }
        for value in values {
            key.push_pair(&self.name, value);
        }
        KeyDecision::Cache
    }

    fn keys_header(&self, name: &HeaderName) -> bool {
        *name == self.name
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::tests::*;

    #[test]
    fn all_values_count_in_their_order() {
        for (values, key) in [
            (&[][..], "ns|-x-a"),
            (&[""], "ns|+x-a="),
            (&["1"], "ns|+x-a=1"),
            (&["1", "2"], "ns|+x-a=1|+x-a=2"),
            (&["2", "1"], "ns|+x-a=2|+x-a=1"),
            (&["1, 2"], "ns|+x-a=1, 2"),
            (&["é"], "ns|+x-a=%C3%A9"),
        ] {
            let headers: Vec<_> = values.iter().map(|value| ("x-a", *value)).collect();
            assert_eq!(printed(&header("x-a"), &get("/", &headers)), key, "{values:?}");
        }
    }

    #[test]
    fn it_says_which_header_it_keys() {
        assert!(header("x-a").keys_header(&HeaderName::from_static("x-a")));
        assert!(!header("x-a").keys_header(&HeaderName::from_static("x-b")));
    }
}
