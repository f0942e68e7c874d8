//! What the cache would do with a request that an operator describes.

use http::{Request, StatusCode, Uri, request};
use serde_json::json;

use super::{
    query::Parameters,
    reply::{self, Reply},
};
use crate::handle::CacheHandle;

/// The answer to `/explain?url=…`, whose query describes the request.
pub(super) fn explain(uri: &Uri, cache: &CacheHandle) -> Reply {
    let described = match Parameters::of(uri).and_then(|parameters| Described::by(&parameters)) {
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
    fn by(parameters: &Parameters) -> Result<Self, String> {
        let (mut request, mut route, mut has_url) = (Request::builder(), None, false);
        for (name, value) in parameters.iter() {
            request = match name {
                "url" => {
                    has_url = true;
                    request.uri(value)
                }
                "method" => request.method(value),
                "header" => {
                    let (name, value) =
                        value.split_once(':').ok_or("header: is a name, a colon and a value")?;
                    request.header(name.trim(), value.trim())
                }
                "route" => {
                    route = Some(value.to_owned());
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
