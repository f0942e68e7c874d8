use http::request::Parts;
use smallvec::SmallVec;

use super::{KeyDecision, KeyExtractor, KeyWriter, percent::decoded, target_uri};

/// Query parameters: some of them, all but some, or all of them in a fixed order.
///
/// What is kept is written byte for byte into one part: `a`, `a=` and no `a` are three different things.
/// Without anything to keep, it is the same as without a query.
///
/// Parameters are separated by `&`. A query that holds a `;` counts as it is, whole and in its order,
/// because some origins separate by that too and would see parameters which this type does not.
///
/// Path and authority are no part of this; put [`Authority`](super::Authority) and [`Path`](super::Path)
/// before it.
///
/// ```
/// # use http::Request;
/// use tower_swr_cache::key::{Authority, Key, Path, Query};
///
/// let extractor = (Authority, Path, Query::only(["market", "line"]));
/// let (parts, ()) =
///     Request::get("/odds?x=1&market=main&line=2").header("host", "example.com").body(())?.into_parts();
///
/// let key = Key::of("odds", &extractor, &parts).unwrap();
/// assert_eq!(key.to_string(), "odds||example.com|/odds|+?=line=2&market=main");
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Query {
    keep: Keep,
}

#[derive(Clone, Debug)]
enum Keep {
    Only(Box<[Box<str>]>),
    AllBut(Box<[Box<str>]>),
    Sorted,
}

impl Query {
    /// These parameters and no others, sorted by name; equal names stay in their order.
    ///
    /// A name is given as the origin reads it: `market` also finds `m%61rket`, which most origins take for
    /// the same, and keys it as it is spelled. An origin that compares names without case, or makes one of
    /// `market[]` and `market`, wants all spellings listed, or [`Query::ignoring`].
    pub fn only<N: Into<Box<str>>>(names: impl IntoIterator<Item = N>) -> Self {
        Self { keep: Keep::Only(names.into_iter().map(Into::into).collect()) }
    }

    /// All parameters but these, in the order they came in.
    ///
    /// Names compare byte for byte, so that another spelling of an ignored one is not ignored.
    pub fn ignoring<N: Into<Box<str>>>(names: impl IntoIterator<Item = N>) -> Self {
        Self { keep: Keep::AllBut(names.into_iter().map(Into::into).collect()) }
    }

    /// All parameters, sorted by name; equal names stay in their order.
    ///
    /// For origins to which the order of different names means nothing.
    pub fn sorted() -> Self {
        Self { keep: Keep::Sorted }
    }

    fn keeps(&self, parameter: &str) -> bool {
        let name = name(parameter);
        match &self.keep {
            Keep::Only(names) => names.iter().any(|listed| decoded(name, b' ').eq(listed.bytes())),
            Keep::AllBut(names) => names.iter().all(|listed| listed.as_bytes() != name),
            Keep::Sorted => true,
        }
    }
}

impl KeyExtractor for Query {
    fn extract(&self, parts: &Parts, key: &mut KeyWriter) -> KeyDecision {
        let query = target_uri(parts).query();
        if let Some(query) = query.filter(|query| query.contains(';')) {
            key.push_pair("?", query);
            return KeyDecision::Cache;
        }
        let mut kept: SmallVec<[&str; 16]> = query
            .into_iter()
            .flat_map(|query| query.split('&'))
            .filter(|parameter| self.keeps(parameter))
            .collect();
        if !matches!(self.keep, Keep::AllBut(_)) {
            // By decoded name, or two spellings of one name could change places: many origins take the first.
            kept.sort_by(|a, b| decoded(name(a), b' ').cmp(decoded(name(b), b' ')));
        }
        match kept.split_first() {
            None => key.push_absent("?"),
            Some((first, others)) => key.push_pair_with("?", |value| {
                value.append(first);
                for parameter in others {
                    value.append("&");
                    value.append(parameter);
                }
            }),
        }
        KeyDecision::Cache
    }
}

fn name(parameter: &str) -> &[u8] {
    parameter.split('=').next().unwrap_or_default().as_bytes()
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::key::tests::*;

    fn key(extractor: &Query, query: &str) -> String {
        printed(extractor, &get(&format!("/{query}"), &[]))
    }

    #[test]
    fn what_is_kept_is_kept_byte_for_byte() {
        let only = Query::only(["b", "a"]);
        let ignoring = Query::ignoring(["a", "c"]);
        let sorted = Query::sorted();
        for (query, by_only, by_ignoring, by_sorted) in [
            ("", "-?", "-?", "-?"),
            ("?", "-?", "+?=", "+?="),
            ("?a", "+?=a", "-?", "+?=a"),
            ("?a=", "+?=a=", "-?", "+?=a="),
            ("?a=1&b=2", "+?=a=1&b=2", "+?=b=2", "+?=a=1&b=2"),
            ("?b=2&a=1", "+?=a=1&b=2", "+?=b=2", "+?=a=1&b=2"),
            ("?b=2&b=1", "+?=b=2&b=1", "+?=b=2&b=1", "+?=b=2&b=1"),
            ("?d&c=1&b=x=y", "+?=b=x=y", "+?=d&b=x=y", "+?=b=x=y&c=1&d"),
            ("?A=1&&ab=1", "-?", "+?=A=1&&ab=1", "+?=&A=1&ab=1"),
            // `%61` is `a` for whoever decodes, and has to keep its place among the others.
            ("?%61=1&a=2", "+?=%2561=1&a=2", "+?=%2561=1", "+?=%2561=1&a=2"),
            ("?a=2&%61=1", "+?=a=2&%2561=1", "+?=%2561=1", "+?=a=2&%2561=1"),
            // A `;` may hide parameters: nothing is left out or moved.
            ("?c=1;b=2&a=3", "+?=c=1;b=2&a=3", "+?=c=1;b=2&a=3", "+?=c=1;b=2&a=3"),
        ] {
            assert_eq!(key(&only, query), format!("ns|{by_only}"), "only, {query}");
            assert_eq!(key(&ignoring, query), format!("ns|{by_ignoring}"), "ignoring, {query}");
            assert_eq!(key(&sorted, query), format!("ns|{by_sorted}"), "sorted, {query}");
        }
        assert_eq!(key(&Query::only(["a b"]), "?a+b=1&a%20b=2&a%2Bb=3"), "ns|+?=a+b=1&a%2520b=2");
    }

    /// Few parameters, so that lists of them often agree. `%61` is an `a`.
    fn parameters() -> impl Strategy<Value = Vec<&'static str>> {
        vec(prop::sample::select(vec!["a", "a=", "a=1", "%61=2", "b", "b=1"]), 0..4)
    }

    fn joined(parameters: &[&str]) -> String {
        if parameters.is_empty() { String::new() } else { format!("?{}", parameters.join("&")) }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn only_queries_that_agree_in_what_counts_are_merged(one in parameters(), two in parameters()) {
            let named = |list: &[&'static str], name: &str| -> Vec<&'static str> {
                list.iter().copied().filter(|p| p.replace("%61", "a").starts_with(name)).collect()
            };
            let merges = |extractor: Query| key(&extractor, &joined(&one)) == key(&extractor, &joined(&two));
            let same_a = named(&one, "a") == named(&two, "a");
            let same_b = named(&one, "b") == named(&two, "b");

            prop_assert_eq!(merges(Query::only(["a"])), same_a);
            prop_assert_eq!(merges(Query::ignoring(["b", "b"])), same_a);
            prop_assert_eq!(merges(Query::sorted()), same_a && same_b);
            prop_assert_eq!(merges(Query::ignoring([""])), one == two);
        }
    }
}
