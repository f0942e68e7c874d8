//! Real connections: servers on loopback, and a client that sees the bytes.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, combinators::UnsyncBoxBody};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tower::{Service, ServiceExt};
use tower_swr_cache::BoxError;

/// A request's body as a server hands it on: hyper's own has no default.
pub(crate) type ServedBody = UnsyncBoxBody<Bytes, BoxError>;

/// Serves a service by hyper over HTTP/1.
pub(crate) async fn serve_hyper<S, B>(service: S) -> SocketAddr
where
    S: Service<Request<ServedBody>, Response = Response<B>, Error: Into<BoxError>, Future: Send>
        + Clone
        + Send
        + 'static,
    B: http_body::Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
{
    let service = service.map_request(served);
    accept(move |connection| {
        let serving = hyper::server::conn::http1::Builder::new();
        let serving = serving.serve_connection(connection, TowerToHyperService::new(service.clone()));
        async { drop(serving.await) }
    })
    .await
}

/// The same over HTTP/2.
pub(crate) async fn serve_hyper_2<S, B>(service: S) -> SocketAddr
where
    S: Service<Request<ServedBody>, Response = Response<B>, Error: Into<BoxError>, Future: Send>
        + Clone
        + Send
        + 'static,
    B: http_body::Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
{
    let service = service.map_request(served);
    accept(move |connection| {
        let serving = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        let serving = serving.serve_connection(connection, TowerToHyperService::new(service.clone()));
        async { drop(serving.await) }
    })
    .await
}

fn served(request: Request<hyper::body::Incoming>) -> Request<ServedBody> {
    request.map(|body| body.map_err(Into::into).boxed_unsync())
}

async fn accept<F>(serve: impl Fn(TokioIo<TcpStream>) -> F + Send + 'static) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            tokio::spawn(serve(TokioIo::new(connection)));
        }
    });
    address
}

/// Serves a router by axum.
pub(crate) async fn serve_axum(router: axum::Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// A response as it came over the wire.
#[derive(Debug)]
pub(crate) struct Wire {
    pub(crate) status: u16,
    /// Each header line, its name in lower case.
    pub(crate) headers: Vec<(String, String)>,
    /// All bytes behind the head, with the framing of chunks if there are any.
    pub(crate) body: Vec<u8>,
}

impl Wire {
    /// The values of a header.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        let lines = self.headers.iter().filter(|(own, _)| own == name);
        lines.map(|(_, value)| value.as_str()).collect()
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// `Cache-Status` without the cache's name.
    pub(crate) fn said(&self) -> &str {
        match self.all("cache-status")[..] {
            [line] => line.strip_prefix("tower-swr-cache; ").unwrap(),
            ref lines => panic!("{lines:?}"),
        }
    }
}

/// One request over a connection of its own, and all that comes back until the server closes it.
pub(crate) async fn exchange(to: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)]) -> Wire {
    let lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let request =
        format!("{method} {path} HTTP/1.1\r\nhost: example.com\r\nconnection: close\r\n{lines}\r\n");
    let mut received = Vec::new();
    timeout(Duration::from_secs(20), async {
        let mut connection = TcpStream::connect(to).await.unwrap();
        connection.write_all(request.as_bytes()).await.unwrap();
        connection.read_to_end(&mut received).await.unwrap();
    })
    .await
    .expect("the server closes the connection");
    let end = received.windows(4).position(|bytes| bytes == b"\r\n\r\n").expect("a head");
    let head = String::from_utf8(received[..end].to_vec()).unwrap();
    let (first, lines) = head.split_once("\r\n").unwrap_or((&head, ""));
    let header = |line: &str| {
        let (name, value) = line.split_once(':').unwrap();
        (name.to_ascii_lowercase(), value.trim().to_owned())
    };
    Wire {
        status: first.split(' ').nth(1).unwrap().parse().unwrap(),
        headers: lines.split("\r\n").filter(|line| !line.is_empty()).map(header).collect(),
        body: received[end + 4..].to_vec(),
    }
}
