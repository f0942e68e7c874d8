//! The fields of a route, and the setters they stand for.

use std::{collections::BTreeMap, fmt, marker::PhantomData, time::Duration};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error, MapAccess, Visitor},
};

use super::{
    key::Pieces,
    values::{Breaker, Field, OrFalse, Size, Span, Status, Ttl},
};
use crate::config::{Mode, SwrConfig, SwrConfigBuilder as Builder};

macro_rules! fields {
    ($($field:ident: $value:ty => $set:expr,)+) => {
        /// The names of all of them.
        pub(super) const FIELDS: &[&str] = &["name", $(stringify!($field)),+];

        /// What a file says of a route.
        #[derive(Default)]
        struct RouteFile {
            $($field: Option<$value>,)+
        }

        impl RouteFile {
            /// Reads the value of a field.
            fn read<'de, A: MapAccess<'de>>(
                &mut self,
                route: Route<'_>,
                field: &str,
                map: &mut A,
            ) -> Result<(), A::Error> {
                match field {
                    $(stringify!($field) => route.read_once(&mut self.$field, stringify!($field), map),)+
                    _ => Err(route.error(A::Error::unknown_field(field, FIELDS))),
                }
            }

            /// Calls the setter of each field that is there.
            fn apply(self, builder: Builder) -> Builder {
                $(let builder = set(builder, self.$field, $set);)+
                builder
            }
        }
    };
}

fields! {
    soft_ttl: Span => span(Builder::soft_ttl),
    hard_ttl: Span => span(Builder::hard_ttl),
    fallback_ttl: Ttl => |route, ttl| route.fallback_ttl(ttl.soft.0, ttl.hard.0),
    status_ttl: BTreeMap<Status, Ttl> => |route, ttls| {
        ttls.into_iter().fold(route, |route, (status, ttl)| route.status_ttl(status.0, ttl.soft.0, ttl.hard.0))
    },
    soft_jitter: f64 => Builder::soft_jitter,
    failure_extension: f64 => Builder::failure_extension,
    stale_if_error: Span => span(Builder::stale_if_error),
    keep: Span => span(Builder::keep),
    max_body_bytes: Size => |route, size| route.max_body_bytes(size.0),
    fetch_timeout: Span => span(Builder::fetch_timeout),
    body_timeout: Span => span(Builder::body_timeout),
    key: Pieces => Builder::key,
    namespace: String => Builder::namespace,
    ignore_cookies: bool => when(Builder::ignore_cookies),
    store_set_cookie: bool => when(Builder::store_set_cookie),
    share_authorized: bool => when(Builder::share_authorized),
    store_private: bool => when(Builder::store_private),
    ignore_no_store: bool => when(Builder::ignore_no_store),
    ignore_no_cache: bool => when(Builder::ignore_no_cache),
    ignore_must_revalidate: bool => when(Builder::ignore_must_revalidate),
    field_lists: bool => when(Builder::field_lists),
    store_parts: bool => when(Builder::store_parts),
    store_post: bool => when(Builder::store_post),
    no_vary_search: bool => when(Builder::no_vary_search),
    normalise_encoding: Vec<String> => Builder::normalise_encoding,
    normalise_language: Vec<String> => Builder::normalise_language,
    client_directives: bool => when(Builder::client_directives),
    heuristic: bool => when(Builder::heuristic),
    targeted_fields: Vec<Field> => |route, fields| route.targeted_fields(fields.into_iter().map(|field| field.0)),
    breaker: OrFalse<Breaker> => |route, breaker| match breaker.0 {
        Some(breaker) => route.breaker(breaker.failures, breaker.cooldown.0),
        None => route.no_breaker(),
    },
    breaker_name: String => Builder::breaker_name,
    cache_status_name: String => Builder::cache_status_name,
    cache_status_ttl: bool => when(Builder::cache_status_ttl),
    cache_status_key: bool => when(Builder::cache_status_key),
    cache_status_field: OrFalse<Field> => |route, field| route.cache_status_field(field.0.map(|field| field.0)),
    forward_tags: bool => when(Builder::forward_tags),
    mode: Mode => Builder::mode,
}

fn set<T>(builder: Builder, value: Option<T>, set: impl FnOnce(Builder, T) -> Builder) -> Builder {
    match value {
        Some(value) => set(builder, value),
        None => builder,
    }
}

fn span(set: fn(Builder, Duration) -> Builder) -> impl FnOnce(Builder, Span) -> Builder {
    move |builder, span| set(builder, span.0)
}

fn when(set: fn(Builder) -> Builder) -> impl FnOnce(Builder, bool) -> Builder {
    move |builder, on| if on { set(builder) } else { builder }
}

/// A route to be read, and its name if that is known already. Else it is among the fields.
#[derive(Clone, Copy)]
pub(super) struct Route<'n>(pub(super) Option<&'n str>);

impl Route<'_> {
    /// What is wrong with it, on one line. The name goes in where an error begins: the format adds where that is.
    pub(super) fn error<E: Error>(self, error: impl fmt::Display) -> E {
        let error = error.to_string();
        let error = error.trim_end().replace('\n', " ");
        match self.0 {
            Some(name) => E::custom(format_args!("{name}: {error}")),
            None => E::custom(error),
        }
    }

    fn read_once<'de, T: Deserialize<'de>, A: MapAccess<'de>>(
        self,
        value: &mut Option<T>,
        field: &'static str,
        map: &mut A,
    ) -> Result<(), A::Error> {
        if value.is_some() {
            return Err(self.error(A::Error::duplicate_field(field)));
        }
        *value = Some(map.next_value_seed(Value { route: self, field, read: PhantomData })?);
        Ok(())
    }
}

/// A field's value, whose errors name it, whatever the format.
struct Value<'n, T> {
    route: Route<'n>,
    field: &'static str,
    read: PhantomData<fn() -> T>,
}

impl<'de, T: Deserialize<'de>> DeserializeSeed<'de> for Value<'_, T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        let Self { route, field, .. } = self;
        T::deserialize(deserializer).map_err(|error| route.error(format_args!("{field}: {error}")))
    }
}

impl<'de> DeserializeSeed<'de> for Route<'_> {
    type Value = Builder;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Builder, D::Error> {
        deserializer.deserialize_struct("SwrConfig", FIELDS, self)
    }
}

impl<'de> Visitor<'de> for Route<'_> {
    type Value = Builder;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(name) => write!(f, "the settings of the route {name}"),
            None => f.write_str("the settings of a route"),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Builder, A::Error> {
        let mut name = self.0.map(str::to_owned);
        let mut file = RouteFile::default();
        while let Some(field) = map.next_key::<String>()? {
            match field.as_str() {
                "name" => self.read_once(&mut name, "name", &mut map)?,
                field => file.read(self, field, &mut map)?,
            }
        }
        let name = name.ok_or_else(|| A::Error::missing_field("name"))?;
        Ok(file.apply(SwrConfig::builder(name)))
    }
}

/// With the feature `serde`: a route as a file describes it, not checked yet. For what no file can say, such as a
/// [`failure_classifier`](Builder::failure_classifier), before it is built. [`Routes`](crate::Routes) lists the fields.
impl<'de> Deserialize<'de> for Builder {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Route(None).deserialize(deserializer)
    }
}

/// With the feature `serde`: a route as a file describes it, with its `name` among its fields, and checked. See
/// [`Routes`](crate::Routes), which lists the fields.
impl<'de> Deserialize<'de> for SwrConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Builder::deserialize(deserializer)?.build().map_err(D::Error::custom)
    }
}
