//! The status page: one document with all it needs. Where there is JavaScript it is live; where there is none it is a table
//! of the moment.

use std::{fmt::Display, time::Duration};

use http::{HeaderValue, StatusCode, header};

use super::reply::{self, Reply};
use crate::{
    breaker::{BreakerInfo, BreakerState},
    config::Mode,
    handle::CacheHandle,
    health::{HealthStatus, RouteHealth, StoreStats},
    rfc3339,
    telemetry::Quantiles,
};

const TEMPLATE: &str = include_str!("index.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = concat!(
    include_str!("base.js"),
    include_str!("model.js"),
    include_str!("view.js"),
    include_str!("live.js"),
    include_str!("lookup.js"),
    include_str!("purge.js"),
);

/// What the page may do: run its own script, have its own style, ask where it came from. Both are known by their hashes, so
/// that nothing which gets into the page by mistake runs. A test has the right ones.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; \
     script-src 'sha256-38vRqdVvdhnWGVb5OEMqaU7bQ08+WkrA4rd/V0FnJZc='; \
     style-src 'sha256-3TGOnv0xvUmtlLde9nn8BQ1a7sfP1T8wKrspFhVWVf0='; \
     img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

/// `GET /`: the page. With a token there is something to unlock.
pub(super) fn show(cache: &CacheHandle, has_token: bool) -> Reply {
    let health = cache.cache_health();
    let (status, why) = (cache.health().status, cache.health().tiered_cache.hit_ratio_5m);
    let page = fill(TEMPLATE, |name| match name {
        "style" => STYLE.to_owned(),
        "script" => SCRIPT.to_owned(),
        "moment" => rfc3339::shown(cache.core().clock.wall()).to_string(),
        "status" => status.as_str().to_owned(),
        "word" => if status == HealthStatus::Ok { "OK" } else { "Degraded" }.to_owned(),
        "why" => format!("{} from memory in the last five minutes.", percent(why)),
        "breakers" => health.breakers.iter().map(breaker_row).collect(),
        "routes" => health.routes.iter().map(route_row).collect(),
        "store" => store_line(&health.store),
        "token" => if has_token { "yes" } else { "no" }.to_owned(),
        _ => String::new(),
    });
    let mut reply = reply::reply(StatusCode::OK, HTML, page);
    let headers = reply.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    reply
}

fn route_row(route: &RouteHealth) -> String {
    let stats = &route.stats;
    let refreshes = stats.refresh_failures + stats.refresh_successes;
    row([
        ("Route", stats.route.clone()),
        ("A second", NONE.to_owned()),
        ("Requests", stats.requests().to_string()),
        ("From memory", percent(stats.recent.hit)),
        ("Fresh", percent(stats.recent.fresh)),
        ("Hits p50 · p99", quantiles(stats.from_cache)),
        ("Misses p50 · p99", quantiles(stats.from_upstream)),
        ("Runway", span(route.stale_runway)),
        ("Refreshes failed", format!("{} of {refreshes}", stats.refresh_failures)),
        ("TTLs", format!("{}, {}", span(route.soft_ttl), span(route.hard_ttl))),
        ("State", state(route)),
    ])
}

/// What is to be known of a route first, as the script says it, too.
fn state(RouteHealth { stats, mode, serve_stale_until, breaker, failing, .. }: &RouteHealth) -> String {
    match (failing, mode, serve_stale_until, breaker) {
        (Some(failing), ..) => format!("failing for {}", span(Some(*failing))),
        (None, Mode::Observe, ..) => {
            let compared = stats.observed_same + stats.observed_different;
            format!("observe: {} of {compared} differ", stats.observed_different)
        }
        (None, Mode::Bypass, ..) => mode.as_str().to_owned(),
        (None, Mode::On, Some(until), _) => format!("stale until {}", rfc3339::shown(*until)),
        (None, Mode::On, None, Some(breaker)) if breaker.state != BreakerState::Closed => {
            format!("breaker {}", breaker.state.as_str())
        }
        (None, Mode::On, None, _) => "ok".to_owned(),
    }
}

