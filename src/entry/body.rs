//! The body of a stored response, and how it is put together while it arrives.

use std::{ops::Range, sync::Arc};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use smallvec::SmallVec;

/// Bodies up to this are stored in one piece.
const WHOLE: usize = 1 << 20;
/// The memory of a body comes in segments, from the first size to the last.
const FIRST_SEGMENT: usize = 8 << 10;
const LAST_SEGMENT: usize = 256 << 10;

/// A whole body that owns its memory: none of it pins a connection's buffer.
#[derive(Clone, Debug)]
pub(crate) enum StoredBody {
    Whole(Bytes),
    /// A large body stays in the pieces it was collected in, so that it is never held twice.
    Pieces(Arc<[Bytes]>),
}

impl StoredBody {
    pub(crate) const EMPTY: Self = Self::Whole(Bytes::new());

    pub(crate) fn len(&self) -> u64 {
        self.pieces().iter().map(|piece| piece.len() as u64).sum()
    }

    /// All of it, piece by piece.
    pub(crate) fn pieces(&self) -> &[Bytes] {
        match self {
            Self::Whole(bytes) if bytes.is_empty() => &[],
            Self::Whole(bytes) => std::slice::from_ref(bytes),
            Self::Pieces(pieces) => pieces,
        }
    }

    /// Some of its bytes.
    pub(crate) fn part(&self, part: &Range<u64>) -> Self {
        let mut start = 0;
        let mut parts = Vec::new();
        for piece in self.pieces() {
            let within = |offset: u64| offset.saturating_sub(start).min(piece.len() as u64) as usize;
            let (from, to) = (within(part.start), within(part.end));
            if from < to {
                parts.push(piece.slice(from..to));
            }
            start += piece.len() as u64;
        }
        match parts.as_slice() {
            [] => Self::EMPTY,
            [only] => Self::Whole(only.clone()),
            _ => Self::Pieces(parts.into()),
        }
    }

    /// The bytes it takes, of itself.
    pub(crate) fn weight(&self) -> u64 {
        match self {
            Self::Pieces(pieces) => self.len() + (pieces.len() * size_of::<Bytes>() + LAST_SEGMENT) as u64,
            _ => self.len(),
        }
    }
}

/// Copies what arrives into memory of its own.
#[derive(Debug)]
pub(crate) struct BodyBuilder {
    segment: BytesMut,
    next_segment: usize,
    pieces: SmallVec<[Bytes; 1]>,
    len: u64,
}

impl BodyBuilder {
    /// A builder for a body of `promised` bytes, or of any length.
    pub(crate) fn new(promised: Option<u64>) -> Self {
        let promised = promised.map(|n| usize::try_from(n).unwrap_or(usize::MAX).min(LAST_SEGMENT));
        Self {
            segment: BytesMut::new(),
            next_segment: promised.unwrap_or(FIRST_SEGMENT).max(1),
            pieces: SmallVec::new(),
            len: 0,
        }
    }

    /// Adds `data` and gives each piece it ends up in to `emit`, to be read at once.
    pub(crate) fn add(&mut self, mut data: impl Buf, mut emit: impl FnMut(Bytes)) {
        while data.has_remaining() {
            let piece = self.next_piece(&mut data);
            self.len += piece.len() as u64;
            self.pieces.push(piece.clone());
            emit(piece);
        }
    }

    /// As much of `data` as the segment that is begun has room for, or the next one.
    fn next_piece(&mut self, data: &mut impl Buf) -> Bytes {
        if self.segment.len() == self.segment.capacity() {
            let size = self.next_segment;
            self.next_segment = (size * 2).clamp(FIRST_SEGMENT, LAST_SEGMENT);
            if data.remaining() >= size {
                // Full at once. What is not written to again takes less to be shared.
                let mut segment = Vec::with_capacity(size);
                segment.put(data.take(size));
                return segment.into();
            }
            self.segment = BytesMut::with_capacity(size);
        }
        let room = self.segment.capacity() - self.segment.len();
        self.segment.put(data.take(room));
        self.segment.split().freeze()
    }

    /// The body as it is stored.
    pub(crate) fn finish(self) -> StoredBody {
        let exact = self.segment.capacity() == 0;
        match self.pieces.as_slice() {
            [] => StoredBody::EMPTY,
            [only] if exact => StoredBody::Whole(only.clone()),
            pieces if self.len <= WHOLE as u64 => {
                let mut whole = BytesMut::with_capacity(self.len as usize);
                pieces.iter().for_each(|piece| whole.put_slice(piece));
                let whole = whole.freeze();
                // The first clone of some `Bytes` allocates; let it be this one and not the first hit's.
                drop(whole.clone());
                StoredBody::Whole(whole)
            }
            _ => StoredBody::Pieces(self.pieces.into_vec().into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(promised: Option<u64>, frames: &[usize]) -> (StoredBody, Vec<u8>, Vec<u8>) {
        let mut builder = BodyBuilder::new(promised);
        let (mut sent, mut emitted) = (Vec::new(), Vec::new());
        for (i, len) in frames.iter().enumerate() {
            let frame: Vec<u8> = (0..*len).map(|j| (i * 31 + j) as u8).collect();
            sent.extend_from_slice(&frame);
            builder.add(Bytes::from(frame), |piece| emitted.extend_from_slice(&piece));
        }
        (builder.finish(), sent, emitted)
    }

    #[test]
    fn what_is_stored_and_what_is_read_is_what_was_sent() {
        for (promised, frames) in [
            (None, vec![]),
            (Some(0), vec![]),
            (Some(5), vec![5]),
            (Some(5), vec![2, 3]),
            (None, vec![1, 8191, 8192, 20_000]),
            (Some(3 << 20), vec![1 << 20; 3]),
            (None, vec![300_000; 11]),
            (Some(4), vec![10]),
        ] {
            let (body, sent, emitted) = build(promised, &frames);
            let stored = body.pieces().concat();
            assert_eq!(stored, sent, "{promised:?} {frames:?}");
            assert_eq!(emitted, sent, "{promised:?} {frames:?}");
            assert_eq!(body.len(), sent.len() as u64);
        }
    }

    #[test]
    fn a_part_is_cut_out_of_all_pieces() {
        let whole: Vec<u8> = (0..100).collect();
        for cut in [100, 10, 7, 1] {
            let pieces: Vec<Bytes> = whole.chunks(cut).map(Bytes::copy_from_slice).collect();
            let body = StoredBody::Pieces(pieces.into());
            for part in [0..100, 0..1, 99..100, 5..15, 7..14, 50..50, 3..1000] {
                let expected = &whole[part.start as usize..(part.end as usize).min(100)];
                assert_eq!(body.part(&part).pieces().concat(), expected, "{cut} {part:?}");
            }
        }
    }

    #[test]
    fn a_small_body_is_one_piece_and_a_large_one_is_not_copied_again() {
        assert!(matches!(build(None, &[10, 10, 10]).0, StoredBody::Whole(_)));
        assert!(matches!(build(Some(2 << 20), &[2 << 20]).0, StoredBody::Pieces(_)));
    }
}
