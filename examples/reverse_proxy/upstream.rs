//! Forwards a request to the upstream. A failure is an `Err`, so that the cache before it sees one.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::header::{self, HeaderValue};
use http::uri::{Authority, PathAndQuery, Scheme, Uri};
use http::{Request, Response, StatusCode, Version};
use http_body::Body;
use hyper::body::Incoming;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{self, Client};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tower::Service;

use crate::body::RequestBody;
use crate::fields;

/// Shorter than what servers allow by default (five seconds, many of them), so that a request rarely meets a connection
/// that is just being closed.
const POOL_IDLE: Duration = Duration::from_secs(4);

/// The upstream, with a pool of connections that all clones share.
#[derive(Debug, Clone)]
pub(crate) struct Upstream {
    client: Client<HttpConnector, RequestBody>,
    authority: Authority,
}

impl Upstream {
    pub(crate) fn new(authority: &Authority, connect_timeout: Duration) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(connect_timeout));
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(POOL_IDLE)
            .pool_timer(TokioTimer::new())
            .build(connector);
        Self { client, authority: authority.clone() }
    }

    /// Turns what the client asked us into what we ask the upstream. Path and query stay as they are, byte for byte.
    fn readdress(&self, request: &mut Request<RequestBody>) -> Result<(), UpstreamError> {
        let target = std::mem::take(request.uri_mut());
        fields::set_host(request.headers_mut(), &target);
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(Scheme::HTTP);
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = Some(path_and_query(target)?);
        *request.uri_mut() = Uri::from_parts(parts).map_err(|_| UpstreamError::Target)?;

        let received = std::mem::replace(request.version_mut(), Version::HTTP_11);
        let streamed = !request.body().is_end_stream();
        let headers = request.headers_mut();
        fields::add_via(headers, received);
        if headers.contains_key(header::TE) {
            headers.insert(header::CONNECTION, HeaderValue::from_static("te"));
        }
        // hyper drops a GET's body unless one of the two fields announces it.
        if streamed && !headers.contains_key(header::CONTENT_LENGTH) {
            headers.insert(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        }
        Ok(())
    }
}

impl Service<Request<RequestBody>> for Upstream {
    type Response = Response<Incoming>;
    type Error = UpstreamError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<RequestBody>) -> Self::Future {
        let response = self.readdress(&mut request).map(|()| self.client.request(request));
        Box::pin(async move {
            let mut response = response?.await.map_err(UpstreamError::Exchange)?;
            if response.status() == StatusCode::SWITCHING_PROTOCOLS {
                return Err(UpstreamError::Switched);
            }
            let received = std::mem::replace(response.version_mut(), Version::HTTP_11);
            let headers = response.headers_mut();
            fields::remove_hop_by_hop(headers);
            fields::join_content_length(headers);
            fields::add_via(headers, received);
            Ok(response)
        })
    }
}

/// An absolute target may go from its authority straight to its query; on the wire a path has to stand between.
fn path_and_query(target: Uri) -> Result<PathAndQuery, UpstreamError> {
    match target.into_parts().path_and_query {
        None => Ok(PathAndQuery::from_static("/")),
        Some(path) if path.as_str().starts_with('?') => {
            format!("/{}", path.as_str()).parse().map_err(|_| UpstreamError::Target)
        }
        Some(path) => Ok(path),
    }
}

/// Why there is no response.
#[derive(Debug)]
pub(crate) enum UpstreamError {
    /// The target cannot be written for the upstream.
    Target,
    /// No connection, or what came over it was not a response.
    Exchange(legacy::Error),
    /// It switched protocols, which nobody had asked it to.
    Switched,
}

impl fmt::Display for UpstreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Target => "the target cannot be forwarded",
            Self::Exchange(_) => "the exchange with the upstream failed",
            Self::Switched => "the upstream switched protocols unasked",
        })
    }
}

impl std::error::Error for UpstreamError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Exchange(error) => Some(error),
            Self::Target | Self::Switched => None,
        }
    }
}
