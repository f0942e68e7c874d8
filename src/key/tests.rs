use std::{
    collections::HashMap,
    fmt::Write,
    hash::{BuildHasher, RandomState},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use http::{HeaderName, HeaderValue, Request, header::HOST, request::Parts};
use proptest::{collection::vec, prelude::*};

use super::{
    encoding::{Part, parts, varint},
    *,
};

pub(super) const BYPASS: &str = "bypass";

pub(super) fn get(uri: &str, headers: &[(&'static str, &str)]) -> Parts {
    let (mut parts, ()) = Request::get(uri).body(()).unwrap().into_parts();
    for (name, value) in headers {
        let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
        parts.headers.append(HeaderName::from_static(name), value);
    }
    parts
}

/// The printable form of a request's key, or [`BYPASS`].
pub(super) fn printed(extractor: &impl KeyExtractor, parts: &Parts) -> String {
    Key::of("ns", extractor, parts).map_or(BYPASS.into(), |key| key.to_string())
}

/// A part as a test makes it up.
#[derive(Clone, Debug, PartialEq)]
enum Model {
    Plain(Vec<u8>),
    Named(Vec<u8>, Vec<u8>),
    Absent(Vec<u8>),
    Guarded(Vec<u8>, Vec<u8>),
}

impl Model {
    fn write(&self, key: &mut KeyWriter) {
        match self {
            Self::Plain(text) => key.push(text),
            Self::Named(name, value) => key.push_pair(name, value),
            Self::Absent(name) => key.push_absent(name),
            Self::Guarded(name, value) => key.push_guarded(name, value),
        }
    }

    /// The same part, its last field written one byte at a time.
    fn write_piecewise(&self, key: &mut KeyWriter) {
        let each =
            |bytes: &[u8], part: &mut PartWriter<'_>| bytes.iter().for_each(|byte| part.append([*byte]));
        match self {
            Self::Plain(text) => key.push_with(|part| each(text, part)),
            Self::Named(name, value) => key.push_pair_with(name, |part| each(value, part)),
            other => other.write(key),
        }
    }

    fn read(part: Part<'_>) -> Self {
        match part {
            Part::Plain(text) => Self::Plain(text.into()),
            Part::Named { name, value } => Self::Named(name.into(), value.into()),
            Part::Absent(name) => Self::Absent(name.into()),
            Part::Guarded { name, value } => Self::Guarded(name.into(), value.into()),
        }
    }
}

fn key(namespace: &str, models: &[Model]) -> Key {
    let mut key = KeyWriter::new(namespace);
    models.iter().for_each(|model| model.write(&mut key));
    key.to_key()
}

/// Fields over few bytes, those among them that the encoding and the printable form use themselves.
fn near_field() -> impl Strategy<Value = Vec<u8>> {
    vec(prop::sample::select(b"\x00\x01\x02\x03a=|%+-!".as_slice()), 0..4)
}

fn any_field() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![4 => vec(any::<u8>(), 0..12), 1 => vec(any::<u8>(), 120..140), 1 => near_field()]
}

fn models(field: impl Strategy<Value = Vec<u8>> + Clone) -> impl Strategy<Value = Vec<Model>> {
    let pair = || (field.clone(), field.clone());
    let model = prop_oneof![
        field.clone().prop_map(Model::Plain),
        pair().prop_map(|(name, value)| Model::Named(name, value)),
        field.clone().prop_map(Model::Absent),
        pair().prop_map(|(name, value)| Model::Guarded(name, value)),
    ];
    vec(model, 0..5)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn different_parts_never_give_the_same_bytes(
        one in models(near_field().boxed()),
        two in models(near_field().boxed()),
    ) {
        prop_assert_eq!(key("", &one) == key("", &two), one == two);
    }

    // A key that can be read back in one way cannot stand for two lists.
    #[test]
    fn parts_are_read_back_as_they_were_written(namespace in ".*", written in models(any_field().boxed())) {
        let key = key(&namespace, &written);
        let mut read = parts(key.as_bytes()).map(Model::read);
        prop_assert_eq!(read.next(), Some(Model::Plain(namespace.clone().into())));
        prop_assert_eq!(read.collect::<Vec<_>>(), written);
        prop_assert_eq!(key.namespace(), namespace);
    }

    #[test]
    fn a_part_written_in_pieces_is_the_same_part(written in models(any_field().boxed())) {
        let mut pieces = KeyWriter::new("ns");
        written.iter().for_each(|model| model.write_piecewise(&mut pieces));
        prop_assert_eq!(pieces.to_key(), key("ns", &written));
    }

    #[test]
    fn the_printable_form_parses_back(namespace in ".*", written in models(any_field().boxed())) {
        let key = key(&namespace, &written);
        let printed = key.to_string();
        prop_assert!(printed.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
        prop_assert_eq!(printed.parse::<Key>(), Ok(key));
    }

    #[test]
    fn only_what_a_key_prints_is_parsed(text in prop_oneof![".*", "[ab|%+=!267CDbdé-]{0,12}"]) {
        if let Ok(key) = text.parse::<Key>() {
            prop_assert_eq!(key.to_string(), text);
        }
    }

    #[test]
    fn bytes_from_elsewhere_do_not_panic(
        bytes in prop_oneof![
            vec(any::<u8>(), 0..40),
            vec(prop::sample::select(b"\x00\x01\x02\x03\xff".as_slice()), 0..20),
        ],
    ) {
        let key = Key::from_bytes(&bytes);
        let _ = (key.to_string(), key.namespace().len());
    }

    #[test]
    fn the_default_key_tells_scheme_host_and_target_apart(one in target(), two in target()) {
        let same = one.0 == two.0 && one.1.eq_ignore_ascii_case(&two.1) && one.2 == two.2;
        let (one, two) = (default_key(&one), default_key(&two));
        prop_assert_eq!(one == two, same, "{:?} {:?}", one, two);
    }

    #[test]
    fn no_header_bytes_panic(host in header_value(), cookie in header_value(), uri in "/[a-z?&=;%]{0,12}") {
        let (mut parts, ()) = Request::get(uri).body(()).unwrap().into_parts();
        parts.headers.append(HOST, host.clone());
        parts.headers.append("cookie", cookie);
        let visible = host.as_bytes().iter().all(u8::is_ascii_graphic);
        prop_assert_eq!(Key::of("ns", &Target, &parts).is_some(), visible);
        let all = (Authority, Path, Query::sorted(), Query::only(["a"]), header("cookie"), Cookie::new("a"));
        prop_assert_eq!(Key::of("ns", &all, &parts).is_some(), visible);
    }
}

/// Scheme, authority and target, from few letters so that they often meet; without a scheme the authority
/// is a `Host`.
fn target() -> impl Strategy<Value = (String, String, String)> {
    ("(http|https)?", "[aA](:8)?", "/[aA]?(\\?[aA]?)?")
}

fn default_key((scheme, host, path): &(String, String, String)) -> Key {
    let parts = match scheme.as_str() {
        "" => get(path, &[("host", host)]),
        scheme => get(&format!("{scheme}://{host}{path}"), &[]),
    };
    Key::of("ns", &Target, &parts).unwrap()
}

fn header_value() -> impl Strategy<Value = HeaderValue> {
    let bytes =
        prop_oneof![vec(any::<u8>(), 0..24), vec(prop::sample::select(b"a=;%61,@:".as_slice()), 0..12)];
    bytes.prop_filter_map("not a header value", |bytes| HeaderValue::from_bytes(&bytes).ok())
}

#[test]
fn parts_print_by_their_kind() {
    let mut key = KeyWriter::new("é|");
    key.push("");
    key.push("/a?b=c|%\n\x7f");
    key.push("+a");
    key.push("a+");
    key.push_pair("a=b", "c=d");
    key.push_absent("-=");
    key.push_guarded(b"x-forwarded-host", b"evil");
    let printed = "%C3%A9%7C||/a?b=c%7C%25%0A%7F|%2Ba|a+|+a%3Db=c=d|--=|!x-forwarded-host=evil";
    assert_eq!(key.to_key().to_string(), printed);
    assert_eq!(format!("{:?}", key.to_key()), format!("Key({printed})"));
    assert_eq!(format!("{key:?}"), format!("KeyWriter({printed})"));
    assert_eq!(printed.parse(), Ok(key.to_key()));
    assert_eq!("".parse::<Key>().unwrap().namespace(), "");
}

#[test]
fn other_spellings_of_a_key_are_refused() {
    for text in
        ["é", "%FF", "+a=b", "a|+b", "a|!b", "a|%", "a|%2", "a|%61", "a|%7c", "a|+b%3d=c", "a|+b=%3D", "a\n"]
    {
        let error = text.parse::<Key>().unwrap_err();
        assert_eq!(error.to_string(), "not the printable form of a cache key", "{text}");
    }
}

#[test]
fn a_map_of_keys_is_asked_with_bytes() {
    let mut writer = KeyWriter::new("ns");
    writer.push("/a");
    let hasher = RandomState::new();
    assert_eq!(hasher.hash_one(writer.to_key()), hasher.hash_one(writer.as_bytes()));
    let map = HashMap::from([(writer.to_key(), 1)]);
    assert_eq!(map.get(writer.as_bytes()), Some(&1));
    assert_eq!(map.get(KeyWriter::new("ns").as_bytes()), None);
}

#[test]
fn a_part_whose_writer_panics_is_closed_all_the_same() {
    let mut key = KeyWriter::new("ns");
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        key.push_with(|part| {
            let _ = write!(part, "half");
            panic!("of an extractor");
        });
    }));
    assert!(panicked.is_err());
    key.push("next");
    assert_eq!(key.to_key().to_string(), "ns|half|next");
}

