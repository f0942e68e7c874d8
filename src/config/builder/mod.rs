//! The builder of a route's configuration. Everything is checked once, in [`SwrConfigBuilder::build`].

mod check;

use std::{fmt, time::Duration};

use http::{HeaderName, StatusCode, request};

use super::{BreakerChoice, DefaultClassifier, FailureClassifier, Mode};
use crate::{
    breaker,
    key::{KeyExtractor, Target},
    policy::{Rules, Ttl},
};

/// Sets up a route. Every setter has a default, and says it.
#[must_use = "a configuration does nothing until it is built"]
pub struct SwrConfigBuilder {
    name: String,
    namespace: Option<String>,
    soft: Option<Duration>,
    hard: Option<Duration>,
    fallback: Option<Ttl>,
    max_body: Option<u64>,
    rules: Rules,
    fetch_timeout: Duration,
    body_timeout: Duration,
    key: Box<dyn KeyExtractor>,
    /// Whether keys are made of something else than by default.
    own_key: bool,
    classifier: Box<dyn FailureClassifier>,
    breaker: Option<breaker::Settings>,
    breaker_choice: BreakerChoice,
    status_field: Option<HeaderName>,
    status_name: String,
    status_ttl: bool,
    status_key: bool,
    forward_tags: bool,
    mode: Mode,
    codings: Option<Vec<String>>,
    languages: Option<Vec<String>>,
}

impl SwrConfigBuilder {
    pub(super) fn new(name: String) -> Self {
        Self {
            name,
            namespace: None,
            soft: None,
            hard: None,
            fallback: None,
            max_body: None,
            rules: Rules::default(),
            fetch_timeout: Duration::from_secs(30),
            body_timeout: Duration::from_secs(30),
            key: Box::new(Target),
            own_key: false,
            classifier: Box::new(DefaultClassifier),
            breaker: Some(breaker::Settings { failures: 5, cooldown: Duration::from_secs(30) }),
            breaker_choice: BreakerChoice::Route,
            status_field: Some(HeaderName::from_static("cache-status")),
            status_name: "tower-swr-cache".to_owned(),
            status_ttl: false,
            status_key: false,
            forward_tags: false,
            mode: Mode::On,
            codings: None,
            languages: None,
        }
    }

    /// A private cache, in front of a client.
    pub(super) fn outbound(name: String) -> Self {
        let mut builder = Self::new(name).store_private().client_directives().targeted_fields([]);
        builder.rules.private_cache = true;
        builder
    }

    /// How long a response is fresh. A route that names a soft or a hard TTL means it: they count for 200, 203, 301 and
    /// 308, whatever `max-age`, `s-maxage` or `Expires` say to those further down. Defaults to the hard TTL; without
    /// either, each response says for itself how long it is fresh (RFC 9111), and one that says nothing is not served
    /// again without asking.
    pub fn soft_ttl(mut self, ttl: Duration) -> Self {
        self.soft = Some(ttl);
        self
    }

    /// How long a response is served stale, with a refresh behind it, counted from its arrival. Defaults to the soft TTL,
    /// so that nothing is served stale unless a refresh fails.
    pub fn hard_ttl(mut self, ttl: Duration) -> Self {
        self.hard = Some(ttl);
        self
    }

    /// The soft and the hard TTL of responses that say nothing about their freshness, on a route whose responses
    /// otherwise say it themselves. Defaults to none.
    pub fn fallback_ttl(mut self, soft: Duration, hard: Duration) -> Self {
        self.fallback = Some(Ttl { soft, hard });
        self
    }

    /// The TTLs of one status: negative caching, say, of 404. Defaults to none; then a status other than 200, 203, 301
    /// and 308 is stored only if its response says for how long.
    pub fn status_ttl(mut self, status: StatusCode, soft: Duration, hard: Duration) -> Self {
        self.rules.status_ttls.retain(|(named, _)| *named != status);
        self.rules.status_ttls.push((status, Ttl { soft, hard }));
        self
    }

    /// By which part of it the soft TTL is shortened at most, at random for each response, so that what was filled
    /// together is not refreshed together; only where a stale span follows. From 0 to 1. Defaults to 0.1.
    pub fn soft_jitter(mut self, part: f64) -> Self {
        self.rules.soft_jitter = part;
        self
    }

