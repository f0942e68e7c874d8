use std::{sync::Arc, time::Duration};

use http::{HeaderName, Request, StatusCode, request::Parts};

use super::{Routes, fields::FIELDS};
use crate::{
    Mode, SwrConfig, SwrConfigBuilder,
    key::{Authority, Cookie, Header, Key, KeyExtractor, Path, Pattern, Query, Target},
};

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn base() -> SwrConfigBuilder {
    SwrConfig::builder("odds")
}

/// A route with these fields.
fn read(fields: &str) -> Result<SwrConfig, toml::de::Error> {
    toml::from_str(&format!("name = \"odds\"\n{fields}"))
}

/// What is wrong with these fields, in short.
fn wrong(fields: &str) -> String {
    let error = toml::from_str::<Routes>(&format!("[odds]\n{fields}")).expect_err(fields);
    assert!(!error.message().contains('\n'), "{error:?}");
    error.message().to_owned()
}

/// Everything that a configuration says, to be compared.
fn told(config: &SwrConfig) -> String {
    let settings = &config.settings;
    let key = Key::of("", &settings.key, &request());
    format!(
        "{:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {} {:?}",
        settings.name,
        settings.namespace,
        settings.rules,
        settings.negotiation,
        settings.explicit_max_body,
        settings.fetch_timeout,
        settings.body_timeout,
        key.map(|key| key.to_string()),
        settings.breaker,
        settings.status,
        settings.forward_tags,
        settings.mode,
    )
}

fn request() -> Parts {
    let request = Request::get("http://a/odds/nba?market=main&a=1")
        .header("cookie", "currency=eur")
        .header("accept-language", "en");
    request.body(()).unwrap().into_parts().0
}

/// Each field, and the call it stands for.
fn fields() -> Vec<(&'static str, SwrConfigBuilder)> {
    vec![
        ("soft_ttl = '30s'", base().soft_ttl(secs(30))),
        ("hard_ttl = '5m'", base().hard_ttl(secs(300))),
        ("soft_ttl = '500ms'\nhard_ttl = '1h 30m'", {
            base().soft_ttl(Duration::from_millis(500)).hard_ttl(secs(5400))
        }),
        ("fallback_ttl = { soft = '1s', hard = '2s' }", base().fallback_ttl(secs(1), secs(2))),
        ("status_ttl = { 404 = { soft = '1s', hard = '2s' }, 410 = { soft = '3s', hard = '4s' } }", {
            let route = base().status_ttl(StatusCode::NOT_FOUND, secs(1), secs(2));
            route.status_ttl(StatusCode::GONE, secs(3), secs(4))
        }),
        ("soft_jitter = 0.25", base().soft_jitter(0.25)),
        ("failure_extension = 2", base().failure_extension(2.0)),
        ("stale_if_error = '1h'", base().stale_if_error(secs(3600))),
        ("keep = '0s'", base().keep(Duration::ZERO)),
        ("max_body_bytes = 4096", base().max_body_bytes(4096)),
        ("max_body_bytes = '2MiB'", base().max_body_bytes(2 << 20)),
        ("fetch_timeout = '2s'", base().fetch_timeout(secs(2))),
        ("body_timeout = '3s'", base().body_timeout(secs(3))),
        ("key = { query = ['market'] }", base().key((Authority, Path, Query::only(["market"])))),
        ("namespace = 'shared'", base().namespace("shared")),
        ("ignore_cookies = true", base().ignore_cookies()),
        ("store_set_cookie = true", base().store_set_cookie()),
        ("share_authorized = true", base().share_authorized()),
        ("store_private = true", base().store_private()),
        ("ignore_no_store = true", base().ignore_no_store()),
        ("ignore_no_cache = true", base().ignore_no_cache()),
        ("ignore_must_revalidate = true", base().ignore_must_revalidate()),
        ("client_directives = true", base().client_directives()),
        ("field_lists = true", base().field_lists()),
        ("store_parts = true", base().store_parts()),
        ("store_post = true", base().store_post()),
        ("no_vary_search = true", base().no_vary_search()),
        ("normalise_encoding = ['br', 'gzip']", base().normalise_encoding(["br", "gzip"])),
        ("normalise_language = ['de']", base().normalise_language(["de"])),
        ("heuristic = true", base().heuristic()),
        ("targeted_fields = ['x-cdn-control']", {
            base().targeted_fields([HeaderName::from_static("x-cdn-control")])
        }),
        ("breaker = { failures = 2, cooldown = '7s' }", base().breaker(2, secs(7))),
        ("breaker = false", base().no_breaker()),
        ("breaker_name = 'paid'", base().breaker_name("paid")),
        ("cache_status_name = 'edge'", base().cache_status_name("edge")),
        ("cache_status_field = 'x-cache'", {
            base().cache_status_field(Some(HeaderName::from_static("x-cache")))
        }),
        ("cache_status_field = false", base().cache_status_field(None)),
        ("cache_status_ttl = true", base().cache_status_ttl()),
        ("cache_status_key = true", base().cache_status_key()),
        ("forward_tags = true", base().forward_tags()),
        ("mode = 'observe'", base().mode(Mode::Observe)),
    ]
}

