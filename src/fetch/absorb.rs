//! Reads a body while it is kept: into the spool, for those who read it now, and into memory of its own, for those who
//! come later.

use std::{future::poll_fn, pin::pin, sync::Arc, time::Duration};

use bytes::Buf;
use http::{header, response};
use http_body::Body;
use tokio::time::timeout;

use super::tell;
use crate::{
    entry::{self, BodyBuilder, Content},
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

/// Reads `body` to its end. `overflow` is called once if it cannot be kept: by its own size, or because the bodies of
/// other requests take all the room there is.
pub(super) async fn absorb<B>(
    body: B,
    spool: &Spool,
    promised: Option<u64>,
    route: &Route,
    share: &mut Share,
    overflow: impl FnOnce(Reason),
) -> Absorbed
where
    B: Body<Error: Into<BoxError>>,
{
    let idle = route.settings.body_timeout;
    let mut body = pin!(body);
    let mut builder = Some(BodyBuilder::new(promised));
    let mut overflow = Some(overflow);
    let mut trailers = None;
    let mut total: u64 = 0;
    loop {
        let frame = match timeout(idle, poll_fn(|cx| body.as_mut().poll_frame(cx))).await {
            Ok(None) => break,
            Ok(Some(Ok(frame))) => frame,
            Ok(Some(Err(error))) => return Absorbed::Failed(BodyError::upstream(error.into())),
            Err(_elapsed) => return Absorbed::Failed(BodyError::new(Reason::BodyTimeout)),
        };
        let mut data = match frame.into_data() {
            Ok(data) => data,
            Err(frame) => {
                trailers = frame.into_trailers().ok();
                continue;
            }
        };
        let len = data.remaining();
        tell(|| route.meter.passed(Source::Upstream, len as u64));
        total = total.saturating_add(len as u64);
        if promised.is_some_and(|promised| total > promised) {
            return Absorbed::Failed(BodyError::new(Reason::BodyMismatch));
        }
        if let Some(kept) = &mut builder {
            let fits = total <= route.max_body;
            if fits && share.grow(len as u64) {
                kept.add(data, |piece| spool.push(piece));
                continue;
            }
            builder = None;
            if let Some(overflow) = overflow.take() {
                overflow(if fits { Reason::NoRoom } else { Reason::TooLarge });
            }
            spool.open_window();
        }
        spool.push(data.copy_to_bytes(len));
        if wait_for_room(spool, idle).await == Room::NoReaders {
            return Absorbed::PassedOn(Err(BodyError::new(Reason::Aborted)));
        }
    }
    if promised.is_some_and(|promised| total != promised) {
        return Absorbed::Failed(BodyError::new(Reason::BodyMismatch));
    }
    match builder {
        Some(kept) => Absorbed::Whole(Content {
            body: kept.finish(),
            trailers: trailers.map(entry::owned).map(Box::new),
        }),
        None => Absorbed::PassedOn(Ok(trailers)),
    }
}

/// Waits until the slowest reader has caught up, and gives up readers who stand still.
async fn wait_for_room(spool: &Spool, stall: Duration) -> Room {
    loop {
        match timeout(stall, poll_fn(|cx| spool.poll_room(WINDOW, cx))).await {
            Ok(room) => return room,
            Err(_elapsed) => spool.fail_slowest(&BodyError::new(Reason::BodyTimeout)),
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
