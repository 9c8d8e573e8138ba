//! The disk's test twin: files in memory, and everything that can go wrong with them. It knows what a power cut would leave
//! (what was synced), counts the calls that alter something, fails at the n-th, runs full, and flips bits.
//!
//! ```
//! use rhumb::persistence::disk::fault::{FaultDisk, PowerCut};
//! use rhumb::persistence::disk::{Disk, append_all};
//! use std::path::Path;
//!
//! let disk = FaultDisk::new();
//! let file = disk.create(Path::new("a"))?;
//! append_all(&*file, b"safe")?;
//! file.sync()?;
//! disk.sync_dir(Path::new(""))?;
//! append_all(&*file, b", not safe")?;
//! assert_eq!(disk.power_cut(PowerCut::Lost).read(Path::new("a"))?, b"safe");
//! # Ok::<(), std::io::Error>(())
//! ```

use super::{Disk, DiskFile};
use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What happens at the call that was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It fails, the next ones work. After a failed sync the bytes that it was to save can never be made safe (Linux marks
    /// them as written).
    Error(io::ErrorKind),
    /// An append writes half of its bytes; other calls fail with `StorageFull`. The next ones work.
    Half,
    /// It fails, and so do all calls after it: the process or the machine is gone.
    Gone,
    /// It panics.
    Panic,
}

/// What a power cut does to bytes and names that were not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PowerCut {
    /// They are all lost.
    Lost,
    /// They are all kept.
    Kept,
    /// Names are kept, and of the unsynced bytes of each file the first so many.
    Torn(usize),
    /// By a seed, for each file: lost, kept, cut at a byte, or kept in some pages and zeroed in others; of the names, those
    /// altered first are kept, or any.
    Mixed(u64),
}

/// A disk in memory. Clones share it.
#[derive(Clone, Default)]
pub struct FaultDisk {
    state: Arc<Mutex<State>>,
}

#[derive(Clone, Default)]
struct State {
    contents: Vec<Content>,
    names: Names,
    /// The names after a power cut that loses everything unsynced.
    safe_names: Names,
    unsynced: Vec<NameChange>,
    directories: BTreeSet<PathBuf>,
    calls: u64,
    fault: Option<(u64, Fault)>,
    is_gone: bool,
    /// Bytes that can still be appended.
    space: Option<usize>,
}

/// Names to indices of contents.
type Names = BTreeMap<PathBuf, usize>;

#[derive(Clone, Default)]
struct Content {
    bytes: Vec<u8>,
    /// What a power cut leaves for sure.
    safe: Vec<u8>,
    /// A sync failed: what was unsynced then stays so.
    is_ruined: bool,
}

#[derive(Clone, Debug)]
enum NameChange {
    Create {
        path: PathBuf,
        content: usize,
    },
    Rename {
        from: PathBuf,
        to: PathBuf,
        content: usize,
    },
    Remove {
        path: PathBuf,
    },
}

impl FaultDisk {
    /// An empty disk without faults.
    pub fn new() -> FaultDisk {
        FaultDisk::default()
    }

    /// Calls so far that altered something, or were to: all but reading and listing.
    pub fn calls(&self) -> u64 {
        self.state.lock().calls
    }

    /// Lets `fault` happen at call number `call` (the first is 0).
    pub fn fail_at(&self, call: u64, fault: Fault) {
        self.state.lock().fault = Some((call, fault));
    }

    /// Lets `fault` happen at the next call.
    pub fn fail_next(&self, fault: Fault) {
        self.fail_at(self.calls(), fault);
    }

    /// How many more bytes can be appended before the disk is full; none: any number.
    pub fn set_space(&self, bytes: Option<usize>) {
        self.state.lock().space = bytes;
    }

    /// The disk as the next process finds it when this one is killed: everything is there, but what was not synced is still
    /// not. Faults do not go with it.
    pub fn kill(&self) -> FaultDisk {
        let mut after = self.state.lock().clone();
        (after.calls, after.fault, after.is_gone, after.space) = (0, None, false, None);
        FaultDisk {
            state: Arc::new(Mutex::new(after)),
        }
    }

