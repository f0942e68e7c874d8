//! Which queries are one to a response, by its `No-Vary-Search` (draft-ietf-httpbis-no-vary-search).

use std::{borrow::Cow, str};

use http::{HeaderMap, HeaderName};
use sfv::{BareItem, Dictionary, InnerList, ListEntry, Parser};

use super::percent::decoded;

const NO_VARY_SEARCH: HeaderName = HeaderName::from_static("no-vary-search");

/// How far a response is the same for other queries (§3, "URL search variance").
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SearchVariance {
    params: Params,
    /// Whether the order of parameters of different names counts.
    ordered: bool,
}

/// The parameters that count, by their decoded names.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Params {
    AllBut(Names),
    Only(Names),
}

type Names = Box<[Box<str>]>;

impl SearchVariance {
    /// What a response says; nothing where it says nothing, nothing new, or anything that cannot be read: then each query
    /// stands for itself (§4).
    pub(crate) fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let lines: Vec<&[u8]> = headers.get_all(NO_VARY_SEARCH).iter().map(|line| line.as_bytes()).collect();
        if lines.is_empty() {
            return None;
        }
        let members: Dictionary = Parser::new(&lines.join(&b", "[..])).parse().ok()?;
        let ordered = match members.get("key-order").map(flag) {
            None => true,
            Some(any_order) => !any_order?,
        };
        let params = match (members.get("params"), members.get("except")) {
            (None, None) => Params::AllBut(Names::default()),
            (Some(ListEntry::InnerList(list)), None) => Params::AllBut(names(list)?),
            (Some(params), except) => match (flag(params)?, except) {
                (true, None) => Params::Only(Names::default()),
                (true, Some(ListEntry::InnerList(list))) => Params::Only(names(list)?),
                (false, None) => Params::AllBut(Names::default()),
                _ => return None,
            },
            (None, Some(_)) => return None,
        };
        let says_nothing = ordered && params == Params::AllBut(Names::default());
        (!says_nothing).then_some(Self { params, ordered })
    }

    /// The one form that all queries have which are the same to the response (§5): what counts of the parameters, decoded
    /// (WHATWG URL §5.1), each name and value behind its length.
    pub(crate) fn form(&self, query: Option<&str>) -> Vec<u8> {
        let pairs = query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
        let mut pairs: Vec<_> = pairs
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .map(|(name, value)| (text(name), value))
            .filter(|(name, _)| self.counts(name))
            .collect();
        if !self.ordered {
            // Stable: values of one name stay in their order.
            pairs.sort_by(|(one, _), (other, _)| one.cmp(other));
        }
        let mut form = Vec::new();
        for (name, value) in pairs {
            for field in [name, text(value)] {
                form.extend_from_slice(&(field.len() as u64).to_le_bytes());
                form.extend_from_slice(field.as_bytes());
            }
        }
        form
    }

    /// Whether two paths, with their queries, are the same to the response.
    pub(crate) fn is_same(&self, one: &str, other: &str) -> bool {
        let ((path, query), (other_path, other_query)) = (split_query(one), split_query(other));
        path == other_path && self.form(query) == self.form(other_query)
    }

    /// Roughly the bytes it takes.
    pub(crate) fn weight(&self) -> usize {
        let (Params::AllBut(names) | Params::Only(names)) = &self.params;
        size_of::<Self>() + names.iter().map(|name| name.len() + size_of::<Box<str>>()).sum::<usize>()
    }

    fn counts(&self, name: &str) -> bool {
        match &self.params {
            Params::AllBut(names) => !names.iter().any(|own| **own == *name),
            Params::Only(names) => names.iter().any(|own| **own == *name),
        }
    }
}

/// A path and its query.
pub(crate) fn split_query(target: &str) -> (&str, Option<&str>) {
    target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)))
}

fn flag(member: &ListEntry) -> Option<bool> {
    let ListEntry::Item(item) = member else { return None };
    match item.bare_item {
        BareItem::Boolean(flag) => Some(flag),
        _ => None,
    }
}

