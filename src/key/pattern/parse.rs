//! Reads path templates and key patterns.

use super::{InvalidPattern, Piece, Segment};
use crate::key::Query;

/// A placeholder of a path template, and where it stands.
pub(super) struct Placeholder<'t> {
    pub(super) name: &'t str,
    pub(super) offset: usize,
}

/// The segments of a path template, and its placeholders in their order.
pub(super) fn template(template: &str) -> Result<(Vec<Segment>, Vec<Placeholder<'_>>), InvalidPattern> {
    let wrong = InvalidPattern::template;
    let Some(inner) = template.strip_prefix('/') else {
        return Err(wrong(0, "no `/`"));
    };
    let mut segments = Vec::new();
    let mut placeholders = Vec::<Placeholder<'_>>::new();
    let mut offset = 1;
    for segment in inner.split('/') {
        if matches!(segments.last(), Some(Segment::Tail)) {
            return Err(wrong(offset, "a segment after the tail"));
        }
        if let Some(name) = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            let (name, kind) = match name.strip_prefix('*') {
                Some(name) => (name, Segment::Tail),
                None => (name, Segment::One),
            };
            if !is_name(name) {
                return Err(wrong(offset, "a placeholder without a proper name"));
            }
            if placeholders.iter().any(|other| other.name == name) {
                return Err(wrong(offset, "a second placeholder of the same name"));
            }
            placeholders.push(Placeholder { name, offset });
            segments.push(kind);
        } else if let Some(at) = segment.find(['{', '}']) {
            return Err(wrong(offset + at, "a placeholder that does not fill its segment"));
        } else {
            segments.push(Segment::Literal(segment.into()));
        }
        offset += segment.len() + 1;
    }
    Ok((segments, placeholders))
}

/// The pieces of a key pattern for a template with these placeholders.
pub(super) fn key(key: &str, placeholders: &[Placeholder<'_>]) -> Result<Vec<Piece>, InvalidPattern> {
    let wrong = InvalidPattern::key;
    let mut pieces = Vec::new();
    let mut offset = 0;
    while let Some(at) = key[offset..].find(['{', '}']) {
        let open = offset + at;
        if open > offset {
            pieces.push(Piece::Literal(key[offset..open].into()));
        }
        let name = match key[open..].find('}') {
            Some(0) => return Err(wrong(open, "a `}` without its `{`")),
            Some(close) => &key[open + 1..open + close],
            None => return Err(wrong(open, "a `{` without its `}`")),
        };
        pieces.push(match name.strip_prefix('?') {
            Some("") => return Err(wrong(open, "a query parameter without a name")),
            Some(parameter) => Piece::Query(Query::only([parameter])),
            None => match placeholders.iter().position(|known| known.name == name) {
                Some(index) => Piece::Captured(index, name.into()),
                None => return Err(wrong(open, "a placeholder that the path template does not have")),
            },
        });
        offset = open + name.len() + 2;
    }
    if offset < key.len() {
        pieces.push(Piece::Literal(key[offset..].into()));
    }
    Ok(pieces)
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