#[test]
fn extensions_and_functions_write_one_part_or_bypass() {
    #[derive(Clone)]
    struct Tenant(&'static str);
    let by_extension = from_extension(|tenant: &Tenant| tenant.0);
    let by_function = key_by(|parts: &Parts| parts.uri.port_u16().map(u16::to_be_bytes));

    let mut parts = get("http://a:258/", &[]);
    assert_eq!(printed(&by_extension, &parts), BYPASS);
    assert_eq!(printed(&by_function, &parts), "ns|%01%02");
    assert_eq!(printed(&by_function, &get("/", &[])), BYPASS);
    parts.extensions.insert(Tenant("t|1"));
    assert_eq!(printed(&by_extension, &parts), "ns|t%7C1");
}

#[test]
fn an_extractor_keys_the_same_behind_a_pointer() {
    let tenant = HeaderName::from_static("x-tenant");
    let boxed = || Box::new(header("x-tenant")) as Box<dyn KeyExtractor>;
    let parts = get("/", &[("x-tenant", "t")]);
    for extractor in [boxed(), Box::new(Arc::new(header("x-tenant"))), Box::new((Path, boxed()))] {
        assert!(extractor.keys_header(&tenant) && !extractor.keys_header(&HOST));
        assert!(printed(&extractor, &parts).ends_with("|+x-tenant=t"));
    }
    let function = |parts: &Parts, key: &mut KeyWriter| Path.extract(parts, key);
    assert!(!function.keys_header(&tenant));
}

#[test]
fn what_other_headers_repeat_does_not_make_the_host_unclear() {
    let parts = get("/x", &[("host", "a"), ("accept", "b"), ("accept", "c")]);
    assert_eq!(printed(&Target, &parts), "ns||a|/x");
}

#[test]
fn a_key_can_begin_with_another_one() {
    let mut beginning = KeyWriter::new("ns");
    beginning.push("a");
    let mut whole = KeyWriter::empty();
    whole.begin_with(beginning.as_bytes());
    whole.push("b");
    assert_eq!(whole.to_key().to_string(), "ns|a|b");
}

#[test]
fn a_part_shows_what_is_written_of_it() {
    let mut key = KeyWriter::new("ns");
    key.push_with(|part| {
        part.append("a|");
        assert_eq!(format!("{part:?}"), "PartWriter(a|)");
    });
}

#[test]
fn a_length_takes_as_few_bytes_as_it_can() {
    for (len, bytes) in
        [(0x7f, &[0x7f][..]), (0x80, &[0x80, 0x01]), (0x3fff, &[0xff, 0x7f]), (0x4000, &[0x80, 0x80, 0x01])]
    {
        assert_eq!(varint(len)[..], *bytes, "{len}");
    }
}

#[test]
fn types_are_shareable_and_the_trait_is_object_safe() {
    fn shareable<T: Send + Sync + 'static>() {}
    shareable::<Key>();
    shareable::<KeyWriter>();
    shareable::<InvalidKey>();
    shareable::<InvalidPattern>();
    shareable::<Box<dyn KeyExtractor>>();
}
