//! What a client accepts, brought down to what the service has (RFC 9110 §12.5.3, §12.5.4), so that the many spellings of
//! one wish select the same variant (RFC 9111 §4.1).

use std::cmp::Reverse;

use http::header::{ACCEPT_ENCODING, ACCEPT_LANGUAGE};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::vary::list_members;
use crate::error::ConfigError;

/// What a route brings down; nothing that it does not name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Negotiation {
    codings: Option<Codings>,
    languages: Option<Languages>,
}

impl Negotiation {
    /// An error names the setter whose list cannot be, and what is wrong with it.
    pub(crate) fn new(
        codings: Option<Vec<String>>,
        languages: Option<Vec<String>>,
    ) -> Result<Self, ConfigError> {
        fn made<T>(
            names: Option<Vec<String>>,
            make: impl FnOnce(Vec<String>) -> Option<T>,
            error: impl FnOnce(&[String]) -> ConfigError,
        ) -> Result<Option<T>, ConfigError> {
            names.map(|names| make(names.clone()).ok_or_else(|| error(&names))).transpose()
        }
        Ok(Self {
            codings: made(codings, Codings::new, |names| {
                ConfigError::new("normalise_encoding", names, "must be 1 to 6 content codings")
            })?,
            languages: made(languages, Languages::new, |names| {
                ConfigError::new("normalise_language", names, "must be language tags, at least one")
            })?,
        })
    }

    /// Brings a request's fields down to what the service has.
    #[inline]
    pub(crate) fn reduce(&self, request: &mut HeaderMap) {
        if let Some(codings) = &self.codings {
            codings.reduce(request);
        }
        if let Some(languages) = &self.languages {
            languages.reduce(request);
        }
    }
}

/// More codings than this make more sets of them than are worth a variant each.
const MAX_CODINGS: usize = 6;

/// The content codings that a service has, and the values that a request's `Accept-Encoding` is brought down to.
#[derive(Clone, Debug)]
struct Codings {
    names: Box<[Box<str>]>,
    /// The value for each set of them, as a number with a bit for each name.
    values: Box<[HeaderValue]>,
}

/// The languages that a service has, and the value for each.
#[derive(Clone, Debug)]
struct Languages {
    names: Box<[Box<str>]>,
    values: Box<[HeaderValue]>,
}

impl Codings {
    /// Nothing if there are none, too many, or one of them is no token.
    fn new(names: Vec<String>) -> Option<Self> {
        let names = lower_case(names)?;
        if names.len() > MAX_CODINGS {
            return None;
        }
        let accepted = |set: usize| {
            let listed = names.iter().enumerate().filter(|(place, _)| set & (1 << place) != 0);
            let listed: Vec<&str> = listed.map(|(_, name)| &**name).collect();
            if listed.is_empty() { "identity".to_owned() } else { listed.join(", ") }
        };
        let values = (0..1 << names.len()).map(|set| owned(&accepted(set))).collect::<Option<_>>()?;
        Some(Self { names, values })
    }

    /// Leaves of `Accept-Encoding` those codings that the service has, in the service's order and without weights;
    /// `identity` if there are none. The field stays as it is where it cannot be read, or does not accept a response
    /// without a coding: then the origin has to judge.
    fn reduce(&self, request: &mut HeaderMap) {
        if !request.contains_key(ACCEPT_ENCODING) {
            return;
        }
        let Some(set) = self.accepted(request) else { return };
        if let Some(value) = self.values.get(set) {
            request.insert(ACCEPT_ENCODING, value.clone());
        }
    }

    /// The set of codings that a request accepts.
    fn accepted(&self, request: &HeaderMap) -> Option<usize> {
        let (mut named, mut accepted, mut any, mut identity) = (0, 0, false, None);
        for choice in choices(request, &ACCEPT_ENCODING) {
            let Choice { name, weight } = choice?;
            let bits =
                self.names.iter().enumerate().filter(|(_, own)| name.eq_ignore_ascii_case(own.as_bytes()));
            let bits = bits.fold(0, |bits, (place, _)| bits | (1 << place));
            named |= bits;
            if weight > 0 {
                accepted |= bits;
            }
            match name {
                b"*" => {
                    any = weight > 0;
                    identity.get_or_insert(any);
                }
                name if name.eq_ignore_ascii_case(b"identity") => identity = Some(weight > 0),
                _ => {}
            }
        }
        let all = self.values.len() - 1;
        (identity != Some(false)).then_some(if any { accepted | (all & !named) } else { accepted })
    }
}

