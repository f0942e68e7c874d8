//! Percent-decoding, byte by byte.

use std::iter;

/// The bytes with every `%XX` decoded and every `+` replaced by `plus`. What is no escape stands for itself.
///
/// `plus` is a space where form encoding applies (query strings), and `+` everywhere else.
pub(crate) fn decoded(mut rest: &[u8], plus: u8) -> impl Iterator<Item = u8> {
    iter::from_fn(move || {
        let (byte, tail) = match *rest {
            [b'%', high, low, ref tail @ ..] => match (nibble(high), nibble(low)) {
                (Some(high), Some(low)) => (high << 4 | low, tail),
                _ => (b'%', &rest[1..]),
            },
            [b'+', ref tail @ ..] => (plus, tail),
            [byte, ref tail @ ..] => (byte, tail),
            [] => return None,
        };
        rest = tail;
        Some(byte)
    })
}

fn nibble(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}

#[cfg(test)]
mod tests {
    use super::decoded;

    #[test]
    fn only_whole_escapes_are_decoded() {
        for (raw, plain) in [
            ("", ""),
            ("abc", "abc"),
            ("%61%62c", "abc"),
            ("%4a%4B", "JK"),
            ("%", "%"),
            ("%6", "%6"),
            ("%6g1", "%6g1"),
            ("%%61", "%a"),
            ("%2561", "%61"),
            ("a+b%2B", "a b+"),
        ] {
            assert_eq!(decoded(raw.as_bytes(), b' ').collect::<Vec<_>>(), plain.as_bytes(), "{raw}");
        }
    }
}
