//! A service with cached routes, its admin service under `/ops`, and readers.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::Path,
    http::{Request, StatusCode},
    response::IntoResponse,
    routing::get,
};
use tokio::{net::TcpListener, runtime::Runtime};
use tower::ServiceExt;
use tower_swr_cache::{CacheHandle, SwrConfig, SwrConfigBuilder, key};

pub(crate) const TOKEN: &str = "open-sesame";

/// What a page would have to fall for.
pub(crate) const MARKUP: &str =
    "<script>document.title='fallen'</script><img src=x onerror=document.title='fallen'>";

/// The service; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Site {
    runtime: Option<Runtime>,
    router: Router,
    pub(crate) address: SocketAddr,
    down: Arc<AtomicBool>,
}

impl Site {
    pub(crate) fn start() -> Self {
        Self::with(false)
    }

    /// With a route whose name, keys and tags are made of markup.
    pub(crate) fn with_markup() -> Self {
        Self::with(true)
    }

    fn with(markup: bool) -> Self {
        let cache = CacheHandle::builder().capacity_bytes(64 << 20).build().expect("a cache");
        let down = Arc::new(AtomicBool::new(false));
        let origin = |tags: fn(&str) -> String| {
            let down = Arc::clone(&down);
            get(move |Path(name): Path<String>| answer(Arc::clone(&down), tags(&name)))
        };
        let odds = times("odds", 4, 600);
        let scores = times("scores", 1, 30).breaker_name("feed");
        let layer = |config: SwrConfigBuilder| cache.layer(config.build().expect("a route"));
        let mut site = Router::new()
            .route("/odds/{name}", origin(|name| format!("odds, {name}")).layer(layer(odds)))
            .route("/scores/{name}", origin(|_| "scores".to_owned()).layer(layer(scores)));
        if markup {
            let odd = times(&format!("<b>{MARKUP}"), 60, 600).no_breaker().key(key::key_by(|_| Some(MARKUP)));
            site = site.route("/odd/{name}", origin(|_| "<b>bold</b>".to_owned()).layer(layer(odd)));
        }
        let admin = cache.admin().token(TOKEN).expect("a token");
        let router = site.nest_service("/ops", admin);
        let mut site = Self { runtime: None, router, address: (Ipv4Addr::LOCALHOST, 0).into(), down };
        site.listen();
        site
    }

    /// Listens, again on the port it had if it had one.
    pub(crate) fn listen(&mut self) {
        let runtime = Runtime::new().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind(self.address)).expect("a port");
        self.address = listener.local_addr().expect("an address");
        runtime.spawn(axum::serve(listener, self.router.clone()).into_future());
        self.runtime = Some(runtime);
    }

    /// Nobody answers any more.
    pub(crate) fn stop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }

    /// The address of the status page.
    pub(crate) fn page(&self) -> String {
        format!("http://{}/ops", self.address)
    }

    /// Readers, as long as the service listens.
    pub(crate) fn read_on(&self) {
        let router = self.router.clone();
        self.runtime.as_ref().expect("it listens").spawn(async move {
            let mut ticks = tokio::time::interval(Duration::from_millis(8));
            loop {
                ticks.tick().await;
                let path = match fastrand::u8(..20) {
                    0..13 => format!("/odds/{}", fastrand::u8(1..20)),
                    13..19 => format!("/scores/{}", fastrand::u8(1..8)),
                    _ => format!("/odds/{}", fastrand::u16(..)),
                };
                let Ok(request) = Request::get(path).body(Body::empty()) else { continue };
                tokio::spawn(router.clone().oneshot(request));
            }
        });
    }

    /// What the cache makes of a request.
    pub(crate) fn ask(&self, path: &str) -> String {
        let request = Request::get(path).body(Body::empty()).expect("a request");
        let asked = async {
            let response = self.router.clone().oneshot(request).await.expect("never fails");
            let said = response.headers().get("cache-status").cloned();
            // A response is stored once its body has been read to its end.
            drop(axum::body::to_bytes(response.into_body(), 1 << 20).await);
            said.and_then(|said| Some(said.to_str().ok()?.to_owned())).unwrap_or_default()
        };
        self.runtime.as_ref().expect("it listens").block_on(asked)
    }

    /// Whether what stands behind the cache fails.
    pub(crate) fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::Relaxed);
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.stop();
    }
}

fn times(name: &str, soft: u64, hard: u64) -> SwrConfigBuilder {
    SwrConfig::builder(name).soft_ttl(Duration::from_secs(soft)).hard_ttl(Duration::from_secs(hard))
}

async fn answer(down: Arc<AtomicBool>, tags: String) -> impl IntoResponse {
    tokio::time::sleep(Duration::from_millis(20)).await;
    let status = if down.load(Ordering::Relaxed) { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    (status, [("cache-tag", tags), ("x-api-token", "hidden".to_owned())], "x".repeat(2000))
}
