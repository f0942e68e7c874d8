//! `Vary`: which requests a stored response is an answer to (RFC 9110 §12.5.5, RFC 9111 §4.1).

use std::fmt;

use http::header::{self, VARY};
use http::{HeaderMap, HeaderName, HeaderValue};

#[cfg(test)]
mod tests;

/// What a response varies on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Vary {
    /// Nothing.
    None,
    /// Something that no request header tells (`*`), or that cannot be read: no other request matches.
    Any,
    /// These request headers, sorted and each of them once.
    Fields(Box<[HeaderName]>),
}

impl Vary {
    /// Reads every `Vary` line of a response (RFC 9110 §12.5.5).
    pub(crate) fn from_headers(response: &HeaderMap) -> Self {
        let mut fields = Vec::new();
        for member in list_members(response, &VARY) {
            match HeaderName::from_bytes(member) {
                Ok(name) if member != b"*" => fields.push(name),
                _ => return Self::Any,
            }
        }
        if fields.is_empty() {
            return Self::None;
        }
        fields.sort_unstable_by(|a, b| a.as_str().cmp(b.as_str()));
        fields.dedup();
        Self::Fields(fields.into())
    }

    /// The request headers that it names.
    pub(crate) fn fields(&self) -> &[HeaderName] {
        match self {
            Self::None | Self::Any => &[],
            Self::Fields(names) => names,
        }
    }

    /// What a later request has to agree on with this one (RFC 9111 §4.1), or nothing where none can.
    pub(crate) fn select(&self, request: &HeaderMap) -> Option<Selecting> {
        match self {
            Self::None => Some(Selecting::default()),
            Self::Any => None,
            Self::Fields(names) => {
                Some(Selecting(names.iter().map(|name| (name.clone(), joined(request, name))).collect()))
            }
        }
    }
}

/// The headers that selected a stored response, with their normalised values in the request that fetched it.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Selecting(Box<[Selected]>);

type Selected = (HeaderName, Option<Box<[u8]>>);

impl Selecting {
    /// Whether this request would have been answered with the same response (RFC 9111 §4.1). Lines of one name count
    /// as one list, and white space around them does not count; of a field whose grammar is known, neither does what has
    /// no meaning in it. A header that is absent matches only an absent one.
    #[inline]
    pub(crate) fn matches(&self, request: &HeaderMap) -> bool {
        self.matches_as_it_is(request) || self.matches_in(request, is_normal)
    }

    /// The same for a request that spells its values as they are kept, which most do. It takes a part of the time.
    #[inline]
    pub(crate) fn matches_as_it_is(&self, request: &HeaderMap) -> bool {
        self.matches_in(request, is_joined)
    }

    #[inline]
    fn matches_in(&self, request: &HeaderMap, is: impl Fn(&HeaderMap, &HeaderName, &[u8]) -> bool) -> bool {
        self.0.iter().all(|(name, value)| match value {
            None => !request.contains_key(name),
            Some(value) => is(request, name, value),
        })
    }

    /// The same headers, with their values in another request.
    pub(crate) fn reselect(&self, request: &HeaderMap) -> Self {
        Self(self.0.iter().map(|(name, _)| (name.clone(), joined(request, name))).collect())
    }

    /// Whether both are about the same headers, whatever their values.
    pub(crate) fn same_fields(&self, other: &Self) -> bool {
        self.0.iter().map(|(name, _)| name).eq(other.0.iter().map(|(name, _)| name))
    }

    /// Roughly how much of the heap it takes.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&*self.0) + self.parts().flatten().map(<[u8]>::len).sum::<usize>()
    }

    fn parts(&self) -> impl Iterator<Item = Option<&[u8]>> {
        self.0.iter().flat_map(|(name, value)| [Some(name.as_str().as_bytes()), value.as_deref()])
    }
}

/// Names only: the values may be a `Cookie` or an `Authorization`.
impl fmt::Debug for Selecting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

/// The members of a field that is a list, over all its lines, without white space and empty ones (RFC 9110 §5.6.1).
pub(super) fn list_members<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a [u8]> {
    let lines = headers.get_all(name).into_iter();
    let members = lines.flat_map(|line| line.as_bytes().split(|b| *b == b','));
    members.map(<[u8]>::trim_ascii).filter(|member| !member.is_empty())
}

const SEPARATOR: &[u8] = b", ";

/// The lines of one name as a single value (RFC 9110 §5.2), in the one form that all of its spellings share.
fn joined(request: &HeaderMap, name: &HeaderName) -> Option<Box<[u8]>> {
    if let Some(normal) = normal(request, name) {
        return request.contains_key(name).then(|| normal.collect());
    }
    let lines: Vec<&[u8]> = request.get_all(name).iter().map(trimmed).collect();
    (!lines.is_empty()).then(|| lines.join(SEPARATOR).into())
}

/// Whether the lines, as they are, would be this value, without joining anything.
fn is_joined(request: &HeaderMap, name: &HeaderName, value: &[u8]) -> bool {
    let mut lines = request.get_all(name).iter().map(trimmed);
    let first = lines.next().and_then(|line| value.strip_prefix(line));
    let rest = lines.fold(first, |rest, line| rest?.strip_prefix(SEPARATOR)?.strip_prefix(line));
    rest.is_some_and(<[u8]>::is_empty)
}

/// Whether the lines are this value, in any spelling.
fn is_normal(request: &HeaderMap, name: &HeaderName, value: &[u8]) -> bool {
    match normal(request, name) {
        Some(normal) => request.contains_key(name) && normal.eq(value.iter().copied()),
        None => is_joined(request, name, value),
    }
}

/// The bytes of a field that is a list of weighted choices, with nothing in it that has no meaning (RFC 9110 §12.4.2,
/// §5.6): white space around members and parameters, empty members, and case where that does not count. Order stays: some
/// origins go by it. Nothing for other fields, whose grammar is not known here, nor where something is quoted.
fn normal<'a>(request: &'a HeaderMap, name: &'a HeaderName) -> Option<impl Iterator<Item = u8> + 'a> {
    let folds_case = match *name {
        header::ACCEPT => false,
        header::ACCEPT_CHARSET | header::ACCEPT_ENCODING | header::ACCEPT_LANGUAGE => true,
        _ => return None,
    };
    if request.get_all(name).iter().any(|line| line.as_bytes().contains(&b'"')) {
        return None;
    }
    let member = |member: &'a [u8]| {
        let parts = member.split(|b| *b == b';').map(|part| part.trim_ascii().iter().copied());
        separated(parts, b";")
    };
    let bytes = separated(list_members(request, name).map(member), SEPARATOR);
    Some(bytes.map(move |byte| if folds_case { byte.to_ascii_lowercase() } else { byte }))
}

fn separated<I: Iterator<Item = u8>>(
    parts: impl Iterator<Item = I>,
    separator: &'static [u8],
) -> impl Iterator<Item = u8> {
    parts.enumerate().flat_map(move |(place, part)| {
        let separator = if place == 0 { &[][..] } else { separator };
        separator.iter().copied().chain(part)
    })
}

fn trimmed(line: &HeaderValue) -> &[u8] {
    line.as_bytes().trim_ascii()
}
