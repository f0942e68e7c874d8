use proptest::prelude::*;

use super::Pattern;
use crate::key::{KeyExtractor, tests::*};

#[test]
fn the_template_stands_for_the_whole_path() {
    for (template, key, uri, expected) in [
        ("/odds/{sport}", "odds:{sport}", "/odds/nba", "ns|odds:|+sport=nba"),
        ("/odds/{sport}", "odds:{sport}", "/odds/nba?x=1", "ns|odds:|+sport=nba"),
        ("/odds/{sport}", "odds:{sport}", "/odds/n%62a", "ns|odds:|+sport=n%2562a"),
        ("/odds/{sport}", "odds:{sport}", "/odds/", BYPASS),
        ("/odds/{sport}", "odds:{sport}", "/odds", BYPASS),
        ("/odds/{sport}", "odds:{sport}", "/odds/nba/", BYPASS),
        ("/odds/{sport}", "odds:{sport}", "/odds/nba/1", BYPASS),
        ("/odds/{sport}", "odds:{sport}", "/ODDS/nba", BYPASS),
        ("/odds/{sport}", "odds:{sport}", "*", BYPASS),
        ("/odds/{sport}", "odds:{sport}", "a:443", BYPASS),
        ("/", "root", "/", "ns|root"),
        ("/", "root", "http://a", "ns|root"),
        ("/", "root", "//", BYPASS),
        ("/a/", "a", "/a/", "ns|a"),
        ("/a/", "a", "/a", BYPASS),
        ("/a", "", "/a", "ns"),
        ("/f/{*rest}", "{rest}", "/f/a/b//", "ns|+rest=a/b//"),
        ("/f/{*rest}", "{rest}", "/f/", BYPASS),
        ("/{a}/{b}", "{b}{a}{b}", "/1/2", "ns|+b=2|+a=1|+b=2"),
        ("/{_lang}/{a}", "{a}", "/en/1", "ns|+a=1"),
        ("/o", "o{?m}", "/o", "ns|o|-?"),
        ("/o", "o{?m}", "/o?n=1", "ns|o|-?"),
        ("/o", "o{?m}", "/o?m", "ns|o|+?=m"),
        ("/o", "o{?m}", "/o?m=", "ns|o|+?=m="),
        ("/o", "o{?m}", "/o?m=2&x&m=1", "ns|o|+?=m=2&m=1"),
    ] {
        let pattern = Pattern::new(template, key).unwrap();
        assert_eq!(printed(&pattern, &get(uri, &[])), expected, "{template} {key} {uri}");
    }
}

#[test]
fn an_error_says_what_is_wrong_and_where() {
    for (template, key, expected) in [
        ("", "", "no `/` at offset 0 of the path template"),
        ("odds", "", "no `/` at offset 0 of the path template"),
        ("/a/{", "", "a placeholder that does not fill its segment at offset 3 of the path template"),
        ("/a/x{b}", "{b}", "a placeholder that does not fill its segment at offset 4 of the path template"),
        ("/a/{b}}", "{b}", "a placeholder without a proper name at offset 3 of the path template"),
        ("/{}", "", "a placeholder without a proper name at offset 1 of the path template"),
        ("/{*}", "", "a placeholder without a proper name at offset 1 of the path template"),
        ("/{a}/{a}", "{a}", "a second placeholder of the same name at offset 5 of the path template"),
        ("/{*a}/b", "{a}", "a segment after the tail at offset 6 of the path template"),
        ("/x/{a}", "x", "a placeholder that is not used in the key at offset 3 of the path template"),
        (
            "/{a}",
            "k:{b}",
            "a placeholder that the path template does not have at offset 2 of the key pattern",
        ),
        ("/{a}", "k:{a", "a `{` without its `}` at offset 2 of the key pattern"),
        ("/{a}", "{a}}", "a `}` without its `{` at offset 3 of the key pattern"),
        ("/{a}", "é{a}{?}", "a query parameter without a name at offset 5 of the key pattern"),
    ] {
        let error = Pattern::new(template, key).unwrap_err();
        assert_eq!(error.to_string(), expected, "{template} {key}");
        assert_eq!(error.is_template(), expected.ends_with("path template"));
        assert!(expected.contains(&format!(" at offset {} of ", error.offset())), "{template} {key}");
    }
}

proptest! {
    #[test]
    fn no_pattern_and_no_path_panics(
        template in "[/{}*?a_é]{0,12}",
        key in "[{}*?a:é]{0,12}",
        path in "[/a%]{0,8}",
    ) {
        if let Ok(pattern) = Pattern::new(&template, &key) {
            let _ = printed(&pattern, &get(&format!("/{path}"), &[]));
        }
    }

    #[test]
    fn values_do_not_run_into_each_other(
        one in ("[ab:|]{1,3}", "[ab:|]{1,3}"),
        two in ("[ab:|]{1,3}", "[ab:|]{1,3}"),
    ) {
        let pattern = Pattern::new("/{a}/{b}", "{a}:{b}").unwrap();
        let key = |(a, b): &(String, String)| printed(&pattern, &get(&format!("/{a}/{b}"), &[]));
        prop_assert_eq!(key(&one) == key(&two), one == two);
    }
}

#[test]
fn it_keys_no_header() {
    assert!(!Pattern::new("/", "").unwrap().keys_header(&http::header::COOKIE));
}
