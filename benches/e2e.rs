//! An axum server for `benches/e2e.sh`: a handler of constants, alone or behind the layer.
//!
//! ```text
//! e2e constants|layer      prints `listening on ADDR`, serves until it is killed
//! ```

use std::{env, time::Duration};

use axum::{Router, routing::get};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use tokio::net::TcpListener;
use tower_swr_cache::{SwrCacheLayer, SwrConfig};

const HOUR: Duration = Duration::from_secs(3600);

/// Eight, as they are usual; the server adds `Date`.
fn headers() -> HeaderMap {
    [
        (header::CACHE_CONTROL, "max-age=3600"),
        (header::CONTENT_TYPE, "application/json"),
        (header::ETAG, "\"some-rather-long-entity-tag\""),
        (header::LAST_MODIFIED, "Tue, 14 Nov 2023 22:13:20 GMT"),
        (header::SERVER, "an origin"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ]
    .map(|(name, value)| (name, HeaderValue::from_static(value)))
    .into_iter()
    .collect()
}

fn app() -> Router {
    let constant = |bytes: usize| {
        let answer = (headers(), Bytes::from(vec![b'x'; bytes]));
        get(move || std::future::ready(answer.clone()))
    };
    Router::new().route("/1", constant(1 << 10)).route("/100", constant(100 << 10))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let app = match env::args().nth(1).as_deref() {
        Some("constants") => app(),
        Some("layer") => {
            let route = SwrConfig::builder("constants").soft_ttl(HOUR).hard_ttl(HOUR).build()?;
            app().layer(SwrCacheLayer::new(route))
        }
        // `cargo bench` runs all benches.
        _ => {
            println!("\ne2e: run by benches/e2e.sh");
            return Ok(());
        }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on {}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}
