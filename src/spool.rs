//! A body that is read while it is kept: one producer, any number of readers, each at a pace of its own.
//!
//! A spool keeps everything from its first byte on, so a reader may join at any time and miss nothing. Once a
//! [window is opened](Spool::open_window) it forgets what all readers have read: from then on nobody can join, and the
//! slowest reader sets the producer's pace.

use std::{
    collections::VecDeque,
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use slab::Slab;
use smallvec::SmallVec;

use crate::error::BodyError;

/// How a body ended: whole, with the trailers it had, or not.
pub(crate) type End = Result<Option<HeaderMap>, BodyError>;

/// The shared part: what has come so far, and who reads it.
pub(crate) struct Spool {
    /// The length that was promised, if one was.
    promised: Option<u64>,
    state: Mutex<State>,
}

struct State {
    /// Each piece with the offset of its first byte.
    pieces: VecDeque<(u64, Bytes)>,
    /// Where the first piece starts, and the last one ends.
    start: u64,
    end: u64,
    windowed: bool,
    ended: Option<End>,
    readers: Slab<Place>,
    producer: Option<Waker>,
}

/// Where a reader stands.
struct Place {
    offset: u64,
    waker: Option<Waker>,
    ended: bool,
    failed: Option<BodyError>,
}

/// What the producer of a windowed spool is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// There is room for more.
    More,
    /// Nobody reads any more.
    NoReaders,
}

impl Spool {
    pub(crate) fn new(promised: Option<u64>) -> Arc<Self> {
        Arc::new(Self {
            promised,
            state: Mutex::new(State {
                pieces: VecDeque::new(),
                start: 0,
                end: 0,
                windowed: false,
                ended: None,
                readers: Slab::new(),
                producer: None,
            }),
        })
    }

    /// A reader from the first byte on; `None` when that is gone.
    pub(crate) fn reader(self: &Arc<Self>) -> Option<SpoolReader> {
        let mut state = self.lock();
        if state.windowed {
            return None;
        }
        let place = Place { offset: 0, waker: None, ended: false, failed: None };
        let id = state.readers.insert(place);
        Some(SpoolReader { spool: Arc::clone(self), id })
    }

    /// Adds to the end and wakes who waits for it.
    pub(crate) fn push(&self, piece: Bytes) {
        if piece.is_empty() {
            return;
        }
        let mut state = self.lock();
        let offset = state.end;
        state.end += piece.len() as u64;
        state.pieces.push_back((offset, piece));
        wake_all(state);
    }

    /// Ends the body. The first end counts.
    pub(crate) fn end(&self, end: End) {
        let mut state = self.lock();
        state.ended.get_or_insert(end);
        wake_all(state);
    }

    /// Ends the body whole, and reads on from `pieces`: the same bytes and what may be left to come, in the memory they are
    /// stored in, so that slow readers do not keep a second copy.
    pub(crate) fn end_stored(&self, pieces: impl IntoIterator<Item = Bytes>, trailers: Option<HeaderMap>) {
        let mut state = self.lock();
        let collected: SmallVec<[_; 1]> = state.pieces.drain(..).collect();
        let mut end = 0;
        for piece in pieces {
            let offset = end;
            end += piece.len() as u64;
            state.pieces.push_back((offset, piece));
        }
        debug_assert!(end >= state.end, "what is stored is what was read, and the last of it");
        state.end = end;
        state.ended.get_or_insert(Ok(trailers));
        wake_all(state);
        drop(collected);
    }

    /// From now on, forgets what everybody has read.
    pub(crate) fn open_window(&self) {
        let mut state = self.lock();
        state.windowed = true;
        let passed = state.forget();
        drop(state);
        drop(passed);
    }

    /// Whether a windowed spool has room: less than `window` bytes that somebody has not read yet.
    pub(crate) fn poll_room(&self, window: u64, cx: &mut Context<'_>) -> Poll<Room> {
        let mut state = self.lock();
        if state.readers.is_empty() {
            return Poll::Ready(Room::NoReaders);
        }
        if state.end - state.start < window {
            return Poll::Ready(Room::More);
        }
        let old = state.producer.replace(cx.waker().clone());
        drop(state);
        drop(old);
        Poll::Pending
    }

    /// Gives up the readers who hold everybody up: those who have not read the oldest piece.
    pub(crate) fn fail_slowest(&self, error: &BodyError) {
        let mut state = self.lock();
        let start = state.start;
        for (_, place) in &mut state.readers {
            if place.offset == start && !place.ended {
                place.failed = Some(error.clone());
                place.offset = u64::MAX;
            }
        }
        let passed = state.forget();
        wake_all(state);
        drop(passed);
    }

