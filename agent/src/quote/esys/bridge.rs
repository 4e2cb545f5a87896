//! A way for the TPM library to a software TPM on a Unix socket.
//!
//! libtss2 can connect to such a socket, but `tss-esapi` 7.7 has no words to ask it to. So two loopback ports, data and
//! control, are joined to the two sockets. In: the data socket's path. Out: a port. Only this process may connect:
//! the kernel's table of sockets must name our own user as the peer's, since ports have no permissions.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, SocketAddrV4, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Two loopback ports that lead to a software TPM, for as long as this lives.
pub(super) struct Bridge {
    port: u16,
    closed: Arc<AtomicBool>,
}

impl Bridge {
    /// Opens the ports; fails where there is no socket to lead to.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let mut control = path.as_os_str().to_owned();
        control.push(CONTROL);
        let control = PathBuf::from(control);
        for socket in [path, &control] {
            fs::metadata(socket)?;
        }
        let (data, data_control) = neighbours()?;
        let port = data.local_addr()?.port();
        let closed = Arc::new(AtomicBool::new(false));
        serve(data, path.to_owned(), Arc::clone(&closed))?;
        serve(data_control, control, Arc::clone(&closed))?;
        Ok(Self { port, closed })
    }

    /// The port of the data channel; control is the next one.
    pub(super) const fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        self.closed.store(true, Ordering::Release);
        for port in [self.port, self.port.saturating_add(1)] {
            // Wakes the listener, which then sees that it is closed.
            let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, port));
        }
    }
}

/// Two listeners on neighbouring ports.
fn neighbours() -> io::Result<(TcpListener, TcpListener)> {
    let mut last = io::Error::from(io::ErrorKind::AddrInUse);
    for _ in 0..ATTEMPTS {
        let first = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let Some(next) = first.local_addr()?.port().checked_add(1) else { continue };
        match TcpListener::bind((Ipv4Addr::LOCALHOST, next)) {
            Ok(second) => return Ok((first, second)),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn serve(listener: TcpListener, path: PathBuf, closed: Arc<AtomicBool>) -> io::Result<()> {
    let accept = move || {
        while let Ok((client, peer)) = listener.accept() {
            if closed.load(Ordering::Acquire) {
                return;
            }
            if is_ours(peer, listener.local_addr()) {
                join(client, &path);
            }
        }
    };
    thread::Builder::new().name("tpm-bridge".into()).stack_size(STACK).spawn(accept).map(drop)
}

/// Copies both ways until either side closes. A socket that cannot be reached shows as a closed connection.
fn join(client: TcpStream, path: &Path) {
    let copies = || -> io::Result<()> {
        let server = UnixStream::connect(path)?;
        client.set_nodelay(true)?;
        let (mut from_client, mut to_server) = (client.try_clone()?, server.try_clone()?);
        let (mut from_server, mut to_client) = (server, client);
        copier(move || {
            let _ = io::copy(&mut from_client, &mut to_server);
            let _ = to_server.shutdown(Shutdown::Both);
        })?;
        copier(move || {
            let _ = io::copy(&mut from_server, &mut to_client);
            let _ = to_client.shutdown(Shutdown::Both);
        })
    };
    if let Err(error) = copies() {
        tracing::debug!(%error, path = %path.display(), "cannot reach the software TPM");
    }
}

fn copier(copy: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name("tpm-bridge".into()).stack_size(STACK).spawn(copy).map(drop)
}

/// Whether the connection from `peer` was made by our own user.
fn is_ours(peer: SocketAddr, local: io::Result<SocketAddr>) -> bool {
    let (SocketAddr::V4(peer), Ok(SocketAddr::V4(local))) = (peer, local) else { return false };
    let Ok(table) = fs::read_to_string("/proc/self/net/tcp") else { return false };
    owner(&table, peer, local) == Some(rustix::process::geteuid().as_raw())
}

/// The user whose socket has this local and this remote address, from the text of `/proc/net/tcp`.
fn owner(table: &str, local: SocketAddrV4, remote: SocketAddrV4) -> Option<u32> {
    let (local, remote) = (in_table(local), in_table(remote));
    table.lines().find_map(|line| {
        let mut fields = line.split_ascii_whitespace();
        let (_slot, this, that) = (fields.next()?, fields.next()?, fields.next()?);
        let uid = fields.nth(4)?;
        if this == local && that == remote { uid.parse().ok() } else { None }
    })
}

/// An address as the table writes it: the four bytes as one native number, then the port.
fn in_table(address: SocketAddrV4) -> String {
    format!("{:08X}:{:04X}", u32::from_ne_bytes(address.ip().octets()), address.port())
}

const CONTROL: &str = ".ctrl";
const ATTEMPTS: u32 = 32;
const STACK: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn both_channels_lead_to_their_sockets() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s");
        let listeners =
            [path.clone(), dir.path().join("s.ctrl")].map(|path| UnixListener::bind(path).unwrap());
        let bridge = Bridge::open(&path).unwrap();
        for (offset, listener) in listeners.iter().enumerate() {
            let port = bridge.port() + u16::try_from(offset).unwrap();
            let mut client = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
            let (mut server, _) = listener.accept().unwrap();
            client.write_all(b"ping").unwrap();
            let mut heard = [0; 4];
            server.read_exact(&mut heard).unwrap();
            server.write_all(b"pong").unwrap();
            client.read_exact(&mut heard).unwrap();
            assert_eq!(&heard, b"pong");
            drop(server);
            assert_eq!(client.read(&mut heard).unwrap(), 0, "the end is passed on");
        }
    }

    #[test]
    fn a_missing_socket_is_an_error_at_once() {
        let dir = tempfile::tempdir().unwrap();
        assert!(Bridge::open(&dir.path().join("none")).is_err());
    }

    #[test]
    fn the_peer_is_found_in_the_kernels_table() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   0: \
                     0100007F:A000 0100007F:B000 01 00000000:00000000 00:00000000 00000000  1000        0 1 1 0 20 4\n";
        let at = |port| SocketAddrV4::new(Ipv4Addr::LOCALHOST, port);
        if cfg!(target_endian = "little") {
            assert_eq!(owner(table, at(0xa000), at(0xb000)), Some(1000));
        }
        assert_eq!(owner(table, at(0xb000), at(0xa000)), None);
    }
}
