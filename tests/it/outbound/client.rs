//! The same with reqwest's client, over a real connection.

use std::{
    convert::Infallible,
    future::{Future, poll_fn},
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::Poll,
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use reqwest::{Body, Client, Method, Request, Response, Url};
use tokio::net::TcpListener;
use tower::{Layer, Service};
use tower_swr_cache::{
    FinalUri, ReqwestService, ResponseBody, SwrCache, SwrCacheLayer, SwrConfig,
    adapter::reqwest::{request, response, send},
};

use crate::support::{said, secs};

/// A server on a port of its own, for as long as the test's runtime lives.
struct Server {
    address: SocketAddr,
    calls: Arc<AtomicUsize>,
}

impl Server {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let calls = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&calls);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let count = Arc::clone(&count);
                let service =
                    service_fn(move |request| answer(request, count.fetch_add(1, Ordering::SeqCst) + 1));
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { address, calls }
    }

    fn url(&self, path: &str) -> Url {
        format!("http://{}{path}", self.address).parse().unwrap()
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

/// Who asked what, and the number of the call; `/old` is to be found at `/new`.
async fn answer(
    request: http::Request<Incoming>,
    n: usize,
) -> Result<http::Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let field = |name| head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("-").to_owned();
    let mut response = http::Response::builder();
    if head.uri.path() == "/old" {
        response = response.status(302).header("location", "/new");
    } else if head.uri.path() == "/tagged" {
        response = response.header("etag", "\"1\"").header("cache-control", "max-age=0");
        if field("if-none-match") == "\"1\"" {
            return Ok(response.status(304).body(Full::default()).unwrap());
        }
    }
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let text =
        format!("{} {} {} {} {n}", head.method, field("authorization"), field("content-length"), body.len());
    Ok(response.body(Full::from(text)).unwrap())
}

/// One that goes straight to the server, whatever the environment says of proxies.
fn plain_client() -> Client {
    Client::builder().no_proxy().build().unwrap()
}

fn cached(config: SwrConfig) -> SwrCache<ReqwestService> {
    SwrCacheLayer::new(config).layer(ReqwestService::new(plain_client()))
}

fn for_a_minute() -> SwrCache<ReqwestService> {
    cached(SwrConfig::outbound("client").soft_ttl(secs(60)).build().unwrap())
}

/// What came, and what the cache says of it.
async fn told(response: Response) -> (String, String) {
    let said = said(response.headers());
    (response.text().await.unwrap(), said)
}

#[tokio::test]
async fn a_call_with_bearer_auth_is_a_hit_the_second_time_and_two_identities_never_meet() {
    let server = Server::start().await;
    let (client, cache) = (plain_client(), for_a_minute());
    for said in ["fwd=uri-miss; stored", "hit"] {
        for (n, who) in ["alice", "bob"].into_iter().enumerate() {
            let request = client.get(server.url("/quotes")).bearer_auth(who).build().unwrap();
            let response = send(cache.clone(), request).await.unwrap();
            assert_eq!(response.url(), &server.url("/quotes"));
            assert_eq!(told(response).await, (format!("GET Bearer {who} - 0 {}", n + 1), said.to_owned()));
        }
    }
    assert_eq!(server.calls(), 2);
}

#[tokio::test]
async fn the_final_url_travels_with_what_is_stored() {
    let server = Server::start().await;
    let cache = for_a_minute();
    for said in ["fwd=uri-miss; stored", "hit"] {
        let response = send(cache.clone(), Request::new(Method::GET, server.url("/old"))).await.unwrap();
        assert_eq!(response.url(), &server.url("/new"), "{said}");
        assert_eq!(told(response).await, ("GET - - 0 2".to_owned(), said.to_owned()));
    }
    // Without `send`, and for a HEAD, too.
    let head = request(Request::new(Method::HEAD, server.url("/old"))).unwrap();
    assert_eq!(response(cache.clone().call(head).await.unwrap()).url(), &server.url("/new"));
    assert_eq!(server.calls(), 2);
}

#[tokio::test]
async fn a_confirmed_response_has_its_url_and_its_body() {
    let server = Server::start().await;
    let cache = cached(SwrConfig::outbound("client").build().unwrap());
    for (n, said) in ["fwd=uri-miss; stored", "fwd=stale; fwd-status=304"].into_iter().enumerate() {
        let response = send(cache.clone(), Request::new(Method::GET, server.url("/tagged"))).await.unwrap();
        assert_eq!(response.url(), &server.url("/tagged"));
        assert_eq!(told(response).await, ("GET - - 0 1".to_owned(), said.to_owned()));
        assert_eq!(server.calls(), n + 1);
    }
}

#[tokio::test]
async fn a_response_that_the_cache_makes_up_has_the_requests_url() {
    let server = Server::start().await;
    let request = plain_client().get(server.url("/")).header("cache-control", "only-if-cached").build();
    let response = send(for_a_minute(), request.unwrap()).await.unwrap();
    assert_eq!((response.status().as_u16(), response.url()), (504, &server.url("/")));
    assert_eq!(server.calls(), 0);
}

#[tokio::test]
async fn what_is_not_cached_passes_with_its_body_and_its_url() {
    let server = Server::start().await;
    let cache = for_a_minute();
    for n in 1..3 {
        let request = plain_client().post(server.url("/orders")).body("text").build().unwrap();
        let response = send(cache.clone(), request).await.unwrap();
        assert_eq!(response.url(), &server.url("/orders"));
        assert_eq!(told(response).await, (format!("POST - 4 4 {n}"), "fwd=method; detail=method".to_owned()));
    }
}

#[tokio::test]
async fn errors_are_the_clients_own() {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let url: Url = format!("http://{gone}/").parse().unwrap();
    let error = send(for_a_minute(), Request::new(Method::GET, url.clone())).await.unwrap_err();
    assert!(error.is_connect() && error.url() == Some(&url), "{error:?}");

    let relative = http::Request::get("/no/url").body(Body::default()).unwrap();
    let error = ReqwestService::new(plain_client()).call(relative).await.unwrap_err();
    assert!(error.is_builder(), "{error:?}");
}

#[tokio::test]
async fn the_service_is_as_ready_as_the_client_and_its_responses_can_be_sent_anywhere() {
    fn is_fit<T: Send + Sync + 'static>() {}
    is_fit::<ReqwestService>();
    is_fit::<ResponseBody<Body>>();
    let mut service = ReqwestService::from(plain_client());
    assert!(poll_fn(|cx| Poll::Ready(service.poll_ready(cx))).await.is_ready());
    let future: Box<dyn Future<Output = _> + Send> = Box::new(service.call(http::Request::default()));
    drop(future);
}

#[tokio::test]
async fn without_a_final_uri_a_response_has_reqwests_placeholder() {
    let plain = response(http::Response::new(Body::from("text")));
    assert_eq!(plain.url().as_str(), "http://no.url.provided.local/");
    let mut told = http::Response::new(Body::from("text"));
    told.extensions_mut().insert(FinalUri("http://a.example/b".parse().unwrap()));
    assert_eq!(response(told).url().as_str(), "http://a.example/b");
}