    /// A poisoned spool is still a spool: nothing of the callers' runs under this lock.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Takes out the pieces that every reader is past. The caller drops them outside the lock.
    fn forget(&mut self) -> Vec<Bytes> {
        let mut passed = Vec::new();
        if !self.windowed {
            return passed;
        }
        let slowest = self.readers.iter().map(|(_, place)| place.offset).min().unwrap_or(u64::MAX);
        while let Some((offset, piece)) = self.pieces.front() {
            let next = offset + piece.len() as u64;
            if next > slowest {
                break;
            }
            self.start = next;
            passed.extend(self.pieces.pop_front().map(|(_, piece)| piece));
        }
        passed
    }

    /// The next frame for the reader `id`, or `None` when there is none yet.
    fn next(&mut self, id: usize) -> Option<Option<Result<Frame<Bytes>, BodyError>>> {
        let Some(place) = self.readers.get_mut(id) else { return Some(None) };
        if let Some(error) = place.failed.take() {
            place.ended = true;
            return Some(Some(Err(error)));
        }
        if place.ended {
            return Some(None);
        }
        if place.offset < self.end {
            let at =
                self.pieces.partition_point(|(offset, piece)| offset + piece.len() as u64 <= place.offset);
            let (start, piece) = self.pieces.get(at)?;
            // A reader may stand inside a piece only where other pieces have taken the place of those it was reading.
            let inside = usize::try_from(place.offset - start).unwrap_or(usize::MAX).min(piece.len());
            let rest = piece.slice(inside..);
            place.offset += rest.len() as u64;
            return Some(Some(Ok(Frame::data(rest))));
        }
        let end = self.ended.as_ref()?;
        place.ended = true;
        Some(match end {
            Ok(None) => None,
            Ok(Some(trailers)) => Some(Ok(Frame::trailers(trailers.clone()))),
            Err(error) => Some(Err(error.clone())),
        })
    }
}

/// Wakes after the lock is gone: a waker is the runtime's code.
fn wake_all(mut state: MutexGuard<'_, State>) {
    let wakers: SmallVec<[Waker; 1]> =
        state.readers.iter_mut().filter_map(|(_, place)| place.waker.take()).collect();
    let producer = state.producer.take();
    drop(state);
    wakers.into_iter().chain(producer).for_each(Waker::wake);
}

impl fmt::Debug for Spool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spool").finish_non_exhaustive()
    }
}

/// One reader's body.
#[derive(Debug)]
pub(crate) struct SpoolReader {
    spool: Arc<Spool>,
    id: usize,
}

impl Body for SpoolReader {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let mut state = self.spool.lock();
        if let Some(frame) = state.next(self.id) {
            let passed = state.forget();
            let producer = if passed.is_empty() { None } else { state.producer.take() };
            drop(state);
            drop(passed);
            producer.into_iter().for_each(Waker::wake);
            return Poll::Ready(frame);
        }
        let mut old = None;
        if let Some(place) = state.readers.get_mut(self.id) {
            if !place.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
                old = place.waker.replace(cx.waker().clone());
            }
        }
        drop(state);
        drop(old);
        Poll::Pending
    }

    fn is_end_stream(&self) -> bool {
        let state = self.spool.lock();
        state.readers.get(self.id).is_none_or(|place| {
            place.ended
                || (place.failed.is_none()
                    && place.offset >= state.end
                    && matches!(state.ended, Some(Ok(None))))
        })
    }

    fn size_hint(&self) -> SizeHint {
        let state = self.spool.lock();
        let read = state.readers.get(self.id).map_or(0, |place| place.offset);
        match (self.spool.promised, &state.ended) {
            (Some(promised), _) => SizeHint::with_exact(promised.saturating_sub(read)),
            // With trailers to come it does not say its length: HTTP/1 has no place for them behind a known one.
            (None, Some(Ok(None))) => SizeHint::with_exact(state.end.saturating_sub(read)),
            (None, _) => {
                let mut hint = SizeHint::new();
                hint.set_lower(state.end.saturating_sub(read));
                hint
            }
        }
    }
}

impl Drop for SpoolReader {
    fn drop(&mut self) {
        let mut state = self.spool.lock();
        let place = state.readers.try_remove(self.id);
        let passed = state.forget();
        let producer = state.producer.take();
        drop(state);
        drop((place, passed));
        producer.into_iter().for_each(Waker::wake);
    }
}

#[cfg(test)]
mod tests;
