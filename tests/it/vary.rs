//! Variants of a response under one key.

use http::request::Builder;

use crate::support::{
    Cache, Call, Gate, Origin, Reply, Start, Step, origin_says, request, rest, route, secs,
};

fn with(headers: &[(&str, &str)]) -> Builder {
    headers.iter().fold(request("/"), |builder, (name, value)| builder.header(*name, *value))
}

fn in_language(language: &str) -> Builder {
    with(&[("accept-language", language)])
}

/// Varies on what `vary` says, and answers with all that could select and the call's number.
fn varying(vary: &'static str) -> impl Fn(&Call) -> Reply + Clone + Send + Sync + 'static {
    move |call: &Call| {
        let lines: Vec<_> = ["accept-language", "accept", "accept-encoding"]
            .iter()
            .map(|name| call.header(name).unwrap_or("-").to_owned())
            .collect();
        let reply = Reply::ok(format!("{} #{}", lines.join(" "), call.n));
        if vary.is_empty() { reply } else { reply.header("vary", vary) }
    }
}

#[tokio::test(start_paused = true)]
async fn variants_are_told_apart_by_every_field_that_is_named_and_by_no_other() {
    let origin = Origin::new(varying("Accept-Language, accept"));
    let cache = Cache::new(route(10, 100), &origin);
    let requests: &[(&[(&str, &str)], &str)] = &[
        (&[("accept-language", "en"), ("accept", "a")], "en a - #1"),
        (&[("accept-language", "en"), ("accept", "b")], "en b - #2"),
        (&[("accept-language", "de"), ("accept", "a")], "de a - #3"),
        (&[("accept", "a")], "- a - #4"),
        (&[("accept-language", ""), ("accept", "a")], " a - #5"),
        (&[], "- - - #6"),
        // The parts do not run into each other.
        (&[("accept-language", "a")], "a - - #7"),
        // Others do not matter, nor the space around a value.
        (&[("accept-language", " en "), ("accept", "a"), ("accept-encoding", "br")], "en a - #1"),
    ];
    for (place, (headers, body)) in requests.iter().enumerate() {
        let said = match place {
            0 => "fwd=uri-miss; stored",
            7 => "hit",
            _ => "fwd=vary-miss; stored",
        };
        let answer = cache.send(with(headers)).await;
        assert_eq!((answer.text(), &*answer.said), (*body, said), "{headers:?}");
    }
    for (headers, body) in requests {
        let answer = cache.send(with(headers)).await;
        assert_eq!((answer.text(), &*answer.said), (*body, "hit"), "{headers:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn lines_of_one_field_select_like_one_list() {
    let origin = Origin::new(varying("accept-language"));
    let cache = Cache::new(route(10, 100), &origin);
    assert_eq!(cache.send(in_language("en, de")).await.text(), "en, de - - #1");
    let in_lines = with(&[("accept-language", "en"), ("accept-language", "de")]);
    assert_eq!(cache.send(in_lines).await.said, "hit");
    let in_other_order = with(&[("accept-language", "de"), ("accept-language", "en")]);
    assert_eq!(cache.send(in_other_order).await.said, "fwd=vary-miss; stored");
}

#[tokio::test(start_paused = true)]
async fn at_most_32_variants_are_kept_and_the_oldest_goes() {
    let origin = Origin::new(varying("accept-language"));
    let cache = Cache::new(route(1000, 2000), &origin);
    let mut weights = Vec::new();
    for n in 0..100 {
        cache.send(in_language(&format!("l{n:03}"))).await;
        weights.push(cache.handle.stats().stored_bytes);
    }
    assert_eq!(cache.handle.stats().keys, 1);
    assert_eq!(weights[50], weights[98], "memory grows no more after 32 variants");
    assert_eq!(origin.calls(), 100);
    for n in (68..100).rev() {
        assert_eq!(cache.send(in_language(&format!("l{n:03}"))).await.said, "hit", "{n}");
    }
    assert_eq!(origin.calls(), 100);
    assert_eq!(cache.send(in_language("l067")).await.said, "fwd=vary-miss; stored");
    assert_eq!(cache.send(in_language("l068")).await.said, "fwd=vary-miss; stored", "the oldest made room");
    assert_eq!(cache.send(in_language("l070")).await.said, "hit");
}

#[tokio::test(start_paused = true)]
async fn a_refresh_replaces_its_own_variant_and_no_other() {
    let origin = Origin::new(varying("accept-language"));
    let cache = Cache::new(route(10, 100), &origin);
    let start = Start::now();
    cache.send(in_language("en")).await;
    cache.send(in_language("de")).await;
    start.at(11.0).await;
    assert_eq!(cache.send(in_language("en")).await.text(), "en - - #1");
    rest().await;
    assert_eq!(cache.send(in_language("en")).await.text(), "en - - #3");
    let stale = cache.send(in_language("de")).await;
    assert_eq!((stale.text(), &*stale.said), ("de - - #2", "hit; detail=stale"));
}

#[tokio::test(start_paused = true)]
async fn a_change_of_what_a_response_varies_on_leaves_no_variant_of_before() {
    for (before, after) in [
        ("accept-language", "accept"),
        ("accept-language", "accept-language, accept"),
        ("accept-language, accept", "accept-language"),
        ("accept-language", ""),
        ("", "accept-language"),
    ] {
        let origin = Origin::new(varying(before));
        let cache = Cache::new(route(10, 100), &origin);
        let start = Start::now();
        let one = || with(&[("accept-language", "en"), ("accept", "a")]);
        let two = || with(&[("accept-language", "de"), ("accept", "b")]);
        cache.send(one()).await;
        cache.send(two()).await;
        let calls = origin.calls();
        origin.now(varying(after));
        start.at(11.0).await;
        cache.send(one()).await;
        rest().await;
        assert_eq!(origin.calls(), calls + 1, "{before:?} to {after:?}");
        let refreshed = cache.send(one()).await;
        assert_eq!(refreshed.said, "hit", "{before:?} to {after:?}");
        assert!(refreshed.text().ends_with(&format!("#{}", calls + 1)));
        let other = cache.send(two()).await;
        if after.is_empty() {
            assert_eq!(other.text(), refreshed.text(), "it varies on nothing any more");
        } else {
            assert_eq!(other.said, "fwd=vary-miss; stored", "{before:?} to {after:?}");
            assert!(other.text().starts_with("de b"));
            // Both stand beside each other from now on.
            assert_eq!(cache.send(one()).await.said, "hit", "{before:?} to {after:?}");
            assert_eq!(cache.send(two()).await.said, "hit", "{before:?} to {after:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_purge_by_url_or_key_takes_every_variant_and_one_by_tag_only_its_own() {
    for by_tag in [false, true] {
        let answer = varying("accept-language");
        let origin = Origin::new(move |call| {
            answer(call).header("cache-tag", call.header("accept-language").unwrap_or("none"))
        });
        let cache = Cache::new(route(10, 100), &origin);
        for language in ["en", "de", "fr"] {
            cache.send(in_language(language)).await;
        }
        let purged = if by_tag {
            cache.handle.purge_tag("de")
        } else {
            cache.handle.purge_url("http://example.com/").unwrap()
        };
        assert_eq!(purged.entries, if by_tag { 1 } else { 3 });
        for (language, hit) in [("en", by_tag), ("fr", by_tag), ("de", false)] {
            let answer = cache.send(in_language(language)).await;
            assert_eq!(answer.said == "hit", hit, "{language} {}", answer.said);
        }
        let key = cache.handle.entry(&in_language("en").body(()).unwrap().into_parts().0).unwrap().key;
        assert_eq!(cache.handle.purge_key(key.parse().unwrap()).entries, 3);
        assert_eq!(cache.handle.stats().keys, 0);
        assert_eq!(cache.handle.stats().indexed, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn fetches_of_different_variants_run_at_once_when_it_is_known_what_tells_them_apart() {
    let gate = Gate::new();
    let answer = varying("accept-language");
    let origin = Origin::new(answer.clone());
    let cache = Cache::new(route(10, 100), &origin);
    cache.send(in_language("en")).await;
    origin.now({
        let gate = gate.clone();
        move |call| answer(call).gated(&gate)
    });
    let readers: Vec<_> =
        (0..40).map(|n| (n % 4, cache.spawn_send(in_language(&format!("l{}", n % 4))))).collect();
    rest().await;
    assert_eq!((origin.calls(), origin.running()), (5, 4), "one fetch for each variant, all at once");
    gate.open();
    for (language, reader) in readers {
        let answer = reader.await.unwrap();
        assert!(answer.text().starts_with(&format!("l{language} ")), "{language}: {}", answer.text());
    }
    assert_eq!(origin.calls(), 5);
}

#[tokio::test(start_paused = true)]
async fn readers_who_wait_for_another_variant_get_their_own_with_one_call_for_each() {
    let gate = Gate::new();
    let answer = varying("accept-language");
    let origin = Origin::new({
        let gate = gate.clone();
        move |call| answer(call).gated(&gate)
    });
    let cache = Cache::new(route(10, 100), &origin);
    // Nothing is known yet: all of them wait for the first.
    let readers: Vec<_> =
        (0..40).map(|n| (n % 4, cache.spawn_send(in_language(&format!("l{}", n % 4))))).collect();
    rest().await;
    assert_eq!(origin.calls(), 1);
    gate.open();
    for (language, reader) in readers {
        let answer = reader.await.unwrap();
        assert!(answer.text().starts_with(&format!("l{language} ")), "{language}: {}", answer.text());
    }
    assert_eq!(origin.calls(), 4, "one for each variant");
}

#[tokio::test(start_paused = true)]
async fn each_variant_is_revalidated_with_its_own_validator() {
    let origin = Origin::new(|call| {
        let language = call.header("accept-language").unwrap_or("-");
        let tag = format!("\"{language}\"");
        let reply = match call.header("if-none-match") {
            Some(sent) => {
                assert_eq!(sent, tag);
                Reply::status(304)
            }
            None => Reply::ok(format!("{language} #{}", call.n)),
        };
        reply.header("etag", &tag).header("vary", "accept-language").control("max-age=10")
    });
    let cache = Cache::new(origin_says().keep(secs(100)), &origin);
    let start = Start::now();
    for language in ["en", "de"] {
        cache.send(in_language(language)).await;
    }
    start.at(11.0).await;
    for (language, body) in [("de", "de #2"), ("en", "en #1")] {
        let answer = cache.send(in_language(language)).await;
        assert_eq!((answer.text(), &*answer.said), (body, "fwd=stale; fwd-status=304"));
        assert_eq!(cache.send(in_language(language)).await.said, "hit");
    }
    assert_eq!(origin.calls(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_variant_that_becomes_known_while_its_body_arrives_is_still_fetched_once() {
    let gate = Gate::new();
    let origin = Origin::new({
        let gate = gate.clone();
        move |call| {
            let body = Step::data(format!("{} #{}", call.header("accept-language").unwrap_or("-"), call.n));
            let steps = if call.n == 1 { vec![Step::Gate(gate.clone()), body] } else { vec![body] };
            Reply::steps(steps).header("vary", "accept-language")
        }
    });
    let cache = Cache::new(route(10, 100), &origin);
    let first = cache.spawn_send(in_language("en"));
    rest().await;
    // Another variant is stored before the first one, so that what tells them apart is known by then.
    assert_eq!(cache.send(in_language("de")).await.text(), "de #2");
    let late = cache.spawn_send(in_language("en"));
    rest().await;
    gate.open();
    assert_eq!(first.await.unwrap().text(), "en #1");
    let late = late.await.unwrap();
    assert_eq!((late.text(), &*late.said), ("en #1", "fwd=vary-miss; stored; collapsed"));
    assert_eq!((origin.calls(), cache.handle.stats().flights), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn a_variant_is_fetched_once_though_nothing_is_stored_any_more_that_tells_it_from_others() {
    let (body, head) = (Gate::new(), Gate::new());
    let origin = Origin::new({
        let (body, head) = (body.clone(), head.clone());
        move |call| {
            let text = call.header("accept-language").unwrap_or("-").to_owned();
            let reply = match call.n {
                1 => Reply::steps([Step::Gate(body.clone()), Step::Error]),
                _ => Reply::ok(text).gated(&head),
            };
            reply.header("vary", "accept-language")
        }
    });
    let cache = Cache::new(route(10, 100), &origin);
    let lost = cache.spawn_send(in_language("en"));
    rest().await;
    // It learns from the head of the first what tells them apart, and has a fetch of its own.
    let mut readers = vec![("de", cache.spawn_send(in_language("de")))];
    rest().await;
    body.open();
    assert!(lost.await.unwrap().body_error.is_some());
    // With that one nothing is left that would tell those who come now, but the fetch that is under way.
    for language in ["de", "fr", "de", "fr", "de"] {
        readers.push((language, cache.spawn_send(in_language(language))));
        rest().await;
    }
    assert_eq!((origin.calls(), origin.running()), (3, 2), "one of each, at once");
    head.open();
    for (language, reader) in readers {
        assert_eq!(reader.await.unwrap().text(), language);
    }
    assert_eq!(origin.calls(), 3);
    for language in ["de", "fr"] {
        assert_eq!(cache.send(in_language(language)).await.said, "hit");
    }
    assert_eq!(cache.handle.stats().flights, 0);
}

#[tokio::test(start_paused = true)]
async fn where_fetches_under_way_disagree_what_they_vary_on_who_comes_waits_for_whichever_it_selects() {
    let body = Gate::new();
    let origin = Origin::new({
        let body = body.clone();
        move |call| {
            let vary = if call.n % 2 == 1 { "accept-language" } else { "accept" };
            let text = Step::data(format!("#{}", call.n));
            Reply::steps([Step::Gate(body.clone()), text]).header("vary", vary)
        }
    });
    let cache = Cache::new(route(10, 100), &origin);
    let both = |language, accept| with(&[("accept-language", language), ("accept", accept)]);
    let mut readers = Vec::new();
    for (language, accept, answer) in [
        ("en", "a", "#1"),
        ("de", "b", "#2"),
        ("en", "c", "#1"),
        ("fr", "b", "#2"),
        // Both would do.
        ("en", "b", "#2"),
        ("fr", "c", "#3"),
    ] {
        readers.push((answer, cache.spawn_send(both(language, accept))));
        rest().await;
    }
    assert_eq!((origin.calls(), cache.handle.stats().flights), (3, 3));
    body.open();
    for (answer, reader) in readers {
        assert_eq!(reader.await.unwrap().text(), answer);
    }
    assert_eq!((origin.calls(), cache.handle.stats().flights), (3, 0));
}

#[tokio::test(start_paused = true)]
async fn a_fetch_that_a_purge_has_passed_does_not_stand_in_the_way_of_the_one_that_follows_it() {
    let (head, body) = (Gate::new(), Gate::new());
    let origin = Origin::new({
        let (head, body) = (head.clone(), body.clone());
        move |call| {
            let text = Step::data(format!("{} #{}", call.header("accept-language").unwrap_or("-"), call.n));
            let reply = Reply::steps([Step::Gate(body.clone()), text]).header("vary", "accept-language");
            if call.n == 1 { reply.gated(&head) } else { reply }
        }
    });
    let cache = Cache::new(route(10, 100), &origin);
    let mut readers = vec![cache.spawn_send(in_language("en"))];
    rest().await;
    cache.handle.purge_url("http://example.com/").unwrap();
    // Both turn out to be for one variant, the newer first.
    readers.push(cache.spawn_send(in_language("en")));
    rest().await;
    head.open();
    rest().await;
    for _ in 0..3 {
        readers.push(cache.spawn_send(in_language("en")));
        rest().await;
    }
    body.open();
    let mut texts = Vec::new();
    for reader in readers {
        texts.push(reader.await.unwrap().text().to_owned());
    }
    assert_eq!(texts, ["en #1", "en #2", "en #2", "en #2", "en #2"]);
    assert_eq!((origin.calls(), cache.handle.stats().flights), (2, 0));
}
