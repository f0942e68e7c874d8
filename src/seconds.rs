//! Spans of time as numbers of seconds, for what is serialized.

use std::time::Duration;

use serde::Serializer;

pub(crate) fn serialize<S: Serializer>(span: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(span.as_secs_f64())
}

pub(crate) fn maybe<S: Serializer>(span: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    match span {
        Some(span) => serialize(span, serializer),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_span_is_a_number_and_none_is_null() {
        #[derive(serde::Serialize)]
        struct Spans(
            #[serde(serialize_with = "super::serialize")] super::Duration,
            #[serde(serialize_with = "super::maybe")] Option<super::Duration>,
        );
        let span = super::Duration::from_millis(1500);
        for (maybe, text) in [(Some(span), "[1.5,1.5]"), (None, "[1.5,null]")] {
            assert_eq!(serde_json::to_string(&Spans(span, maybe)).expect("text"), text);
        }
    }
}
