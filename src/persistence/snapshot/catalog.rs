//! The catalogue: the table of the newest snapshot in sled, the manifest's second copy. The only place that knows sled.
//!
//! What sled (0.34) does, as tried: after one failed write every later call fails; a damaged file may open silently at an older
//! state, or panic; its `flush` does not fsync. Hence it is opened late, whatever it says is compared with the hash in its
//! own `meta`, every call is guarded against panics, and after any trouble it is set aside and written anew.

use super::manifest::{self, Manifest, Records};
use super::{crc32c, record};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

const CACHE_BYTES: u64 = 16 << 20;
const META_KEY: &[u8] = b"m";

/// Why the catalogue could not be used.
#[derive(Debug)]
pub struct CatalogError(String);

impl std::fmt::Display for CatalogError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for CatalogError {}

impl From<sled::Error> for CatalogError {
    fn from(error: sled::Error) -> CatalogError {
        CatalogError(error.to_string())
    }
}

impl From<io::Error> for CatalogError {
    fn from(error: io::Error) -> CatalogError {
        CatalogError(error.to_string())
    }
}

/// What the rest of the catalogue must be.
#[derive(Serialize, Deserialize)]
struct Meta {
    generation: u64,
    records: u64,
    hash: u32,
}

/// How long one that was closed may still be locked, and how often it is looked whether it is.
const LOCK_PATIENCE: Duration = Duration::from_secs(5);
const LOCK_PAUSE: Duration = Duration::from_millis(5);

/// The catalogue of a data directory. sled is open only while it is used: open, it holds some 8 MB for a few rows.
pub struct Catalog {
    path: PathBuf,
    /// Held by whoever has it open.
    open: Mutex<()>,
}

impl Catalog {
    /// The catalogue of `dir`. Touches nothing yet.
    pub fn new(dir: &Path) -> Catalog {
        Catalog {
            path: dir.join("catalog"),
            open: Mutex::new(()),
        }
    }

    /// Whether there is one.
    pub fn exists(&self) -> bool {
        self.path.exists()
    }

    /// The table that it holds, if it is whole. Never makes a catalogue where there is none.
    pub fn table(&self) -> Option<Manifest> {
        if !self.exists() {
            return None;
        }
        self.guarded(read_table).ok()?
    }

    /// Opens it once (making it if it is missing) and closes it. What sled allocates at its first use and never gives back, 22 MB
    /// that it hardly touches, is then there from the start and does not come in the middle of somebody's measurement.
    pub fn prepare(&self) -> Result<(), CatalogError> {
        self.guarded(|_| Ok(()))
    }

    /// Puts `manifest` in place of what it held, safely on disk when this returns. A catalogue that gives trouble is set aside
    /// and written anew; if that fails too, the error tells why.
    pub fn replace(&self, manifest: &Manifest) -> Result<(), CatalogError> {
        if self.write(manifest).is_ok() {
            return Ok(());
        }
        self.set_aside()?;
        self.write(manifest)
    }

    fn write(&self, manifest: &Manifest) -> Result<(), CatalogError> {
        self.guarded(|db| write_table(db, manifest))?;
        File::open(self.path.join("db"))?.sync_all()?;
        File::open(&self.path)?.sync_all()?;
        Ok(())
    }

    /// Opens the tree, runs `act` on it, closes it.
    fn guarded<T>(
        &self,
        act: impl FnOnce(&sled::Db) -> Result<T, CatalogError>,
    ) -> Result<T, CatalogError> {
        let _open = self.open.lock();
        let run = AssertUnwindSafe(|| act(&open_tree(&self.path)?));
        catch_unwind(run).unwrap_or_else(|_| Err(CatalogError("sled panicked".into())))
    }

    /// Renames what is there, so that nothing is lost for whoever wants to look, and the next write starts anew.
    fn set_aside(&self) -> Result<(), CatalogError> {
        let _open = self.open.lock();
        if !self.exists() {
            return Ok(());
        }
        let aside = self.path.with_extension("set-aside");
        if aside.is_dir() {
            fs::remove_dir_all(&aside)?;
        }
        Ok(fs::rename(&self.path, aside)?)
    }
}

fn open_tree(path: &Path) -> Result<sled::Db, CatalogError> {
    let config = sled::Config::new()
        .path(path)
        .cache_capacity(CACHE_BYTES)
        .flush_every_ms(None);
    // Threads of sled hold on to one that was just closed for a moment, and with it its lock.
    let until = Instant::now() + LOCK_PATIENCE;
    loop {
        match config.open() {
            Err(sled::Error::Io(error))
                if error.to_string().contains("acquire lock") && Instant::now() < until =>
            {
                thread::sleep(LOCK_PAUSE);
            }
            opened => return Ok(opened?),
        }
    }
}

