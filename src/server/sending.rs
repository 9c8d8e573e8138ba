//! Writing replies to a socket: a turn at a time, and not for ever to a client that does not read. A client that sends all of its requests
//! before it reads a reply waits for us to take them; so they are taken while replies wait.

use crate::config::OutputLimit;
use crate::protocol::Encoded;
use bytes::BytesMut;
use std::io::{self, ErrorKind};
use std::time::Duration;
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

/// Replies up to this are bounded by nothing: every client may have so much waiting.
const UNBOUNDED_BYTES: usize = 16 * 1024;
/// Bytes that the system is asked to take at once.
const WRITE_BYTES: usize = 256 * 1024;
/// After so many bytes the worker's other connections have their turn.
const TURN_BYTES: usize = 1 << 20;
/// How often the limits are looked at while a client does not read.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// What a client sends on while replies wait for it.
pub struct Incoming<'c> {
    /// Requests that were read and not executed yet.
    pub input: &'c mut BytesMut,
    /// Bytes of them at which no more are read.
    pub bytes_max: u64,
    /// Bytes that were added.
    pub taken: usize,
    /// The client said that there are no more.
    pub has_ended: bool,
}

/// Bytes that are made room for at once.
const READ_BYTES: usize = 64 * 1024;

impl Incoming<'_> {
    fn interest(&self) -> Interest {
        match self.has_ended || self.input.len() as u64 >= self.bytes_max {
            true => Interest::WRITABLE,
            false => Interest::WRITABLE | Interest::READABLE,
        }
    }

    fn take_from(&mut self, socket: &TcpStream) -> io::Result<()> {
        self.input.reserve(READ_BYTES);
        match socket.try_read_buf(self.input) {
            Ok(0) => self.has_ended = true,
            Ok(bytes) => self.taken += bytes,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

/// Writes some of `bytes` as soon as the system takes them; how many.
async fn write(socket: &TcpStream, bytes: &[u8], incoming: &mut Incoming<'_>) -> io::Result<usize> {
    loop {
        match socket.try_write(bytes) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            written => return written,
        }
        let ready = socket.ready(incoming.interest()).await?;
        if ready.is_readable() && !incoming.has_ended {
            incoming.take_from(socket)?;
            tokio::task::yield_now().await;
        }
    }
}

/// Why replies were not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsent {
    /// The client is gone.
    Gone,
    /// More waits for the client than `client-output-buffer-limit` allows.
    OverLimit,
}

/// Writes all of `bytes`, and takes what comes in meanwhile; `note` is told how many are left. `limit` is asked again and again: it may be set
/// while replies wait.
///
/// # Errors
/// The connection broke, or the limit was exceeded.
pub async fn send(
    socket: &TcpStream,
    incoming: &mut Incoming<'_>,
    bytes: &Encoded,
    limit: impl Fn() -> OutputLimit,
    note: impl Fn(usize),
) -> Result<(), Unsent> {
    let mut left = bytes.len();
    let mut turn = TURN_BYTES;
    let mut over_since = None;
    for mut piece in bytes.pieces() {
        while !piece.is_empty() {
            note(left);
            let step = write(socket, &piece[..piece.len().min(WRITE_BYTES)], incoming);
            let written = if bytes.len() <= UNBOUNDED_BYTES {
                step.await
            } else {
                let until = patience(limit(), left, &mut over_since)?;
                match timeout_at(until, step).await {
                    Ok(written) => written,
                    Err(_) => continue,
                }
            };
            let written = written.map_err(|_| Unsent::Gone)?;
            piece = &piece[written..];
            left -= written;
            match turn.checked_sub(written) {
                Some(rest) => turn = rest,
                None => {
                    turn = TURN_BYTES;
                    tokio::task::yield_now().await;
                }
            }
        }
    }
    Ok(())
}

/// Until when to wait for a client that `left` bytes wait for before this is asked again; an error if it has had its time.
fn patience(
    limit: OutputLimit,
    left: usize,
    over_since: &mut Option<Instant>,
) -> Result<Instant, Unsent> {
    let (left, now) = (left as u64, Instant::now());
    let look_again = now + LOOK_AGAIN;
    if limit.hard_bytes > 0 && left > limit.hard_bytes {
        return Err(Unsent::OverLimit);
    }
    if limit.soft_bytes == 0 || left <= limit.soft_bytes {
        *over_since = None;
        return Ok(look_again);
    }
    let since = *over_since.get_or_insert(now);
    let deadline = since + Duration::from_secs(limit.soft_seconds);
    match deadline <= now && since < now {
        true => Err(Unsent::OverLimit),
        false => Ok(deadline.min(look_again)),
    }
}
