//! `immutable` (RFC 8246): nothing is asked while a response is fresh, and nothing else changes.

use super::{Case, case, ok, play, unchanged};
use crate::support::{origin_says, route};

const IMMUTABLE: &str = "RFC 8246 §2";
const TAG: &str = r#"etag: "a""#;

pub(super) fn cases() -> Vec<Case> {
    vec![
        case(IMMUTABLE, "nothing is asked while it is fresh")
            .on(origin_says())
            .on(route(10, 10))
            .origin([ok(["cache-control: max-age=10, immutable", TAG]), unchanged([])])
            .fill()
            .get(9.999, "200 #1 hit"),
        case(IMMUTABLE, "it is asked about once it is not")
            .on(origin_says())
            .on(route(10, 10))
            .origin([ok(["cache-control: max-age=10, immutable", TAG]), unchanged([])])
            .fill()
            .get(10, "200 #1 fwd=stale; fwd-status=304")
            .sent([r#"if-none-match: "a""#]),
        case(IMMUTABLE, "it says nothing of freshness")
            .origin([ok(["cache-control: immutable"])])
            .not_stored("no_freshness"),
        case(IMMUTABLE, "it says nothing of freshness, where there is something to ask with")
            .origin([ok(["cache-control: immutable", TAG]), unchanged([])])
            .fill()
            .get(1, "200 #1 fwd=stale; fwd-status=304"),
        case(IMMUTABLE, "it lifts nothing: no-store")
            .in_both_modes()
            .origin([ok(["cache-control: max-age=10, immutable, no-store"])])
            .not_stored("no_store"),
        case(IMMUTABLE, "it lifts nothing: no-cache")
            .in_both_modes()
            .origin([ok(["cache-control: max-age=10, immutable, no-cache"])])
            .not_stored("no_cache"),
        case(IMMUTABLE, "it allows nothing stale")
            .origin([ok(["cache-control: max-age=10, immutable"])])
            .fresh_for(10),
        case(IMMUTABLE, "a request that says no-cache is a sign that it has to be asked about")
            .on(origin_says().client_directives())
            .origin([ok(["cache-control: max-age=10, immutable", TAG]), unchanged([])])
            .fill()
            .get(1, "200 #1 fwd=request; fwd-status=304")
            .with(["cache-control: no-cache"]),
        case(IMMUTABLE, "a request to reload is none")
            .on(origin_says().client_directives())
            .origin([ok(["cache-control: max-age=10, immutable", TAG]), unchanged([])])
            .fill()
            .get(1, "200 #1 hit")
            .with(["cache-control: max-age=0"]),
        case(IMMUTABLE, "without it, a request to reload is asked about")
            .on(origin_says().client_directives())
            .origin([ok(["cache-control: max-age=10", TAG]), unchanged([])])
            .fill()
            .get(1, "200 #1 fwd=request; fwd-status=304")
            .with(["cache-control: max-age=0"]),
        case(IMMUTABLE, "with an argument it changes nothing, either")
            .origin([ok(["cache-control: max-age=10, immutable=1"])])
            .fresh_for(10),
        case(IMMUTABLE, "a new response replaces it")
            .origin([ok(["cache-control: max-age=10, immutable", TAG]), ok(["cache-control: max-age=10"])])
            .fill()
            .get(10, "200 #2 fwd=stale; stored")
            .get(11, "200 #2 hit"),
    ]
}

#[tokio::test(start_paused = true)]
async fn what_immutable_means() {
    play(cases()).await;
}
