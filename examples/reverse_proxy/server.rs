//! Accepts connections until a signal, then lets them finish.

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tower::Service;
use tower_swr_cache::CacheHandle;

use crate::body::RequestBody;
use crate::front;

/// How long requests under way may take to finish after the signal.
const DRAIN: Duration = Duration::from_secs(10);

/// Between two tries to accept when there are no descriptors left.
pub(crate) const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A listening socket, and the signals that end it.
#[derive(Debug)]
pub(crate) struct Server {
    listener: TcpListener,
    address: SocketAddr,
    signals: Signals,
}

impl Server {
    /// Listens, and takes over the signals: from here on one of them drains instead of killing.
    pub(crate) async fn bind(address: SocketAddr) -> io::Result<Self> {
        let signals = Signals::new()?;
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address, signals })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until the first signal and drains until the last connection is done, the time is up or a second signal comes.
    pub(crate) async fn run<S, B>(self, service: S, cache: &CacheHandle)
    where
        S: Service<Request<RequestBody>, Response = Response<B>, Error: Error + Send + 'static, Future: Send>,
        S: Clone + Send + 'static,
        B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
    {
        let Self { listener, mut signals, .. } = self;
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder.http1().timer(TokioTimer::new());
        builder.http2().timer(TokioTimer::new());
        let graceful = GracefulShutdown::new();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = signals.next() => break,
            };
            let stream = match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let _ = stream.set_nodelay(true);
            let service = service.clone();
            let answer =
                service_fn(move |request: Request<Incoming>| front::answer(service.clone(), request));
            let connection = builder.serve_connection(TokioIo::new(stream), answer).into_owned();
            let connection = graceful.watch(connection);
            tokio::spawn(async move {
                // A client that breaks off or breaks HTTP has been told so by hyper.
                if let Err(error) = connection.await {
                    tracing::debug!(error, "connection ended early");
                }
            });
        }
        drop(listener);
        cache.set_draining(true);
        tracing::info!(connections = graceful.count(), "draining");
        let mut drained = pin!(graceful.shutdown());
        tokio::select! {
            () = &mut drained => tracing::info!("drained"),
            () = tokio::time::sleep(DRAIN) => tracing::warn!("not drained in {} s, closing what is left", DRAIN.as_secs()),
            () = signals.next() => tracing::warn!("second signal, closing what is left"),
        }
    }
}

/// Ctrl-C and, where there is one, SIGTERM.
#[derive(Debug)]
struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[cfg(not(unix))]
impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {})
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    }
}
