//! What the cache would do with a request that an operator describes.

use http::{Request, StatusCode, request};
use serde_json::json;

use super::reply::{self, Reply};
use crate::{handle::CacheHandle, key::percent};

/// The answer to `/explain?url=…`, whose query describes the request.
pub(super) fn explain(query: &str, cache: &CacheHandle) -> Reply {
    let described = match Described::read(query) {
        Ok(described) => described,
        Err(problem) => return reply::error(StatusCode::BAD_REQUEST, &problem),
    };
    let mut routes = cache.explain(&described.parts);
    if let Some(name) = described.route {
        routes.retain(|route| route.route == name);
        if routes.is_empty() {
            return reply::error(StatusCode::NOT_FOUND, "there is no route of this name");
        }
    }
    reply::json(StatusCode::OK, &json!({ "routes": routes }))
}

/// A request, and the route that it is about if it is not about all of them.
struct Described {
    parts: request::Parts,
    route: Option<String>,
}

impl Described {
    fn read(query: &str) -> Result<Self, String> {
        let (mut request, mut route, mut has_url) = (Request::builder(), None, false);
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = String::from_utf8(percent::decoded(value.as_bytes(), b' ').collect())
                .map_err(|_| format!("{name}: is not UTF-8"))?;
            request = match name {
                "url" => {
                    has_url = true;
                    request.uri(value)
                }
                "method" => request.method(&*value),
                "header" => {
                    let (name, value) =
                        value.split_once(':').ok_or("header: is a name, a colon and a value")?;
                    request.header(name.trim(), value.trim())
                }
                "route" => {
                    route = Some(value);
                    request
                }
                _ => return Err("only url, method, header and route are understood".to_owned()),
            };
        }
        if !has_url {
            return Err("url is wanted".to_owned());
        }
        let (parts, ()) = request.body(()).map_err(|error| error.to_string())?.into_parts();
        Ok(Self { parts, route })
    }
}
