//! What the services of one handle share: the store, the flights, the limits, and each route's part in them.

mod allowance;
mod core;
pub(crate) mod equivalent;
mod landing;
mod lookup;
pub(crate) mod part;
mod route;
mod sent;

pub(crate) use allowance::{Allowance, Share};
pub(crate) use core::{Core, Hooks, Sizes};
pub(crate) use equivalent::Equivalent;
pub(crate) use landing::{Failed, FlightLead, Landing};
pub(crate) use lookup::{Lookup, Question};
pub(crate) use route::{Route, may_use};
pub(crate) use sent::SentHeaders;

use crate::error::BoxError;

/// What the cache asks of the service that it wraps.
pub(crate) trait Upstream<ReqBody>:
    tower::Service<
        http::Request<ReqBody>,
        Response = http::Response<Self::Body>,
        Error: Send + 'static,
        Future: Send + 'static,
    > + Clone
    + Send
    + 'static
{
    type Body: http_body::Body<Data: Send, Error: Into<BoxError>> + Send + 'static;
}

impl<S, ReqBody, B> Upstream<ReqBody> for S
where
    S: tower::Service<
            http::Request<ReqBody>,
            Response = http::Response<B>,
            Error: Send + 'static,
            Future: Send + 'static,
        > + Clone
        + Send
        + 'static,
    B: http_body::Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
{
    type Body = B;
}
