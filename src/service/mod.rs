//! The middleware: [`SwrCacheLayer`] wraps a service into an [`SwrCache`].
//!
//! `service.rs` looks up and answers from memory; what needs the inner service goes through `exchange.rs`.

pub(crate) mod body;
mod exchange;
mod future;
mod layer;
mod observe;
mod respond;
#[expect(clippy::module_inception, reason = "the service itself, as tower names it")]
mod service;
mod spoils;

pub use body::ResponseBody;
pub use future::ResponseFuture;
pub use layer::SwrCacheLayer;
pub use service::SwrCache;
