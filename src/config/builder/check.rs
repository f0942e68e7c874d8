//! What of a configuration can be wrong, and what is made of one that is right.

use std::sync::Arc;

use http::header;

use super::SwrConfigBuilder;
use crate::{
    breaker,
    config::{BreakerConfig, Settings, StatusField, SwrConfig},
    error::ConfigError,
    key::{Credentials, KeyExtractor},
    policy::{Lifetimes, Negotiation, Rules, Ttl, status::CacheStatus},
};

impl SwrConfigBuilder {
    /// Checks all of it.
    ///
    /// # Errors
    /// A [`ConfigError`] that names the field and its value: a hard TTL below its soft one, a part outside its range, a
    /// time-out, a body limit or a breaker of zero, an empty name, TTLs for the route beside a fallback, `no_vary_search` beside a key, a coding or a
    /// language that is none.
    pub fn build(self) -> Result<SwrConfig, ConfigError> {
        let rules = Rules { lifetimes: self.lifetimes()?, ..self.rules };
        for (field, name) in [("name", Some(&self.name)), ("namespace", self.namespace.as_ref())] {
            if let Some(name) = name.filter(|name| name.is_empty() || name.len() > 255) {
                return Err(ConfigError::new(field, name, "must have 1 to 255 bytes"));
            }
        }
        for (status, ttl) in &rules.status_ttls {
            if ttl.hard < ttl.soft {
                return Err(ConfigError::new(
                    "status_ttl",
                    (status, ttl.soft, ttl.hard),
                    "hard TTL below the soft one",
                ));
            }
        }
        part("soft_jitter", rules.soft_jitter, 1.0)?;
        part("failure_extension", rules.failure_extension, 100.0)?;
        for (field, timeout) in [("fetch_timeout", self.fetch_timeout), ("body_timeout", self.body_timeout)] {
            if timeout.is_zero() {
                return Err(ConfigError::new(field, timeout, "must be longer than zero"));
            }
        }
        if let Some(breaker::Settings { failures, cooldown }) = self.breaker {
            if failures == 0 || cooldown.is_zero() {
                let problem = "must be more than zero, both; for none, say no_breaker()";
                return Err(ConfigError::new("breaker", (failures, cooldown), problem));
            }
        }
        if rules.no_vary_search && self.own_key {
            let problem = "is for keys as they are made by default, with the whole query";
            return Err(ConfigError::new("no_vary_search", true, problem));
        }
        if self.max_body == Some(0) {
            return Err(ConfigError::new("max_body_bytes", 0, "must be more than zero"));
        }
        let status = self
            .status_field
            .map(|field| {
                let values = CacheStatus::new(&self.status_name).ok_or_else(|| {
                    ConfigError::new("cache_status_name", &self.status_name, "must be printable ASCII")
                })?;
                Ok(StatusField { field, values, ttl: self.status_ttl, key: self.status_key })
            })
            .transpose()?;
        // Whatever else the key is made of: what is private to one identity is not for another.
        let key: Box<dyn KeyExtractor> =
            if rules.private_cache { Box::new((self.key, Credentials)) } else { self.key };
        // Asked once: an extractor is the caller's code.
        let cookie_matters = !rules.ignore_cookies && !key.keys_header(&header::COOKIE);
        let authorization_matters = !rules.share_authorized && !key.keys_header(&header::AUTHORIZATION);
        Ok(SwrConfig {
            settings: Arc::new(Settings {
                name: self.name.into(),
                namespace: self.namespace.map(Into::into),
                rules,
                negotiation: Negotiation::new(self.codings, self.languages)?,
                explicit_max_body: self.max_body,
                fetch_timeout: self.fetch_timeout,
                body_timeout: self.body_timeout,
                key,
                cookie_matters,
                authorization_matters,
                classifier: self.classifier,
                breaker: self.breaker.map(|settings| BreakerConfig { settings, choice: self.breaker_choice }),
                status,
                forward_tags: self.forward_tags,
                mode: self.mode,
            }),
        })
    }

    fn lifetimes(&self) -> Result<Lifetimes, ConfigError> {
        let Some(soft) = self.soft.or(self.hard) else {
            if let Some(Ttl { soft, hard }) = self.fallback.filter(|ttl| ttl.hard < ttl.soft) {
                return Err(ConfigError::new("fallback_ttl", (soft, hard), "hard TTL below the soft one"));
            }
            return Ok(Lifetimes::Origin { fallback: self.fallback });
        };
        let hard = self.hard.unwrap_or(soft);
        if hard < soft {
            return Err(ConfigError::new("hard_ttl", hard, "must not be below the soft TTL"));
        }
        if let Some(Ttl { soft, hard }) = self.fallback {
            let problem = "does nothing beside soft_ttl and hard_ttl, which count for every response";
            return Err(ConfigError::new("fallback_ttl", (soft, hard), problem));
        }
        Ok(Lifetimes::Route(Ttl { soft, hard }))
    }
}

/// A number from 0 to `most`; not NaN.
fn part(field: &'static str, value: f64, most: f64) -> Result<(), ConfigError> {
    if (0.0..=most).contains(&value) {
        Ok(())
    } else {
        Err(ConfigError::new(field, value, "is out of range"))
    }
}
