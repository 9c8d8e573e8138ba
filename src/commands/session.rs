//! One client: what its commands changed about its connection, and the list of all clients.

use super::table::Flags;
use crate::engine::Watch;
use crate::protocol::{Request, Version};
use bytes::Bytes;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

/// What a connection's task keeps about its client; moves with a command to another thread and back.
pub struct Session {
    /// What others may see.
    pub client: Arc<Client>,
    /// The database chosen by SELECT.
    pub db: usize,
    /// The protocol version of replies.
    pub version: Version,
    /// Whether it may run commands that need a password.
    pub authenticated: bool,
    /// Commands queued since MULTI.
    pub queue: Option<Queue>,
    /// Keys under WATCH.
    pub watched: Vec<Watch>,
    /// Whether replies are sent.
    pub replies: Replies,
    /// The last change that a reply not yet sent depends on; the connection waits for it before it sends.
    pub last_number: u64,
    /// Close after the replies so far are sent.
    pub closing: bool,
}

/// The commands of a MULTI.
#[derive(Default)]
pub struct Queue {
    /// In order.
    pub requests: Vec<Request>,
    /// The properties of all of them together.
    pub flags: Flags,
    /// One was refused at queueing: EXEC will refuse all.
    pub is_spoiled: bool,
}

/// CLIENT REPLY.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replies {
    /// Sent.
    On,
    /// Not sent.
    Off,
    /// Sent neither for this command (which asked for it) nor for the next one.
    SkipNext,
    /// Not sent for this command; for the next one it is.
    Skipping,
}

impl Replies {
    /// What holds for the command after this one.
    pub fn after_command(self) -> Replies {
        match self {
            Replies::On | Replies::Skipping => Replies::On,
            Replies::SkipNext => Replies::Skipping,
            Replies::Off => Replies::Off,
        }
    }
}

impl Session {
    /// A new client's session.
    pub fn new(client: Arc<Client>, authenticated: bool) -> Session {
        Session {
            client,
            db: 0,
            version: Version::Resp2,
            authenticated,
            queue: None,
            watched: Vec::new(),
            replies: Replies::On,
            last_number: 0,
            closing: false,
        }
    }

    /// Moves to another database.
    pub fn select(&mut self, db: usize) {
        self.db = db;
        self.client.db.store(db, Ordering::Relaxed);
    }

    /// Replies in this version of the protocol from now on.
    pub fn speak(&mut self, version: Version) {
        self.version = version;
        let number = if version == Version::Resp3 { 3 } else { 2 };
        self.client.version.store(number, Ordering::Relaxed);
    }
}

/// What everyone may see of a client (CLIENT LIST) and do to it (CLIENT KILL).
pub struct Client {
    /// Drawn once, growing.
    pub id: u64,
    /// Its address and port.
    pub addr: String,
    /// The address and port that it connected to.
    pub laddr: String,
    /// File descriptor of the socket.
    pub fd: i64,
    /// When it connected, in milliseconds since 1970.
    pub connected_ms: u64,
    /// CLIENT SETNAME.
    pub name: Mutex<Bytes>,
    /// CLIENT SETINFO LIB-NAME.
    pub lib_name: Mutex<Bytes>,
    /// CLIENT SETINFO LIB-VER.
    pub lib_version: Mutex<Bytes>,
    /// The database it is in.
    pub db: AtomicUsize,
    /// The protocol version of its replies.
    pub version: AtomicUsize,
    /// Place of its last command in the table; usize::MAX: none yet.
    pub last_command: AtomicUsize,
    /// When it last sent a command, in milliseconds since 1970.
    pub active_ms: AtomicU64,
    /// Commands queued since MULTI; -1 outside (stored as u64::MAX).
    pub queued: AtomicU64,
    /// Bytes of the commands queued since MULTI.
    pub queued_bytes: AtomicU64,
    /// Keys under WATCH.
    pub watched: AtomicU64,
    /// Bytes in its read buffer.
    pub query_bytes: AtomicU64,
    /// Bytes that its read buffer has room for beyond those.
    pub query_free_bytes: AtomicU64,
    /// Bytes of replies that it does not take off the socket.
    pub output_bytes: AtomicU64,
    /// Commands so far.
    pub total_commands: AtomicU64,
    /// Bytes received so far.
    pub total_input_bytes: AtomicU64,
    /// Bytes sent so far.
    pub total_output_bytes: AtomicU64,
    /// CLIENT NO-EVICT.
    pub no_evict: AtomicBool,
    /// CLIENT NO-TOUCH.
    pub no_touch: AtomicBool,
    /// MONITOR.
    pub is_monitor: AtomicBool,
    /// What it is to be told beside its replies.
    untold: Mutex<Vec<u8>>,
    /// Someone asked for its end.
    pub killed: AtomicBool,
    /// Wakes the connection's task, so that it sees `killed`, and what it is to be told.
    pub wake: Box<dyn Fn() + Send + Sync>,
}

