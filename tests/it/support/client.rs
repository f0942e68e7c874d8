//! The client's side.

use std::future::Future;

use bytes::{Bytes, BytesMut};
use http::{Extensions, HeaderMap, Request, Response, StatusCode, request};
use http_body_util::BodyExt;
use tower::{Layer, Service};
use tower_swr_cache::{
    BoxError, CacheFailure, CacheHandle, EntryInfo, ResponseBody, SwrCache, SwrConfig, SwrConfigBuilder,
};

use super::{Origin, OriginBody, OriginError, ReqBody, wall};

/// GET of a path of `http://example.com`.
pub(crate) fn request(path: &str) -> request::Builder {
    Request::get(format!("http://example.com{path}"))
}

/// A route of a cache in front of an origin.
#[derive(Clone)]
pub(crate) struct Cache {
    pub(crate) origin: Origin,
    pub(crate) handle: CacheHandle,
    pub(crate) service: SwrCache<Origin>,
}

/// A response with its body on the way.
pub(crate) type Open = Response<ResponseBody<OriginBody>>;

impl Cache {
    /// A route in a cache of its own, whose wall clock stands still.
    pub(crate) fn new(config: SwrConfigBuilder, origin: &Origin) -> Self {
        let handle = CacheHandle::builder().wall_clock(wall).build().unwrap();
        Self::on(&handle, config.build().unwrap(), origin)
    }

    /// A route in a cache.
    pub(crate) fn on(handle: &CacheHandle, config: SwrConfig, origin: &Origin) -> Self {
        let service = handle.layer(config).layer(origin.clone());
        Self { origin: origin.clone(), handle: handle.clone(), service }
    }

    /// Calls the service; a hit is made before the future is polled.
    pub(crate) fn call(
        &self,
        request: request::Builder,
    ) -> impl Future<Output = Result<Open, OriginError>> + Send + 'static + use<> {
        self.service.clone().call(request.body(ReqBody::default()).unwrap())
    }

    /// The response, with its body on the way.
    pub(crate) async fn open(&self, request: request::Builder) -> Open {
        self.call(request).await.unwrap()
    }

    /// The whole answer.
    pub(crate) async fn send(&self, request: request::Builder) -> Answer {
        Answer::read(self.open(request).await).await
    }

    /// The whole answer to GET of a path.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(request(path)).await
    }

    /// The same, in a task of its own.
    pub(crate) fn spawn(&self, path: &str) -> tokio::task::JoinHandle<Answer> {
        self.spawn_send(request(path))
    }

    /// The same, in a task of its own.
    pub(crate) fn spawn_send(&self, request: request::Builder) -> tokio::task::JoinHandle<Answer> {
        let cache = self.clone();
        tokio::spawn(async move { cache.send(request).await })
    }

    /// What is stored for GET of a path.
    pub(crate) fn entry(&self, path: &str) -> Option<EntryInfo> {
        let (parts, ()) = request(path).body(()).unwrap().into_parts();
        self.handle.entry(&parts)
    }
}

/// What a client got.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) extensions: Extensions,
    /// `Cache-Status` without the cache's name.
    pub(crate) said: String,
    /// As much of it as came.
    pub(crate) body: Bytes,
    pub(crate) trailers: Option<HeaderMap>,
    pub(crate) body_error: Option<BoxError>,
}

impl Answer {
    /// Reads a response to its end.
    pub(crate) async fn read(response: Open) -> Self {
        let (head, mut rest) = response.into_parts();
        let (mut body, mut trailers, mut body_error) = (BytesMut::new(), None, None);
        while let Some(frame) = rest.frame().await {
            match frame.map(http_body::Frame::into_data) {
                Ok(Ok(data)) => body.extend_from_slice(&data),
                Ok(Err(frame)) => trailers = frame.into_trailers().ok(),
                Err(error) => {
                    body_error = Some(error);
                    break;
                }
            }
        }
        Self {
            status: head.status,
            said: said(&head.headers),
            headers: head.headers,
            extensions: head.extensions,
            body: body.freeze(),
            trailers,
            body_error,
        }
    }

    /// No answer but an error of the service.
    pub(crate) fn failed() -> Self {
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            headers: HeaderMap::new(),
            extensions: Extensions::new(),
            said: String::new(),
            body: Bytes::new(),
            trailers: None,
            body_error: Some(OriginError.into()),
        }
    }

    /// The body as text; it has to be whole.
    pub(crate) fn text(&self) -> &str {
        assert!(self.body_error.is_none(), "{:?}", self.body_error);
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub(crate) fn age(&self) -> u64 {
        self.header("age").expect("an age").parse().unwrap()
    }

    /// Why the cache had to make up the response, if it did.
    pub(crate) fn failure(&self) -> Option<&'static str> {
        self.extensions.get::<CacheFailure>().map(|failure| failure.reason().as_str())
    }
}

/// `Cache-Status` without the cache's name; it has to have one line.
pub(crate) fn said(headers: &HeaderMap) -> String {
    let lines: Vec<_> = headers.get_all("cache-status").iter().map(|line| line.to_str().unwrap()).collect();
    match lines.as_slice() {
        [] => String::new(),
        [line] => line.strip_prefix("tower-swr-cache; ").unwrap_or(line).to_owned(),
        more => panic!("{more:?}"),
    }
}
