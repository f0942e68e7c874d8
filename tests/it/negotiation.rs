//! Requests brought down to what the service has, by option.

use crate::support::{Cache, Call, Origin, Reply, request, route};

/// Varies on what a client accepts, and answers with what it was asked.
fn negotiating(call: &Call) -> Reply {
    let asked = |name| call.header(name).unwrap_or("-").to_owned();
    Reply::ok(format!("{} {} #{}", asked("accept-encoding"), asked("accept-language"), call.n))
        .header("vary", "accept-encoding, accept-language")
}

#[tokio::test(start_paused = true)]
async fn clients_who_wish_for_the_same_share_a_variant_however_they_say_it() {
    let config = || route(10, 20).normalise_encoding(["br", "gzip"]).normalise_language(["en", "de"]);
    for (first, second, asked) in [
        (("gzip, deflate, br", "de-AT, en;q=0.5"), ("br;q=0.9, gzip;q=0.8, zstd", "de"), "br, gzip de"),
        (("gzip", "fr"), ("gzip;q=0.1", "en-GB"), "gzip en"),
        (("deflate", "en, de"), ("identity", "de;q=0.8, en"), "identity en"),
    ] {
        let with = |(encoding, language): (&str, &str)| {
            request("/").header("accept-encoding", encoding).header("accept-language", language)
        };
        let cache = Cache::new(config(), &Origin::new(negotiating));
        assert_eq!(cache.send(with(first)).await.text(), format!("{asked} #1"));
        assert_eq!(cache.send(with(second)).await.said, "hit", "{first:?} {second:?}");
        let (parts, ()) = with(second).body(()).unwrap().into_parts();
        assert!(cache.handle.entry(&parts).is_some(), "whoever looks sees the same variant");

        let cache = Cache::new(route(10, 20), &Origin::new(negotiating));
        assert_eq!(cache.send(with(first)).await.text(), format!("{} {} #1", first.0, first.1));
        assert_eq!(cache.send(with(second)).await.said, "fwd=vary-miss; stored", "without the options");
    }
}

#[test]
fn a_list_that_names_nothing_is_refused() {
    for (config, field) in [
        (route(1, 2).normalise_encoding(["gzip;q=1"]), "normalise_encoding"),
        (route(1, 2).normalise_encoding([""; 0]), "normalise_encoding"),
        (route(1, 2).normalise_language(["*"]), "normalise_language"),
    ] {
        assert_eq!(config.build().unwrap_err().field(), field);
    }
}
