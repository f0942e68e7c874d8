//! A cache in front of a [`reqwest::Client`] (feature `reqwest`).
//!
//! [`ReqwestService`] is the client as a tower service; [`send`] takes reqwest's request through a stack and gives reqwest's
//! response back, from wherever it came.
//!
//! ```no_run
//! use std::time::Duration;
//! use tower::ServiceBuilder;
//! use tower_swr_cache::{ReqwestService, SwrCacheLayer, SwrConfig, adapter::reqwest::send};
//!
//! # async fn ask() -> Result<(), Box<dyn std::error::Error>> {
//! let quotes = SwrConfig::outbound("quotes").soft_ttl(Duration::from_secs(10)).build()?;
//! let client = reqwest::Client::new();
//! let cached = ServiceBuilder::new().layer(SwrCacheLayer::new(quotes)).service(ReqwestService::new(client.clone()));
//!
//! let request = client.get("http://api.example/quotes/nba").bearer_auth("secret").build()?;
//! let response = send(cached.clone(), request).await?;
//! println!("{} from {}", response.status(), response.url());
//! # Ok(())
//! # }
//! ```
//!
//! # What the cache cannot see
//!
//! * **What the client adds by itself**: `default_headers`, and the cookies of its cookie store. A client that brings an
//!   identity in them gets a route of its own, and a store that no client of another identity shares; better, put the
//!   identity into the request (`bearer_auth`), where the key has it.
//! * **Redirects that the client follows.** The last response is stored under the first URL, for as long as that response
//!   (or the route) says, whatever the redirects say. Where that is wrong, the client's policy is
//!   `reqwest::redirect::Policy::none()`.
//!
//! # Where a response came from
//!
//! [`reqwest::Response::url`] names the last URL after all redirects. It travels as [`FinalUri`] in a response's extensions:
//! [`ReqwestService`] puts it there, the cache keeps it with what it stores, and [`response`] reads it. A response that the
//! cache makes up (a 504 for `only-if-cached`, say) comes from nowhere: [`send`] names the URL of the request.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::Uri;
use pin_project_lite::pin_project;
use reqwest::{Body, Client, Error, Request, Response, ResponseBuilderExt, Url};
use tower::{Service, ServiceExt};

use crate::{BoxError, FinalUri};

/// A [`reqwest::Client`] as a service from [`http::Request`] to [`http::Response`], with [`FinalUri`] in the extensions.
#[derive(Clone, Debug, Default)]
pub struct ReqwestService {
    client: Client,
}

impl ReqwestService {
    /// The service of this client.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self { client }
    }
}

impl From<Client> for ReqwestService {
    fn from(client: Client) -> Self {
        Self::new(client)
    }
}

impl Service<http::Request<Body>> for ReqwestService {
    type Response = http::Response<Body>;
    type Error = Error;
    type Future = ReqwestFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Service::<Request>::poll_ready(&mut self.client, cx)
    }

    fn call(&mut self, request: http::Request<Body>) -> ReqwestFuture {
        let state = match Request::try_from(request) {
            Ok(request) => State::Called { call: self.client.call(request) },
            Err(error) => State::Refused { error: Some(error) },
        };
        ReqwestFuture { state }
    }
}

type Call = <Client as Service<Request>>::Future;

pin_project! {
    /// The future of [`ReqwestService`].
    pub struct ReqwestFuture {
        #[pin]
        state: State,
    }
}

pin_project! {
    #[project = StateProj]
    enum State {
        Called { #[pin] call: Call },
        // The request's URI is none that the client can call.
        Refused { error: Option<Error> },
    }
}

impl Future for ReqwestFuture {
    type Output = Result<http::Response<Body>, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProj::Called { call } => Poll::Ready(ready!(call.poll(cx)).map(with_its_uri)),
            StateProj::Refused { error } => {
                error.take().map_or(Poll::Pending, |error| Poll::Ready(Err(error)))
            }
        }
    }
}

impl fmt::Debug for ReqwestFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReqwestFuture").finish_non_exhaustive()
    }
}

/// Sends a request through `service`, once that is ready: a cache in front of [`ReqwestService`], or any stack of layers.
///
/// # Errors
/// Those of the service; and reqwest's, if the request's URL is no URI.
pub async fn send<S, B>(service: S, request: Request) -> Result<Response, S::Error>
where
    S: Service<http::Request<Body>, Response = http::Response<B>, Error: From<Error>>,
    B: http_body::Body<Data: Into<Bytes>, Error: Into<BoxError>> + Send + Sync + 'static,
{
    let request = self::request(request)?;
    let asked = FinalUri(request.uri().clone());
    let mut answer = service.oneshot(request).await?;
    answer.extensions_mut().get_or_insert_with(|| asked);
    Ok(response(answer))
}

/// A request as the service takes it: method, URL, headers, body and time-out.
///
/// # Errors
/// When its URL is no URI.
pub fn request(request: Request) -> Result<http::Request<Body>, Error> {
    request.try_into()
}

/// A response as reqwest gives it, with its body on the way and [`FinalUri`] as its [`url`](Response::url); that is
/// `http://no.url.provided.local`, as reqwest has it, where there is none.
pub fn response<B>(response: http::Response<B>) -> Response
where
    B: http_body::Body<Data: Into<Bytes>, Error: Into<BoxError>> + Send + Sync + 'static,
{
    let mut response = response.map(Body::wrap);
    let uri = response.extensions_mut().remove::<FinalUri>();
    if let Some(url) = uri.and_then(|FinalUri(uri)| Url::parse(&uri.to_string()).ok()) {
        // Only a builder can make the extension that reqwest reads the URL from.
        let marked = http::Response::builder().url(url).body(());
        response.extensions_mut().extend(marked.unwrap_or_default().into_parts().0.extensions);
    }
    response.into()
}

fn with_its_uri(response: Response) -> http::Response<Body> {
    let uri = response.url().as_str().parse::<Uri>();
    let mut response = http::Response::from(response);
    if let Ok(uri) = uri {
        response.extensions_mut().insert(FinalUri(uri));
    }
    response
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_request_keeps_all_it_has() {
        let client = Client::new();
        let builder = client.post("http://a.example/p?q#f").header("x-a", "1").bearer_auth("t").body("text");
        let made = request(builder.timeout(Duration::from_secs(7)).build().unwrap()).unwrap();
        assert_eq!((made.method().as_str(), made.uri().to_string()), ("POST", "http://a.example/p?q".into()));
        assert_eq!(
            (&made.headers()["x-a"], &made.headers()["authorization"]),
            (&"1".parse().unwrap(), &"Bearer t".parse().unwrap())
        );
        let back = Request::try_from(made).unwrap();
        assert_eq!(back.timeout(), Some(&Duration::from_secs(7)));
        assert_eq!(back.body().and_then(Body::as_bytes), Some(&b"text"[..]));
    }
}