    /// How far past its hard TTL a response serves after a fetch that failed, as a part of the hard TTL; counted for the
    /// route's TTLs, not for those that a response names. From 0 to 100. Defaults to 0.5.
    pub fn failure_extension(mut self, part: f64) -> Self {
        self.rules.failure_extension = part;
        self
    }

    /// How far past its hard limit a response serves after a fetch that failed, at least; a response's own
    /// `stale-if-error` (RFC 5861) goes before it where the response says how long it is fresh. Defaults to zero.
    pub fn stale_if_error(mut self, span: Duration) -> Self {
        self.rules.stale_if_error = span;
        self
    }

    /// How long a response with a validator is kept beyond its last limit, to be revalidated instead of fetched again; it
    /// is never served unasked. Defaults to 10 minutes.
    pub fn keep(mut self, span: Duration) -> Self {
        self.rules.keep = span;
        self
    }

    /// The fields that go before `Cache-Control` where a response has them, in this order (RFC 9213); what they say goes
    /// before the route's TTLs, too. Defaults to `CDN-Cache-Control`; in a private cache to none.
    pub fn targeted_fields(mut self, fields: impl IntoIterator<Item = HeaderName>) -> Self {
        self.rules.targets = fields.into_iter().collect();
        self
    }

    /// A response that does not say how long it is fresh, but when it was last modified, is fresh for a tenth of the time
    /// since then, a day at most (RFC 9111 §4.2.2); for the statuses that RFC 9110 §15.1 names, and for `public`. It has no
    /// effect on a route with TTLs, or with a fallback. Defaults to off.
    pub fn heuristic(mut self) -> Self {
        self.rules.heuristic = true;
        self
    }

    /// The largest body that is kept, in bytes; a larger one passes through. At most what the handle is made for
    /// ([`CacheHandleBuilder::max_body_bytes`](crate::CacheHandleBuilder::max_body_bytes)), which is its default.
    pub fn max_body_bytes(mut self, bytes: u64) -> Self {
        self.max_body = Some(bytes);
        self
    }

    /// How long the inner service may take to the head of its response, and before that, how long a fetch waits for its
    /// turn. Defaults to 30 seconds.
    pub fn fetch_timeout(mut self, timeout: Duration) -> Self {
        self.fetch_timeout = timeout;
        self
    }

    /// How long a body that is kept, or shared, may stand still: for want of data from the inner service, or because a
    /// reader of a body too large to keep holds up the others. The whole of it may take any time. Defaults to 30 seconds.
    pub fn body_timeout(mut self, timeout: Duration) -> Self {
        self.body_timeout = timeout;
        self
    }

    /// What keys are made of. Defaults to [`key::Target`](crate::key::Target): scheme, authority, path and query.
    pub fn key(mut self, extractor: impl KeyExtractor) -> Self {
        self.key = Box::new(extractor);
        self.own_key = true;
        self
    }

    /// Shares the keys of all routes of this namespace. Defaults to the route's name, so that no two routes meet.
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// Treats requests with `Cookie` like those without. Defaults to off: what is fresh by the route's word alone is
    /// neither served to them nor stored from them.
    pub fn ignore_cookies(mut self) -> Self {
        self.rules.ignore_cookies = true;
        self
    }

    /// Stores responses with `Set-Cookie`, and serves the cookie to everybody. Defaults to off.
    pub fn store_set_cookie(mut self) -> Self {
        self.rules.store_set_cookie = true;
        self
    }

    /// Stores and shares responses to requests with `Authorization`, whatever they say (against RFC 9111 §3.5). Defaults
    /// to off: only those that say `public`, `s-maxage` or `must-revalidate`.
    pub fn share_authorized(mut self) -> Self {
        self.rules.share_authorized = true;
        self
    }

    /// Stores responses that say `private`. Defaults to off; it is for a cache with a single user, such as one made by
    /// [`SwrConfig::outbound`](crate::SwrConfig::outbound).
    pub fn store_private(mut self) -> Self {
        self.rules.store_private = true;
        self
    }

