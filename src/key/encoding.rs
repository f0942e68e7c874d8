//! The bytes of a key.
//!
//! ```text
//! key   = part*                      the first part is plain: the namespace
//! part  = kind field | kind field field
//! field = length bytes               length: LEB128, in its shortest form
//! ```
//!
//! A part says how many fields it has and a field how long it is. Reading from the left there is only one
//! way to take a key apart, so two different lists of parts cannot have the same bytes.

use std::iter;

use smallvec::SmallVec;

pub(super) const PLAIN: u8 = 0;
pub(super) const NAMED: u8 = 1;
pub(super) const ABSENT: u8 = 2;
pub(super) const GUARDED: u8 = 3;

/// One part of a key, read back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part<'a> {
    Plain(&'a [u8]),
    Named { name: &'a [u8], value: &'a [u8] },
    Absent(&'a [u8]),
    Guarded { name: &'a [u8], value: &'a [u8] },
}

impl<'a> Part<'a> {
    fn read(rest: &mut &'a [u8]) -> Option<Self> {
        Some(match take(rest, 1)?[0] {
            PLAIN => Part::Plain(read_field(rest)?),
            NAMED => Part::Named { name: read_field(rest)?, value: read_field(rest)? },
            ABSENT => Part::Absent(read_field(rest)?),
            GUARDED => Part::Guarded { name: read_field(rest)?, value: read_field(rest)? },
            _ => return None,
        })
    }
}

/// The parts of a key. Bytes that no [`KeyWriter`](super::KeyWriter) wrote end the list; they do not panic.
pub(super) fn parts(mut key: &[u8]) -> impl Iterator<Item = Part<'_>> {
    iter::from_fn(move || Part::read(&mut key))
}

/// A length as LEB128: seven bits a byte, the lowest first.
pub(super) fn varint(mut len: usize) -> SmallVec<[u8; 10]> {
    let mut bytes = SmallVec::new();
    while len > 0x7f {
        bytes.push(len as u8 | 0x80);
        len >>= 7;
    }
    bytes.push(len as u8);
    bytes
}

fn read_field<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let len = read_varint(rest)?;
    take(rest, len)
}

fn read_varint(rest: &mut &[u8]) -> Option<usize> {
    let mut len = 0;
    for shift in (0..usize::BITS).step_by(7) {
        let byte = take(rest, 1)?[0];
        len |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(len);
        }
    }
    None
}

fn take<'a>(rest: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(len)?;
    *rest = left;
    Some(taken)
}
