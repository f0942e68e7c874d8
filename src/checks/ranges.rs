use http::header::{IF_RANGE, RANGE};
use http::{HeaderMap, HeaderValue};

use super::{field, pairs, split};
use crate::policy::range::{Wanted, content_range, wanted};

/// The first head is a request, the second one what is stored, whose `content-length` may be any number.
pub fn ranges(text: &[u8]) {
    let (request, stored) = split(text);
    let (request, stored): (HeaderMap, HeaderMap) =
        (pairs(request).into_iter().collect(), pairs(stored).into_iter().collect());
    let length = stored.get("content-length").and_then(|length| length.to_str().ok()?.parse().ok());
    let length: u64 = length.unwrap_or(10);

    let got = wanted(&request, &stored, length);
    if let Wanted::Part(part) = &got {
        // At least one byte, and none beyond the end.
        assert!(part.start < part.end && part.end <= length);
        // The part by its own name, as `Content-Range` has it, is the same part.
        let named = content_range(Some(part), length);
        let name = named.to_str().ok().and_then(|named| named.strip_prefix("bytes ")?.split_once('/'));
        let Some((bytes, total)) = name else { panic!("{named:?}") };
        assert_eq!(total, length.to_string());
        let range = HeaderValue::try_from(format!("bytes={bytes}")).unwrap();
        assert_eq!(wanted(&field(&RANGE, [&range]), &stored, length), got);
    }

    // `If-Range` makes it the whole, or changes nothing.
    let mut plain = request.clone();
    plain.remove(IF_RANGE);
    assert!(got == Wanted::Whole || got == wanted(&plain, &stored, length));

    // A second range is one too many.
    let mut twice = request;
    twice.append(RANGE, HeaderValue::from_static("bytes=0-0"));
    assert!(twice.get_all(RANGE).iter().count() == 1 || wanted(&twice, &stored, length) == Wanted::Whole);
}
