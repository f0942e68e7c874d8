//! The admin surface: how the cache is, and what an operator can do to it, as one tower service.
//!
//! ```
//! use axum::Router;
//! use tower_swr_cache::{CacheHandle, ConfigError};
//!
//! # fn app() -> Result<Router, ConfigError> {
//! let cache = CacheHandle::builder().build()?;
//! let ops = cache.admin().token("a long random secret")?;
//! let app: Router = Router::new().nest_service("/ops", ops);
//! # Ok(app)
//! # }
//! ```
//!
//! It is as good without axum: it takes requests with any body, and its responses have a plain one. With feature
//! `prometheus`, [`exporter`](Admin::exporter) adds `/metrics`.
//!
//! | request | answer |
//! |---|---|
//! | `GET /` | the [status page](#the-status-page) |
//! | `GET /health` | 200 with [`Health`](crate::Health), whether it is well or not |
//! | `GET /health/live` | 200 |
//! | `GET /health/ready` | 200; 503 while the cache [is draining](crate::CacheHandle::set_draining) |
//! | `GET /health/cache` | 200 with [`CacheHealth`](crate::CacheHealth), the last [events](crate::Event) among it |
//! | `GET /health/history` | 200 with the requests of the last five minutes, slot by slot: all, from memory, fresh |
//! | `GET /entries?text=…`, `?tag=…`, `?url=…` | with the token: 50 keys at most that hold this text, tag or URL |
//! | `GET /entry?key=…` | with the token: what is stored under a key, without its body |
//! | `GET /explain?url=…` | with the token: `{"routes": […]}`, what each route would do with a request, and why |
//! | `GET /metrics` | what Prometheus scrapes, if there is an exporter |
//! | `POST /purge` | `{"tag": "nba", "soft": true}` purges, and answers how many responses that were |
//! | `POST /breakers/{name}` | `{"mode": "open"}` forces a breaker, and answers where it stands |
//! | `POST /routes/{route}` | `{"mode": "observe"}` sets what a route does with requests, and answers its [state](crate::RouteHealth) |
//!
//! `/purge` takes what a [`Purge`](crate::Purge) is in JSON: one of `url`, `key` (in its
//! [printable form](crate::key#the-printable-form)), `tag`, `route` and `all` (true); `soft` marks stale instead of removing, `dry_run` counts and changes nothing. The modes of a breaker are `auto`,
//! `open` and `closed`, those of a route [`on`, `observe` and `bypass`](crate::Mode). `serve_stale_until` beside a route's mode,
//! or instead of it, is a time from now on: `"2h"` has what is stored
//! [served stale](crate::CacheHandle::serve_stale_for) for that long, `"0s"` ends it.
//!
//! `/explain` takes a request as the service would see it: its `url`, and its `method` and any number of `header`s as
//! `name:value` where that matters; `route` chooses one. Most servers see a path, and the host in a header:
//! `/explain?url=/odds/nba&header=host:example.com`. The answer has a [`RouteExplanation`](crate::RouteExplanation) for each
//! route: what the request would get (`outcome`) and why nothing better (`reason`, as in `Cache-Status`), its `key`, and what
//! is `stored` for it: the same as `/entries` and `/entry` show of a response ([`EntryInfo`](crate::EntryInfo)), with its limits
//! in RFC 3339, who said how long it is fresh (`source`), and by which targeted field (`source_field`). Where the response to another
//! query of the URL answers (`No-Vary-Search`), that is what is `stored`, with its own `key`, and `equivalent` is true.
//!
//! # The status page
//!
//! One document that asks nobody but the admin service, with a strict `Content-Security-Policy`: what is served a second and
//! how, ratios over five minutes, latencies, what could be served for how long if the upstream were gone, breakers with
//! their countdowns, memory, fetches in flight. It is live, a second at a time; without JavaScript it is a table of the
//! moment. Whoever knows the token finds stored responses there by key, tag or URL, looks at one, and purges it after a
//! dry run and a question. The token is kept in the page's memory only.
//!
//! # Who may do what
//!
//! The open pages show totals, and never a key, a query or a header. What shows more or changes something does not exist
//! (404) without a [`token`](Admin::token); with one it wants `Authorization: Bearer …` (401), and what changes something a
//! body of the type `application/json` (415), which no form of another site can send. GET changes nothing. No answer is stored by anybody.
//!
//! Still, the pages tell strangers how busy a service is, and the names of its routes and breakers; a breaker that is
//! [chosen by the request](crate::SwrConfigBuilder::breaker_by) has the name that was made of one. They are better served on an address of their own.

mod auth;
mod calls;
mod entries;
mod explain;
mod future;
mod history;
mod page;
mod query;
mod reply;
mod service;

pub use future::AdminFuture;
pub use service::Admin;