fn read_table(db: &sled::Db) -> Result<Option<Manifest>, CatalogError> {
    let mut records = Records::new();
    for row in db.iter() {
        let (key, value) = row?;
        records.insert(key.to_vec(), value.to_vec());
    }
    Ok(table_of(records))
}

/// The table of the records, if they are those that `meta` speaks of.
fn table_of(mut records: Records) -> Option<Manifest> {
    let meta: Meta = record::decode(META_KEY, &records.remove(META_KEY)?).ok()?;
    let is_whole =
        meta.records == records.len() as u64 && meta.hash == crc32c(&manifest::body(&records));
    let rows = records.iter().map(|(key, value)| (&key[..], &value[..]));
    let table = Manifest::from_records(rows).ok().filter(|_| is_whole)?;
    (table.state.generation == meta.generation).then_some(table)
}

fn write_table(db: &sled::Db, manifest: &Manifest) -> Result<(), CatalogError> {
    let mut records = manifest.records();
    let meta = Meta {
        generation: manifest.state.generation,
        records: records.len() as u64,
        hash: crc32c(&manifest::body(&records)),
    };
    records.insert(META_KEY.to_vec(), record::encode(META_KEY, &meta));
    let mut batch = sled::Batch::default();
    for key in db.iter().keys() {
        let key = key?;
        if !records.contains_key(&*key) {
            batch.remove(key);
        }
    }
    for (key, record) in records {
        batch.insert(key, record);
    }
    db.apply_batch(batch)?;
    db.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::manifest::tests::sample;
    use super::*;

    #[test]
    fn the_table_comes_back_and_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        assert!(Catalog::new(dir.path()).table().is_none());
        assert!(
            !dir.path().join("catalog").exists(),
            "reading makes nothing"
        );
        let catalog = Catalog::new(dir.path());
        catalog.replace(&sample(1)).unwrap();
        let mut second = sample(2);
        second.images.clear();
        catalog.replace(&second).unwrap();
        assert_eq!(catalog.table(), Some(second.clone()));
        drop(catalog);
        assert_eq!(Catalog::new(dir.path()).table(), Some(second));
    }

    #[test]
    fn a_table_that_does_not_fit_its_hash_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let catalog = Catalog::new(dir.path());
        catalog.replace(&sample(1)).unwrap();
        catalog
            .guarded(|db| {
                let first = db.iter().keys().next().unwrap()?;
                Ok(db.remove(first)?)
            })
            .unwrap();
        assert_eq!(catalog.table(), None);
        catalog.replace(&sample(2)).unwrap();
        assert_eq!(catalog.table(), Some(sample(2)));
    }

    #[test]
    fn a_destroyed_catalogue_is_set_aside_and_made_anew() {
        let dir = tempfile::tempdir().unwrap();
        let catalog = Catalog::new(dir.path());
        catalog.replace(&sample(1)).unwrap();
        drop(catalog);
        for name in ["db", "conf"] {
            fs::write(dir.path().join("catalog").join(name), vec![0xa5; 10_000]).unwrap();
        }
        let catalog = Catalog::new(dir.path());
        assert_eq!(catalog.table(), None);
        catalog.replace(&sample(2)).unwrap();
        assert_eq!(catalog.table(), Some(sample(2)));
    }

    #[test]
    fn a_catalogue_that_cannot_be_made_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("catalog.set-aside"), b"in the way").unwrap();
        fs::write(dir.path().join("catalog"), b"a file").unwrap();
        // The file is moved aside; what follows is made anew.
        Catalog::new(dir.path()).replace(&sample(1)).unwrap();
        let nowhere = Catalog::new(Path::new("/proc/rhumb-no-such-directory"));
        assert!(nowhere.replace(&sample(1)).is_err());
    }

    #[test]
    fn every_damage_of_the_file_gives_the_table_or_none() {
        let dir = tempfile::tempdir().unwrap();
        let catalog = Catalog::new(dir.path());
        catalog.replace(&sample(1)).unwrap();
        catalog.replace(&sample(2)).unwrap();
        drop(catalog);
        let path = dir.path().join("catalog/db");
        let good = fs::read(&path).unwrap();
        let used = good.iter().rposition(|byte| *byte != 0).unwrap_or(0);
        for at in (0..=used).step_by((used / 40).max(1)) {
            let mut bad = good.clone();
            bad[at] ^= 0x10;
            fs::write(&path, &bad).unwrap();
            let table = Catalog::new(dir.path()).table();
            let known = [None, Some(sample(1)), Some(sample(2))];
            assert!(known.contains(&table), "byte {at}");
        }
    }
}
