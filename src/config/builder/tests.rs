use super::*;
use crate::SwrConfig;

#[test]
fn what_cannot_work_is_refused_by_its_field() {
    let s = Duration::from_secs;
    let base = || SwrConfig::builder("route");
    for (field, builder) in [
        ("name", SwrConfig::builder("")),
        ("namespace", base().namespace("")),
        ("hard_ttl", base().soft_ttl(s(2)).hard_ttl(s(1))),
        ("fallback_ttl", base().fallback_ttl(s(2), s(1))),
        ("fallback_ttl", base().soft_ttl(s(1)).fallback_ttl(s(1), s(1))),
        ("status_ttl", base().status_ttl(StatusCode::NOT_FOUND, s(2), s(1))),
        ("soft_jitter", base().soft_jitter(1.1)),
        ("failure_extension", base().failure_extension(f64::NAN)),
        ("failure_extension", base().failure_extension(-0.1)),
        ("fetch_timeout", base().fetch_timeout(Duration::ZERO)),
        ("body_timeout", base().body_timeout(Duration::ZERO)),
        ("max_body_bytes", base().max_body_bytes(0)),
        ("no_vary_search", base().no_vary_search().key(Target)),
        ("breaker", base().breaker(0, s(1))),
        ("breaker", base().breaker(1, s(0))),
        ("cache_status_name", base().cache_status_name("a\nb")),
    ] {
        assert_eq!(builder.build().map_err(|error| error.field()).err(), Some(field));
    }
    assert!(base().build().is_ok());
    assert!(base().hard_ttl(s(5)).build().is_ok());
    assert!(base().no_vary_search().build().is_ok());
    assert!(SwrConfig::outbound("route").no_vary_search().build().is_ok());
}
