//! What fields hold: times and sizes with units, statuses, `false` for none.

use std::{fmt, marker::PhantomData, time::Duration};

use http::{HeaderName, StatusCode};
use serde::{
    Deserialize, Deserializer,
    de::{
        Error, Unexpected, Visitor,
        value::{MapAccessDeserializer, StrDeserializer},
    },
};

/// A time with its unit.
#[derive(Debug)]
pub(super) struct Span(pub(super) Duration);

/// A number of bytes, or one with a unit.
#[derive(Debug)]
pub(super) struct Size(pub(super) u64);

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Status(pub(super) StatusCode);

#[derive(Debug)]
pub(super) struct Field(pub(super) HeaderName);

/// Soft and hard.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ttl {
    pub(super) soft: Span,
    pub(super) hard: Span,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Breaker {
    pub(super) failures: u32,
    pub(super) cooldown: Span,
}

/// A value, or `false` for none.
#[derive(Debug)]
pub(super) struct OrFalse<T>(pub(super) Option<T>);

/// What is read from text.
trait FromText: Sized {
    /// What has to be there, for whoever reads the error.
    const EXPECTED: &str;

    fn from_text(text: &str) -> Option<Self>;

    /// The meaning of a number, if it has one.
    fn from_number(_number: u64) -> Option<Self> {
        None
    }
}

impl FromText for Span {
    const EXPECTED: &str = "a time with its unit, such as \"30s\"";

    fn from_text(text: &str) -> Option<Self> {
        humantime::parse_duration(text).ok().map(Self)
    }
}

impl FromText for Size {
    const EXPECTED: &str = "a number of bytes, or one with its unit, such as \"4MiB\"";

    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok().map(|bytesize::ByteSize(bytes)| Self(bytes))
    }

    fn from_number(number: u64) -> Option<Self> {
        Some(Self(number))
    }
}

impl FromText for Status {
    const EXPECTED: &str = "a status, such as 404";

    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }

    // Formats whose tables have numbers for keys.
    fn from_number(number: u64) -> Option<Self> {
        StatusCode::from_u16(number.try_into().ok()?).ok().map(Self)
    }
}

impl FromText for Field {
    const EXPECTED: &str = "the name of a header field";

    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }
}

struct TextVisitor<T>(PhantomData<fn() -> T>);

impl<T: FromText> Visitor<'_> for TextVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        T::from_text(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        T::from_number(number).ok_or_else(|| E::invalid_type(Unexpected::Unsigned(number), &self))
    }

    // TOML knows no unsigned numbers.
    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        let unsigned = u64::try_from(number).map_err(|_| E::invalid_value(Unexpected::Signed(number), &self));
        self.visit_u64(unsigned?)
    }
}

macro_rules! from_text {
    ($($value:ty),+) => {$(
        impl<'de> Deserialize<'de> for $value {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(TextVisitor(PhantomData))
            }
        }
    )+};
}

from_text!(Span, Size, Status, Field);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OrFalse<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OrFalseVisitor(PhantomData))
    }
}

struct OrFalseVisitor<T>(PhantomData<fn() -> T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for OrFalseVisitor<T> {
    type Value = OrFalse<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value, or `false` for none")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
        if value { Err(E::invalid_value(Unexpected::Bool(value), &self)) } else { Ok(OrFalse(None)) }
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        T::deserialize(StrDeserializer::new(text)).map(|value| OrFalse(Some(value)))
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(|value| OrFalse(Some(value)))
    }
}