    /// The disk as a power cut leaves it now. This one goes on.
    pub fn power_cut(&self, cut: PowerCut) -> FaultDisk {
        let state = self.state.lock();
        let mut random = Random::new(if let PowerCut::Mixed(seed) = cut {
            seed
        } else {
            0
        });
        let mut after = State {
            directories: state.directories.clone(),
            ..State::default()
        };
        after.names = match cut {
            PowerCut::Lost => state.safe_names.clone(),
            PowerCut::Kept | PowerCut::Torn(_) => state.names.clone(),
            PowerCut::Mixed(_) => state.mixed_names(&mut random),
        };
        after.safe_names = after.names.clone();
        after.contents = state
            .contents
            .iter()
            .map(|content| content.after(cut, &mut random))
            .collect();
        FaultDisk {
            state: Arc::new(Mutex::new(after)),
        }
    }

    /// Flips one bit of a file, as a bad medium does; bit 0 is the lowest of byte 0.
    ///
    /// # Panics
    /// If the file has no such bit.
    pub fn flip(&self, path: &Path, bit: usize) {
        let mut state = self.state.lock();
        let content = state
            .content(path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for bytes in [&mut content.bytes, &mut content.safe] {
            if let Some(byte) = bytes.get_mut(bit / 8) {
                *byte ^= 1 << (bit % 8);
            }
        }
        assert!(
            bit / 8 < content.bytes.len(),
            "{} has no bit {bit}",
            path.display()
        );
    }

    /// Names of all files, in order.
    pub fn files(&self) -> Vec<PathBuf> {
        self.state.lock().names.keys().cloned().collect()
    }

    fn alter<T>(&self, alter: impl FnOnce(&mut State) -> io::Result<T>) -> io::Result<T> {
        let mut state = self.state.lock();
        match state.count()? {
            Some(Fault::Error(kind)) => Err(kind.into()),
            Some(Fault::Half) => Err(io::ErrorKind::StorageFull.into()),
            _ => alter(&mut state),
        }
    }

    fn look<T>(&self, look: impl FnOnce(&mut State) -> io::Result<T>) -> io::Result<T> {
        let mut state = self.state.lock();
        if state.is_gone {
            Err(gone())
        } else {
            look(&mut state)
        }
    }
}

impl State {
    /// Counts a call; the fault that it meets, if it is not the end.
    fn count(&mut self) -> io::Result<Option<Fault>> {
        let call = self.calls;
        self.calls += 1;
        if self.is_gone {
            return Err(gone());
        }
        match self.fault {
            Some((at, Fault::Gone)) if at == call => {
                self.is_gone = true;
                Err(gone())
            }
            Some((at, Fault::Panic)) if at == call => panic!("call {call} of the disk"),
            Some((at, fault)) if at == call => Ok(Some(fault)),
            _ => Ok(None),
        }
    }

    fn content(&mut self, path: &Path) -> io::Result<&mut Content> {
        let content = self
            .names
            .get(path)
            .and_then(|content| self.contents.get_mut(*content));
        content.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn change_name(&mut self, change: NameChange) {
        change.apply(&mut self.names);
        self.unsynced.push(change);
    }

    /// The names of which some changes were kept.
    fn mixed_names(&self, random: &mut Random) -> Names {
        let mut names = self.safe_names.clone();
        let is_prefix = random.below(2) == 0;
        let prefix = random.below(self.unsynced.len() + 1);
        for (at, change) in self.unsynced.iter().enumerate() {
            let is_kept = if is_prefix {
                at < prefix
            } else {
                random.below(2) == 0
            };
            if is_kept {
                change.apply(&mut names);
            }
        }
        names
    }
}

impl NameChange {
    fn apply(&self, names: &mut Names) {
        match self {
            NameChange::Create { path, content } => drop(names.insert(path.clone(), *content)),
            NameChange::Remove { path } => drop(names.remove(path)),
            NameChange::Rename { from, to, content } => {
                names.remove(from);
                names.insert(to.clone(), *content);
            }
        }
    }