#[test]
fn every_setter_that_is_data_can_be_set_from_a_file() {
    let unset = told(&base().build().unwrap());
    for (line, code) in fields() {
        let file = told(&read(line).expect(line));
        assert_eq!(file, told(&code.build().unwrap()), "{line}");
        assert_ne!(file, unset, "{line}");
    }
    assert_eq!(told(&read("").unwrap()), unset);
}

#[test]
fn no_setter_that_is_data_is_missing() {
    let code = ["no_breaker", "breaker_by", "failure_classifier"];
    let setters: Vec<_> = include_str!("../builder/mod.rs")
        .lines()
        .filter_map(|line| {
            line.trim_start().strip_prefix("pub fn ")?.split_once("(mut self").map(|(name, _)| name)
        })
        .filter(|name| !code.contains(name))
        .collect();
    assert!(setters.contains(&"soft_ttl"), "{setters:?}");
    for setter in setters {
        assert!(FIELDS.contains(&setter), "{setter} has no field in config/file/fields.rs");
        assert!(fields().iter().any(|(line, _)| line.contains(setter)), "{setter} has no line in the test");
    }
}

#[test]
fn a_flag_that_is_false_changes_nothing() {
    let unset = told(&base().build().unwrap());
    for flag in FIELDS.iter().filter(|field| read(&format!("{field} = true")).is_ok()) {
        assert_eq!(told(&read(&format!("{flag} = false")).unwrap()), unset, "{flag}");
    }
}

#[test]
fn a_key_is_described_by_its_pieces() {
    fn of(key: impl KeyExtractor) -> Box<dyn KeyExtractor> {
        Box::new(std::sync::Arc::new(key))
    }
    let pattern = || Pattern::new("/odds/{sport}", "odds:{sport}:{?market}").unwrap();
    let template = "path = '/odds/{sport}', pattern = 'odds:{sport}:{?market}'";
    for (description, code) in [
        ("", of(Target)),
        ("authority = true", of(Target)),
        ("authority = false", of((Path, Query::ignoring([""; 0])))),
        ("query = ['market']", of((Authority, Path, Query::only(["market"])))),
        ("query = ['market'], authority = false", of((Path, Query::only(["market"])))),
        ("ignore_query = ['market']", of((Authority, Path, Query::ignoring(["market"])))),
        ("sort_query = true", of((Authority, Path, Query::sorted()))),
        (template, of(pattern())),
        (&format!("{template}, authority = true"), of((Authority, pattern()))),
        (&format!("{template}, authority = false"), of(pattern())),
        ("headers = ['Accept-Language'], cookies = ['currency', 'b']", {
            let header = Header::new(http::header::ACCEPT_LANGUAGE);
            of((Target, header, Cookie::new("currency"), Cookie::new("b")))
        }),
    ] {
        let file = read(&format!("key = {{ {description} }}")).expect(description);
        let key = |extractor: &dyn KeyExtractor, parts: &Parts| {
            let mut key = crate::KeyWriter::new("ns");
            (extractor.extract(parts, &mut key), key.to_key().to_string())
        };
        let (there, elsewhere) = (request(), Request::get("/x").body(()).unwrap().into_parts().0);
        for parts in [&there, &elsewhere] {
            let (file, code) = (key(&file.settings.key, parts), key(&code, parts));
            assert_eq!(file.0, code.0, "{description}");
            if file.0 == crate::KeyDecision::Cache {
                assert_eq!(file.1, code.1, "{description}");
            }
        }
        for header in [http::header::COOKIE, http::header::ACCEPT_LANGUAGE] {
            assert_eq!(file.settings.key.keys_header(&header), code.keys_header(&header), "{description}");
        }
    }
}

