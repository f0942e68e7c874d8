//! Dates and ages: `Date`, `Expires`, `Last-Modified`, `Age` (RFC 9110 §5.6.7, RFC 9111 §4.2.3, §5.1, §5.3).

use std::time::{Duration, SystemTime};

use http::header::{AGE, DATE, EXPIRES};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::cache_control::{MAX_SECONDS, delta_seconds};
use super::vary::list_members;

/// No form of a date is longer (`Wednesday, 09-Nov-94 08:49:37 GMT`).
const LONGEST_DATE: usize = 33;

/// A date in one of the three forms of RFC 9110 §5.6.7, in any case (RFC 9111 §4.2). Its weekday says nothing that the
/// date does not, so a wrong one does not make it invalid: recipients are to be robust, and a `Date` that is not
/// understood would make a response look new.
pub(crate) fn http_date(value: &HeaderValue) -> Option<SystemTime> {
    let text = value.to_str().ok()?.trim_ascii();
    if text.len() > LONGEST_DATE {
        return None;
    }
    let parse = |text: &str| httpdate::parse_http_date(text).ok();
    parse(text).or_else(|| {
        let text = in_usual_case(text);
        let end = text.find([',', ' '])?;
        let (weekday, rest) = text.split_at(end);
        let names = [SHORT_WEEKDAYS, LONG_WEEKDAYS].into_iter().find(|names| names.contains(&weekday))?;
        names.iter().find_map(|weekday| parse(&format!("{weekday}{rest}")))
    })
}

const SHORT_WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const LONG_WEEKDAYS: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// The date in a field that can have only one: nothing if there are several lines, or if it is invalid.
pub(crate) fn only_date(headers: &HeaderMap, name: &HeaderName) -> Option<SystemTime> {
    only_value(headers, name).and_then(http_date)
}

/// When a response says that it expires.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Expires {
    /// At this time.
    At(SystemTime),
    /// Before it came: the field is invalid (RFC 9111 §5.3), such as `0`, or there are several (§4.2.1).
    Past,
}

/// `Expires` (RFC 9111 §5.3), or nothing where the field is absent.
pub(crate) fn expires(headers: &HeaderMap) -> Option<Expires> {
    headers.contains_key(EXPIRES).then(|| only_date(headers, &EXPIRES).map_or(Expires::Past, Expires::At))
}

/// `Age` (RFC 9111 §5.1): its first value, or zero where that is not a number. Which one counts of several is no
/// matter of strictness, as the section names it.
pub(crate) fn age(headers: &HeaderMap) -> Duration {
    list_members(headers, &AGE).next().and_then(delta_seconds).unwrap_or_default()
}

/// How old a response is when it arrives at `now` (RFC 9111 §4.2.3, `corrected_initial_age`), where `response_delay`
/// is the time since its request was sent. Of several `Date` lines the oldest counts.
pub(crate) fn initial_age(headers: &HeaderMap, now: SystemTime, response_delay: Duration) -> Duration {
    let date = headers.get_all(DATE).iter().filter_map(http_date).min();
    let apparent_age = date.and_then(|date| now.duration_since(date).ok()).unwrap_or_default();
    let corrected_age_value = age(headers).saturating_add(response_delay);
    apparent_age.max(corrected_age_value).min(MAX_SECONDS)
}

/// The value of a field that has one line.
pub(super) fn only_value<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a HeaderValue> {
    let mut lines = headers.get_all(name).iter();
    lines.next().filter(|_| lines.next().is_none())
}

