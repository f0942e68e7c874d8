//! Reads a body while it is kept: into the spool, for those who read it now, and into memory of its own, for those who
//! come later.

use std::{future::poll_fn, pin::pin, sync::Arc, time::Duration};

use bytes::Buf;
use http::{HeaderMap, header, response};
use http_body::Body;

use super::{Late, tell, within};
use crate::{
    entry::{self, BodyBuilder, Content, StoredBody},
    error::{BodyError, BoxError},
    event::Reason,
    shared::{Route, Share},
    spool::{End, Room, Spool},
    telemetry::Source,
};

/// How far the producer of a body that is not kept may be ahead of its slowest reader, by a frame more. Beside their
/// number nothing else bounds these bodies: a thousand whose readers stand still hold 32 MiB, and a frame each.
const WINDOW: u64 = 32 << 10;

/// How it went.
pub(super) enum Absorbed {
    /// The body is whole, and fits.
    Whole(Content),
    /// It was too large to keep, and has been passed on.
    PassedOn(End),
    /// It did not come to its end.
    Failed(BodyError),
}

/// A body on its way.
pub(super) struct Arriving<B> {
    /// What of it is there already.
    pub(super) stored: StoredBody,
    /// The rest.
    pub(super) body: B,
    /// How long all of it will be, as far as that is known.
    pub(super) length: Option<u64>,
}

impl<B> Arriving<B> {
    /// A body of which nothing is there.
    pub(super) fn whole(length: Option<u64>, body: B) -> Self {
        Self { stored: StoredBody::EMPTY, body, length }
    }

    /// Whether something of it is there.
    pub(super) fn has_begun(&self) -> bool {
        self.stored.len() > 0
    }
}

/// The length that a response promises: by its `Content-Length`, or by its body. One that cannot be read is more than can
/// be kept.
pub(super) fn promised_length(head: &response::Parts, body: &impl Body) -> Option<u64> {
    let mut lines = head.headers.get_all(header::CONTENT_LENGTH).iter();
    match (lines.next(), lines.next()) {
        (None, _) => body.size_hint().exact(),
        (Some(line), None) => {
            Some(line.to_str().ok().and_then(|text| text.trim().parse().ok()).unwrap_or(u64::MAX))
        }
        (Some(_), Some(_)) => Some(u64::MAX),
    }
}

/// Reads a body to its end. `overflow` is called once if it cannot be kept: by its own size, or because the bodies of
/// other requests take all the room there is.
pub(super) async fn absorb<B>(
    Arriving { stored, body, length: promised }: Arriving<B>,
    spool: &Spool,
    route: &Route,
    share: &mut Share,
    overflow: impl FnOnce(Reason),
) -> Absorbed
where
    B: Body<Error: Into<BoxError>>,
{
    let idle = route.settings.body_timeout;
    let mut body = pin!(body);
    let kept = Some(BodyBuilder::new(promised));
    let mut intake =
        Intake { spool, route, share, promised, kept, overflow: Some(overflow), total: 0, trailers: None };
    for piece in stored.pieces() {
        if let Some(end) = intake.take(piece.clone(), false).await {
            return end;
        }
    }
    drop(stored);
    loop {
        let frame = match within(idle, poll_fn(|cx| body.as_mut().poll_frame(cx))).await {
            Ok(None) => return intake.finish(),
            Ok(Some(Ok(frame))) => frame,
            Ok(Some(Err(error))) => return Absorbed::Failed(BodyError::upstream(error.into())),
            Err(Late) => return Absorbed::Failed(BodyError::new(Reason::BodyTimeout)),
        };
        match frame.into_data() {
            Ok(data) => {
                let len = data.remaining() as u64;
                tell(|| route.meter.passed(Source::Upstream, len));
                // It can be stored before its readers have the last of it. Where its length is known that is when they
                // think that they have read it all.
                let is_last = body.is_end_stream();
                if let Some(end) = intake.take(data, is_last).await {
                    return end;
                }
                if is_last {
                    return intake.finish();
                }
            }
            Err(frame) => intake.trailers = frame.into_trailers().ok(),
        }
    }
}

/// A body, as far as it has come.
struct Intake<'a, F> {
    spool: &'a Spool,
    route: &'a Route,
    share: &'a mut Share,
    promised: Option<u64>,
    /// What is kept of it, while it can be.
    kept: Option<BodyBuilder>,
    overflow: Option<F>,
    total: u64,
    trailers: Option<HeaderMap>,
}

impl<F: FnOnce(Reason)> Intake<'_, F> {
    /// Takes what comes next, and says if it is over by that. The last of what is kept comes to its readers when it is
    /// stored.
    async fn take(&mut self, mut data: impl Buf, is_last: bool) -> Option<Absorbed> {
        let len = data.remaining();
        self.total = self.total.saturating_add(len as u64);
        if self.promised.is_some_and(|promised| self.total > promised) {
            return Some(Absorbed::Failed(BodyError::new(Reason::BodyMismatch)));
        }
        if let Some(kept) = &mut self.kept {
            let fits = self.total <= self.route.max_body;
            if fits && self.share.grow(len as u64) {
                kept.add(data, |piece| {
                    if !is_last {
                        self.spool.push(piece);
                    }
                });
                return None;
            }
            self.kept = None;
            if let Some(overflow) = self.overflow.take() {
                overflow(if fits { Reason::NoRoom } else { Reason::TooLarge });
            }
            self.spool.open_window();
        }
        self.spool.push(data.copy_to_bytes(len));
        let room = wait_for_room(self.spool, self.route.settings.body_timeout).await;
        (room == Room::NoReaders).then(|| Absorbed::PassedOn(Err(BodyError::new(Reason::Aborted))))
    }

    /// What has come, now that nothing more will.
    fn finish(self) -> Absorbed {
        if self.promised.is_some_and(|promised| self.total != promised) {
            return Absorbed::Failed(BodyError::new(Reason::BodyMismatch));
        }
        match self.kept {
            Some(kept) => Absorbed::Whole(Content {
                body: kept.finish(),
                trailers: self.trailers.map(entry::owned).map(Box::new),
            }),
            None => Absorbed::PassedOn(Ok(self.trailers)),
        }
    }
}

/// Waits until the slowest reader has caught up, and gives up readers who stand still.
async fn wait_for_room(spool: &Spool, stall: Duration) -> Room {
    loop {
        match within(stall, poll_fn(|cx| spool.poll_room(WINDOW, cx))).await {
            Ok(room) => return room,
            Err(Late) => spool.fail_slowest(&BodyError::new(Reason::BodyTimeout)),
        }
    }
}

/// The producing side of a spool. Dropped without an end, it ends the readers' bodies with an error, so that a fetch which
/// is aborted leaves nobody waiting.
#[derive(Debug)]
pub(super) struct Producer {
    spool: Arc<Spool>,
}

impl Producer {
    pub(super) fn new(spool: &Arc<Spool>) -> Self {
        Self { spool: Arc::clone(spool) }
    }

    pub(super) fn spool(&self) -> &Spool {
        &self.spool
    }

    pub(super) fn end(self, end: End) {
        self.spool.end(end);
    }

    /// Ends a body that is whole; its readers go on in what is stored.
    pub(super) fn end_stored(self, content: &Content) {
        self.spool.end_stored(content.body.pieces().iter().cloned(), content.trailers.as_deref().cloned());
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        // The first end counts, so after a proper one this changes nothing.
        self.spool.end(Err(BodyError::new(Reason::Aborted)));
    }
}