impl Languages {
    /// Nothing if there are none, or one of them is no language tag.
    fn new(names: Vec<String>) -> Option<Self> {
        let names = lower_case(names)?;
        let values = names.iter().map(|name| owned(name)).collect::<Option<_>>()?;
        Some(Self { names, values })
    }

    /// Makes of `Accept-Language` the one language of the service's that suits it best, by lookup (RFC 4647 §3.4): the
    /// highest weight counts, then the service's order; the service's first language where none suits. The field stays
    /// as it is where it cannot be read.
    fn reduce(&self, request: &mut HeaderMap) {
        if !request.contains_key(ACCEPT_LANGUAGE) {
            return;
        }
        let Some(best) = self.best(request) else { return };
        if let Some(value) = self.values.get(best) {
            request.insert(ACCEPT_LANGUAGE, value.clone());
        }
    }

    fn best(&self, request: &HeaderMap) -> Option<usize> {
        let mut best = (0, Reverse(0));
        for choice in choices(request, &ACCEPT_LANGUAGE) {
            let Choice { name, weight } = choice?;
            let place = self.names.iter().position(|own| name == b"*" || suits(own.as_bytes(), name));
            if let Some(place) = place {
                best = best.max((weight, Reverse(place)));
            }
        }
        let (_, Reverse(place)) = best;
        Some(place)
    }
}

/// Whether a service that has a language has what a range asks for: the same, or one that the range is more exact than
/// (`de` for `de-AT`), or that is more exact than the range (`de-AT` for `de`).
fn suits(own: &[u8], range: &[u8]) -> bool {
    let (short, long) = if own.len() <= range.len() { (own, range) } else { (range, own) };
    long.get(..short.len()).is_some_and(|start| start.eq_ignore_ascii_case(short))
        && matches!(long.get(short.len()), None | Some(b'-'))
}

/// One choice of a client, and its weight in thousandths.
struct Choice<'a> {
    name: &'a [u8],
    weight: u16,
}

/// The members of a list of weighted choices (RFC 9110 §12.4.2); nothing in place of one that cannot be read.
fn choices<'a>(headers: &'a HeaderMap, name: &'a HeaderName) -> impl Iterator<Item = Option<Choice<'a>>> {
    list_members(headers, name).map(|member| {
        let mut parts = member.split(|b| *b == b';').map(<[u8]>::trim_ascii);
        let name = parts.next().filter(|name| is_name(name))?;
        let weight = match (parts.next(), parts.next()) {
            (None, _) => 1000,
            (Some(weight), None) => qvalue(weight)?,
            (Some(_), Some(_)) => return None,
        };
        Some(Choice { name, weight })
    })
}

/// `q=0.5`, in thousandths (RFC 9110 §12.4.2).
fn qvalue(parameter: &[u8]) -> Option<u16> {
    let value = parameter.strip_prefix(b"q=").or_else(|| parameter.strip_prefix(b"Q="))?;
    let (whole, fraction) = match value.split_first()? {
        (whole, []) => (whole, &[][..]),
        (whole, [b'.', fraction @ ..]) => (whole, fraction),
        _ => return None,
    };
    if fraction.len() > 3 || !fraction.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digits = fraction.iter().chain(b"000").take(3);
    let thousandths = digits.fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0'));
    match (whole, thousandths) {
        (b'0', thousandths) => Some(thousandths),
        (b'1', 0) => Some(1000),
        _ => None,
    }
}

fn is_name(name: &[u8]) -> bool {
    !name.is_empty() && name.iter().all(|byte| super::cache_control::is_tchar(*byte))
}

/// Names that can stand in a list, in lower case; nothing if there are none, or one cannot.
fn lower_case(names: Vec<String>) -> Option<Box<[Box<str>]>> {
    let fine = !names.is_empty() && names.iter().all(|name| is_name(name.as_bytes()) && name != "*");
    fine.then(|| names.into_iter().map(|name| name.to_ascii_lowercase().into()).collect())
}

