//! The README's first code block, and two requests that show it at work.

use std::error::Error;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Path;
use axum::http::Request;
use axum::{Router, routing::get};
use tower::ServiceExt;
use tower_swr_cache::{SwrCacheLayer, SwrConfig};

async fn odds_handler(Path(sport): Path<String>) -> String {
    format!("{sport}: 1.85")
}

fn app() -> Result<Router, Box<dyn Error>> {
    let odds = SwrConfig::builder("odds")
        .soft_ttl(Duration::from_secs(30))
        .hard_ttl(Duration::from_secs(300))
        .build()?;
    Ok(Router::new().route("/odds/{sport}", get(odds_handler)).layer(SwrCacheLayer::new(odds)))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let app = app()?;
    for wanted in ["fwd=uri-miss", "hit"] {
        let request = Request::builder().uri("/odds/nba").header("host", "example.com").body(Body::empty())?;
        let response = app.clone().oneshot(request).await?;
        let status = response.headers().get("cache-status").ok_or("no Cache-Status")?.to_str()?.to_owned();
        let body = axum::body::to_bytes(response.into_body(), 1024).await?;
        println!("{status}  {}", String::from_utf8_lossy(&body));
        if body != "nba: 1.85" || !status.contains(wanted) {
            return Err(format!("wanted {wanted}").into());
        }
    }
    Ok(())
}
