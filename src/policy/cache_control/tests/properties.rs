use proptest::prelude::*;

use super::*;

/// Bytes that a header value may have, mostly those that mean something here.
fn text() -> impl Strategy<Value = Vec<u8>> {
    let pieces = prop::sample::select(vec![
        "\"",
        "\\",
        ",",
        ";",
        "=",
        " ",
        "\t",
        "no-store",
        "no-cache",
        "private",
        "public",
        "max-age",
        "s-maxage",
        "stale-if-error",
        "must-understand",
        "a",
        "60",
        "-",
        "'",
    ]);
    let bytes = any::<u8>().prop_filter("a header value", |b| *b == b'\t' || (*b >= 0x20 && *b != 0x7f));
    let piece =
        prop_oneof![4 => pieces.prop_map(|p| p.as_bytes().to_vec()), 1 => bytes.prop_map(|b| vec![b])];
    prop::collection::vec(piece, 0..16).prop_map(|pieces| pieces.concat())
}

fn without_quotes(text: &[u8]) -> Vec<u8> {
    text.iter().copied().filter(|b| *b != b'"').collect()
}

/// A member that follows the grammar.
fn well_formed() -> impl Strategy<Value = String> {
    (
        "[a-z-]{1,12}",
        prop::option::of(prop_oneof!["[a-z0-9]{1,6}", "\"[a-z, =;]{0,12}\"", "\"[a-z]\\\\\"[,a-z]\""]),
    )
        .prop_map(|(name, value)| match value {
            Some(value) => format!("{name}={value}"),
            None => name,
        })
}

proptest! {
    /// Whatever stands around it, on its line and on others, as long as it cannot be within a quoted string.
    #[test]
    fn a_restriction_cannot_be_hidden(
        before in text(), after in text(), line in text(), first: bool, quotes_before: bool,
    ) {
        let (before, after) =
            if quotes_before { (before, without_quotes(&after)) } else { (without_quotes(&before), after) };
        let list: &[u8] = if quotes_before { b"private=a" } else { b"private=\"a\"" };
        let whole = [&before[..], b", no-store, no-cache, ", list, b", max-age=0, ", &after].concat();
        let lines: &[&[u8]] = if first { &[&whole, &line] } else { &[&line, &whole] };
        let read = ResponseDirectives::from_headers(&headers(CACHE_CONTROL, lines));
        prop_assert!(read.no_store);
        prop_assert_eq!(read.no_cache, FieldList::All);
        prop_assert_ne!(read.private, FieldList::Absent);
        prop_assert_eq!(read.max_age, seconds(0));
    }

    #[test]
    fn a_member_among_well_formed_ones_is_read(
        before in prop::collection::vec(well_formed(), 0..6), after in prop::collection::vec(well_formed(), 0..6),
    ) {
        let member = ["no-store".to_owned()];
        let line = [&before[..], &member, &after].concat().join(", ");
        prop_assert!(response(&line).no_store);
        let others = [&before[..], &after].concat();
        let expected = others.iter().any(|m| m.starts_with("no-store=") || m == "no-store");
        prop_assert_eq!(response(&others.join(", ")).no_store, expected);
    }

    /// What is added to a line behind a comma may shorten and forbid, never the reverse.
    #[test]
    fn more_text_is_never_laxer(line in text(), more in text()) {
        let line = without_quotes(&line);
        let longer = [&line[..], b",", &more].concat();
        let less = ResponseDirectives::from_headers(&headers(CACHE_CONTROL, &[&line]));
        let more = ResponseDirectives::from_headers(&headers(CACHE_CONTROL, &[&longer]));
        prop_assert!(more.no_store >= less.no_store);
        prop_assert!(more.must_revalidate >= less.must_revalidate);
        prop_assert!(less.no_cache == FieldList::Absent || more.no_cache != FieldList::Absent);
        prop_assert!(less.private != FieldList::All || more.private == FieldList::All);
        prop_assert!(less.max_age.is_none() || more.max_age.is_some_and(|age| Some(age) <= less.max_age));
        prop_assert!(less.s_maxage.is_none() || more.s_maxage.is_some_and(|age| Some(age) <= less.s_maxage));
    }
}
