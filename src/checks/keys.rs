use http::header::FORWARDED;

use super::{field, lines, values};
use crate::{
    key::{Key, KeyWriter},
    policy::request::RequestFacts,
};

/// The text as a key's printed form, as a key's bytes, as the parts of a key, a line each, and as lines of `Forwarded`.
pub fn keys(text: &[u8]) {
    // What a key prints is the only text that is read as that key.
    if let Some(key) = std::str::from_utf8(text).ok().and_then(|printed| printed.parse::<Key>().ok()) {
        assert_eq!(key.to_string().as_bytes(), text);
    }
    // Bytes that no writer wrote end the list of parts.
    Key::from_bytes(text).to_string();

    let all: Vec<_> = lines(text).collect();
    let key = written(&all);
    let printed = key.to_string();
    assert!(printed.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{printed}");
    assert_eq!(printed.parse().as_ref(), Ok(&key));
    // One part more is another key, and so is another order.
    assert_ne!(written(&all[1..]), key);
    let reversed: Vec<_> = all.iter().rev().copied().collect();
    assert_eq!(written(&reversed) == key, reversed == all);

    forwarded(text);
}

/// A key of one part a line, whose first byte says of which kind.
fn written(lines: &[&[u8]]) -> Key {
    let mut key = KeyWriter::new("route");
    for line in lines {
        let (kind, text) = line.split_first().unwrap_or((&0, &[]));
        let middle = text.iter().position(|byte| *byte == b' ').unwrap_or(text.len());
        let (name, value) = text.split_at(middle);
        match kind {
            b'+' => key.push_pair(name, value),
            b'-' => key.push_absent(text),
            b'!' => key.push_guarded(name, value),
            _ => key.push(line),
        }
    }
    key.to_key()
}

/// A host or a scheme that an origin could find in `Forwarded` is in the key.
fn forwarded(text: &[u8]) {
    let lines = values(text);
    let headers = field(&FORWARDED, &lines);
    let mut found = Vec::new();
    RequestFacts::scan(&headers).for_each_guarded(&headers, |name, value| {
        assert_eq!(name, b"forwarded");
        found.push(value.to_ascii_lowercase());
    });
    let separates = |byte: &u8| matches!(byte, b',' | b';');
    for part in lines.iter().flat_map(|line| line.as_bytes().split(separates)) {
        let part = part.trim_ascii().to_ascii_lowercase();
        if part.starts_with(b"host=") || part.starts_with(b"proto=") {
            let holds = |value: &Vec<u8>| value.windows(part.len()).any(|text| text == part);
            assert!(found.iter().any(holds), "{:?}", part.escape_ascii());
        }
    }
}