    /// Whether syncing `dir` makes it safe.
    fn is_in(&self, dir: &Path) -> bool {
        let (NameChange::Create { path, .. }
        | NameChange::Remove { path }
        | NameChange::Rename { to: path, .. }) = self;
        path.parent() == Some(dir)
    }
}

impl Content {
    fn sync(&mut self) {
        if !self.is_ruined {
            self.safe.clone_from(&self.bytes);
        }
    }

    fn after(&self, cut: PowerCut, random: &mut Random) -> Content {
        let bytes = match cut {
            PowerCut::Lost => self.safe.clone(),
            PowerCut::Kept => self.bytes.clone(),
            PowerCut::Torn(kept) => self.torn(kept),
            PowerCut::Mixed(_) => match random.below(4) {
                0 => self.safe.clone(),
                1 => self.bytes.clone(),
                2 => self.torn(random.below(self.bytes.len() + 1)),
                _ => self.paged(random),
            },
        };
        Content {
            safe: bytes.clone(),
            bytes,
            is_ruined: false,
        }
    }

    /// What was synced and `kept` bytes more.
    fn torn(&self, kept: usize) -> Vec<u8> {
        let len = self.safe.len().saturating_add(kept).min(self.bytes.len());
        match self.bytes.starts_with(&self.safe) {
            true => self.bytes.iter().copied().take(len).collect(),
            false => self.safe.clone(),
        }
    }

    /// The whole length, with some pages never written.
    fn paged(&self, random: &mut Random) -> Vec<u8> {
        let mut bytes = self.torn(self.bytes.len());
        let page = 16 << random.below(6);
        let unsynced = bytes.get_mut(self.safe.len()..).unwrap_or_default();
        for page in unsynced.chunks_mut(page) {
            if random.below(2) == 0 {
                page.fill(0);
            }
        }
        bytes
    }
}

struct FaultFile {
    disk: FaultDisk,
    content: usize,
}

impl DiskFile for FaultFile {
    fn append(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.disk.state.lock();
        let wanted = match state.count()? {
            Some(Fault::Error(kind)) => return Err(kind.into()),
            Some(Fault::Half) => bytes.len() / 2,
            _ => bytes.len(),
        };
        let written = state.space.map_or(wanted, |space| wanted.min(space));
        if written == 0 && !bytes.is_empty() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        state.space = state.space.map(|space| space - written);
        if let Some(content) = state.contents.get_mut(self.content) {
            content.bytes.extend(bytes.iter().take(written));
        }
        Ok(written)
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.disk.state.lock();
        let fault = state.count()?;
        let Some(content) = state.contents.get_mut(self.content) else {
            return Ok(());
        };
        if let Some(fault) = fault {
            content.is_ruined = true;
            let kind = if let Fault::Error(kind) = fault {
                kind
            } else {
                io::ErrorKind::StorageFull
            };
            return Err(kind.into());
        }
        content.sync();
        Ok(())
    }
}

impl Disk for FaultDisk {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let content = self.alter(|state| {
            if let Some(old) = state.names.get(path).copied() {
                state.content(path)?.bytes.clear();
                return Ok(old);
            }
            let content = state.contents.len();
            state.contents.push(Content::default());
            state.change_name(NameChange::Create {
                path: path.to_owned(),
                content,
            });
            Ok(content)
        })?;
        Ok(Arc::new(FaultFile {
            disk: self.clone(),
            content,
        }))
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.look(|state| Ok(state.content(path)?.bytes.clone()))
    }

    fn read_at(&self, path: &Path, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        self.look(|state| {
            let bytes = &state.content(path)?.bytes;
            Ok(bytes
                .iter()
                .skip(offset as usize)
                .take(len)
                .copied()
                .collect())
        })
    }

    fn len(&self, path: &Path) -> io::Result<u64> {
        self.look(|state| Ok(state.content(path)?.bytes.len() as u64))
    }