#[test]
fn what_is_wrong_is_told_with_route_field_and_value() {
    for (fields, message) in [
        (
            "soft_ttl = 30",
            "odds: soft_ttl: invalid type: integer `30`, expected a time with its unit, such as \"30s\"",
        ),
        (
            "keep = '30'",
            "odds: keep: invalid value: string \"30\", expected a time with its unit, such as \"30s\"",
        ),
        ("hard_ttl = '-1s'", "odds: hard_ttl: invalid value: string \"-1s\", expected a time"),
        ("keep = '600000000000y'", "odds: keep: invalid value: string \"600000000000y\""),
        (
            "max_body_bytes = -1",
            "odds: max_body_bytes: invalid value: integer `-1`, expected a number of bytes",
        ),
        ("max_body_bytes = '4 lots'", "odds: max_body_bytes: invalid value: string \"4 lots\""),
        ("soft_jitter = 'some'", "odds: soft_jitter: invalid type: string \"some\""),
        ("ignore_cookies = 1", "odds: ignore_cookies: invalid type: integer `1`, expected a boolean"),
        (
            "breaker = true",
            "odds: breaker: invalid value: boolean `true`, expected a value, or `false` for none",
        ),
        ("breaker = { failures = 5 }", "odds: breaker: missing field `cooldown`"),
        ("breaker = { failures = 5, cooldown = 30 }", "odds: breaker: invalid type: integer `30`"),
        (
            "cache_status_field = 'a b'",
            "odds: cache_status_field: invalid value: string \"a b\", expected the name",
        ),
        ("fallback_ttl = { soft = '1s' }", "odds: fallback_ttl: missing field `hard`"),
        (
            "fallback_ttl = { soft = '1s', hard = '2s', keep = '3s' }",
            "odds: fallback_ttl: unknown field `keep`",
        ),
        (
            "status_ttl = { 4040 = { soft = '1s', hard = '1s' } }",
            "odds: status_ttl: invalid value: string \"4040\"",
        ),
        ("soft_tll = '30s'", "odds: unknown field `soft_tll`, expected one of `name`, `soft_ttl`"),
        ("name = 'other'", "odds: duplicate field `name`"),
        ("key = { paths = '/' }", "odds: key: unknown field `paths`"),
        ("key = { path = '/a' }", "odds: key: path = \"/a\" wants a pattern beside it"),
        ("key = { pattern = 'a' }", "odds: key: pattern = \"a\" wants a path beside it"),
        (
            "key = { path = '/{a}', pattern = 'x' }",
            "odds: key: path = \"/{a}\", pattern = \"x\": a placeholder that is not used in the key at offset 1",
        ),
        (
            "key = { path = '/', pattern = 'x', query = ['a'] }",
            "odds: key: a pattern names its query parameters itself",
        ),
        (
            "key = { query = ['a'], sort_query = true }",
            "odds: key: one of query, ignore_query and sort_query at most",
        ),
        (
            "key = { headers = ['a b'] }",
            "odds: key: invalid value: string \"a b\", expected the name of a header",
        ),
        // What the builder refuses.
        ("soft_ttl = '2s'\nhard_ttl = '1s'", "odds: hard_ttl = 1s: must not be below the soft TTL"),
        ("soft_jitter = 1.5", "odds: soft_jitter = 1.5: "),
        ("breaker = { failures = 0, cooldown = '1s' }", "odds: breaker = (0, 1s): "),
    ] {
        let told = wrong(fields);
        assert!(told.starts_with(message), "{fields}\n{told}");
    }
}

