//! What a route does with the requests that it takes.

/// What a route does with requests: set when it is configured ([`SwrConfigBuilder::mode`](crate::SwrConfigBuilder::mode)),
/// and while it runs ([`CacheHandle::set_mode`](crate::CacheHandle::set_mode)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Mode {
    /// It caches.
    #[default]
    On,
    /// It stores as ever, and serves nothing of it: every request goes to the inner service, and gets what comes of its own
    /// call, without a time-out, a breaker or another one's fetch between them.
    ///
    /// What would have been served, fresh or stale, is compared with the answer as that passes: status, `Content-Type`,
    /// `Content-Encoding`, `Content-Language`, `Location`, and the body, byte for byte. The verdict is counted
    /// (`swr_cache_observed_total`): where it is `different` for what does not change by itself, the key lacks a part. HEAD
    /// is compared without a body; what fails (5xx, 429, 408), what is cut short, and requests with conditions or a range
    /// are not compared. What is stale is refreshed as ever, which costs one more call each time.
    Observe,
    /// It takes no part: every request goes to the inner service, and nothing is stored. Unsafe methods invalidate as ever,
    /// and what is stored stays for when the mode changes, as far as it is not over by then.
    Bypass,
}

impl Mode {
    /// Every mode.
    pub const ALL: [Self; 3] = [Self::On, Self::Observe, Self::Bypass];

    /// The word for it: `on`, `observe`, `bypass`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Observe => "observe",
            Self::Bypass => "bypass",
        }
    }
}