    /// Stores responses that say `no-store`. Defaults to off.
    pub fn ignore_no_store(mut self) -> Self {
        self.rules.ignore_no_store = true;
        self
    }

    /// Serves responses that say `no-cache` without asking again. Defaults to off.
    pub fn ignore_no_cache(mut self) -> Self {
        self.rules.ignore_no_cache = true;
        self
    }

    /// Serves stale what says `must-revalidate` or `proxy-revalidate`. Defaults to off.
    pub fn ignore_must_revalidate(mut self) -> Self {
        self.rules.ignore_must_revalidate = true;
        self
    }

    /// Goes by the lists of fields in `private="…"` and `no-cache="…"` (RFC 9111 §5.2.2.4, §5.2.2.7): the listed fields
    /// go to who asked and are not stored, and the rest of the response is. So `private="set-cookie"` lets a response be
    /// shared without its cookie. A list with a field that the cache itself goes by (`Vary`, `Content-Type`, …) counts as
    /// none. Defaults to off: with a list or without, the directive is about the whole response, the strictest reading.
    pub fn field_lists(mut self) -> Self {
        self.rules.field_lists = true;
        self
    }

    /// Keeps a 206 to a GET with one range of bytes as a part (RFC 9111 §3.3), if it could be stored were it whole, says for
    /// how long it is fresh, and has a `Content-Range` that agrees with its body; and the 200 that such a request may get.
    /// While it is fresh, a part answers requests for a range within it, and no others. Parts with the same strong
    /// validator are put together (RFC 9111 §3.4), up to the whole; at most 8 that are apart are kept under one key.
    /// A GET for the whole of which a part with a strong entity tag is the beginning asks for the rest alone, with
    /// `If-Range`; for a whole with any other gap, and for a part that is not all there, all of it is asked for.
    /// Requests for parts do not wait for each other. Defaults to off: a request for a part of what is not stored is passed
    /// on, and what it gets is not kept.
    pub fn store_parts(mut self) -> Self {
        self.rules.store_parts = true;
        self
    }

    /// Keeps a 200 to POST, to answer later requests with GET or HEAD for its target (RFC 9110 §9.3.3): if it says itself how
    /// long it is fresh, has a `Content-Location` that is the target, and could be stored as a response to GET. The POST
    /// invalidates what was stored before, as any that succeeds. Defaults to off.
    pub fn store_post(mut self) -> Self {
        self.rules.store_post = true;
        self
    }

    /// Goes by `No-Vary-Search` (draft-ietf-httpbis-no-vary-search): a response that says which parameters of the query it
    /// does not depend on, or that their order does not count, answers requests for other queries of its path that are the
    /// same to it. A request for whose own URL nothing stored will do is answered by the newest such response, as one for
    /// its URL would be: stale, too, with a refresh behind it, and past its hard limit where a fetch fails. What has to be
    /// fetched is fetched for the URL of the request, and requests for different URLs do not wait for each other. A purge of
    /// a URL, and an unsafe request to it, take all responses that could answer for it. Where it cannot be read, or not as a
    /// whole, it says nothing (§4).
    /// Only with keys as they are made by default. Defaults to off: each query stands for itself.
    pub fn no_vary_search(mut self) -> Self {
        self.rules.no_vary_search = true;
        self
    }

    /// Brings `Accept-Encoding` down to these content codings, in this order, before anything else looks at it: variants
    /// are then told apart by what the inner service has, and not by how each client spells its wish. The inner service
    /// sees the field so, too; `identity` where none of them is accepted. From 1 to 6 codings, such as `br` and `gzip`.
    /// Defaults to leaving the field as it is.
    pub fn normalise_encoding(mut self, codings: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.codings = Some(codings.into_iter().map(Into::into).collect());
        self
    }

    /// Brings `Accept-Language` down to the one of these languages that suits it best (RFC 4647 §3.4), before anything
    /// else looks at it; the first of them where none suits. The highest weight counts, then the order given here. The
    /// inner service sees the field so, too. Defaults to leaving the field as it is.
    pub fn normalise_language(mut self, languages: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.languages = Some(languages.into_iter().map(Into::into).collect());
        self
    }

