//! Writing replies to a socket: a turn at a time, and not for ever to a client that does not read.

use crate::config::OutputLimit;
use crate::protocol::Encoded;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
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

/// Why replies were not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsent {
    /// The client is gone.
    Gone,
    /// More waits for the client than `client-output-buffer-limit` allows.
    OverLimit,
}

/// Writes all of `bytes`; `note` is told how many are left. `limit` is asked again and again: it may be set while replies wait.
///
/// # Errors
/// The connection broke, or the limit was exceeded.
pub async fn send(
    socket: &mut TcpStream,
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
            let step = socket.write(&piece[..piece.len().min(WRITE_BYTES)]);
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
