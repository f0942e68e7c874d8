//! The bytes of a key while it is written: on the stack as long as they fit.
//!
//! A `SmallVec` would do, and did: it moves what follows the place of an insertion even where nothing does, and the pieces
//! of a key are so short that this was a third of what writing one cost.

/// Keys up to this many bytes are written without allocating.
pub(super) const INLINE: usize = 256;

#[derive(Clone)]
pub(super) struct Buffer {
    inline: [u8; INLINE],
    /// How much of it is written; all of it lies in `spilled` once that is not empty.
    len: usize,
    spilled: Vec<u8>,
}

impl Buffer {
    pub(super) const fn new() -> Self {
        Self { inline: [0; INLINE], len: 0, spilled: Vec::new() }
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        if self.spilled.is_empty() { self.inline.get(..self.len).unwrap_or_default() } else { &self.spilled }
    }

    pub(super) fn as_mut_slice(&mut self) -> &mut [u8] {
        if self.spilled.is_empty() {
            self.inline.get_mut(..self.len).unwrap_or_default()
        } else {
            &mut self.spilled
        }
    }

    pub(super) fn len(&self) -> usize {
        self.as_slice().len()
    }

    #[inline]
    pub(super) fn push(&mut self, byte: u8) {
        match self.inline.get_mut(self.len) {
            Some(place) if self.spilled.is_empty() => {
                *place = byte;
                self.len += 1;
            }
            _ => self.spill(&[byte]),
        }
    }

    #[inline]
    pub(super) fn extend(&mut self, bytes: &[u8]) {
        self.extend_behind([], bytes);
    }

    /// Appends `bytes` behind a `head`, in one step.
    #[inline]
    pub(super) fn extend_behind<const N: usize>(&mut self, head: [u8; N], bytes: &[u8]) {
        match self.places(bytes.len()) {
            Some((first, rest)) => {
                *first = head;
                rest.copy_from_slice(bytes);
            }
            None => {
                self.spill(&head);
                self.spill(bytes);
            }
        }
    }

    /// The same with ASCII letters in lower case: changed on their way, as what was just written is slow to be read again.
    #[inline]
    pub(super) fn extend_lowercase_behind<const N: usize>(&mut self, head: [u8; N], bytes: &[u8]) {
        match self.places(bytes.len()) {
            Some((first, rest)) => {
                *first = head;
                for (place, byte) in rest.iter_mut().zip(bytes) {
                    *place = byte.to_ascii_lowercase();
                }
            }
            None => {
                self.spill(&head);
                self.spill(&bytes.to_ascii_lowercase());
            }
        }
    }

    /// The next `N` places and `len` behind them, to be written; none if they are not all on the stack.
    #[inline]
    fn places<const N: usize>(&mut self, len: usize) -> Option<(&mut [u8; N], &mut [u8])> {
        let start = self.len;
        let end = start + N + len;
        let places = self.inline.get_mut(start..end).filter(|_| self.spilled.is_empty())?;
        self.len = end;
        places.split_first_chunk_mut()
    }

    /// Puts bytes before what is written from `at` on.
    pub(super) fn insert(&mut self, at: usize, bytes: &[u8]) {
        let behind = self.as_slice().get(at..).unwrap_or_default().to_vec();
        self.extend(bytes);
        if let Some(places) = self.as_mut_slice().get_mut(at..) {
            let (inserted, moved) = places.split_at_mut(bytes.len());
            inserted.copy_from_slice(bytes);
            moved.copy_from_slice(&behind);
        }
    }

    #[cold]
    #[inline(never)]
    fn spill(&mut self, bytes: &[u8]) {
        if self.spilled.is_empty() {
            self.spilled = self.as_slice().to_vec();
        }
        self.spilled.extend_from_slice(bytes);
    }

    #[cfg(test)]
    pub(super) fn is_spilled(&self) -> bool {
        !self.spilled.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Step {
        Push(u8),
        Extend(Vec<u8>),
        ExtendBehind([u8; 2], Vec<u8>),
        ExtendLowercaseBehind([u8; 2], Vec<u8>),
        Insert(usize, Vec<u8>),
    }

    fn step() -> impl Strategy<Value = Step> {
        let bytes = || prop::collection::vec(any::<u8>(), 0..100);
        prop_oneof![
            any::<u8>().prop_map(Step::Push),
            bytes().prop_map(Step::Extend),
            (any::<[u8; 2]>(), bytes()).prop_map(|(head, bytes)| Step::ExtendBehind(head, bytes)),
            (any::<[u8; 2]>(), bytes()).prop_map(|(head, bytes)| Step::ExtendLowercaseBehind(head, bytes)),
            (0..400_usize, bytes()).prop_map(|(at, bytes)| Step::Insert(at, bytes)),
        ]
    }

    proptest! {
        #[test]
        fn it_holds_what_a_vec_would(steps in prop::collection::vec(step(), 0..12)) {
            let (mut buffer, mut vec) = (Buffer::new(), Vec::new());
            for step in steps {
                match step {
                    Step::Push(byte) => {
                        buffer.push(byte);
                        vec.push(byte);
                    }
                    Step::Extend(bytes) => {
                        buffer.extend(&bytes);
                        vec.extend(bytes);
                    }
                    Step::ExtendBehind(head, bytes) => {
                        buffer.extend_behind(head, &bytes);
                        vec.extend(head);
                        vec.extend(bytes);
                    }
                    Step::ExtendLowercaseBehind(head, bytes) => {
                        buffer.extend_lowercase_behind(head, &bytes);
                        vec.extend(head);
                        vec.extend(bytes.to_ascii_lowercase());
                    }
                    Step::Insert(at, bytes) => {
                        let at = at.min(vec.len());
                        buffer.insert(at, &bytes);
                        vec.splice(at..at, bytes);
                    }
                }
                prop_assert_eq!(buffer.as_slice(), &*vec);
                prop_assert_eq!(buffer.as_mut_slice(), &*vec);
                prop_assert_eq!(buffer.is_spilled(), vec.len() > INLINE);
            }
        }
    }
}
