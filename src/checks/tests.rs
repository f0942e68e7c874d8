//! The checks, by text of any bytes, and by text that is nearly what each parser expects: any bytes alone reach little.

use std::fmt;

use proptest::{collection::vec, prelude::*, sample::select};

/// Numbers of all sizes, and what stands between words.
const GLUE: [&str; 26] = [
    "0",
    "1",
    "5",
    "60",
    "2147483648",
    "2147483649",
    "18446744073709551615",
    "99999999999999999999",
    "-1",
    "1.5",
    ",",
    ", ",
    ";",
    "=",
    "=\"",
    "\"",
    "\\",
    " ",
    "\t",
    "*",
    "-",
    "a",
    "W/",
    "'",
    "\n",
    "\n",
];

const DIRECTIVES: &[&str] = &[
    "no-store",
    "no-cache",
    "private",
    "public",
    "max-age",
    "max-age=60",
    "s-maxage",
    "s-maxage=9",
    "Max-Age=\"3\"",
    "stale-while-revalidate=10",
    "stale-if-error=10",
    "stale-if-error",
    "must-revalidate",
    "proxy-revalidate",
    "must-understand",
    "immutable",
    "no-transform",
    "no-cache=\"a, b\"",
    "private=a",
    "max-stale",
    "max-stale=5",
    "min-fresh=5",
    "only-if-cached",
];

const DATES: &[&str] = &[
    "Sun, 06 Nov 1994 08:49:37 GMT",
    "Sunday, 06-Nov-94 08:49:37 GMT",
    "Sun Nov  6 08:49:37 1994",
    "Thu, 01 Jan 1970 00:00:00 GMT",
    "Fri, 31 Dec 9999 23:59:59 GMT",
    "Tue, 14 Nov 2023 22:13:00 GMT",
    "Sun, 06 Nov",
    "08:49:37",
    " GMT",
    "1994",
    "Nov",
    "7200",
];

const RANGES: &[&str] = &[
    "range: bytes=",
    "range: bytes=0-4",
    "range: bytes=-3",
    "range: bytes=2-",
    "Range: bytes=9-99\n",
    "bytes",
    "if-range: \"a\"",
    "if-range: Sun, 06 Nov 1994 08:49:37 GMT\n",
    "etag: \"a\"",
    "etag: W/\"a\"",
    "\n\n",
    "last-modified: Sun, 06 Nov 1994 08:49:37 GMT\n",
    "date: Sun, 06 Nov 1994 08:49:38 GMT\n",
    "content-length: 0\n",
    "content-length: 18446744073709551615\n",
    "content-length: 100\n",
];

const TAGS: &[&str] =
    &["\"a\"", "\"b\"", "W/\"a\"", "\"a,b\"", "\"\"", "\"a\", \"b\"", "*", "\"\u{e9}\"", "\n\"a\"\n"];

const MEMBERS: &[&str] = &[
    "max-age=60",
    "max-age=?0",
    "no-store",
    "no-store=?0",
    "no-store;a=1",
    "private=\"set-cookie\"",
    "s-maxage=1",
    "stale-if-error=99999999999",
    "stale-while-revalidate=3",
    "must-revalidate=(a b)",
    "public",
    "public=1",
    "x=:YQ==:",
    ", ",
    ", ",
    ", ",
    "max-age=-5",
    "no-cache",
    "A=1",
];

const SELECTING: &[&str] = &[
    "foo",
    "foo, bar",
    "Bar",
    "*",
    "\n\nfoo: 1\n\n",
    "\n\n",
    "foo: 1",
    "foo: 2\n",
    "bar: 1\n",
    "foo:  1 \n",
    "foo: 1, 2\n",
    "bar:\n",
    "baz: 1\n",
    "accept-encoding",
    "accept-encoding: gzip\n",
    "accept-encoding: br, gzip\n",
];

