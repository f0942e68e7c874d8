//! What a cache says of itself, held against the schemas in `ops/schemas`.

use boon::{Compiler, SchemaIndex, Schemas};
use http::{Method, Request};
use serde_json::{Value, json};
use tower::Service;
use tower_swr_cache::{BreakerMode, CacheHandle};

use crate::support::{Cache, Origin, Reply, ReqBody, Start, rest, route, secs};

struct Documents {
    schemas: Schemas,
    health: SchemaIndex,
    cache_health: SchemaIndex,
}

impl Documents {
    fn new() -> Self {
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        compiler.enable_format_assertions();
        let mut compile = |name: &str, text: &str| {
            compiler.add_resource(name, serde_json::from_str(text).unwrap()).unwrap();
            compiler.compile(name, &mut schemas).unwrap()
        };
        let health = compile("health.json", include_str!("../../ops/schemas/health.json"));
        let cache_health = compile("cache_health.json", include_str!("../../ops/schemas/cache_health.json"));
        Self { schemas, health, cache_health }
    }

    #[track_caller]
    fn describe(&self, cache: &CacheHandle) -> Value {
        let health = serde_json::to_value(cache.health()).unwrap();
        let cache_health = serde_json::to_value(cache.cache_health()).unwrap();
        for (document, schema) in [(&health, self.health), (&cache_health, self.cache_health)] {
            if let Err(error) = self.schemas.validate(document, schema) {
                panic!("{error}\n{document:#}");
            }
        }
        cache_health
    }

    fn accepts(&self, cache_health: &Value) -> bool {
        self.schemas.validate(cache_health, self.cache_health).is_ok()
    }
}

#[tokio::test(start_paused = true)]
async fn the_schemas_describe_a_cache_in_every_state() {
    let documents = Documents::new();
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
    let documents = Documents::new();
    let cache = Cache::new(route(10, 30).breaker(5, secs(30)), &Origin::counting());
    cache.get("/").await;
    cache.handle.purge_all();
    let whole = documents.describe(&cache.handle);
    for place in
        ["", "/routes/0", "/routes/0/breaker", "/routes/0/from_upstream_seconds", "/store", "/events/0"]
    {
        let of =
            |document: &mut Value| document.pointer_mut(place).unwrap().as_object_mut().cloned().unwrap();
        let fields = of(&mut whole.clone());
        for name in fields.keys() {
            let mut less = whole.clone();
            less.pointer_mut(place).unwrap().as_object_mut().unwrap().remove(name);
            assert!(!documents.accepts(&less), "{place} needs no {name}");
        }
        let mut more = whole.clone();
        more.pointer_mut(place).unwrap()["new"] = json!(1);
        assert!(!documents.accepts(&more), "{place} takes anything");
    }
}
