//! What a cache says of itself, held against the schemas in `ops/schemas`.

use boon::{Compiler, Schemas};
use http::{Method, Request};
use serde_json::{Value, json};
use tower::Service;
use tower_swr_cache::{BreakerMode, CacheHandle};

use crate::support::{Cache, Origin, Reply, ReqBody, Start, rest, route, secs};

struct Documents {
    schemas: Schemas,
    compiler: Compiler,
}

impl Documents {
    fn new() -> Self {
        let mut compiler = Compiler::new();
        compiler.enable_format_assertions();
        let mut add = |name, text| compiler.add_resource(name, serde_json::from_str(text).unwrap()).unwrap();
        add("health.json", include_str!("../../ops/schemas/health.json"));
        add("cache_health.json", include_str!("../../ops/schemas/cache_health.json"));
        add("stored.json", include_str!("../../ops/schemas/stored.json"));
        add("explain.json", include_str!("../../ops/schemas/explain.json"));
        add("entries.json", include_str!("../../ops/schemas/entries.json"));
        add("entry.json", include_str!("../../ops/schemas/entry.json"));
        Self { schemas: Schemas::new(), compiler }
    }

    fn problem(&mut self, name: &str, document: &Value) -> Option<String> {
        let schema = self.compiler.compile(name, &mut self.schemas).unwrap();
        self.schemas.validate(document, schema).err().map(|error| error.to_string())
    }

    #[track_caller]
    fn check(&mut self, name: &str, document: &Value) {
        if let Some(problem) = self.problem(name, document) {
            panic!("{name}: {problem}\n{document:#}");
        }
    }

    #[track_caller]
    fn describe(&mut self, cache: &CacheHandle) -> Value {
        let cache_health = serde_json::to_value(cache.cache_health()).unwrap();
        self.check("health.json", &serde_json::to_value(cache.health()).unwrap());
        self.check("cache_health.json", &cache_health);
        cache_health
    }

    /// Each field in these places is described and wanted, and no other is taken.
    #[track_caller]
    fn knows_every_field(&mut self, name: &str, whole: &Value, places: &[&str]) {
        self.check(name, whole);
        for place in places {
            let fields = whole.pointer(place).unwrap().as_object().unwrap();
            for field in fields.keys() {
                let mut less = whole.clone();
                less.pointer_mut(place).unwrap().as_object_mut().unwrap().remove(field);
                assert!(self.problem(name, &less).is_some(), "{name}: {place} needs no {field}");
            }
            let mut more = whole.clone();
            more.pointer_mut(place).unwrap()["new"] = json!(1);
            assert!(self.problem(name, &more).is_some(), "{name}: {place} takes anything");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_schemas_describe_a_cache_in_every_state() {
    let mut documents = Documents::new();
    let cache = Cache::new(route(10, 30).breaker(2, secs(30)), &Origin::counting());
    let start = Start::now();
    documents.describe(&cache.handle);
    cache.get("/").await;
    cache.get("/").await;
    documents.describe(&cache.handle);
    start.at(11.0).await;
    cache.get("/").await;
    rest().await;
    documents.describe(&cache.handle);
    cache.origin.now(|_| Reply::status(503));
    for second in [22.0, 30.0, 50.0, 60.0] {
        start.at(second).await;
        cache.get("/").await;
        rest().await;
    }
    for path in ["/a", "/b", "/c"] {
        cache.get(path).await;
    }
    let post = Request::builder().method(Method::POST).uri("http://example.com/").body(ReqBody::default());
    cache.service.clone().call(post.unwrap()).await.unwrap();
    let open = documents.describe(&cache.handle);
    assert_eq!(open["status"], "degraded");
    cache.handle.set_breaker("route", BreakerMode::ForcedOpen);
    cache.handle.set_draining(true);
    cache.handle.purge_all();
    let end = documents.describe(&cache.handle);
    let events: Vec<&str> =
        end["events"].as_array().unwrap().iter().filter_map(|event| event["event"].as_str()).collect();
    for kind in ["purged", "mode_changed", "breaker_opened", "refresh_failed", "extended"] {
        assert!(events.contains(&kind), "{kind}: {events:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_schemas_know_every_field_and_miss_none() {
    let mut documents = Documents::new();
    let cache = Cache::new(route(10, 30).breaker(5, secs(30)), &Origin::counting());
    cache.get("/").await;
    cache.handle.purge_all();
    let whole = documents.describe(&cache.handle);
    let places =
        ["", "/routes/0", "/routes/0/breaker", "/routes/0/from_upstream_seconds", "/store", "/events/0"];
    documents.knows_every_field("cache_health.json", &whole, &places);
}

#[cfg(feature = "admin")]
#[tokio::test(start_paused = true)]
async fn the_schemas_know_what_is_told_of_stored_responses() {
    use crate::{admin::TOKEN, entries::look};
    let mut documents = Documents::new();
    let cache = Cache::new(route(10, 30).breaker(5, secs(30)), &Origin::counting());
    let admin = cache.handle.admin().token(TOKEN).unwrap();
    cache.get("/").await;
    let key = "route|http|example.com|/";
    for (name, path, places) in [
        (
            "explain.json",
            "/explain?url=http://example.com/".to_owned(),
            &["", "/routes/0", "/routes/0/stored", "/routes/0/breaker"][..],
        ),
        ("entries.json", "/entries?text=".to_owned(), &["", "/entries/0"]),
        ("entry.json", format!("/entry?key={key}"), &["", "/responses/0", "/responses/0/headers/0"]),
    ] {
        documents.knows_every_field(name, &look(&admin, &path).await.json(), places);
    }
    // Where there is nothing to tell.
    documents.check("explain.json", &look(&admin, "/explain?url=/none").await.json());
    documents.check("entries.json", &look(&admin, "/entries?text=none").await.json());
    cache.handle.set_mode("route", tower_swr_cache::Mode::Bypass);
    documents.check("explain.json", &look(&admin, "/explain?url=/&method=POST").await.json());
}
