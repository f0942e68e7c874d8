//! The printable form of a key, there and back.

use std::{
    error::Error,
    fmt::{self, Write},
    str,
};

use super::{
    KeyWriter,
    encoding::{Part, parts},
    percent::decoded,
};

const NAMED: u8 = b'+';
const ABSENT: u8 = b'-';
const GUARDED: u8 = b'!';

/// A text that is no key's printable form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidKey(());

impl InvalidKey {
    pub(super) fn new() -> Self {
        Self(())
    }
}

impl fmt::Display for InvalidKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not the printable form of a cache key")
    }
}

impl Error for InvalidKey {}

/// Prints a key's bytes.
pub(super) fn print(key: &[u8], out: &mut impl Write) -> fmt::Result {
    for (index, part) in parts(key).enumerate() {
        if index > 0 {
            out.write_char('|')?;
        }
        match part {
            Part::Plain(text) => {
                escape(text, out, |at, byte| at == 0 && [NAMED, ABSENT, GUARDED].contains(&byte))?
            }
            Part::Named { name, value } => pair(NAMED, name, value, out)?,
            Part::Absent(name) => {
                out.write_char(ABSENT.into())?;
                escape(name, out, |_, _| false)?;
            }
            Part::Guarded { name, value } => pair(GUARDED, name, value, out)?,
        }
    }
    Ok(())
}

/// Reads what [`print`] wrote, and more: the caller compares what the result prints with what was given.
pub(super) fn parse(printed: &str) -> Result<KeyWriter, InvalidKey> {
    let (namespace, rest) = match printed.split_once('|') {
        Some((namespace, rest)) => (namespace, Some(rest)),
        None => (printed, None),
    };
    let namespace = unescape(namespace.as_bytes());
    let mut key = KeyWriter::new(str::from_utf8(&namespace).map_err(|_| InvalidKey::new())?);
    for part in rest.iter().flat_map(|rest| rest.split('|')) {
        match part.as_bytes() {
            [NAMED, pair @ ..] => {
                let (name, value) = split_pair(pair)?;
                key.push_pair(name, value);
            }
            [ABSENT, name @ ..] => key.push_absent(unescape(name)),
            [GUARDED, pair @ ..] => {
                let (name, value) = split_pair(pair)?;
                key.push_guarded(&name, &value);
            }
            text => key.push(unescape(text)),
        }
    }
    Ok(key)
}

fn pair(mark: u8, name: &[u8], value: &[u8], out: &mut impl Write) -> fmt::Result {
    out.write_char(mark.into())?;
    escape(name, out, |_, byte| byte == b'=')?;
    out.write_char('=')?;
    escape(value, out, |_, _| false)
}

fn escape(text: &[u8], out: &mut impl Write, also: impl Fn(usize, u8) -> bool) -> fmt::Result {
    for (at, &byte) in text.iter().enumerate() {
        let plain = matches!(byte, b' '..=b'~') && !matches!(byte, b'|' | b'%') && !also(at, byte);
        if plain { out.write_char(byte.into())? } else { write!(out, "%{byte:02X}")? }
    }
    Ok(())
}

fn unescape(text: &[u8]) -> Vec<u8> {
    decoded(text, b'+').collect()
}

fn split_pair(pair: &[u8]) -> Result<(Vec<u8>, Vec<u8>), InvalidKey> {
    let equals = pair.iter().position(|&byte| byte == b'=').ok_or_else(InvalidKey::new)?;
    Ok((unescape(&pair[..equals]), unescape(&pair[equals + 1..])))
}
