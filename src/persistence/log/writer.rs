//! Writing and syncing what waits. One thread at a time writes, whoever needs it first, for all; one at a time syncs.
//!
//! The order on disk is the order of the pieces: a file is complete and fsynced before its successor gets a byte, and a
//! file's first line is fsynced before a record follows it. A write that fails leaves its piece where it broke off. A sync
//! that fails ends the file: nothing is written until a snapshot holds all that was to be in it.

use super::tail::Piece;
use super::{FsyncPolicy, Health, Inner, LogError};
use crate::persistence::disk::DiskFile;
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// What the writing thread holds.
#[derive(Default)]
pub(super) struct Output {
    /// The file that is written now.
    file: Option<Arc<dyn DiskFile>>,
    pieces: VecDeque<Piece>,
    /// Bytes of the first piece that are written already.
    offset: usize,
    /// A buffer to be filled again.
    spare: Vec<u8>,
}

impl Inner {
    /// Writes all that waits, unless the log is unhealthy.
    pub(super) fn write(&self) -> Result<(), LogError> {
        let result = self
            .check_health()
            .and_then(|()| self.write_pieces(&mut self.output.lock()));
        self.wrote();
        result
    }

    /// Writes until the number is with the kernel.
    pub(super) fn write_through(&self, number: u64) -> Result<(), LogError> {
        let is_written = || self.written.load(Ordering::Acquire) >= number;
        if is_written() {
            return Ok(());
        }
        let result = {
            let mut output = self.output.lock();
            // Whoever waited for the lock finds most often that the one before wrote for both.
            if is_written() {
                return Ok(());
            }
            self.check_health()
                .and_then(|()| self.write_pieces(&mut output))
        };
        self.wrote();
        result
    }

    /// After a failed write: tries again from where it broke off.
    pub(super) fn retry(&self) {
        let result = {
            let mut output = self.output.lock();
            let is_due = matches!(*self.health.lock(), Health::WriteFailed(_));
            is_due.then(|| self.write_pieces(&mut output))
        };
        if let Some(Ok(())) = result {
            self.recovered();
        }
    }

    /// Makes everything written so far safe.
    pub(super) fn sync(&self) -> Result<(), LogError> {
        let result = {
            let _one = self.syncing.lock();
            // In this order: what is written by now is in this file, or in one that was synced before this became current.
            let written = self.written.load(Ordering::Acquire);
            let file = self.current.lock().clone();
            match file {
                Some(file) if self.synced.load(Ordering::Acquire) < written => {
                    self.sync_file(&*file).map(|()| {
                        self.synced.fetch_max(written, Ordering::AcqRel);
                    })
                }
                _ => Ok(()),
            }
        };
        (self.on_progress)();
        result
    }

    /// After a snapshot that holds everything up to `cut` is committed: what waits for the file before is not needed any
    /// more. Whether the log goes on behind it; not if it was healthy or the failure came after the cut.
    pub(super) fn skip_to(&self, cut: u64) -> bool {
        let mut output = self.output.lock();
        if *self.health.lock() == Health::Good {
            return false;
        }
        self.take_pieces(&mut output);
        let is_behind = |piece: &Piece| matches!(piece, Piece::Switch { first_number, .. } if *first_number == cut + 1);
        let Some(at) = output.pieces.iter().rposition(is_behind) else {
            return false;
        };
        let skipped: usize = output
            .pieces
            .drain(..at)
            .map(|piece| piece.bytes().len())
            .sum();
        let unwritten = skipped - std::mem::take(&mut output.offset);
        self.unwritten_bytes
            .fetch_sub(unwritten as u64, Ordering::AcqRel);
        if let Some(Piece::Switch { file, .. }) = output.pieces.pop_front() {
            let _one = self.syncing.lock();
            self.begin_file(&mut output, file);
        }
        self.written.fetch_max(cut, Ordering::AcqRel);
        self.synced.fetch_max(cut, Ordering::AcqRel);
        *self.health.lock() = Health::Good;
        // What fails now is a new failure, and is told by the health.
        let _ = self.write_pieces(&mut output);
        true
    }

    /// Tells everybody that the log went on, or failed to.
    pub(super) fn wrote(&self) {
        if self.policy() == FsyncPolicy::Always {
            self.alarm.poke();
        }
        (self.on_progress)();
    }

    fn take_pieces(&self, output: &mut Output) {
        self.tail
            .lock()
            .take_pieces(&mut output.pieces, &mut output.spare);
    }

