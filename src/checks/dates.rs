use std::time::{Duration, SystemTime};

use http::HeaderValue;
use http::header::{AGE, DATE, EXPIRES, RETRY_AFTER};

use super::{field, reversed, values};
use crate::policy::{
    cache_control::MAX_SECONDS,
    date::{Expires, age, expires, http_date, initial_age},
    verdict::retry_after,
};

/// Dates and ages, each line of the text a line of the field.
pub fn dates(text: &[u8]) {
    let lines = values(text);
    for line in &lines {
        date(line);
    }

    // Several `Expires` are as bad as none that can be read (RFC 9111 §4.2.1).
    let expected = match lines.as_slice() {
        [] => None,
        [line] => Some(http_date(line).map_or(Expires::Past, Expires::At)),
        _ => Some(Expires::Past),
    };
    assert_eq!(expires(&field(&EXPIRES, &lines)), expected);

    // Of several `Date` the oldest counts, wherever it stands.
    let age_by = |dates: &[HeaderValue]| initial_age(&field(&DATE, dates), now(), Duration::ZERO);
    assert_eq!(age_by(&reversed(&lines)), age_by(&lines));

    for n in 1..=lines.len() {
        let (fewer, more) = (field(&AGE, &lines[..n - 1]), field(&AGE, &lines[..n]));
        assert!(age(&more) <= MAX_SECONDS);
        // The first value counts, whatever comes after it (RFC 9111 §5.1).
        let blank = fewer.values().all(|line| line.as_bytes().iter().all(|b| b", \t".contains(b)));
        assert!(age(&more) == age(&fewer) || blank);

        // A response is no younger than its delay, nor for one `Date` more.
        let (fewer, more) = (field(&DATE, &lines[..n - 1]), field(&DATE, &lines[..n]));
        for delay in [Duration::ZERO, Duration::from_secs(7), Duration::MAX] {
            let age = initial_age(&more, now(), delay);
            assert!(delay.min(MAX_SECONDS) <= age && age <= MAX_SECONDS);
            assert!(age >= initial_age(&fewer, now(), delay));
        }

        let pause = retry_after(&field(&RETRY_AFTER, &lines[..n]), now());
        assert!(pause.is_none_or(|pause| pause <= Duration::from_secs(300)));
    }
}

/// A date that was read reads the same in the preferred form, in any case.
fn date(line: &HeaderValue) {
    let Some(date) = http_date(line) else { return };
    let printed = httpdate::fmt_http_date(date);
    for text in [printed.to_lowercase(), printed.to_uppercase(), printed] {
        assert_eq!(HeaderValue::try_from(text).ok().as_ref().and_then(http_date), Some(date));
    }
}

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)
}