/// The names of a list of strings; nothing where one of them is anything else (§4.1).
fn names(list: &InnerList) -> Option<Names> {
    let name = |item: &sfv::Item| match &item.bare_item {
        BareItem::String(name) => Some(text(name.as_str()).into()),
        _ => None,
    };
    list.items.iter().map(name).collect()
}

/// What a name or a value is once it is decoded; what is no UTF-8 in it becomes U+FFFD.
fn text(raw: &str) -> Cow<'_, str> {
    if !raw.bytes().any(|byte| matches!(byte, b'%' | b'+')) {
        return Cow::Borrowed(raw);
    }
    let bytes: Vec<u8> = decoded(raw.as_bytes(), b' ').collect();
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn variance(lines: &[&str]) -> Option<SearchVariance> {
        let line = |line: &&str| (NO_VARY_SEARCH, HeaderValue::from_str(line).expect("a value"));
        SearchVariance::from_headers(&lines.iter().map(line).collect())
    }

    fn names(names: &[&str]) -> Names {
        names.iter().map(|name| Box::from(*name)).collect()
    }

    #[test]
    fn what_cannot_be_read_is_no_rule() {
        for line in [
            "",
            "unknown-key",
            "key-order=\"not a boolean\"",
            "key-order=1",
            "key-order=(\"a\")",
            "params=\"not a boolean or inner list\"",
            "params=(not-a-string)",
            "params=(\"a\" 1)",
            "params=(\"a\"), except=(\"x\")",
            "params=(), except=()",
            "params=?0, except=(\"x\")",
            "params, except=(not-a-string)",
            "params, except=\"not an inner list\"",
            "params, except=?1",
            "except=(\"x\")",
            "except=()",
            // What says nothing is as good as none.
            "params=?0",
            "params=()",
            "key-order=?0",
            "key-order=?0, params=()",
            // No dictionary.
            "params=(\"a\"",
            "params,",
            "Params",
            "params=(\"\u{e9}\")",
        ] {
            assert_eq!(variance(&[line]), None, "{line}");
        }
        assert_eq!(variance(&[]), None);
    }

    #[test]
    fn a_rule_says_what_counts() {
        let all_but = |list: &[&str]| Params::AllBut(names(list));
        let only = |list: &[&str]| Params::Only(names(list));
        for (lines, params, ordered) in [
            (&["key-order"][..], all_but(&[]), false),
            (&["key-order=?1"], all_but(&[]), false),
            (&["key-order, params=?0"], all_but(&[]), false),
            (&["params"], only(&[]), true),
            (&["params=?1, key-order=?0"], only(&[]), true),
            (&["params=(\"a\" \"b\")"], all_but(&["a", "b"]), true),
            (&["params=(\"a\";x=1);y"], all_but(&["a"]), true),
            (&["params, except=(\"x\")"], only(&["x"]), true),
            (&["params, except=()"], only(&[]), true),
            (&["params", "except=(\"x\")", "key-order, other=5"], only(&["x"]), false),
            (&["params=(\"%C3%A9+%E6%B0%97\" \"a%2Bb\")"], all_but(&["é 気", "a+b"]), true),
            (&["params=(\"a\"), params=(\"b\")"], all_but(&["b"]), true),
        ] {
            assert_eq!(variance(lines), Some(SearchVariance { params, ordered }), "{lines:?}");
        }
    }

    #[test]
    fn queries_are_one_where_what_counts_is() {
        for (line, one, other, same) in [
            ("key-order", "", "?", true),
            ("key-order", "?a=x", "?%61=%78", true),
            ("key-order", "?a=%f6", "?a=%ef%bf%bd", true),
            ("key-order", "?a=x&&&&", "?a=x", true),
            ("key-order", "?a=", "?a", true),
            ("key-order", "?a=%20", "?a=+", true),
            ("key-order", "?a=%2B", "?a=+", false),
            ("key-order", "?a=1&b=2", "?b=2&a=1", true),
            ("key-order", "?a=1&a=2", "?a=2&a=1", false),
            ("key-order", "?a=1&b=3&a=2", "?b=3&a=1&a=2", true),
            ("key-order", "?a=1", "?A=1", false),
            ("key-order", "?a=1", "?a=1&b=", false),
            ("params", "?a=1&b=2", "", true),
            ("params=(\"a\")", "?a=1&b=2", "?b=2&a=3&%61=4", true),
            ("params=(\"a\")", "?b=2&c=3", "?c=3&b=2", false),
            ("params=(\"a\")", "?b=2", "?b=3", false),
            ("params=(\"a\"), key-order", "?b=2&a=1&c=3", "?c=3&b=2", true),
            ("params, except=(\"x\")", "?x=1&y=2", "?z&x=1", true),
            ("params, except=(\"x\")", "?x=1", "?x=2", false),
            ("params, except=(\"x\")", "?x=1", "", false),
            ("params, except=(\"x\")", "?x=1&x=2", "?x=1", false),
            // The lengths keep apart what runs together.
            ("params, except=(\"x\" \"y\")", "?x=1&y", "?x=1y", false),
            ("key-order", "?a=b=c", "?a=b%3Dc", true),
            ("key-order", "?a?b", "?a%3Fb", true),
        ] {
            let variance = variance(&[line]).expect(line);
            let [one, other] = [one, other].map(|query| format!("/p{query}"));
            assert_eq!(variance.is_same(&one, &other), same, "{line}: {one} {other}");
            assert!(!variance.is_same(&one, &one.replace("/p", "/q")), "{line}: {one}");
        }
    }

    #[test]
    fn a_rule_weighs_what_its_names_take() {
        for (line, names, letters) in [
            ("key-order", 0, 0),
            ("params=(\"\")", 1, 0),
            ("params=(\"a\" \"bcd\")", 2, 4),
            ("params, except=(\"abcde\" \"\" \"f\")", 3, 6),
        ] {
            let weight = size_of::<SearchVariance>() + names * size_of::<Box<str>>() + letters;
            assert_eq!(variance(&[line]).expect(line).weight(), weight, "{line}");
        }
    }

    /// The comparison as the draft tells it, pair by pair.
    fn equivalent(variance: &SearchVariance, one: &str, other: &str) -> bool {
        let list = |query: &str| {
            let pairs = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                let plain = |text: &str| text.replace('+', " ").replace("%61", "a").replace("%20", " ");
                (plain(name), plain(value))
            });
            let mut pairs: Vec<_> = pairs
                .filter(|(name, _)| match &variance.params {
                    Params::AllBut(names) => !names.iter().any(|own| **own == **name),
                    Params::Only(names) => names.iter().any(|own| **own == **name),
                })
                .collect();
            if !variance.ordered {
                pairs.sort_by(|one, other| one.0.encode_utf16().cmp(other.0.encode_utf16()));
            }
            pairs
        };
        list(one) == list(other)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn one_form_is_one_query(
            line in prop::sample::select(vec![
                "key-order", "params", "params=(\"a\")", "params=(\"a\" \"b c\"), key-order", "params, except=(\"a\")",
                "params, except=(\"a\" \"b c\"), key-order", "params=(\"%61\" \"c\")",
            ]),
            queries in prop::array::uniform2(vec(
                prop::sample::select(vec!["a", "a=", "%61=1", "a=1", "b+c=2", "b%20c=2", "c", "", "c=%61", "c=a"]),
                0..4,
            )),
        ) {
            let variance = variance(&[line]).expect(line);
            let [one, other] = queries.map(|pairs| pairs.join("&"));
            let same = variance.form(Some(&one)) == variance.form(Some(&other));
            prop_assert_eq!(same, equivalent(&variance, &one, &other), "{}: {} {}", line, one, other);
        }
    }
}