    fn write_pieces(&self, output: &mut Output) -> Result<(), LogError> {
        self.take_pieces(output);
        while let Some(piece) = output.pieces.front() {
            if let Piece::Switch { file, .. } = piece {
                let file = Arc::clone(file);
                self.finish_file(output)?;
                output.pieces.pop_front();
                self.begin_file(output, file);
                continue;
            }
            self.write_piece(output)?;
            match output.pieces.pop_front() {
                Some(Piece::Records { bytes, through }) => {
                    output.spare = bytes;
                    self.written.fetch_max(through, Ordering::AcqRel);
                }
                Some(Piece::Header { .. } | Piece::Switch { .. }) | None => {}
            }
            output.offset = 0;
        }
        Ok(())
    }

    /// Writes the rest of the first piece; the first line of a file is synced at once.
    fn write_piece(&self, output: &mut Output) -> Result<(), LogError> {
        let (Some(piece), Some(file)) = (output.pieces.front(), &output.file) else {
            return Ok(());
        };
        while let Some(rest) = piece
            .bytes()
            .get(output.offset..)
            .filter(|rest| !rest.is_empty())
        {
            self.check_not_ended()?;
            match file.append(rest) {
                Ok(0) => return Err(self.write_failed(io::ErrorKind::WriteZero.into())),
                Ok(written) => {
                    output.offset += written;
                    self.unwritten_bytes
                        .fetch_sub(written as u64, Ordering::AcqRel);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.write_failed(error)),
            }
        }
        if let Piece::Header { .. } = piece {
            let _one = self.syncing.lock();
            self.sync_file(&**file)?;
        }
        Ok(())
    }

    /// The file is complete: makes it safe, so that its successor may begin.
    fn finish_file(&self, output: &Output) -> Result<(), LogError> {
        let Some(file) = &output.file else {
            return Ok(());
        };
        let _one = self.syncing.lock();
        self.sync_file(&**file)?;
        let written = self.written.load(Ordering::Acquire);
        self.synced.fetch_max(written, Ordering::AcqRel);
        Ok(())
    }

    fn begin_file(&self, output: &mut Output, file: Arc<dyn DiskFile>) {
        *self.current.lock() = Some(Arc::clone(&file));
        output.file = Some(file);
        output.offset = 0;
        self.is_switching.store(false, Ordering::Release);
    }

    /// Syncs, unless an earlier sync failed: the system tells a failure only once, and forgets what it could not write.
    /// Hold `syncing`.
    pub(super) fn sync_file(&self, file: &dyn DiskFile) -> Result<(), LogError> {
        self.check_not_ended()?;
        file.sync().map_err(|error| {
            let text = system_text(&error);
            *self.health.lock() = Health::SyncFailed(text.clone());
            LogError::Unhealthy { text }
        })
    }

    fn write_failed(&self, error: io::Error) -> LogError {
        let text = system_text(&error);
        let mut health = self.health.lock();
        if let Health::Good | Health::WriteFailed(_) = *health {
            *health = Health::WriteFailed(text.clone());
        }
        LogError::Unhealthy { text }
    }

    fn recovered(&self) {
        let mut health = self.health.lock();
        if let Health::WriteFailed(_) = *health {
            *health = Health::Good;
        }
        drop(health);
        self.wrote();
    }

    fn check_health(&self) -> Result<(), LogError> {
        match &*self.health.lock() {
            Health::Good => Ok(()),
            Health::WriteFailed(text) | Health::SyncFailed(text) => {
                Err(LogError::Unhealthy { text: text.clone() })
            }
        }
    }

    /// Whether the file may still be written: no sync of it failed.
    fn check_not_ended(&self) -> Result<(), LogError> {
        match &*self.health.lock() {
            Health::Good | Health::WriteFailed(_) => Ok(()),
            Health::SyncFailed(text) => Err(LogError::Unhealthy { text: text.clone() }),
        }
    }
}

impl Piece {
    fn bytes(&self) -> &[u8] {
        match self {
            Piece::Records { bytes, .. } | Piece::Header { bytes } => bytes,
            Piece::Switch { .. } => &[],
        }
    }
}

/// The system's words for an error, without its number: `No space left on device`.
fn system_text(error: &io::Error) -> String {
    let text = error.to_string();
    text.split_once(" (os error")
        .map_or(text.as_str(), |(words, _)| words)
        .to_owned()
}
