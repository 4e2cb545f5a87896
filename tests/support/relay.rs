//! A relay between an agent and its verifier that counts what goes through it.
//!
//! In: the verifier's address. Out: an address that leads there, and the bytes that went each way, as TCP carries them: TLS
//! with its handshakes, HTTP with its headers. It opens nothing, and ends what is connected when it is told, as the quarter
//! of an hour between two heartbeats would.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Result;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Bytes that went each way, and connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traffic {
    /// From the agent to the verifier.
    pub up: u64,
    /// From the verifier to the agent.
    pub down: u64,
    /// Connections that were opened.
    pub connections: u64,
}

impl Traffic {
    /// What went through since then.
    #[must_use]
    pub const fn since(self, before: Self) -> Self {
        Self {
            up: self.up - before.up,
            down: self.down - before.down,
            connections: self.connections - before.connections,
        }
    }
}

#[derive(Debug, Default)]
struct Counters {
    up: AtomicU64,
    down: AtomicU64,
    connections: AtomicU64,
}

/// A relay; it ends with the guard.
#[derive(Debug)]
pub struct Relay {
    address: SocketAddr,
    counters: Arc<Counters>,
    cut: watch::Sender<()>,
    task: JoinHandle<()>,
}

impl Relay {
    /// Relays to this address.
    pub async fn start(to: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let counters = Arc::new(Counters::default());
        let (cut, cuts) = watch::channel(());
        let task = tokio::spawn(serve(listener, to, Arc::clone(&counters), cuts));
        Ok(Self { address, counters, cut, task })
    }

    /// The URL that leads through it.
    pub fn url(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }

    /// Ends every connection that is open.
    pub fn cut(&self) {
        self.cut.send_replace(());
    }

    /// What has gone through so far.
    pub fn traffic(&self) -> Traffic {
        let read = |counter: &AtomicU64| counter.load(Ordering::SeqCst);
        let Counters { up, down, connections } = &*self.counters;
        Traffic { up: read(up), down: read(down), connections: read(connections) }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, to: SocketAddr, counters: Arc<Counters>, cuts: watch::Receiver<()>) {
    while let Ok((agent, _)) = listener.accept().await {
        counters.connections.fetch_add(1, Ordering::SeqCst);
        let counters = Arc::clone(&counters);
        let mut cuts = cuts.clone();
        cuts.mark_unchanged();
        // The other side sees the end of either as the end of the connection.
        tokio::spawn(async move {
            if let Ok(verifier) = TcpStream::connect(to).await {
                let _ = relay(agent, verifier, &counters, cuts).await;
            }
        });
    }
}

async fn relay(
    mut agent: TcpStream,
    mut verifier: TcpStream,
    counters: &Counters,
    mut cuts: watch::Receiver<()>,
) -> std::io::Result<()> {
    let (mut up, mut down) = (vec![0; BUFFER], vec![0; BUFFER]);
    loop {
        tokio::select! {
            read = agent.read(&mut up) => {
                let Some(bytes) = up.get(..read?).filter(|bytes| !bytes.is_empty()) else { return Ok(()) };
                counters.up.fetch_add(bytes.len() as u64, Ordering::SeqCst);
                verifier.write_all(bytes).await?;
            }
            read = verifier.read(&mut down) => {
                let Some(bytes) = down.get(..read?).filter(|bytes| !bytes.is_empty()) else { return Ok(()) };
                counters.down.fetch_add(bytes.len() as u64, Ordering::SeqCst);
                agent.write_all(bytes).await?;
            }
            _ = cuts.changed() => return Ok(()),
        }
    }
}

const BUFFER: usize = 64 << 10;