impl Client {
    /// A client that just connected. `wake` makes its connection's task look at `killed`, and at what it is to be told.
    pub fn new(
        id: u64,
        addr: &str,
        laddr: &str,
        fd: i64,
        connected_ms: u64,
        wake: Box<dyn Fn() + Send + Sync>,
    ) -> Client {
        Client {
            id,
            addr: addr.to_owned(),
            laddr: laddr.to_owned(),
            fd,
            connected_ms,
            name: Mutex::default(),
            lib_name: Mutex::default(),
            lib_version: Mutex::default(),
            db: AtomicUsize::new(0),
            version: AtomicUsize::new(2),
            last_command: AtomicUsize::new(usize::MAX),
            active_ms: AtomicU64::new(connected_ms),
            queued: AtomicU64::new(u64::MAX),
            queued_bytes: AtomicU64::new(0),
            watched: AtomicU64::new(0),
            query_bytes: AtomicU64::new(0),
            query_free_bytes: AtomicU64::new(0),
            output_bytes: AtomicU64::new(0),
            total_commands: AtomicU64::new(0),
            total_input_bytes: AtomicU64::new(0),
            total_output_bytes: AtomicU64::new(0),
            no_evict: AtomicBool::new(false),
            no_touch: AtomicBool::new(false),
            is_monitor: AtomicBool::new(false),
            untold: Mutex::default(),
            killed: AtomicBool::new(false),
            wake,
        }
    }

    /// About how many bytes of memory it costs: itself, its session and what is in its buffers.
    pub fn memory_bytes(&self) -> u64 {
        let buffers = [
            &self.query_bytes,
            &self.query_free_bytes,
            &self.queued_bytes,
            &self.output_bytes,
        ];
        let held: u64 = buffers
            .iter()
            .map(|bytes| bytes.load(Ordering::Relaxed))
            .sum();
        held + (size_of::<Client>() + size_of::<Session>()) as u64
    }

    /// Notes a command (by its place in the table) that arrived at `now_ms`.
    pub fn note_command(&self, place: usize, now_ms: u64) {
        self.last_command.store(place, Ordering::Relaxed);
        self.active_ms.store(now_ms, Ordering::Relaxed);
    }

    /// What RESET takes back.
    pub fn forget_settings(&self) {
        *self.name.lock() = Bytes::new();
        self.no_evict.store(false, Ordering::Relaxed);
        self.no_touch.store(false, Ordering::Relaxed);
    }

    /// Whether it runs on this machine.
    pub fn is_local(&self) -> bool {
        let address = self.addr.parse::<SocketAddr>();
        address.is_ok_and(|address| address.ip().to_canonical().is_loopback())
    }

    /// Tells it something beside its replies; how many bytes wait for it now.
    pub fn tell(&self, bytes: &[u8]) -> usize {
        let waiting = {
            let mut untold = self.untold.lock();
            untold.extend_from_slice(bytes);
            untold.len()
        };
        (self.wake)();
        waiting
    }

    /// Whether there is something that it is to be told.
    pub fn is_untold(&self) -> bool {
        !self.untold.lock().is_empty()
    }

    /// What it is to be told, to be sent.
    pub fn take_untold(&self) -> Vec<u8> {
        std::mem::take(&mut self.untold.lock())
    }

    /// Ends the client: its connection closes as soon as its task runs.
    pub fn kill(&self) {
        self.killed.store(true, Ordering::Release);
        (self.wake)();
    }
}

/// All connected clients.
#[derive(Default)]
pub struct Clients {
    all: Mutex<BTreeMap<u64, Arc<Client>>>,
    last_id: AtomicU64,
}

impl Clients {
    /// An id that no client had before.
    pub fn draw_id(&self) -> u64 {
        self.last_id.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Adds a client.
    pub fn add(&self, client: Arc<Client>) {
        self.all.lock().insert(client.id, client);
    }

    /// Removes a client that is gone.
    pub fn remove(&self, id: u64) {
        self.all.lock().remove(&id);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.lock().len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// About how many bytes of memory all of them cost.
    pub fn memory_bytes(&self) -> u64 {
        let all = self.all.lock();
        all.values().map(|client| client.memory_bytes()).sum()
    }

    /// All of them, by id.
    pub fn list(&self) -> Vec<Arc<Client>> {
        self.all.lock().values().cloned().collect()
    }
}