    fn truncate(&self, path: &Path, len: u64) -> io::Result<()> {
        self.alter(|state| {
            let content = state.content(path)?;
            content.bytes.resize(len as usize, 0);
            content.sync();
            Ok(())
        })
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.alter(|state| {
            let content = *state.names.get(from).ok_or(io::ErrorKind::NotFound)?;
            state.change_name(NameChange::Rename {
                from: from.to_owned(),
                to: to.to_owned(),
                content,
            });
            Ok(())
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.alter(|state| {
            state.content(path)?;
            state.change_name(NameChange::Remove {
                path: path.to_owned(),
            });
            Ok(())
        })
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.look(|state| {
            let inside = state.names.keys().filter(|path| path.parent() == Some(dir));
            let names =
                inside.filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
            Ok(names.collect())
        })
    }

    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        self.alter(|state| {
            state.directories.insert(dir.to_owned());
            Ok(())
        })
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.alter(|state| {
            let (synced, rest) = std::mem::take(&mut state.unsynced)
                .into_iter()
                .partition(|change: &NameChange| change.is_in(dir));
            state.unsynced = rest;
            let synced: Vec<NameChange> = synced;
            synced
                .iter()
                .for_each(|change| change.apply(&mut state.safe_names));
            Ok(())
        })
    }
}

fn gone() -> io::Error {
    io::Error::other("the disk is gone")
}

/// Numbers that look random and come from a seed: SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number
/// generators", 2014). For tests; nothing that must be secret or well distributed.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Starts with a seed.
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`, which must not be 0.
    pub fn below(&mut self, n: usize) -> usize {
        (self.draw() % n as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::persistence::disk::{append_all, replace};

    const A: &str = "d/a";

    fn read(disk: &FaultDisk, path: &str) -> Option<Vec<u8>> {
        disk.read(Path::new(path)).ok()
    }

    #[test]
    fn a_power_cut_loses_what_was_not_synced_and_a_kill_does_not() {
        let disk = FaultDisk::new();
        let file = disk.create(Path::new(A)).unwrap();
        append_all(&*file, b"one").unwrap();
        file.sync().unwrap();
        assert_eq!(
            read(&disk.power_cut(PowerCut::Lost), A),
            None,
            "the name was not synced"
        );
        disk.sync_dir(Path::new("d")).unwrap();
        append_all(&*file, b"two").unwrap();
        assert_eq!(read(&disk.power_cut(PowerCut::Lost), A).unwrap(), b"one");
        assert_eq!(
            read(&disk.power_cut(PowerCut::Torn(1)), A).unwrap(),
            b"onet"
        );
        assert_eq!(read(&disk.kill(), A).unwrap(), b"onetwo");
    }

    #[test]
    fn a_replaced_file_is_the_old_or_the_new_one_wherever_the_power_is_cut() {
        let old = FaultDisk::new();
        replace(&old, Path::new(A), b"old").unwrap();
        for call in 0..6 {
            for seed in 0..200 {
                let disk = old.kill();
                disk.fail_at(call, Fault::Gone);
                let result = replace(&disk, Path::new(A), b"new");
                let found = read(&disk.power_cut(PowerCut::Mixed(seed)), A).unwrap();
                assert!(
                    found == b"new" || (found == b"old" && result.is_err()),
                    "call {call}, seed {seed}"
                );
            }
        }
    }

    #[test]
    fn a_failed_sync_loses_its_bytes_although_the_next_one_succeeds() {
        let disk = FaultDisk::new();
        let file = disk.create(Path::new(A)).unwrap();
        disk.sync_dir(Path::new("d")).unwrap();
        append_all(&*file, b"one").unwrap();
        disk.fail_next(Fault::Error(io::ErrorKind::Other));
        assert!(file.sync().is_err());
        assert!(file.sync().is_ok());
        assert_eq!(read(&disk.power_cut(PowerCut::Lost), A).unwrap(), b"");
    }

    #[test]
    fn a_full_disk_takes_what_fits() {
        let disk = FaultDisk::new();
        let file = disk.create(Path::new(A)).unwrap();
        disk.set_space(Some(4));
        assert_eq!(file.append(b"sixsix").unwrap(), 4);
        assert_eq!(
            file.append(b"ix").unwrap_err().kind(),
            io::ErrorKind::StorageFull
        );
        disk.set_space(None);
        append_all(&*file, b"ix").unwrap();
        assert_eq!(read(&disk, A).unwrap(), b"sixsix");
    }
}
