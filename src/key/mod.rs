//! What makes two requests the same: cache keys and the extractors that write them.
//!
//! A [`KeyExtractor`] sees the head of a request and writes parts into a [`KeyWriter`]. Every part carries
//! its kind and its length, so that no two different lists of parts meet in one key. The first part is
//! always the route's namespace, and the cache adds parts of its own for headers that are known to change
//! responses behind an application's back (`X-Forwarded-Host` and its kin), in a kind that no extractor can
//! write.
//!
//! # The default
//!
//! [`Target`] keys scheme, authority (in lower case), path and query. Path and query count byte for byte:
//! neither percent-escapes nor the order of parameters are touched.
//!
//! ```
//! use http::Request;
//! use tower_swr_cache::key::{Key, Target};
//!
//! let request = Request::get("/odds/nba?market=main").header("host", "Example.com").body(())?;
//! let (parts, ()) = request.into_parts();
//!
//! let key = Key::of("odds", &Target, &parts).expect("a plain request has a key");
//! assert_eq!(key.to_string(), "odds||example.com|/odds/nba?market=main");
//! # Ok::<(), http::Error>(())
//! ```
//!
//! # Choosing what counts
//!
//! The pieces compose as tuples, in the order written. The first one that answers [`KeyDecision::Bypass`]
//! takes the request past the cache.
//!
//! ```
//! use http::Request;
//! use tower_swr_cache::key::{Authority, Cookie, Key, Path, Query, header};
//!
//! let extractor = (
//!     Authority,
//!     Path,
//!     Query::ignoring(["utm_source", "utm_campaign"]),
//!     header("accept-language"),
//!     Cookie::new("currency"),
//! );
//!
//! let request = Request::get("/odds/nba?market=main&utm_source=mail")
//!     .header("host", "example.com")
//!     .header("cookie", "theme=dark; currency=eur")
//!     .body(())?;
//! let (parts, ()) = request.into_parts();
//!
//! let key = Key::of("odds", &extractor, &parts).expect("nothing here bypasses");
//! assert_eq!(
//!     key.to_string(),
//!     "odds||example.com|/odds/nba|+?=market=main|-accept-language|+cookie:currency=eur",
//! );
//! # Ok::<(), http::Error>(())
//! ```
//!
//! | piece | what it writes | bypasses when |
//! |---|---|---|
//! | [`Target`] | [`Authority`], then path and query | as `Authority` |
//! | [`Authority`] | scheme and authority | `Host` is unclear, or the URI has user information |
//! | [`Path`] | the path | never |
//! | [`Query`] | chosen query parameters | never |
//! | [`Header`], [`header`] | every value of one request header | never |
//! | [`Cookie`] | one cookie | never |
//! | [`Credentials`] | a keyed hash of `Authorization`, and of `Cookie` | never |
//! | [`Pattern`] | placeholders of a path template and query parameters | the path does not match |
//! | [`from_extension`] | something in a request extension, such as a tenant | the extension is missing |
//! | [`key_by`] | what a function of the request says | the function says `None` |
//!
//! A closure over the request's head and the writer is an extractor too:
//!
//! ```
//! use http::request::Parts;
//! use tower_swr_cache::key::{KeyDecision, KeyWriter, Target};
//!
//! let extractor = (Target, |parts: &Parts, key: &mut KeyWriter| {
//!     if parts.uri.path().starts_with("/account") {
//!         return KeyDecision::Bypass;
//!     }
//!     key.push_pair("mobile", if parts.headers.contains_key("sec-ch-ua-mobile") { "1" } else { "0" });
//!     KeyDecision::Cache
//! });
//! # let _ = extractor;
//! ```
//!
//! # What to watch for
//!
//! - **An extractor that leaves out the authority merges hosts.** [`Path`], [`Query`], [`Pattern`] and
//!   closures of your own know nothing of the host. Put [`Authority`] or [`Target`] before them wherever
//!   one service answers for several.
//! - What an extractor leaves out is shared: two requests with one key are answered by one response. When
//!   in doubt, a longer key costs a miss, a shorter one shows somebody another's page.
//! - The request method is no part of the key: `GET` and `HEAD` share a stored response, other methods
//!   bypass.
//! - With the feature `axum`, every piece here reads the URI from `axum::extract::OriginalUri` where the
//!   request carries one, so that a template or path has to be given as the client sent it, with the
//!   prefixes of `nest`.
//!
//! # The printable form
//!
//! [`Key`] prints as its parts, separated by `|`, and parses back to the same bytes:
//!
//! | printed | part |
//! |---|---|
//! | `text` | plain |
//! | `+name=value` | named |
//! | `-name` | named, and absent from the request |
//! | `!name=value` | written by the cache itself |
//!
//! `|`, `%`, control characters and everything outside ASCII are percent-escaped, as are a `=` in a name
//! and a mark that begins a plain part.

mod buffer;
mod cookie;
mod credentials;
mod custom;
mod encoding;
mod extractor;
mod header;
mod owned;
mod path;
mod pattern;
pub(crate) mod percent;
mod printed;
mod query;
mod search;
mod stem;
mod target;
mod writer;

#[cfg(test)]
mod tests;

pub use self::{
    cookie::Cookie,
    credentials::Credentials,
    custom::{from_extension, key_by},
    extractor::{KeyDecision, KeyExtractor},
    header::{Header, header},
    owned::Key,
    path::Path,
    pattern::{InvalidPattern, Pattern},
    printed::InvalidKey,
    query::Query,
    target::{Authority, Target},
    writer::{KeyWriter, PartWriter},
};
pub(crate) use self::{
    search::{SearchVariance, split_query},
    stem::Stem,
    target::{authority, set_query, target_uri},
};
