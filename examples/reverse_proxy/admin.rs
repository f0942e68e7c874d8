//! The admin pages, on an address of their own that only operators reach.

use std::io;
use std::net::SocketAddr;

use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tower_swr_cache::admin::Admin;
use tower_swr_cache::{CacheHandle, ConfigError, Exporter};

use crate::options::Options;

/// What operators see and may do, if they are given an address for it. Only then is anything recorded.
pub(crate) fn surface(options: &Options, cache: &CacheHandle) -> Result<Option<Admin>, ConfigError> {
    if options.admin.is_none() {
        return Ok(None);
    }
    let mut admin = cache.admin();
    if let Some(token) = &options.admin_token {
        admin = admin.token(token)?;
    }
    match Exporter::install() {
        Ok(exporter) => admin = admin.exporter(exporter),
        Err(error) => tracing::warn!(%error, "no metrics"),
    }
    Ok(Some(admin))
}

/// Serves it until the process ends: while requests drain, operators can watch.
pub(crate) async fn listen(address: SocketAddr, admin: Admin) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new());
    builder.http2().timer(TokioTimer::new());
    tokio::spawn(async move {
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                tokio::time::sleep(crate::server::ACCEPT_PAUSE).await;
                continue;
            };
            let service = TowerToHyperService::new(admin.clone());
            let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
            tokio::spawn(connection);
        }
    });
    Ok(address)
}
