//! The service: finds what a request is for, and who may have it.

use std::{
    convert::Infallible,
    task::{Context, Poll},
};

use http::{HeaderMap, Method, Request, StatusCode, Uri, header};
use http_body::Body;
use serde_json::json;
use tower::Service;

use super::{
    auth::{self, Token},
    calls::Act,
    entries, explain,
    future::AdminFuture,
    history::History,
    page,
    reply::{self, Reply},
};
#[cfg(feature = "prometheus")]
use crate::telemetry::{Exporter, TEXT_FORMAT};
use crate::{error::ConfigError, handle::CacheHandle, key::percent};

/// The admin surface of a cache, as [`CacheHandle::admin`](crate::CacheHandle::admin) makes it. See the
/// [module](crate::admin) for its pages. A clone is the same surface.
#[derive(Clone, Debug)]
#[must_use = "a service does nothing until it is mounted"]
pub struct Admin {
    cache: CacheHandle,
    token: Option<Token>,
    #[cfg(feature = "prometheus")]
    exporter: Option<Exporter>,
}

/// What a path stands for: something to look at, to look for, or to do.
#[derive(Debug)]
enum Endpoint {
    Page(Page),
    /// A look through all keys, which takes a while.
    Search,
    Act(Act),
}

#[derive(Debug)]
enum Page {
    Status,
    Health,
    Live,
    Ready,
    CacheHealth,
    History,
    Entry,
    Explain,
    #[cfg(feature = "prometheus")]
    Metrics(Exporter),
}

impl Endpoint {
    /// Whether it is there only for those who know the token.
    const fn is_guarded(&self) -> bool {
        match self {
            Self::Page(page) => page.shows_keys(),
            Self::Search | Self::Act(_) => true,
        }
    }
}

impl Page {
    /// Whether it shows more than totals: keys, and what was asked for.
    const fn shows_keys(&self) -> bool {
        match self {
            Self::Status | Self::Health | Self::Live | Self::Ready | Self::CacheHealth | Self::History => {
                false
            }
            Self::Entry | Self::Explain => true,
            #[cfg(feature = "prometheus")]
            Self::Metrics(_) => false,
        }
    }
}

impl CacheHandle {
    /// The admin surface of the cache, to be mounted wherever operators can reach it.
    pub fn admin(&self) -> Admin {
        Admin::new(self.clone())
    }
}

impl Admin {
    fn new(cache: CacheHandle) -> Self {
        Self {
            cache,
            token: None,
            #[cfg(feature = "prometheus")]
            exporter: None,
        }
    }

    /// What those have to know who change something or see more than totals: `Authorization: Bearer …`. Defaults to none,
    /// and then there are no such calls and pages.
    ///
    /// # Errors
    /// When it is empty, or has other characters than visible ASCII, which no header could bring.
    pub fn token(mut self, token: impl AsRef<str>) -> Result<Self, ConfigError> {
        self.token = Some(Token::new(token.as_ref())?);
        Ok(self)
    }

    /// What `/metrics` shows. Defaults to none, and then there is no such page.
    #[cfg(feature = "prometheus")]
    pub fn exporter(mut self, exporter: Exporter) -> Self {
        self.exporter = Some(exporter);
        self
    }

    fn endpoint(&self, path: &str) -> Option<Endpoint> {
        let page = || self.page(path).map(Endpoint::Page);
        let endpoint = match path {
            "/entries" => Endpoint::Search,
            _ => page().or_else(|| self.act(path).map(Endpoint::Act))?,
        };
        (self.token.is_some() || !endpoint.is_guarded()).then_some(endpoint)
    }

    fn page(&self, path: &str) -> Option<Page> {
        Some(match path {
            // A service that is nested gets either for its own address.
            "/" | "" => Page::Status,
            "/health" => Page::Health,
            "/health/live" => Page::Live,
            "/health/ready" => Page::Ready,
            "/health/cache" => Page::CacheHealth,
            "/health/history" => Page::History,
            "/entry" => Page::Entry,
            "/explain" => Page::Explain,
            #[cfg(feature = "prometheus")]
            "/metrics" => Page::Metrics(self.exporter.clone()?),
            _ => return None,
        })
    }

