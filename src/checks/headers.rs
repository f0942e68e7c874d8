use http::header::{AGE, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE};
use http::{HeaderMap, HeaderName};

use super::{pairs, reversed, split};
use crate::{
    policy::{
        hop::strip_hop_by_hop,
        validation::{not_modified_headers, update_stored},
    },
    tag,
};

/// What describes the stored bytes, and what says who may have them: neither a 304 nor `Connection` decides on these.
static OF_THE_BODY: [HeaderName; 4] = [CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE];
static RELIED_ON: [&str; 5] = ["cache-control", "set-cookie", "vary", "etag", "authorization"];

/// The first head is what is stored, the second one a 304's.
pub fn headers(text: &[u8]) {
    let (stored, fresh) = split(text);
    let (stored, fresh) = (pairs(stored), pairs(fresh));
    let (old, new) = (map(&stored), map(&fresh));
    let updated = update_stored(&old, &new);

    hop_by_hop(&new);
    tags(&stored);

    // Each field comes from the 304 or from what is stored, as a whole; and what is of one connection from neither.
    let passed = stripped(&new);
    for name in old.keys().chain(new.keys()).filter(|name| **name != AGE || new.contains_key(*name)) {
        let kept = OF_THE_BODY.contains(name) || !passed.contains_key(name);
        let from = if kept { &old } else { &passed };
        assert_eq!(lines(&updated, name), lines(from, name), "{name}");
    }
    assert!(!updated.contains_key(AGE) || passed.contains_key(AGE));
    // The same 304 once more changes nothing.
    assert!(update_stored(&updated, &new) == updated || new.contains_key(AGE));
    // What is shown of it as a 304 has nothing to say of a body, and all else as it is.
    let shown = not_modified_headers(&old);
    assert!(OF_THE_BODY.iter().all(|name| !shown.contains_key(name)));
    assert!(shown.keys().all(|name| lines(&shown, name) == lines(&old, name)));
}

fn hop_by_hop(received: &HeaderMap) {
    let passed = stripped(received);
    assert_eq!(stripped(&passed), passed);
    assert!(
        ["connection", "te", "transfer-encoding", "upgrade"].iter().all(|name| !passed.contains_key(*name))
    );
    assert!(passed.keys().all(|name| lines(&passed, name) == lines(received, name)));
    for name in RELIED_ON.iter().filter(|name| received.contains_key(**name)) {
        assert!(passed.contains_key(*name), "{name}");
    }
    // Without `Connection`, what anybody named in it stays.
    let mut unnamed = received.clone();
    unnamed.remove(CONNECTION);
    let unnamed = stripped(&unnamed);
    assert!(passed.keys().all(|name| unnamed.contains_key(name)));
    let named = |name: &HeaderName| {
        let text = lines(received, &CONNECTION).join(&b","[..]).to_ascii_lowercase();
        text.split(|byte| *byte == b',').any(|member| member.trim_ascii() == name.as_str().as_bytes())
    };
    assert!(unnamed.keys().all(|name| passed.contains_key(name) || named(name)));
}

fn tags(stored: &[(HeaderName, http::HeaderValue)]) {
    let tags = tag::collect(&map(stored), &[]);
    assert!(tags.is_sorted_by(|a, b| a < b), "sorted, and each of them once");
    assert!(tags.iter().all(|tag| !tag.is_empty() && !tag.contains(|c: char| c.is_ascii_whitespace())));
    assert_eq!(tag::collect(&map(&reversed(stored)), &[]), tags);
    let more = [tags.to_vec(), vec!["more".into()]].concat();
    let more: Vec<String> = more.into_iter().map(String::from).collect();
    assert!(tag::collect(&map(stored), &more).iter().all(|tag| more.iter().any(|more| **more == **tag)));
}

fn map(pairs: &[(HeaderName, http::HeaderValue)]) -> HeaderMap {
    pairs.iter().cloned().collect()
}

fn stripped(headers: &HeaderMap) -> HeaderMap {
    let mut headers = headers.clone();
    strip_hop_by_hop(&mut headers);
    headers
}

fn lines<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Vec<&'a [u8]> {
    headers.get_all(name).iter().map(|line| line.as_bytes()).collect()
}
