//! What keys are made of, as a file says it.

use http::request::Parts;
use serde::{Deserialize, Deserializer, de::Error};

use super::values::Field;
use crate::key::{
    Authority, Cookie, Header, KeyDecision, KeyExtractor, KeyWriter, Path, Pattern, Query, Target,
};

/// Extractors one after another.
pub(super) struct Pieces(Vec<Box<dyn KeyExtractor>>);

impl KeyExtractor for Pieces {
    fn extract(&self, parts: &Parts, key: &mut KeyWriter) -> KeyDecision {
        let bypasses = self.0.iter().any(|piece| piece.extract(parts, key) == KeyDecision::Bypass);
        if bypasses { KeyDecision::Bypass } else { KeyDecision::Cache }
    }

    fn keys_header(&self, name: &http::HeaderName) -> bool {
        self.0.iter().any(|piece| piece.keys_header(name))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    authority: Option<bool>,
    path: Option<String>,
    pattern: Option<String>,
    query: Option<Vec<String>>,
    ignore_query: Option<Vec<String>>,
    #[serde(default)]
    sort_query: bool,
    #[serde(default)]
    headers: Vec<Field>,
    #[serde(default)]
    cookies: Vec<String>,
}

impl<'de> Deserialize<'de> for Pieces {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Description::deserialize(deserializer)?.pieces().map_err(D::Error::custom)
    }
}

impl Description {
    fn pieces(self) -> Result<Pieces, String> {
        let query = self.parameters()?;
        let mut pieces: Vec<Box<dyn KeyExtractor>> = Vec::new();
        match (self.path, self.pattern) {
            (Some(path), Some(pattern)) => {
                if query.is_some() {
                    return Err("a pattern names its query parameters itself, as {?name}".to_owned());
                }
                if self.authority == Some(true) {
                    pieces.push(Box::new(Authority));
                }
                let made = Pattern::new(&path, &pattern);
                let wrong = |error| format!("path = {path:?}, pattern = {pattern:?}: {error}");
                pieces.push(Box::new(made.map_err(wrong)?));
            }
            (None, None) => match (self.authority, query) {
                (None | Some(true), None) => pieces.push(Box::new(Target)),
                (authority, query) => {
                    if authority != Some(false) {
                        pieces.push(Box::new(Authority));
                    }
                    pieces.push(Box::new(Path));
                    pieces.push(Box::new(query.unwrap_or_else(|| Query::ignoring([""; 0]))));
                }
            },
            (Some(path), None) => return Err(format!("path = {path:?} wants a pattern beside it")),
            (None, Some(pattern)) => return Err(format!("pattern = {pattern:?} wants a path beside it")),
        }
        pieces.extend(self.headers.into_iter().map(|Field(name)| Box::new(Header::new(name)) as _));
        pieces.extend(self.cookies.iter().map(|name| Box::new(Cookie::new(name)) as _));
        Ok(Pieces(pieces))
    }

    fn parameters(&self) -> Result<Option<Query>, String> {
        match (&self.query, &self.ignore_query, self.sort_query) {
            (None, None, false) => Ok(None),
            (Some(names), None, false) => Ok(Some(Query::only(names.iter().map(String::as_str)))),
            (None, Some(names), false) => Ok(Some(Query::ignoring(names.iter().map(String::as_str)))),
            (None, None, true) => Ok(Some(Query::sorted())),
            _ => Err("one of query, ignore_query and sort_query at most".to_owned()),
        }
    }
}
