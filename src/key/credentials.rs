use std::{
    fmt::Write,
    hash::{BuildHasher, RandomState},
    sync::LazyLock,
};

use http::{
    HeaderName, HeaderValue,
    header::{AUTHORIZATION, COOKIE},
    request::Parts,
};

use super::{KeyDecision, KeyExtractor, KeyWriter};

/// Who a request is from, by its `Authorization` and `Cookie`: a hash of each of their values, as named parts.
///
/// Requests with other credentials have other keys, so that no identity is answered with another one's response, and the
/// values themselves are not in the key, which is printed. The hash has 128 bits and is keyed at random for each process:
/// it cannot be looked up in a table, nobody who does not know that key can make two values meet, and the key of a request
/// is another one in the next process.
///
/// An identity that is in another header (`X-Api-Key`), or that the client adds to the request behind the cache, is not
/// seen: see [`Header`](super::Header), or give each identity a route of its own.
///
/// ```
/// # use http::Request;
/// use tower_swr_cache::key::{Credentials, Key, Target};
///
/// let key = |token: &str| {
///     let request = Request::get("http://api/odds").header("authorization", format!("Bearer {token}")).body(()).unwrap();
///     Key::of("odds", &(Target, Credentials), &request.into_parts().0).unwrap().to_string()
/// };
/// assert_eq!(key("alice-secret"), key("alice-secret"));
/// assert_ne!(key("alice-secret"), key("bob-secret"));
/// assert!(!key("alice-secret").contains("secret"));
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Credentials;

/// What holds them, and how its hash is called in keys: no header's name holds a colon.
static FIELDS: [(HeaderName, &str); 2] = [(AUTHORIZATION, "authorization:hash"), (COOKIE, "cookie:hash")];

/// The process's keys of SipHash, one for each half of a hash.
static SECRETS: LazyLock<[RandomState; 2]> = LazyLock::new(Default::default);

impl KeyExtractor for Credentials {
    fn extract(&self, parts: &Parts, key: &mut KeyWriter) -> KeyDecision {
        for (name, label) in &FIELDS {
            let mut values = parts.headers.get_all(name).iter().peekable();
            if values.peek().is_none() {
                key.push_absent(label);
            }
            for value in values {
                let [high, low] = hash(value);
                key.push_pair_with(label, |part| {
                    // A part takes everything.
                    let _ = write!(part, "{high:016x}{low:016x}");
                });
            }
        }
        KeyDecision::Cache
    }

    fn keys_header(&self, name: &HeaderName) -> bool {
        FIELDS.iter().any(|(keyed, _)| keyed == name)
    }
}

fn hash(value: &HeaderValue) -> [u64; 2] {
    SECRETS.each_ref().map(|secret| secret.hash_one(value.as_bytes()))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::key::tests::*;

    fn of(headers: &[(&'static str, &str)]) -> String {
        printed(&Credentials, &get("/", headers))
    }

    #[test]
    fn every_value_counts_and_none_can_be_read() {
        let requests: [&[(&str, &str)]; 8] = [
            &[],
            &[("authorization", "")],
            &[("authorization", "Bearer a")],
            &[("authorization", "Bearer b")],
            &[("authorization", "Bearer a"), ("authorization", "Bearer b")],
            &[("authorization", "Bearer b"), ("authorization", "Bearer a")],
            &[("cookie", "Bearer a")],
            &[("authorization", "Bearer a"), ("cookie", "id=1")],
        ];
        let keys: HashSet<String> = requests.into_iter().map(of).collect();
        assert_eq!(keys.len(), requests.len(), "{keys:?}");
        assert!(!keys.iter().any(|key| key.contains("Bearer") || key.contains("id=1")), "{keys:?}");
        assert_eq!(of(requests[2]), of(requests[2]));
        assert_eq!(of(&[]), "ns|-authorization:hash|-cookie:hash");
    }

    #[test]
    fn a_hash_has_two_halves_that_say_different_things() {
        let halves: HashSet<u64> =
            ["", "a", "b"].map(HeaderValue::from_static).iter().flat_map(hash).collect();
        assert_eq!(halves.len(), 6);
        let key = of(&[("authorization", "a")]);
        let hash = key.trim_start_matches("ns|+authorization:hash=").trim_end_matches("|-cookie:hash");
        assert!(hash.len() == 32 && hash.bytes().all(|b| b.is_ascii_hexdigit()), "{key}");
    }

    #[test]
    fn it_keys_both_headers() {
        assert!(Credentials.keys_header(&AUTHORIZATION) && Credentials.keys_header(&COOKIE));
        assert!(!Credentials.keys_header(&http::header::ACCEPT));
    }
}