/// A value whose clones allocate nothing: the first one that would is made here.
fn owned(text: &str) -> Option<HeaderValue> {
    let value = HeaderValue::from_str(text).ok()?;
    drop(value.clone());
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, lines: &[&str]) -> HeaderMap {
        lines.iter().map(|line| (name.clone(), HeaderValue::from_str(line).unwrap())).collect()
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    fn lines(request: &HeaderMap, name: HeaderName) -> Vec<String> {
        request.get_all(name).iter().map(|line| line.to_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn of_what_is_accepted_the_services_codings_are_left() {
        let codings = Codings::new(names(&["br", "GZip"])).unwrap();
        let cases: &[(&[&str], &[&str])] = &[
            (&["gzip, deflate, br, zstd"], &["br, gzip"]),
            (&["br;q=0.1 , GZIP ;q=0.9"], &["br, gzip"]),
            (&["gzip", "br"], &["br, gzip"]),
            (&["gzip"], &["gzip"]),
            (&["gzip;q=0"], &["identity"]),
            (&["gzip;q=0.000, br;q=0.001"], &["br"]),
            (&["gzip, gzip;q=0"], &["gzip"]),
            (&["*"], &["br, gzip"]),
            (&["*, br;q=0"], &["gzip"]),
            (&["gzip, *;q=0, identity"], &["gzip"]),
            (&["zstd"], &["identity"]),
            (&[""], &["identity"]),
            (&["identity"], &["identity"]),
            (&[], &[]),
            // Who does not accept a response without a coding, and what cannot be read, is the origin's to judge.
            (&["gzip, identity;q=0"], &["gzip, identity;q=0"]),
            (&["gzip, *;q=0"], &["gzip, *;q=0"]),
            (&["gzip;q=2"], &["gzip;q=2"]),
            (&["gzip;q=0.0001"], &["gzip;q=0.0001"]),
            (&["gzip;q=1;x"], &["gzip;q=1;x"]),
            (&["gzip;x=1"], &["gzip;x=1"]),
            (&["br", "\"gzip\""], &["br", "\"gzip\""]),
        ];
        for (given, expected) in cases {
            let mut request = headers(ACCEPT_ENCODING, given);
            codings.reduce(&mut request);
            assert_eq!(lines(&request, ACCEPT_ENCODING), *expected, "{given:?}");
        }
    }

    #[test]
    fn of_what_is_understood_the_services_best_language_is_left() {
        let languages = Languages::new(names(&["en", "de", "pt-BR"])).unwrap();
        let cases: &[(&[&str], &[&str])] = &[
            (&["de"], &["de"]),
            (&["de-AT, fr;q=0.9"], &["de"]),
            (&["pt"], &["pt-br"]),
            (&["PT-br"], &["pt-br"]),
            (&["den, d"], &["en"]),
            (&["fr;q=0.5, de;q=1.0"], &["de"]),
            (&["de;q=0.8", "en;q=0.9"], &["en"]),
            (&["en, de"], &["en"]),
            (&["de, en"], &["en"]),
            (&["de;q=0.5, *;q=0.1"], &["de"]),
            (&["*"], &["en"]),
            (&["fr"], &["en"]),
            (&["en;q=0, de;q=0.1"], &["de"]),
            (&["de;q=0"], &["en"]),
            (&[""], &["en"]),
            (&[], &[]),
            (&["de;q=a"], &["de;q=a"]),
            (&["de; en"], &["de; en"]),
        ];
        for (given, expected) in cases {
            let mut request = headers(ACCEPT_LANGUAGE, given);
            languages.reduce(&mut request);
            assert_eq!(lines(&request, ACCEPT_LANGUAGE), *expected, "{given:?}");
        }
    }

    #[test]
    fn each_field_is_brought_down_where_the_service_names_what_it_has() {
        let (gzip, de) = (Some(names(&["gzip"])), Some(names(&["de"])));
        for (codings, languages, expected) in [
            (None, None, ["br, gzip", "de-AT"]),
            (gzip.clone(), None, ["gzip", "de-AT"]),
            (None, de.clone(), ["br, gzip", "de"]),
            (gzip, de, ["gzip", "de"]),
        ] {
            let mut request = headers(ACCEPT_ENCODING, &["br, gzip"]);
            request.extend(headers(ACCEPT_LANGUAGE, &["de-AT"]));
            Negotiation::new(codings, languages).unwrap().reduce(&mut request);
            assert_eq!([&request[ACCEPT_ENCODING], &request[ACCEPT_LANGUAGE]], expected);
        }
    }

    #[test]
    fn only_names_that_can_be_listed_are_taken() {
        for wrong in [&[][..], &["*"], &[""], &["a b"], &["gzip;q=1"], &["gz\u{ef}p"]] {
            assert!(
                Codings::new(names(wrong)).is_none() && Languages::new(names(wrong)).is_none(),
                "{wrong:?}"
            );
        }
        assert!(Codings::new(names(&["a"; MAX_CODINGS + 1])).is_none());
    }
}