fn in_usual_case(date: &str) -> String {
    let mut after_letter = false;
    let usual = date.chars().map(|c| {
        let c = if after_letter { c.to_ascii_lowercase() } else { c.to_ascii_uppercase() };
        after_letter = c.is_ascii_alphabetic();
        c
    });
    let usual: String = usual.collect();
    match usual.strip_suffix("Gmt") {
        Some(date) => format!("{date}GMT"),
        None => usual,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Lines<'a> = &'a [(HeaderName, &'a str)];

    fn headers(lines: Lines<'_>) -> HeaderMap {
        lines.iter().map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap())).collect()
    }

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn dates_are_read_in_three_forms_and_any_case_whatever_the_weekday() {
        for text in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "SUN, 06 nov 1994 08:49:37 gMT",
            "sunday, 06-NOV-94 08:49:37 Gmt",
            "sun nov  6 08:49:37 1994",
            "Mon, 06 Nov 1994 08:49:37 GMT",
            "Wednesday, 06-Nov-94 08:49:37 GMT",
            "thu Nov  6 08:49:37 1994",
        ] {
            assert_eq!(http_date(&HeaderValue::from_static(text)), Some(at(784_111_777)), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_date_is_none() {
        for text in [
            "",
            "0",
            "-1",
            "784111777",
            "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun, 06 Nov 1994 08:49:37 +0000",
            "Sun, 06 Nov 94 08:49:37 GMT",
            "Sun 06 Nov 1994 08:49:37 GMT",
            "Sun, 06-Nov-1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 8:49:37 GMT",
            "Sun, 06 Nov 1994 08.49.37 GMT",
            "Sun, 06  Nov  1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 0000 08:49:37 GMT",
            "Day, 06 Nov 1994 08:49:37 GMT",
            ", 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06 Nov 1994 08:49:37 GMT",
            "Sun, 06-Nov-94 08:49:37 GMT",
        ] {
            assert_eq!(http_date(&HeaderValue::from_static(text)), None, "{text}");
        }
        assert_eq!(http_date(&HeaderValue::from_bytes(b"Sun, 06 Nov 1994 08:49:37 GMT\xff").unwrap()), None);
    }

    #[test]
    fn expires_is_past_unless_it_is_one_date() {
        const DAY: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
        assert_eq!(expires(&HeaderMap::new()), None);
        assert_eq!(expires(&headers(&[(EXPIRES, DAY)])), Some(Expires::At(at(784_111_777))));
        for text in ["0", "-1", "", "never", "Thu, 18 Aug 2050 02:01:18 AEST"] {
            assert_eq!(expires(&headers(&[(EXPIRES, text)])), Some(Expires::Past), "{text}");
        }
        assert_eq!(expires(&headers(&[(EXPIRES, DAY), (EXPIRES, DAY)])), Some(Expires::Past));
    }

    #[test]
    fn age_is_the_first_value_if_that_is_a_number() {
        let cases: &[(&[&str], u64)] = &[
            (&[], 0),
            (&["0"], 0),
            (&["7200"], 7200),
            (&["007200"], 7200),
            (&["7200, 0"], 7200),
            (&["0, 7200"], 0),
            (&["7200", "0"], 7200),
            (&["0", "7200"], 0),
            (&["", "7200"], 7200),
            (&["abc"], 0),
            (&["abc, 7200"], 0),
            (&["-7200"], 0),
            (&["7200.0"], 0),
            (&["7200;foo=bar"], 0),
            (&["2147483647"], (1 << 31) - 1),
            (&["2147483649"], 1 << 31),
            (&["99999999999999999999999999999999"], 1 << 31),
        ];
        for (lines, seconds) in cases {
            let lines: Vec<_> = lines.iter().map(|line| (AGE, *line)).collect();
            assert_eq!(age(&headers(&lines)), Duration::from_secs(*seconds), "{lines:?}");
        }
    }

    #[test]
    fn initial_age_is_the_larger_of_what_date_and_age_say() {
        let now = at(784_111_777 + 100); // `DAY` was 100 s ago
        const DAY: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
        const LATER: &str = "Sun, 06 Nov 1994 08:50:37 GMT";
        const FUTURE: &str = "Sun, 06 Nov 1994 09:49:37 GMT";
        let cases: &[(Lines<'_>, u64, u64)] = &[
            (&[], 0, 0),
            (&[], 3, 3),
            (&[(DATE, DAY)], 0, 100),
            (&[(DATE, DAY), (AGE, "50")], 3, 100),
            (&[(DATE, DAY), (AGE, "98")], 3, 101),
            (&[(DATE, FUTURE)], 0, 0),
            (&[(DATE, FUTURE), (AGE, "7")], 2, 9),
            (&[(DATE, LATER), (DATE, DAY)], 0, 100),
            (&[(DATE, "yesterday")], 0, 0),
        ];
        for (lines, delay, expected) in cases {
            let age = initial_age(&headers(lines), now, Duration::from_secs(*delay));
            assert_eq!(age, Duration::from_secs(*expected), "{lines:?} after {delay} s");
        }
        assert_eq!(initial_age(&headers(&[(AGE, "1")]), now, Duration::MAX), MAX_SECONDS);
    }

    /// Text near a date, where a parser that slices by position would go wrong.
    fn almost_a_date() -> impl Strategy<Value = Vec<u8>> {
        let form = prop::sample::select(vec![
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Wednesday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
        ]);
        (form, 0..34_usize, any::<u8>(), 0..34_usize).prop_map(|(form, at, byte, length)| {
            let mut text = form.as_bytes().to_vec();
            if let Some(slot) = text.get_mut(at) {
                *slot = byte;
            }
            text.truncate(length);
            text
        })
    }

    proptest! {
        #[test]
        fn no_bytes_panic(
            text in prop_oneof![prop::collection::vec(any::<u8>(), 0..48), almost_a_date()], now in any::<u32>(),
        ) {
            if let Ok(value) = HeaderValue::from_bytes(&text) {
                let headers = HeaderMap::from_iter([(DATE, value.clone()), (EXPIRES, value.clone()), (AGE, value)]);
                expires(&headers);
                initial_age(&headers, at(u64::from(now)), Duration::MAX);
            }
        }

        #[test]
        fn what_is_printed_is_read(seconds in 0..4_000_000_000_u64) {
            let text = httpdate::fmt_http_date(at(seconds));
            for text in [text.to_lowercase(), text.to_uppercase(), text] {
                prop_assert_eq!(http_date(&HeaderValue::from_str(&text).unwrap()), Some(at(seconds)));
            }
        }
    }
}