const FIELDS: &[&str] = &[
    "\n\n",
    "etag: \"a\"\n",
    "connection: x-a, etag\n",
    "connection: close, X-B\n",
    "x-a: 1\n",
    "x-b: 2\n",
    "te: a\n",
    "transfer-encoding: chunked\n",
    "content-length: 5\n",
    "content-type: a/b\n",
    "age: 5\n",
    "vary: x-a\n",
    "cache-control: no-store\n",
    "set-cookie: a=b\n",
    "cache-tag: a, b c\n",
    "surrogate-key: b a\n",
    "upgrade: h2c\n",
    "connection: cache-control, Vary, set-cookie\n",
];

const HEADS: &[&str] = &[
    "200\n",
    "404\n",
    "429\n",
    "301\n",
    "206\n",
    "304\n",
    "599\n",
    "\ncache-control: ",
    "\ncache-control: max-age=60",
    "\ncdn-cache-control: ",
    "\netag: \"a\"\n",
    "\nlast-modified: Sun, 06 Nov 1994 08:49:37 GMT\n",
    "\nage: 5\n",
    "\ndate: Mon, 07 Nov 1994 08:49:37 GMT\n",
    "\nexpires: Mon, 07 Nov 1994 08:50:37 GMT\n",
    "\nexpires: 0\n",
    "\nexpires: Fri, 31 Dec 9999 23:59:59 GMT\n",
    "\nset-cookie: a=b\n",
    "\nvary: *\n",
    "\nvary: foo\n",
    "no-store",
    "must-understand",
    "public",
    "private",
    "no-cache",
    "s-maxage=5",
    "max-age=9",
    "must-revalidate",
    "stale-while-revalidate=99",
    "stale-if-error=99",
    "\ncontent-type: text/event-stream\n",
    "\nlast-modified: Sun, 06 Nov 1994 08:49:37 GMT\ndate: Mon, 07 Nov 1994 08:49:37 GMT\n",
];

const PARTS: &[&str] = &[
    "route|",
    "+a=b",
    "-a",
    "!a=b",
    "%7C",
    "%25",
    "%2B",
    "|",
    "+name value",
    "-name\n",
    "!name value",
    "plain\n",
    "\u{e9}",
    "host=a",
    "HOST=\"a\"",
    "proto=https",
    "for=\"a;host=b\"",
    "by=x;",
    "xhost=a",
    "\n",
    "%",
    "=",
];

/// Some lines, of which many are one word.
fn near(words: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    let word = || select(words).prop_map(|word| word.as_bytes().to_vec());
    let piece = prop_oneof![
        6 => word(),
        5 => select(&GLUE[..]).prop_map(|glue| glue.as_bytes().to_vec()),
        1 => any::<u8>().prop_map(|byte| vec![byte]),
    ];
    let line = prop_oneof![1 => word(), 2 => vec(piece, 0..10).prop_map(|pieces| pieces.concat())];
    vec(line, 0..5).prop_map(|lines| lines.join(&b'\n'))
}

/// Bytes that are shown as text when they break something.
struct Text(Vec<u8>);

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b\"{}\"", self.0.escape_ascii())
    }
}

fn text(words: &'static [&'static str]) -> impl Strategy<Value = Text> {
    prop_oneof![1 => vec(any::<u8>(), 0..64), 4 => near(words)].prop_map(Text)
}

macro_rules! hold {
    ($($name:ident($words:ident);)*) => {
        proptest! {
            #![proptest_config(ProptestConfig::with_cases(2000))]
            $(
                #[test]
                fn $name(text in text($words)) {
                    super::$name(&text.0);
                }
            )*
        }
    };
}

hold! {
    cache_control(DIRECTIVES);
    dates(DATES);
    ranges(RANGES);
    etag_lists(TAGS);
    structured_fields(MEMBERS);
    vary(SELECTING);
    headers(FIELDS);
    judge(HEADS);
    keys(PARTS);
}
