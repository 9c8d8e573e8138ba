//! Sockets and tasks: the listener, one task per connection, the pools of threads, and the wait for the log. Everything below this
//! room is synchronous.

mod calibration;
mod connection;
mod logging;
mod output;
mod pool;
mod progress;
mod readers;
mod run;
mod sending;
mod service;

pub use pool::Pools;
pub use progress::Progress;
pub use run::run;

use crate::commands::{self, Client, Context, Session};
use crate::protocol::Request;
use connection::Connection;
use readers::Readers;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Notify;

const TOO_MANY_CLIENTS: &[u8] = b"-ERR max number of clients reached\r\n";
const PROTECTED: &[u8] = b"-DENIED Redis is running in protected mode because protected mode is enabled and no password is set for the default user. In this mode connections are only accepted from the loopback interface. If you want to connect from external computers to Redis you may adopt one of the following solutions: 1) Just disable protected mode sending the command 'CONFIG SET protected-mode no' from the loopback interface by connecting to Redis from the same host the server is running, however MAKE SURE Redis is not publicly accessible from internet if you do so. Use CONFIG REWRITE to make this change permanent. 2) Alternatively you can just disable the protected mode by editing the Redis configuration file, and setting the protected mode option to 'no', and then restarting the server. 3) If you started the server manually just for testing, restart it with the '--protected-mode no' option. 4) Set up an authentication password for the default user. NOTE: You only need to do one of the above things in order for the server to start accepting connections from the outside.\r\n";

/// What every connection shares.
pub struct Server {
    /// What the commands share.
    pub context: Arc<Context>,
    /// For what would hold up a connection's worker.
    pub pools: Pools,
    /// Wakes connections when the log is synced.
    pub progress: Arc<Progress>,
    /// Whether a thread of its own is writing to the log for all who wait.
    pub is_writing_aside: AtomicBool,
    /// Who read last.
    readers: Readers,
}

impl Server {
    /// Whoever executed a command that changed nothing is a reader.
    fn note_read(&self, session: &Session, is_write: bool) {
        if !is_write {
            self.readers
                .note(session.client.id, self.context.engine.now_ms());
        }
    }

    /// Waits until the log holds change `number`, synced if the policy says so. The error is the line for the clients.
    pub async fn wait_durable(self: &Arc<Self>, number: u64) -> Result<(), String> {
        let engine = &self.context.engine;
        let durable = match self.write_through(number).await {
            Ok(()) if engine.is_sync_awaited() => {
                self.progress.wait(|| engine.is_synced(number)).await
            }
            other => other,
        };
        durable.map_err(|why| commands::admission::log_failed(&why))
    }

    /// Hands the log to the kernel: here where that is quick, else on a thread that keeps no connection from its turn.
    async fn write_through(self: &Arc<Self>, number: u64) -> Result<(), String> {
        let engine = &self.context.engine;
        while engine.is_write_long() && !engine.is_written(number)? {
            if !self.is_writing_aside.swap(true, Ordering::AcqRel) {
                let server = Arc::clone(self);
                tokio::task::spawn_blocking(move || {
                    // Whoever waits asks the log itself how it went.
                    let _ = server.context.engine.write_through(number);
                    server.is_writing_aside.store(false, Ordering::Release);
                    server.progress.note();
                });
            }
            let is_over = || !self.is_writing_aside.load(Ordering::Acquire);
            let wait = || Ok(engine.is_written(number)? || is_over());
            self.progress.wait(wait).await?;
        }
        engine.write_through(number)
    }

    /// Holds a writer back, before it takes any lock, while too much waits for the disk.
    async fn wait_for_room(&self, request: &Request) {
        let engine = &self.context.engine;
        while engine.is_disk_behind() && commands::is_write(request) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// Opens the listening sockets; none on port 0. An address that starts with `-` may be missing on this machine.
pub fn listen(addresses: &[String], port: u16, backlog: u32) -> io::Result<Vec<TcpListener>> {
    let mut listeners = Vec::new();
    if port == 0 {
        return Ok(listeners);
    }
    for address in addresses {
        let (may_be_missing, name) = match address.strip_prefix('-') {
            Some(name) => (true, name),
            None => (false, address.as_str()),
        };
        match listen_on(name, port, backlog) {
            Ok(listener) => listeners.push(listener),
            Err(error) if may_be_missing && error.kind() != io::ErrorKind::AddrInUse => {}
            Err(error) => return Err(error),
        }
    }
    Ok(listeners)
}

fn listen_on(name: &str, port: u16, backlog: u32) -> io::Result<TcpListener> {
    let ip: IpAddr = match name {
        "*" => IpAddr::from([0, 0, 0, 0]),
        "localhost" => IpAddr::from([127, 0, 0, 1]),
        "::*" => IpAddr::from([0u16; 8]),
        _ => name.parse().map_err(|_| {
            io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("{name}: not an address"),
            )
        })?,
    };
    let address = SocketAddr::new(ip, port);
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(backlog)
}

/// Accepts connections until the task is dropped.
pub async fn accept(server: Arc<Server>, listener: TcpListener) {
    loop {
        match listener.accept().await {
            Ok((socket, peer)) => admit(&server, socket, peer).await,
            Err(error) => {
                tracing::warn!(%error, "accepting a client failed");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn admit(server: &Arc<Server>, mut socket: TcpStream, peer: SocketAddr) {
    let context = &server.context;
    context.stats.totals.connections_received.increment();
    let config = &context.config;
    let refusal = if context.clients.len() >= config.maxclients() {
        Some(TOO_MANY_CLIENTS)
    } else if config.protected_mode()
        && !config.asks_password()
        && !peer.ip().to_canonical().is_loopback()
    {
        Some(PROTECTED)
    } else {
        None
    };
    if let Some(line) = refusal {
        context.stats.totals.connections_rejected.increment();
        let _ = socket.write_all(line).await;
        return;
    }
    let _ = socket.set_nodelay(true);
    let silent_seconds = config.tcp_keepalive_seconds();
    if silent_seconds > 0 {
        let _ = crate::sys::keep_alive(&socket, silent_seconds);
    }
    let woken = Arc::new(Notify::new());
    let client = Arc::new(client_of(server, &socket, peer, Arc::clone(&woken)));
    context.clients.add(Arc::clone(&client));
    tokio::spawn(Connection::new(Arc::clone(server), socket, client, woken).serve());
}

fn client_of(server: &Server, socket: &TcpStream, peer: SocketAddr, woken: Arc<Notify>) -> Client {
    let context = &server.context;
    let local = socket
        .local_addr()
        .map(|address| address.to_string())
        .unwrap_or_default();
    Client::new(
        context.clients.draw_id(),
        &peer.to_string(),
        &local,
        i64::from(socket.as_raw_fd()),
        context.engine.now_ms(),
        Box::new(move || woken.notify_one()),
    )
}
