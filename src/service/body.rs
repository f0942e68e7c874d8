//! The body of a response: the inner service's own, a stored one, or one that is shared while it arrives.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::observe::Comparison;
use crate::{
    entry::{Content, StoredBody},
    error::BoxError,
    shared::Route,
    spool::SpoolReader,
    telemetry::Source,
};

pin_project! {
    /// The body of a response that came through the cache.
    ///
    /// Errors are the inner body's own where it passes through, and [`BodyError`](crate::BodyError) where it is shared.
    pub struct ResponseBody<B> {
        #[pin]
        kind: Kind<B>,
    }
}

pin_project! {
    #[project = KindProj]
    enum Kind<B> {
        // The inner service's, untouched.
        Inner { #[pin] body: B, route: Arc<Route>, comparison: Option<Box<Comparison>> },
        // Stored, in one piece.
        Whole { bytes: Bytes, trailers: Option<Box<HeaderMap>> },
        // Stored, in several.
        Pieces { pieces: Arc<[Bytes]>, next: usize, left: u64, trailers: Option<Box<HeaderMap>> },
        // On its way.
        Shared { reader: SpoolReader },
        // None: the answer to HEAD, or a 304. It does not claim that the response's length is zero.
        None,
    }
}

impl<B> ResponseBody<B> {
    pub(crate) fn inner(body: B, route: Arc<Route>) -> Self {
        Self { kind: Kind::Inner { body, route, comparison: None } }
    }

    /// The inner service's own, compared with what was expected.
    pub(super) fn compared(mut self, with: Option<Comparison>) -> Self {
        if let Kind::Inner { comparison, .. } = &mut self.kind {
            *comparison = with.map(Box::new);
        }
        self
    }

    pub(crate) fn shared(reader: SpoolReader) -> Self {
        Self { kind: Kind::Shared { reader } }
    }

    pub(crate) fn none() -> Self {
        Self { kind: Kind::None }
    }

    pub(crate) fn text(text: &'static str) -> Self {
        Self { kind: Kind::Whole { bytes: Bytes::from_static(text.as_bytes()), trailers: None } }
    }

    /// The length of a stored body.
    pub(crate) fn stored_len(&self) -> u64 {
        match &self.kind {
            Kind::Whole { bytes, .. } => bytes.len() as u64,
            Kind::Pieces { left, .. } => *left,
            Kind::Inner { .. } | Kind::Shared { .. } | Kind::None => 0,
        }
    }

    pub(crate) fn stored(content: &Content) -> Self {
        Self::of(&content.body, content.trailers.clone())
    }

    /// Some bytes of a stored body. Trailers are about the whole.
    pub(crate) fn part(body: &StoredBody) -> Self {
        Self::of(body, None)
    }

    fn of(body: &StoredBody, trailers: Option<Box<HeaderMap>>) -> Self {
        let kind = match body {
            StoredBody::Whole(bytes) => Kind::Whole { bytes: bytes.clone(), trailers },
            StoredBody::Pieces(pieces) => {
                Kind::Pieces { pieces: Arc::clone(pieces), next: 0, left: body.len(), trailers }
            }
        };
        Self { kind }
    }
}

impl<B> Body for ResponseBody<B>
where
    B: Body<Error: Into<BoxError>>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.project().kind.project() {
            KindProj::Inner { mut body, route, comparison } => {
                let frame = ready!(body.as_mut().poll_frame(cx)).map(|frame| match frame {
                    Ok(frame) => Ok(frame.map_data(|mut data| {
                        route.meter.passed(Source::Upstream, data.remaining() as u64);
                        data.copy_to_bytes(data.remaining())
                    })),
                    Err(error) => Err(error.into()),
                });
                if let Some(comparison) = comparison {
                    // Who reads a body may not ask again once it says that it is over.
                    comparison.saw(frame.as_ref(), || body.is_end_stream());
                }
                Poll::Ready(frame)
            }
            KindProj::Whole { bytes, trailers } => {
                let data = std::mem::take(bytes);
                Poll::Ready(if data.is_empty() {
                    trailers_frame(trailers)
                } else {
                    Some(Ok(Frame::data(data)))
                })
            }
            KindProj::Pieces { pieces, next, left, trailers } => Poll::Ready(match pieces.get(*next) {
                None => trailers_frame(trailers),
                Some(piece) => {
                    *next += 1;
                    *left = left.saturating_sub(piece.len() as u64);
                    Some(Ok(Frame::data(piece.clone())))
                }
            }),
            KindProj::Shared { reader } => Pin::new(reader).poll_frame(cx).map_err(Into::into),
            KindProj::None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Inner { body, .. } => body.is_end_stream(),
            Kind::Whole { bytes, trailers } => bytes.is_empty() && trailers.is_none(),
            Kind::Pieces { left, trailers, .. } => *left == 0 && trailers.is_none(),
            Kind::Shared { reader } => reader.is_end_stream(),
            Kind::None => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Inner { body, .. } => body.size_hint(),
            Kind::Whole { bytes, trailers } => length_hint(bytes.len() as u64, trailers.is_some()),
            Kind::Pieces { left, trailers, .. } => length_hint(*left, trailers.is_some()),
            Kind::Shared { reader } => reader.size_hint(),
            Kind::None => SizeHint::new(),
        }
    }
}

/// The length, unless trailers follow: HTTP/1 has no place for them behind a body that says its length.
fn length_hint(left: u64, trailers: bool) -> SizeHint {
    if !trailers {
        return SizeHint::with_exact(left);
    }
    let mut hint = SizeHint::new();
    hint.set_lower(left);
    hint
}

fn trailers_frame(trailers: &mut Option<Box<HeaderMap>>) -> Option<Result<Frame<Bytes>, BoxError>> {
    trailers.take().map(|trailers| Ok(Frame::trailers(*trailers)))
}

impl<B> fmt::Debug for ResponseBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.kind {
            Kind::Inner { .. } => "ResponseBody::Inner",
            Kind::Whole { .. } | Kind::Pieces { .. } => "ResponseBody::Stored",
            Kind::Shared { .. } => "ResponseBody::Shared",
            Kind::None => "ResponseBody::None",
        })
    }
}
