//! A hyper 1 server with the cache in front of its handler, without a framework. It serves until it is stopped:
//!
//! ```text
//! cargo run --features full --example hyper_server -- 127.0.0.1:3000
//! curl -i http://127.0.0.1:3000/odds/nba
//! ```
//!
//! The one thing that hyper needs beyond the layer: a fetch belongs to no client and sends no body, so the body type of
//! requests has to have a `Default`. `Incoming` has none; boxed, it has.

use std::{convert::Infallible, error::Error, time::Duration};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
    service::TowerToHyperService,
};
use tokio::net::TcpListener;
use tower::ServiceBuilder;
use tower_swr_cache::{SwrCacheLayer, SwrConfig};

type RequestBody = UnsyncBoxBody<Bytes, hyper::Error>;

/// As slow as a handler that is worth a cache.
async fn handler(request: Request<RequestBody>) -> Result<Response<Full<Bytes>>, Infallible> {
    tokio::time::sleep(Duration::from_millis(500)).await;
    Ok(Response::new(Full::from(format!("fetched: {}\n", request.uri().path()))))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let odds = SwrConfig::builder("odds")
        .soft_ttl(Duration::from_secs(5))
        .hard_ttl(Duration::from_secs(60))
        .build()?;
    let service = ServiceBuilder::new()
        .map_request(|request: Request<Incoming>| request.map(BodyExt::boxed_unsync))
        .layer(SwrCacheLayer::new(odds))
        .service_fn(handler);

    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".to_owned());
    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        let service = TowerToHyperService::new(service.clone());
        tokio::spawn(async move {
            // A connection that breaks is its client's affair.
            let _ = auto::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}
