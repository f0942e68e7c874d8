//! Servers for `benches/e2e.sh`: an axum handler of constants, alone or behind the layer, and what no server can do without.
//!
//! ```text
//! e2e constants|layer|floor      prints `listening on ADDR`, serves until it is killed
//! ```

use std::{
    env,
    io::{self, IoSlice},
    time::Duration,
};

use axum::{Router, routing::get};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
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

/// One read and one write of a head and a body from memory, and no HTTP: what every server does that copies what it sends.
async fn floor(listener: TcpListener) -> io::Result<()> {
    let answers = [1 << 10, 100 << 10].map(|bytes| [head(bytes), vec![b'x'; bytes].into()]);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(answer(stream, answers.clone()));
    }
}

async fn answer(mut stream: TcpStream, answers: [[Bytes; 2]; 2]) -> io::Result<()> {
    let mut request = [0; 1 << 10];
    while stream.read(&mut request).await? > 0 {
        let answer = &answers[usize::from(request.starts_with(b"GET /100 "))];
        let mut left = &mut answer.each_ref().map(|bytes| IoSlice::new(bytes))[..];
        while !left.is_empty() {
            let written = stream.write_vectored(left).await?;
            IoSlice::advance_slices(&mut left, written);
        }
    }
    Ok(())
}

/// As long as what hyper makes of the headers and its `Date`.
fn head(length: usize) -> Bytes {
    let mut head = b"HTTP/1.1 200 OK\r\n".to_vec();
    let mut field = |name: &str, value: &[u8]| head.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
    headers().iter().for_each(|(name, value)| field(name.as_str(), value.as_bytes()));
    field("content-length", length.to_string().as_bytes());
    field("date", b"Tue, 14 Nov 2023 22:13:20 GMT");
    head.extend(b"\r\n");
    head.into()
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = env::args().nth(1).unwrap_or_default();
    if !matches!(server.as_str(), "constants" | "layer" | "floor") {
        // `cargo bench` runs all benches.
        println!("\ne2e: run by benches/e2e.sh");
        return Ok(());
    }
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on {}", listener.local_addr()?);
    match server.as_str() {
        "layer" => {
            let route = SwrConfig::builder("constants").soft_ttl(HOUR).hard_ttl(HOUR).build()?;
            axum::serve(listener, app().layer(SwrCacheLayer::new(route))).await?;
        }
        "floor" => floor(listener).await?,
        _ => axum::serve(listener, app()).await?,
    }
    Ok(())
}
