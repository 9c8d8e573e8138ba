//! Writing replies to a socket: a turn at a time, and not for ever to a client that does not read.

use crate::config::OutputLimit;
use crate::protocol::Encoded;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

/// Replies up to this are bounded by nothing: every client may have so much waiting.
pub const UNBOUNDED_BYTES: usize = 16 * 1024;
/// Bytes that the system is asked to take at once.
const WRITE_BYTES: usize = 256 * 1024;
/// After so many bytes the worker's other connections have their turn.
const TURN_BYTES: usize = 1 << 20;

/// Why replies were not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsent {
    /// The client is gone.
    Gone,
    /// More waits for the client than `client-output-buffer-limit` allows.
    OverLimit,
}

/// Writes all of `bytes`; `note` is told how many are left.
///
/// # Errors
/// The connection broke, or `limit` was exceeded.
pub async fn send(
    socket: &mut TcpStream,
    bytes: &Encoded,
    limit: OutputLimit,
    note: impl Fn(usize),
) -> Result<(), Unsent> {
    let mut left = bytes.len();
    if limit.hard_bytes > 0 && left as u64 > limit.hard_bytes {
        return Err(Unsent::OverLimit);
    }
    let mut patience = Patience::new(limit);
    let mut turn = TURN_BYTES;
    for mut piece in bytes.pieces() {
        while !piece.is_empty() {
            note(left);
            let some = &piece[..piece.len().min(WRITE_BYTES)];
            let written = patience.wait(left, socket.write(some)).await?;
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

/// How long a client may leave more than the soft limit unread.
struct Patience {
    limit: OutputLimit,
    over_since: Option<Instant>,
}

impl Patience {
    fn new(limit: OutputLimit) -> Patience {
        Patience {
            limit,
            over_since: None,
        }
    }

    /// Waits for a step while `left` bytes wait for the client.
    async fn wait<T>(&mut self, left: usize, step: impl Future<Output = T>) -> Result<T, Unsent> {
        if self.limit.soft_bytes == 0 || left as u64 <= self.limit.soft_bytes {
            self.over_since = None;
            return Ok(step.await);
        }
        let since = *self.over_since.get_or_insert_with(Instant::now);
        let deadline = since + Duration::from_secs(self.limit.soft_seconds);
        timeout_at(deadline, step)
            .await
            .map_err(|_| Unsent::OverLimit)
    }
}
