use std::fmt;

use super::{
    Key,
    buffer::Buffer,
    encoding::{ABSENT, GUARDED, NAMED, PLAIN, varint},
};

/// The key of one request while it is being written.
///
/// It lives on the stack up to 256 bytes. Every part is delimited by its length, so `push("ab")` and
/// `push("a")` followed by `push("b")` are different keys, and a named part is never equal to a plain one.
///
/// ```
/// use std::fmt::Write;
/// use http::{Request, request::Parts};
/// use tower_swr_cache::key::{Key, KeyDecision, KeyWriter};
///
/// let extractor = |parts: &Parts, key: &mut KeyWriter| {
///     key.push(parts.uri.path());
///     key.push_pair("region", "eu");
///     key.push_absent("tenant");
///     key.push_with(|part| {
///         part.append_lowercase("PAGE-");
///         let _ = write!(part, "{:02}", 7);
///     });
///     KeyDecision::Cache
/// };
///
/// let (parts, ()) = Request::get("/odds").body(())?.into_parts();
/// let key = Key::of("odds", &extractor, &parts).unwrap();
/// assert_eq!(key.to_string(), "odds|/odds|+region=eu|-tenant|page-07");
/// # Ok::<(), http::Error>(())
/// ```
pub struct KeyWriter {
    bytes: Buffer,
}

impl KeyWriter {
    /// A key that has its namespace and nothing else.
    pub(crate) fn new(namespace: &str) -> Self {
        let mut key = Self::empty();
        key.push(namespace);
        key
    }

    /// One without a namespace, to be written where it lies: it is too large to be moved for nothing.
    pub(crate) fn empty() -> Self {
        Self { bytes: Buffer::new() }
    }

    /// Writes the beginning of another key.
    pub(crate) fn begin_with(&mut self, beginning: &[u8]) {
        self.bytes.extend(beginning);
    }

    /// Writes a plain part.
    pub fn push(&mut self, part: impl AsRef<[u8]>) {
        self.part(PLAIN, part.as_ref());
    }

    /// Writes a plain part with ASCII letters in lower case.
    #[inline]
    pub(crate) fn push_lowercase(&mut self, part: &[u8]) {
        match u8::try_from(part.len()) {
            Ok(len @ ..0x80) => self.bytes.extend_lowercase_behind([PLAIN, len], part),
            _ => self.push(part.to_ascii_lowercase()),
        }
    }

    /// Writes a plain part piece by piece.
    pub fn push_with(&mut self, write: impl FnOnce(&mut PartWriter<'_>)) {
        self.bytes.push(PLAIN);
        write(&mut PartWriter::open(&mut self.bytes));
    }

    /// Writes a named part, such as a header and its value.
    pub fn push_pair(&mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) {
        self.part(NAMED, name.as_ref());
        self.field(value.as_ref());
    }

    /// Writes a named part whose value comes piece by piece.
    pub fn push_pair_with(&mut self, name: impl AsRef<[u8]>, write: impl FnOnce(&mut PartWriter<'_>)) {
        self.part(NAMED, name.as_ref());
        write(&mut PartWriter::open(&mut self.bytes));
    }

    /// Writes that the request lacks the named thing, which is not the same as an empty one.
    pub fn push_absent(&mut self, name: impl AsRef<[u8]>) {
        self.part(ABSENT, name.as_ref());
    }

    /// Writes a part of the cache's own, in a kind that no extractor can write.
    pub(crate) fn push_guarded(&mut self, name: &[u8], value: &[u8]) {
        self.part(GUARDED, name);
        self.field(value);
    }

    /// What has been written: equal to the bytes of the [`Key`] it becomes, so that a map can be asked
    /// before one is made.
    #[inline]
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.as_slice()
    }

    /// The key to keep.
    pub(crate) fn to_key(&self) -> Key {
        Key::from_bytes(self.as_bytes())
    }

    /// A part's kind and first field.
    #[inline]
    fn part(&mut self, kind: u8, bytes: &[u8]) {
        match u8::try_from(bytes.len()) {
            Ok(len @ ..0x80) => self.bytes.extend_behind([kind, len], bytes),
            _ => {
                self.bytes.push(kind);
                self.field(bytes);
            }
        }
    }

    fn field(&mut self, bytes: &[u8]) {
        self.bytes.extend(&varint(bytes.len()));
        self.bytes.extend(bytes);
    }
}

impl fmt::Debug for KeyWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeyWriter").field(&format_args!("{}", self.to_key())).finish()
    }
}

/// One part of a key while it is being written; see [`KeyWriter::push_with`].
///
/// It takes formatted text too, through [`fmt::Write`], which never fails here.
pub struct PartWriter<'k> {
    key: &'k mut Buffer,
    start: usize,
}

impl<'k> PartWriter<'k> {
    fn open(key: &'k mut Buffer) -> Self {
        // Room for the length of a part under 128 bytes, as nearly all are; filled in when the part closes.
        key.push(0);
        Self { start: key.len(), key }
    }

    /// Appends bytes as they are.
    pub fn append(&mut self, bytes: impl AsRef<[u8]>) {
        self.key.extend(bytes.as_ref());
    }

    /// Appends bytes with ASCII letters in lower case.
    pub fn append_lowercase(&mut self, bytes: impl AsRef<[u8]>) {
        let start = self.key.len();
        self.key.extend(bytes.as_ref());
        self.key.as_mut_slice()[start..].make_ascii_lowercase();
    }
}

impl fmt::Write for PartWriter<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.append(text);
        Ok(())
    }
}

impl fmt::Debug for PartWriter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PartWriter")
            .field(&format_args!("{}", self.key.as_slice()[self.start..].escape_ascii()))
            .finish()
    }
}

/// Closes the part, also when its writer unwinds: a key whose lengths do not add up could equal another.
impl Drop for PartWriter<'_> {
    fn drop(&mut self) {
        let len = self.key.len() - self.start;
        match u8::try_from(len) {
            Ok(len @ ..0x80) => self.key.as_mut_slice()[self.start - 1] = len,
            _ => {
                let len = varint(len);
                self.key.as_mut_slice()[self.start - 1] = len[0];
                self.key.insert(self.start, &len[1..]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_stays_on_the_stack_up_to_256_bytes() {
        // Kind and length: two bytes for the namespace, three for the part.
        let filled = |len: usize| {
            let mut key = KeyWriter::new("");
            key.push_with(|part| part.append(vec![b'a'; len]));
            key
        };
        assert_eq!(filled(251).as_bytes().len(), 256);
        assert!(!filled(251).bytes.is_spilled());
        assert!(filled(252).bytes.is_spilled());
    }
}
