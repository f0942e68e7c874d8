//! Fields of a response that are for the one who asked for it, while the rest is for everybody (RFC 9111 §5.2.2.4,
//! §5.2.2.7).

use http::{HeaderMap, HeaderName, header};
use smallvec::SmallVec;

use super::{
    Rules,
    cache_control::{FieldList, ResponseDirectives},
    hop,
};

/// The names of fields that are not stored.
pub(crate) type Withheld = SmallVec<[HeaderName; 2]>;

/// Takes the fields that `private` and `no-cache` list out of the directives, where a route goes by such lists: what is
/// left is what they say of the whole response. A list with a field that the cache itself goes by stays, and so counts
/// for all of it: without that field, what is stored would mean something else.
pub(super) fn take(rules: &Rules, directives: &mut ResponseDirectives) -> Withheld {
    let mut withheld = Withheld::new();
    for (list, counts) in
        [(&mut directives.private, !rules.store_private), (&mut directives.no_cache, !rules.ignore_no_cache)]
    {
        match list {
            FieldList::Fields(fields) if rules.field_lists && counts && fields.iter().all(can_be_missing) => {
                withheld.append(fields);
                *list = FieldList::Absent;
            }
            _ => {}
        }
    }
    withheld
}

fn can_be_missing(name: &HeaderName) -> bool {
    *name == header::SET_COOKIE || !hop::is_relied_on(name)
}

/// Takes these fields out of a response.
pub(crate) fn remove(withheld: &Withheld, headers: &mut HeaderMap) -> HeaderMap {
    let mut removed = HeaderMap::new();
    for name in withheld {
        for line in headers.get_all(name) {
            removed.append(name, line.clone());
        }
        headers.remove(name);
    }
    removed
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_list_is_taken_where_it_counts_and_nothing_is_missing_then() {
        let cases: &[(&str, bool, &[&str], bool)] = &[
            ("private=\"x-user\"", true, &["x-user"], false),
            ("private=\"x-user\"", false, &[], true),
            ("private=x-user", true, &["x-user"], false),
            ("no-cache=\"x-user, Set-Cookie\"", true, &["x-user", "set-cookie"], false),
            ("private=\"a\", no-cache=\"b\"", true, &["a", "b"], false),
            ("private=\"a\", no-cache", true, &["a"], true),
            ("private=\"a\", private", true, &[], true),
            ("private", true, &[], true),
            ("private=\"\"", true, &[], true),
            ("private=\"x-user, vary\"", true, &[], true),
            ("private=\"content-type\"", true, &[], true),
            ("max-age=5", true, &[], false),
        ];
        for (line, field_lists, expected, restricts) in cases {
            let line = HeaderValue::from_static(line);
            let headers = HeaderMap::from_iter([(header::CACHE_CONTROL, line.clone())]);
            let mut directives = ResponseDirectives::from_headers(&headers);
            let withheld = take(&Rules { field_lists: *field_lists, ..Rules::default() }, &mut directives);
            let left = directives.private != FieldList::Absent || directives.no_cache != FieldList::Absent;
            let names: Vec<_> = withheld.iter().map(HeaderName::as_str).collect();
            assert_eq!((names.as_slice(), left), (*expected, *restricts), "{line:?}");
        }
    }

    #[test]
    fn all_lines_of_a_withheld_field_are_taken_out() {
        let line = |name, value| (HeaderName::from_static(name), HeaderValue::from_static(value));
        let mut headers = HeaderMap::from_iter([line("a", "1"), line("b", "2"), line("a", "3")]);
        let withheld = Withheld::from_iter([HeaderName::from_static("a"), HeaderName::from_static("c")]);
        let removed = remove(&withheld, &mut headers);
        assert_eq!(removed, HeaderMap::from_iter([line("a", "1"), line("a", "3")]));
        assert_eq!(headers, HeaderMap::from_iter([line("b", "2")]));
    }
}