fn breaker_row(breaker: &BreakerInfo) -> String {
    row([
        ("Breaker", breaker.name.clone()),
        ("State", breaker.state.as_str().to_owned()),
        ("Next probe", span(breaker.remaining)),
        ("Failures in a row", breaker.failures.to_string()),
        ("Goes by", breaker.mode.as_str().to_owned()),
    ])
}

fn store_line(store: &StoreStats) -> String {
    let StoreStats { keys, stored_bytes, capacity_bytes, fetches, .. } = store;
    format!("{keys} keys, {stored_bytes} of {capacity_bytes} bytes; {fetches} fetches in flight.")
}

/// A row of a table: its name, then its cells. The labels are for narrow screens, where a cell stands alone.
fn row<const N: usize>(cells: [(&str, String); N]) -> String {
    let cells = cells.iter().enumerate().map(|(n, (label, text))| match n {
        0 => format!("<th scope=\"row\">{}</th>", escaped(text)),
        _ => format!("<td data-label=\"{}\">{}</td>", escaped(label), escaped(text)),
    });
    format!("<tr>{}</tr>\n", cells.collect::<String>())
}

const NONE: &str = "–";

/// Rounded down: what is not all is never shown as 100 %.
fn percent(part: Option<f64>) -> String {
    part.map_or(NONE.to_owned(), |part| format!("{:.1} %", (part * 1000.0).floor() / 10.0))
}

fn span(span: Option<Duration>) -> String {
    let shown = |span: Duration| {
        if span < Duration::from_secs(10) { format!("{span:.1?}") } else { format!("{} s", span.as_secs()) }
    };
    span.map_or(NONE.to_owned(), shown)
}

fn quantiles(quantiles: Option<Quantiles>) -> String {
    quantiles.map_or(NONE.to_owned(), |of| format!("{} · {}", span(Some(of.p50)), span(Some(of.p99))))
}

/// The template with each `{{name}}` replaced. What is put in is not looked at again.
fn fill(template: &str, value: impl Fn(&str) -> String) -> String {
    let mut filled = String::with_capacity(template.len() + STYLE.len() + SCRIPT.len() + 4096);
    let mut rest = template;
    while let Some((before, (name, after))) =
        rest.split_once("{{").and_then(|(before, more)| Some((before, more.split_once("}}")?)))
    {
        filled.push_str(before);
        filled.push_str(&value(name));
        rest = after;
    }
    filled.push_str(rest);
    filled
}

/// Text as HTML has it, in elements and in quoted attributes.
fn escaped(text: impl Display) -> String {
    let mut escaped = String::new();
    for c in text.to_string().chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::STANDARD};
    use sha2::{Digest, Sha256};

    use super::*;

    /// Run it after a change, and take the hash that it wants.
    #[test]
    fn the_policy_knows_the_script_and_the_style() {
        let policy = POLICY.to_str().expect("is ASCII").to_owned();
        for (directive, text) in [("script-src", SCRIPT), ("style-src", STYLE)] {
            let wanted = format!("{directive} 'sha256-{}';", STANDARD.encode(Sha256::digest(text)));
            assert!(policy.contains(&wanted), "{wanted}");
        }
    }

    #[test]
    fn text_is_no_markup() {
        assert_eq!(
            escaped(r#"<a href="x" id='y'>&amp;</a>"#),
            "&lt;a href=&quot;x&quot; id=&#39;y&#39;&gt;&amp;amp;&lt;/a&gt;"
        );
    }

    #[test]
    fn what_is_filled_in_is_not_filled_again() {
        let value = |name: &str| if name == "a" { "{{b}}".to_owned() } else { "b".to_owned() };
        for (template, expected) in [("{{a}}-{{b}}", "{{b}}-b"), ("{{a", "{{a"), ("}}{{b}}", "}}b"), ("", "")]
        {
            assert_eq!(fill(template, value), expected, "{template}");
        }
    }

    #[test]
    fn all_of_it_is_small() {
        let size = TEMPLATE.len() + STYLE.len() + SCRIPT.len();
        assert!(size < 40 << 10, "{size} bytes");
    }
}
