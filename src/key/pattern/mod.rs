mod parse;

use std::{error::Error, fmt};

use http::request::Parts;
use smallvec::SmallVec;

use super::{KeyDecision, KeyExtractor, KeyWriter, Query, target_uri};

/// A key written from a path template: `Pattern::new("/odds/{sport}", "odds:{sport}:{?market}")`.
///
/// The template stands for the whole path. `{name}` is one segment that is not empty, `{*name}`, at the
/// end, all that is left of the path, which is not empty either. A path that does not match bypasses the
/// cache.
///
/// The key pattern is made of text, of `{name}` for what the template found, and of `{?name}` for a query
/// parameter: all its occurrences, as [`Query::only`] keeps them. Text and values are parts of their own
/// and cannot run into each other. Every placeholder of the template has to be used, or requests would be
/// merged by an oversight; one whose name begins with `_` need not.
///
/// Query parameters that are not named, and the authority, are no part of the key; put
/// [`Authority`](super::Authority) before it wherever a service answers for several hosts.
///
/// ```
/// # use http::Request;
/// use tower_swr_cache::key::{Key, Pattern};
///
/// let pattern = Pattern::new("/odds/{sport}", "odds:{sport}:{?market}")?;
///
/// let (parts, ()) = Request::get("/odds/nba?market=main&utm_source=mail").body(()).unwrap().into_parts();
/// let key = Key::of("api", &pattern, &parts).unwrap();
/// assert_eq!(key.to_string(), "api|odds:|+sport=nba|:|+?=market=main");
///
/// let (parts, ()) = Request::get("/sports").body(()).unwrap().into_parts();
/// assert_eq!(Key::of("api", &pattern, &parts), None);
/// # Ok::<(), tower_swr_cache::key::InvalidPattern>(())
/// ```
#[derive(Clone, Debug)]
pub struct Pattern {
    template: Vec<Segment>,
    key: Vec<Piece>,
}

#[derive(Clone, Debug)]
enum Segment {
    Literal(Box<str>),
    One,
    Tail,
}

#[derive(Clone, Debug)]
enum Piece {
    Literal(Box<str>),
    /// What the template's placeholder of this index found.
    Captured(usize, Box<str>),
    Query(Query),
}

impl Pattern {
    /// A pattern that matches paths by `template` and writes `key`.
    ///
    /// # Errors
    ///
    /// [`InvalidPattern`], with the offset, for: a template that does not start with `/`; a placeholder
    /// that does not fill its segment, is named twice, is not used in the key, or comes after `{*tail}`; a
    /// placeholder in the key that the template does not have; braces that do not pair; names that are not
    /// letters, digits and `_` (a query parameter's may be anything but empty).
    pub fn new(template: &str, key: &str) -> Result<Self, InvalidPattern> {
        let (template, placeholders) = parse::template(template)?;
        let key = parse::key(key, &placeholders)?;
        for (index, placeholder) in placeholders.iter().enumerate() {
            let used = key.iter().any(|piece| matches!(piece, Piece::Captured(found, _) if *found == index));
            if !used && !placeholder.name.starts_with('_') {
                let problem = "a placeholder that is not used in the key";
                return Err(InvalidPattern::template(placeholder.offset, problem));
            }
        }
        Ok(Self { template, key })
    }

    /// What the placeholders stand for in `path`, in the template's order; `None` if the path does not match.
    fn capture<'p>(&self, path: &'p str) -> Option<SmallVec<[&'p str; 8]>> {
        let mut captured = SmallVec::new();
        let mut rest = path;
        for segment in &self.template {
            rest = rest.strip_prefix('/')?;
            let end = match segment {
                Segment::Tail => rest.len(),
                _ => rest.find('/').unwrap_or(rest.len()),
            };
            let (found, left) = rest.split_at(end);
            rest = left;
            match segment {
                Segment::Literal(literal) if **literal == *found => {}
                Segment::One | Segment::Tail if !found.is_empty() => captured.push(found),
                _ => return None,
            }
        }
        rest.is_empty().then_some(captured)
    }
}

impl KeyExtractor for Pattern {
    fn extract(&self, parts: &Parts, key: &mut KeyWriter) -> KeyDecision {
        let Some(captured) = self.capture(target_uri(parts).path()) else { return KeyDecision::Bypass };
        for piece in &self.key {
            match piece {
                Piece::Literal(text) => key.push(&**text),
                Piece::Captured(index, name) => key.push_pair(&**name, captured[*index]),
                Piece::Query(query) => {
                    if query.extract(parts, key) == KeyDecision::Bypass {
                        return KeyDecision::Bypass;
                    }
                }
            }
        }
        KeyDecision::Cache
    }
}

/// Why a [`Pattern`] could not be made, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidPattern {
    place: &'static str,
    offset: usize,
    problem: &'static str,
}

impl InvalidPattern {
    fn template(offset: usize, problem: &'static str) -> Self {
        Self { place: "path template", offset, problem }
    }

    fn key(offset: usize, problem: &'static str) -> Self {
        Self { place: "key pattern", offset, problem }
    }

    /// Whether it is the path template that is wrong, and not the key pattern.
    pub fn is_template(&self) -> bool {
        self.place == "path template"
    }

    /// Where in the template or key pattern, in bytes from its start.
    pub fn offset(&self) -> usize {
        self.offset
    }
}

impl fmt::Display for InvalidPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at offset {} of the {}", self.problem, self.offset, self.place)
    }
}

impl Error for InvalidPattern {}

#[cfg(test)]
mod tests;