    fn act(&self, path: &str) -> Option<Act> {
        if path == "/purge" {
            return Some(Act::Purge);
        }
        let named = |folder| {
            let name = path.strip_prefix(folder).filter(|name| !name.is_empty())?;
            String::from_utf8(percent::decoded(name.as_bytes(), b'+').collect()).ok()
        };
        named("/breakers/").map(Act::Breaker).or_else(|| named("/routes/").map(Act::Route))
    }

    /// What is wrong with a request for this endpoint, as far as its head says.
    fn refusal(&self, endpoint: &Endpoint, method: &Method, headers: &HeaderMap) -> Option<Reply> {
        match (endpoint, method) {
            (Endpoint::Act(_), &Method::POST) => {}
            (Endpoint::Act(_), _) => return Some(not_allowed("POST")),
            (_, &Method::GET | &Method::HEAD) => {}
            (_, _) => return Some(not_allowed("GET, HEAD")),
        }
        if endpoint.is_guarded() && !self.token.as_ref().is_some_and(|token| token.admits(headers)) {
            let (status, problem) = (StatusCode::UNAUTHORIZED, "the token is wanted");
            return Some(reply::error_with(status, problem, header::WWW_AUTHENTICATE, "Bearer"));
        }
        (matches!(endpoint, Endpoint::Act(_)) && !auth::is_json(headers)).then(|| {
            let problem = "the body has to be application/json";
            reply::error_with(StatusCode::UNSUPPORTED_MEDIA_TYPE, problem, header::ACCEPT, "application/json")
        })
    }

    fn show(&self, page: Page, uri: &Uri) -> Reply {
        match page {
            Page::Status => page::show(&self.cache, self.token.is_some()),
            Page::Health => reply::json(StatusCode::OK, &self.cache.health()),
            Page::Live => reply::json(StatusCode::OK, &json!({ "status": "live" })),
            Page::Ready if self.cache.is_draining() => {
                reply::json(StatusCode::SERVICE_UNAVAILABLE, &json!({ "status": "draining" }))
            }
            Page::Ready => reply::json(StatusCode::OK, &json!({ "status": "ready" })),
            Page::CacheHealth => reply::json(StatusCode::OK, &self.cache.cache_health()),
            Page::History => reply::json(StatusCode::OK, &History::of(self.cache.core())),
            Page::Entry => entries::show(uri, self.cache.core()),
            Page::Explain => explain::explain(uri, &self.cache),
            #[cfg(feature = "prometheus")]
            Page::Metrics(exporter) => {
                reply::reply(StatusCode::OK, TEXT_FORMAT, exporter.render(&self.cache))
            }
        }
    }
}

impl<B: Body> Service<Request<B>> for Admin {
    type Response = Reply;
    type Error = Infallible;
    type Future = AdminFuture<B>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (head, body) = request.into_parts();
        let finish = if head.method == Method::HEAD { reply::bare } else { |reply| reply };
        let reply = match self.endpoint(head.uri.path()) {
            None => reply::error(StatusCode::NOT_FOUND, "there is no such page"),
            Some(endpoint) => match (self.refusal(&endpoint, &head.method, &head.headers), endpoint) {
                (Some(refusal), _) => refusal,
                (None, Endpoint::Page(page)) => self.show(page, &head.uri),
                (None, Endpoint::Search) => {
                    let cache = self.cache.clone();
                    return AdminFuture::elsewhere(move || finish(entries::search(&head.uri, cache.core())));
                }
                (None, Endpoint::Act(act)) => return AdminFuture::reading(body, act, self.cache.clone()),
            },
        };
        AdminFuture::ready(finish(reply))
    }
}

fn not_allowed(allow: &'static str) -> Reply {
    let status = StatusCode::METHOD_NOT_ALLOWED;
    reply::error_with(status, "this method does nothing here", header::ALLOW, allow)
}
