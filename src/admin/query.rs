//! What a query says, decoded as a form's (WHATWG URL §5.1).

use http::Uri;

use crate::key::percent;

/// Each parameter's name and value, in their order. One without a value has an empty one.
#[derive(Debug)]
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// What is no UTF-8 once it is decoded is a problem, and not another text: nobody is shown what they did not ask for.
    pub(super) fn of(uri: &Uri) -> Result<Self, String> {
        let pairs = uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
        let pairs = pairs.map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((text(name)?, text(value)?))
        });
        pairs.collect::<Result<_, _>>().map(Self)
    }

    /// The value of the first one of this name.
    pub(super) fn first(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, value)| &**value)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }
}

fn text(raw: &str) -> Result<String, String> {
    let bytes = percent::decoded(raw.as_bytes(), b' ').collect();
    String::from_utf8(bytes).map_err(|_| format!("{raw}: is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_read_as_a_form() {
        for (query, expected) in [
            ("", &[][..]),
            ("?", &[]),
            ("?&&", &[]),
            ("?a=b", &[("a", "b")]),
            ("?a=b&a=c&&", &[("a", "b"), ("a", "c")]),
            ("?a", &[("a", "")]),
            ("?=b", &[("", "b")]),
            ("?a=b=c", &[("a", "b=c")]),
            ("?a=b+c%2Bd", &[("a", "b c+d")]),
            ("?%61=%26%3D%25", &[("a", "&=%")]),
            ("?a=%C3%A9", &[("a", "é")]),
            ("?a=%zz", &[("a", "%zz")]),
            ("?a=b?c", &[("a", "b?c")]),
        ] {
            let uri: Uri = format!("/{query}").parse().expect(query);
            let read = Parameters::of(&uri).expect(query);
            assert_eq!(read.iter().collect::<Vec<_>>(), expected, "{query}");
            assert_eq!(
                read.first("a"),
                expected.iter().find(|(name, _)| *name == "a").map(|(_, value)| *value)
            );
        }
        for query in ["/?a=%ff", "/?%ff=a", "/?a=b&c=%C3"] {
            assert!(Parameters::of(&query.parse().expect(query)).is_err(), "{query}");
        }
    }
}
