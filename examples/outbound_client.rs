//! A `reqwest::Client` with the cache in front of it: a call is a hit the second time, and two identities never meet. It
//! brings a small server to call, and ends by itself:
//!
//! ```text
//! cargo run --features full --example outbound_client
//! ```

use std::{convert::Infallible, error::Error, net::SocketAddr, time::Duration};

use http::{Request, Response, header};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tower::ServiceBuilder;
use tower_swr_cache::{ReqwestService, SwrCacheLayer, SwrConfig, adapter::reqwest::send};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let account = format!("http://{}/account", serve().await?);

    // The server is on this machine, wherever other calls have to go.
    let client = reqwest::Client::builder().no_proxy().build()?;
    let config = SwrConfig::outbound("accounts").soft_ttl(Duration::from_secs(10)).build()?;
    let cached =
        ServiceBuilder::new().layer(SwrCacheLayer::new(config)).service(ReqwestService::new(client.clone()));

    for who in ["alice", "alice", "bob"] {
        let request = client.get(&account).bearer_auth(who).build()?;
        let response = send(cached.clone(), request).await?;
        let status = response.headers()["cache-status"].to_str()?.to_owned();
        println!("{who} asks {}", response.url());
        println!("    {}", response.text().await?);
        println!("    {status}");
    }
    Ok(())
}

/// A server on a free port, for as long as the program runs.
async fn serve() -> Result<SocketAddr, Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(account)));
        }
    });
    Ok(address)
}

async fn account(request: Request<Incoming>) -> Result<Response<String>, Infallible> {
    let who = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let who = who.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or("nobody");
    let text = format!("the account of {who}");
    println!("    the server is asked for {text}");
    Ok(Response::builder().header(header::CACHE_CONTROL, "private").body(text).unwrap_or_default())
}
