//! Wall-clock times as text (RFC 3339), to the second.

use std::{
    fmt::Display,
    time::{Duration, SystemTime},
};

use serde::Serializer;

/// The last second that has four digits for its year.
const LAST: u64 = 253_402_300_799;

/// A time before 1970 or after 9999 counts as the first or the last that can be shown.
pub(crate) fn shown(time: SystemTime) -> impl Display {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    humantime::format_rfc3339_seconds(SystemTime::UNIX_EPOCH + Duration::from_secs(since.as_secs().min(LAST)))
}

pub(crate) fn serialize<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&shown(*time))
}

pub(crate) fn maybe<S: Serializer>(time: &Option<SystemTime>, serializer: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => serialize(time, serializer),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_time_can_be_shown() {
        #[derive(serde::Serialize)]
        struct At(#[serde(serialize_with = "serialize")] SystemTime);
        let shown = |time| serde_json::to_string(&At(time)).expect("text");
        let (first, s) = (SystemTime::UNIX_EPOCH, Duration::from_secs);
        for (time, text) in [
            (first, "1970-01-01T00:00:00Z"),
            (first - s(1), "1970-01-01T00:00:00Z"),
            (first + Duration::from_millis(1_700_000_000_999), "2023-11-14T22:13:20Z"),
            (first + s(LAST), "9999-12-31T23:59:59Z"),
            (first + s(1 << 40), "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(shown(time), format!("\"{text}\""), "{time:?}");
        }
    }
}
