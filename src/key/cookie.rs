use http::{HeaderName, header::COOKIE, request::Parts};

use super::{KeyDecision, KeyExtractor, KeyWriter, percent::decoded};

const LABEL: &str = "cookie:";

/// The value of one request cookie.
///
/// Every occurrence on every `Cookie` line counts, in its order and byte for byte. No such cookie and an
/// empty one are different, and so are spellings of the name that only some servers take for it
/// (`%73ession`, or a name without a value). Other cookies do not count: with this in its key, a route says
/// that its responses depend on no other one.
///
/// ```
/// # use http::Request;
/// use tower_swr_cache::key::{Cookie, Key, Path};
///
/// let (parts, ()) = Request::get("/odds").header("cookie", "a=1; currency=eur").body(())?.into_parts();
/// let key = Key::of("odds", &(Path, Cookie::new("currency")), &parts).unwrap();
/// assert_eq!(key.to_string(), "odds|/odds|+cookie:currency=eur");
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Cookie {
    // With its prefix, as it stands in the key: no header's name holds a colon.
    label: Box<str>,
}

impl Cookie {
    /// The cookie of this name. Case counts.
    pub fn new(name: &str) -> Self {
        Self { label: [LABEL, name].concat().into() }
    }

    fn name(&self) -> &[u8] {
        &self.label.as_bytes()[LABEL.len()..]
    }
}

impl KeyExtractor for Cookie {
    fn extract(&self, parts: &Parts, key: &mut KeyWriter) -> KeyDecision {
        let mut absent = true;
        for line in parts.headers.get_all(COOKIE) {
            for pair in line.as_bytes().split(|&byte| byte == b';').map(<[u8]>::trim_ascii_start) {
                let equals = pair.iter().position(|&byte| byte == b'=');
                let name = &pair[..equals.unwrap_or(pair.len())];
                match equals {
                    Some(equals) if name == self.name() => key.push_pair(&*self.label, &pair[equals + 1..]),
                    _ if decoded(name.trim_ascii_end(), b'+').eq(self.name().iter().copied()) => {
                        key.push_pair("cookie", pair);
                    }
                    _ => continue,
                }
                absent = false;
            }
        }
        if absent {
            key.push_absent(&*self.label);
        }
        KeyDecision::Cache
    }

    fn keys_header(&self, name: &HeaderName) -> bool {
        name == COOKIE
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::tests::*;

    #[test]
    fn every_occurrence_of_the_cookie_counts() {
        for (lines, key) in [
            (&[][..], "ns|-cookie:s"),
            (&[""], "ns|-cookie:s"),
            (&["t=1; S=2; ss=3; xs=4"], "ns|-cookie:s"),
            (&["s="], "ns|+cookie:s="),
            (&["s=1"], "ns|+cookie:s=1"),
            (&["a=s; s=1;b=2"], "ns|+cookie:s=1"),
            (&["s=1=2"], "ns|+cookie:s=1=2"),
            (&["s=\"1\""], "ns|+cookie:s=\"1\""),
            (&["s=1 ; a"], "ns|+cookie:s=1 "),
            (&["s=1; s=2"], "ns|+cookie:s=1|+cookie:s=2"),
            (&["a=0; s=2", "s=1"], "ns|+cookie:s=2|+cookie:s=1"),
            (&["s=é"], "ns|+cookie:s=%C3%A9"),
            (&["s"], "ns|+cookie=s"),
            (&["%73=1"], "ns|+cookie=%2573=1"),
            (&["s =1"], "ns|+cookie=s =1"),
        ] {
            let headers: Vec<_> = lines.iter().map(|line| ("cookie", *line)).collect();
            assert_eq!(printed(&Cookie::new("s"), &get("/", &headers)), key, "{lines:?}");
        }
    }

    #[test]
    fn it_keys_the_cookie_header() {
        assert!(Cookie::new("s").keys_header(&COOKIE));
        assert!(!Cookie::new("s").keys_header(&http::header::ACCEPT));
    }
}
