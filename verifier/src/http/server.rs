//! Connections: accepted up to a number, encrypted with TLS 1.3, served as HTTP/1.1, and ended in order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::Peer;
use crate::failure::{Exit, Failure};
use crate::limits::{HANDSHAKE_TIMEOUT, HEAD_TIMEOUT, HEADER_BYTES, SHUTDOWN_GRACE};
use crate::pki::ServerIdentity;

/// A listening socket with what is served on it.
pub(crate) struct Server {
    pub(crate) listener: TcpListener,
    pub(crate) tls: Arc<ServerConfig>,
    pub(crate) router: Router,
    pub(crate) connections: usize,
}

/// TLS 1.3 alone: every agent and operator's program of ours speaks it.
pub(crate) fn tls_config(identity: Arc<ServerIdentity>) -> Result<ServerConfig, Failure> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|error| Failure::new(Exit::Software, error))?
        .with_no_client_auth()
        .with_cert_resolver(identity);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // A host comes back every quarter of an hour: with a ticket that it keeps, and that we need not remember, it does not
    // cost a certificate each time. The keys of tickets live for some hours, and no longer than the process.
    config.ticketer =
        rustls::crypto::ring::Ticketer::new().map_err(|error| Failure::new(Exit::Software, error))?;
    config.send_tls13_tickets = 1;
    Ok(config)
}

impl Server {
    /// Serves until `stop`, then lets what is in flight finish.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let (graceful, cut) = (GracefulShutdown::new(), CancellationToken::new());
        let room = Arc::new(Semaphore::new(self.connections));
        let acceptor = TlsAcceptor::from(self.tls);
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => break,
                accepted = accept(&self.listener, &room) => accepted,
            };
            let Some((stream, peer, permit)) = accepted else { continue };
            let (acceptor, router) = (acceptor.clone(), self.router.clone());
            let connection = Connection { acceptor, router, peer, stop: stop.clone(), cut: cut.clone() };
            tokio::spawn(connection.serve(stream, graceful.watcher(), permit));
        }
        drop(self.listener);
        if tokio::time::timeout(SHUTDOWN_GRACE, graceful.shutdown()).await.is_err() {
            tracing::warn!("some requests did not finish in time");
        }
        // Their tasks hold the recorder, which ends when nobody can ask it for anything any more.
        cut.cancel();
    }
}

async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let permit = Arc::clone(room).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => Some((stream, peer, permit)),
        Err(error) => {
            // Out of file descriptors, most likely: waiting lets other connections end.
            tracing::warn!(%error, "a connection could not be accepted");
            tokio::time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}

struct Connection {
    acceptor: TlsAcceptor,
    router: Router,
    peer: SocketAddr,
    /// New work is not begun.
    stop: CancellationToken,
    /// What is in flight ends now.
    cut: CancellationToken,
}

impl Connection {
    async fn serve(self, stream: TcpStream, watcher: Watcher, _permit: OwnedSemaphorePermit) {
        let peer = self.peer;
        let _ = stream.set_nodelay(true);
        let handshake = tokio::time::timeout(HANDSHAKE_TIMEOUT, self.acceptor.accept(stream));
        let encrypted = tokio::select! {
            () = self.stop.cancelled() => return,
            encrypted = handshake => encrypted,
        };
        let stream = match encrypted {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return tracing::debug!(%peer, %error, "no TLS"),
            Err(_) => return tracing::debug!(%peer, "the TLS handshake took too long"),
        };
        let router = self.router.map_request(move |mut request: hyper::Request<Incoming>| {
            request.extensions_mut().insert(Peer(peer));
            request
        });
        let served = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .max_buf_size(HEADER_BYTES)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
        let ended = tokio::select! {
            () = self.cut.cancelled() => return,
            ended = watcher.watch(served) => ended,
        };
        if let Err(error) = ended {
            tracing::debug!(%peer, %error, "a connection ended early");
        }
    }
}

const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
