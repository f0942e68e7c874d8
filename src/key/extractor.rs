use std::sync::Arc;

use http::{HeaderName, request::Parts};

use super::KeyWriter;

/// What an extractor says of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub enum KeyDecision {
    /// The key is written: look the request up, and keep its response if it may be kept.
    Cache,
    /// Do not cache: the request goes to the inner service and its response to nobody else. What has been
    /// written so far is forgotten.
    Bypass,
}

/// Writes the part of a request's key that says which requests may share a response.
///
/// The cache calls it for every request that could be cached, in line with it, so it should neither block
/// nor allocate much. It must be a function of what it is given: the same request has to have the same key
/// tomorrow.
///
/// Closures `Fn(&Parts, &mut KeyWriter) -> KeyDecision` are extractors, as are tuples of two to six
/// extractors (in their order; the first [`KeyDecision::Bypass`] wins), an [`Arc`] of one and `Box<dyn
/// KeyExtractor>`.
///
/// ```
/// use http::request::Parts;
/// use tower_swr_cache::key::{KeyDecision, KeyExtractor, KeyWriter, Target};
///
/// struct NotWhileDebugging;
///
/// impl KeyExtractor for NotWhileDebugging {
///     fn extract(&self, parts: &Parts, _key: &mut KeyWriter) -> KeyDecision {
///         if parts.headers.contains_key("x-debug") { KeyDecision::Bypass } else { KeyDecision::Cache }
///     }
/// }
///
/// let extractor = (NotWhileDebugging, Target);
/// # let _: &dyn KeyExtractor = &extractor;
/// ```
pub trait KeyExtractor: Send + Sync + 'static {
    /// Writes what tells `parts` from requests that need another response, after the namespace and whatever
    /// extractors before this one wrote.
    fn extract(&self, parts: &Parts, key: &mut KeyWriter) -> KeyDecision;

    /// Whether two requests that differ in this header get different keys.
    ///
    /// An extractor that says so for `Cookie` takes responsibility for it: requests with cookies are then
    /// cached under the route's times like any other. Defaults to `false`, for closures too.
    fn keys_header(&self, name: &HeaderName) -> bool {
        let _ = name;
        false
    }
}

impl<F> KeyExtractor for F
where
    F: Fn(&Parts, &mut KeyWriter) -> KeyDecision + Send + Sync + 'static,
{
    fn extract(&self, parts: &Parts, key: &mut KeyWriter) -> KeyDecision {
        self(parts, key)
    }
}

impl<E: KeyExtractor + ?Sized> KeyExtractor for Arc<E> {
    fn extract(&self, parts: &Parts, key: &mut KeyWriter) -> KeyDecision {
        E::extract(self, parts, key)
    }

    fn keys_header(&self, name: &HeaderName) -> bool {
        E::keys_header(self, name)
    }
}

// Not for every `Box<E>`: a box of a closure is a closure, and has its implementation above.
impl KeyExtractor for Box<dyn KeyExtractor> {
    fn extract(&self, parts: &Parts, key: &mut KeyWriter) -> KeyDecision {
        (**self).extract(parts, key)
    }

    fn keys_header(&self, name: &HeaderName) -> bool {
        (**self).keys_header(name)
    }
}

macro_rules! tuple {
    ($($extractor:ident $index:tt),+) => {
        impl<$($extractor: KeyExtractor),+> KeyExtractor for ($($extractor,)+) {
            fn extract(&self, parts: &Parts, key: &mut KeyWriter) -> KeyDecision {
                $(if self.$index.extract(parts, key) == KeyDecision::Bypass {
                    return KeyDecision::Bypass;
                })+
                KeyDecision::Cache
            }

            fn keys_header(&self, name: &HeaderName) -> bool {
                $(self.$index.keys_header(name))||+
            }
        }
    };
}

tuple!(A 0, B 1);
tuple!(A 0, B 1, C 2);
tuple!(A 0, B 1, C 2, D 3);
tuple!(A 0, B 1, C 2, D 3, E 4);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5);

#[cfg(test)]
mod tests {
    use http::header::{ACCEPT, COOKIE};

    use super::*;
    use crate::key::{Cookie, Header, Path, tests::*};

    fn never(_: &Parts, _: &mut KeyWriter) -> KeyDecision {
        KeyDecision::Bypass
    }

    #[test]
    fn a_tuple_writes_in_order_and_bypasses_when_one_does() {
        let parts = get("/a?b", &[("accept", "x")]);
        assert_eq!(printed(&(Path, Header::new(ACCEPT)), &parts), "ns|/a|+accept=x");
        assert_eq!(printed(&(Header::new(ACCEPT), Path), &parts), "ns|+accept=x|/a");
        assert_eq!(printed(&(Path, Path, Path, Path, Path, Path), &parts), "ns|/a|/a|/a|/a|/a|/a");
        assert_eq!(printed(&(Path, never), &parts), BYPASS);
        assert_eq!(printed(&(never, Path), &parts), BYPASS);
    }

    #[test]
    fn a_header_is_keyed_when_one_of_a_tuple_keys_it() {
        let extractor = (Path, Cookie::new("a"), never);
        assert!(extractor.keys_header(&COOKIE));
        assert!(!extractor.keys_header(&ACCEPT));
        assert!(!never.keys_header(&COOKIE));
    }

    #[test]
    fn shared_and_boxed_extractors_are_extractors() {
        let parts = get("/a", &[]);
        let shared: Arc<dyn KeyExtractor> = Arc::new((Path, Cookie::new("a")));
        let boxed: Box<dyn KeyExtractor> = Box::new(Arc::clone(&shared));
        assert_eq!(printed(&shared, &parts), "ns|/a|-cookie:a");
        assert_eq!(printed(&boxed, &parts), "ns|/a|-cookie:a");
        assert!(shared.keys_header(&COOKIE) && boxed.keys_header(&COOKIE));
        assert_eq!(printed(&Box::new(never), &parts), BYPASS);
    }
}