#[test]
fn the_format_says_where() {
    let error = toml::from_str::<Routes>("[odds]\nkeep = '1s'\nsoft_ttl = '30'").unwrap_err();
    assert!(error.to_string().starts_with("TOML parse error at line 3, column 12"), "{error}");
}

#[test]
fn json_is_read_like_toml_and_says_the_same_and_where() {
    let text = r#"{ "odds": { "soft_ttl": "30s", "max_body_bytes": 512, "status_ttl": { "404": { "soft": "1s", "hard": "2s" } },
        "breaker": { "failures": 2, "cooldown": "7s" }, "cache_status_field": false, "key": { "query": ["market"] } } }"#;
    let code = base()
        .soft_ttl(secs(30))
        .max_body_bytes(512)
        .status_ttl(StatusCode::NOT_FOUND, secs(1), secs(2))
        .breaker(2, secs(7))
        .cache_status_field(None)
        .key((Authority, Path, Query::only(["market"])));
    let routes: Routes = serde_json::from_str(text).unwrap();
    assert_eq!(told(&routes.get("odds").unwrap()), told(&code.build().unwrap()));

    let error = |text| serde_json::from_str::<Routes>(text).unwrap_err().to_string();
    let expected = "expected a time with its unit, such as \"30s\"";
    assert_eq!(
        error("{ \"odds\": {\n \"keep\": 30 } }"),
        format!("odds: keep: invalid type: integer `30`, {expected} at line 2 column 11")
    );
    for (text, message) in [
        (r#"{ "odds": { "keep": "1s", "keep": "1s" } }"#, "odds: duplicate field `keep`"),
        (r#"{ "odds": {}, "odds": {} }"#, "odds: a second route of this name"),
        (r#"{ "odds": 1 }"#, "invalid type: integer `1`, expected the settings of the route odds"),
        (r#"{ "": {} }"#, ": name = \"\": must have 1 to 255 bytes"),
        ("[]", "invalid type: sequence, expected a table of routes by their names"),
    ] {
        let told = error(text);
        assert!(told.starts_with(message), "{text}\n{told}");
    }
}

#[test]
fn a_single_route_has_its_name_among_its_fields() {
    assert_eq!(read("").unwrap().name(), "odds");
    let error = |text| toml::from_str::<SwrConfig>(text).unwrap_err().message().to_owned();
    assert_eq!(error("soft_ttl = '1s'"), "missing field `name`");
    assert_eq!(error("name = 'odds'\nsoft_jitter = 2"), "soft_jitter = 2.0: is out of range");
}

#[test]
fn a_route_that_needs_code_is_read_as_a_builder() {
    let route: SwrConfigBuilder = toml::from_str("name = 'odds'\nsoft_ttl = '2s'").unwrap();
    let config =
        route.hard_ttl(secs(9)).failure_classifier(|_: &http::response::Parts| true).build().unwrap();
    assert_eq!((config.soft_ttl(), config.hard_ttl()), (Some(secs(2)), Some(secs(9))));
}

#[test]
fn routes_are_found_by_name_and_stay_the_same_route() {
    let routes: Routes = toml::from_str("[b]\n[a]\nhard_ttl = '1s'").unwrap();
    assert_eq!(routes.iter().map(SwrConfig::name).collect::<Vec<_>>(), ["a", "b"]);
    let error = routes.get("c").unwrap_err();
    assert_eq!((error.field(), error.value()), ("route", "\"c\""));

    // A cache tells another route of the same name by this.
    assert!(Arc::ptr_eq(&routes.get("a").unwrap().settings, &routes.get("a").unwrap().settings));
    assert_eq!(routes.get("a").unwrap().soft_ttl(), Some(secs(1)));
    assert_eq!((routes.get("b").unwrap().soft_ttl(), routes.get("b").unwrap().hard_ttl()), (None, None));
}