    /// Goes by what requests say in `Cache-Control`, or else in `Pragma` (RFC 9111 §5.2.1):
    ///
    /// * `no-cache`, `max-age`, `min-fresh`: a stored response that is not what they ask for is revalidated first. It does
    ///   not stand in for a fetch that fails, either.
    /// * `max-stale`: a stale response serves, past the hard TTL too, as far as the number says; never past the limit for
    ///   failures, and never what must not be served stale.
    /// * `no-store`: the response to this request is neither stored nor shared. It may still come from the store.
    /// * `only-if-cached`: what is stored, or 504.
    ///
    /// Requests that bypass the cache are passed on with what they say. Defaults to off: behind it, any client could have
    /// the inner service called as often as it likes.
    pub fn client_directives(mut self) -> Self {
        self.rules.client_directives = true;
        self
    }

    /// What counts as a failure of the inner service. Defaults to [`DefaultClassifier`].
    pub fn failure_classifier(mut self, classifier: impl FailureClassifier) -> Self {
        self.classifier = Box::new(classifier);
        self
    }

    /// How many failures in a row open the route's breaker, and how long it then keeps all fetches from the inner service,
    /// give or take a tenth. The first fetch after that is the probe: it alone decides whether the breaker closes. An
    /// error, a time-out, a panic, a body that fails and what the classifier says are failures; a key counts once a second;
    /// 4xx, clients that leave and requests that bypass the cache count for nothing. Defaults to 5 failures and 30 seconds.
    pub fn breaker(mut self, failures: u32, cooldown: Duration) -> Self {
        self.breaker = Some(breaker::Settings { failures, cooldown });
        self
    }

    /// No breaker: however often the inner service fails, it is asked again. Defaults to having one.
    pub fn no_breaker(mut self) -> Self {
        self.breaker = None;
        self
    }

    /// Shares the breaker of this name with the handle's other routes that have it; the first of them says when it opens.
    /// Defaults to a breaker of the route's own, by its name.
    pub fn breaker_name(mut self, name: impl Into<String>) -> Self {
        self.breaker_choice = BreakerChoice::Named(name.into());
        self
    }

    /// A breaker for each upstream, where one route has several: named by a function of the request. All beyond 64 names
    /// share one. Defaults to a breaker of the route's own.
    pub fn breaker_by(mut self, name: impl Fn(&request::Parts) -> String + Send + Sync + 'static) -> Self {
        self.breaker_choice = BreakerChoice::ByRequest(Box::new(name));
        self
    }

    /// What the cache calls itself in `Cache-Status` (RFC 9211): printable ASCII. Defaults to `tower-swr-cache`.
    pub fn cache_status_name(mut self, name: impl Into<String>) -> Self {
        self.status_name = name.into();
        self
    }

    /// The field that says what the cache did, or `None` for not saying it. Defaults to `Cache-Status`.
    pub fn cache_status_field(mut self, field: Option<HeaderName>) -> Self {
        self.status_field = field;
        self
    }

    /// Adds `ttl` to that field: for how many seconds the response is still fresh, below zero once it is stale
    /// (RFC 9211 §2.6). A hit then makes its value anew. Defaults to off.
    pub fn cache_status_ttl(mut self) -> Self {
        self.status_ttl = true;
        self
    }

    /// Adds `key` to that field: the printed form of the request's key (RFC 9211 §2.7), with all that it is made of, such
    /// as the values of headers and cookies. It is for finding out why requests share or do not, and not for the public.
    /// Defaults to off.
    pub fn cache_status_key(mut self) -> Self {
        self.status_key = true;
        self
    }

    /// Sends `Cache-Tag` and `Surrogate-Key` on to the client, for a cache further down. Defaults to off.
    pub fn forward_tags(mut self) -> Self {
        self.forward_tags = true;
        self
    }

    /// The mode that the route begins in; [`CacheHandle::set_mode`](crate::CacheHandle::set_mode) changes it. Defaults to
    /// [`Mode::On`].
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }
}

impl fmt::Debug for SwrConfigBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SwrConfigBuilder").field("name", &self.name).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
