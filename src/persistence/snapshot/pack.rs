//! Packs: files of images, written once, from front to back, and never altered. docs/snapshot-format.md has their layout.

use super::cursor::{Cursor, Fault};
use super::image::{HEADER_BYTES, ImageHeader, Place};
use super::manifest::{ImageRecord, PackId};
use super::{SnapshotError, crc32c, packs_dir};
use crate::persistence::disk::{Disk, DiskFile, append_all};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const MAGIC: &[u8; 8] = b"RHUMBPAK";
const VERSION: u32 = 1;
const HEAD_BYTES: usize = 40;
/// A pack takes images until the next would carry it over this many bytes.
const PACK_BYTES: u64 = 256 << 20;
/// Bytes between two syncs, so that the kernel never has much to write at once and the log's syncs stay short.
const SYNC_BYTES: u64 = 4 << 20;
/// Bytes gathered before they are written.
const BUFFER_BYTES: usize = 1 << 20;

/// Path of a pack.
pub fn path(dir: &Path, pack: PackId) -> PathBuf {
    packs_dir(dir).join(format!("{}-{}.pack", pack.generation, pack.number))
}

/// The pack that a file's name stands for.
pub(super) fn id_of(name: &str) -> Option<PackId> {
    let (generation, number) = name.strip_suffix(".pack")?.split_once('-')?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(generation) || !is_number(number) {
        return None;
    }
    Some(PackId {
        generation: generation.parse().ok()?,
        number: number.parse().ok()?,
    })
}

/// Writes the packs of one generation.
pub(super) struct PackWriter<'a> {
    disk: &'a dyn Disk,
    dir: PathBuf,
    lineage: u64,
    generation: u64,
    pack_bytes: u64,
    open: Option<OpenPack>,
    /// Finished packs and their lengths.
    packs: BTreeMap<PackId, u64>,
    images: BTreeMap<Place, ImageRecord>,
}

struct OpenPack {
    id: PackId,
    path: PathBuf,
    file: Arc<dyn DiskFile>,
    buffer: Vec<u8>,
    /// Bytes appended, those in the buffer included.
    len: u64,
    unsynced: u64,
}

impl<'a> PackWriter<'a> {
    /// A writer that makes files as images come.
    pub(super) fn new(
        disk: &'a dyn Disk,
        dir: &Path,
        lineage: u64,
        generation: u64,
    ) -> PackWriter<'a> {
        PackWriter {
            disk,
            dir: dir.to_owned(),
            lineage,
            generation,
            pack_bytes: PACK_BYTES,
            open: None,
            packs: BTreeMap::new(),
            images: BTreeMap::new(),
        }
    }

    /// Smaller packs, so that a test has several.
    #[cfg(test)]
    pub(super) fn with_pack_bytes(self, pack_bytes: u64) -> PackWriter<'a> {
        PackWriter { pack_bytes, ..self }
    }

    /// Adds an image; one without entries is left out. Two images of one place are a mistake of the caller.
    pub(super) fn add(
        &mut self,
        place: Place,
        cut: u64,
        entries: u32,
        payload: &[u8],
    ) -> Result<(), SnapshotError> {
        if entries == 0 {
            return Ok(());
        }
        let header = ImageHeader::of(place, cut, entries, payload);
        let pack = self.room_for(HEADER_BYTES as u64 + header.bytes)?;
        let image = ImageRecord::new(&header, pack.id, pack.len);
        pack.append(&header.encode())?;
        pack.append(payload)?;
        let twin = self.images.insert(place, image);
        debug_assert!(twin.is_none(), "two images of {place:?}");
        Ok(())
    }

    /// Ends the last pack and makes all of them safe, their names too.
    pub(super) fn seal(&mut self) -> Result<(), SnapshotError> {
        self.close()?;
        let dir = packs_dir(&self.dir);
        self.disk
            .create_dir(&dir)
            .map_err(SnapshotError::io(&dir))?;
        self.disk.sync_dir(&dir).map_err(SnapshotError::io(&dir))?;
        self.disk
            .sync_dir(&self.dir)
            .map_err(SnapshotError::io(&self.dir))
    }

    /// What was written, once it is sealed: packs with their lengths, images with their places.
    pub(super) fn into_tables(self) -> (BTreeMap<PackId, u64>, BTreeMap<Place, ImageRecord>) {
        debug_assert!(self.open.is_none());
        (self.packs, self.images)
    }

    /// Removes what was written, as far as the disk lets it: the save has failed.
    pub(super) fn abandon(mut self) {
        let begun = self.open.take().map(|pack| pack.path);
        let finished = self.packs.keys().map(|pack| path(&self.dir, *pack));
        for path in finished.chain(begun) {
            // The next save of this generation replaces what stays.
            let _ = self.disk.remove(&path);
        }
    }

    /// Bytes written so far.
    pub(super) fn bytes(&self) -> u64 {
        self.packs.values().sum::<u64>() + self.open.as_ref().map_or(0, |pack| pack.len)
    }

    /// The open pack, or a new one where the open one has no room for `bytes`.
    fn room_for(&mut self, bytes: u64) -> Result<&mut OpenPack, SnapshotError> {
        if self
            .open
            .as_ref()
            .is_some_and(|pack| pack.len + bytes > self.pack_bytes)
        {
            self.close()?;
        }
        match &mut self.open {
            Some(pack) => Ok(pack),
            none => Ok(none.insert(begin(self.disk, &self.dir, self.lineage, {
                PackId {
                    generation: self.generation,
                    number: self.packs.len() as u32,
                }
            })?)),
        }
    }

    fn close(&mut self) -> Result<(), SnapshotError> {
        let Some(pack) = &mut self.open else {
            return Ok(());
        };
        pack.flush()?;
        pack.sync()?;
        self.packs.insert(pack.id, pack.len);
        self.open = None;
        Ok(())
    }
}

fn begin(disk: &dyn Disk, dir: &Path, lineage: u64, id: PackId) -> Result<OpenPack, SnapshotError> {
    let packs = packs_dir(dir);
    disk.create_dir(&packs).map_err(SnapshotError::io(&packs))?;
    let path = path(dir, id);
    let file = disk.create(&path).map_err(SnapshotError::io(&path))?;
    let mut pack = OpenPack {
        id,
        path,
        file,
        buffer: Vec::new(),
        len: 0,
        unsynced: 0,
    };
    pack.append(&encode_head(lineage, id))?;
    Ok(pack)
}

impl OpenPack {
    fn append(&mut self, bytes: &[u8]) -> Result<(), SnapshotError> {
        self.len += bytes.len() as u64;
        if self.buffer.len() + bytes.len() <= BUFFER_BYTES {
            self.buffer.extend_from_slice(bytes);
            return Ok(());
        }
        self.flush()?;
        if bytes.len() <= BUFFER_BYTES {
            self.buffer.extend_from_slice(bytes);
            return Ok(());
        }
        bytes
            .chunks(SYNC_BYTES as usize)
            .try_for_each(|part| self.write(part))
    }

    fn flush(&mut self) -> Result<(), SnapshotError> {
        let buffer = std::mem::take(&mut self.buffer);
        self.write(&buffer)?;
        self.buffer = buffer;
        self.buffer.clear();
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), SnapshotError> {
        append_all(&*self.file, bytes).map_err(SnapshotError::io(&self.path))?;
        self.unsynced += bytes.len() as u64;
        if self.unsynced >= SYNC_BYTES {
            self.sync()
        } else {
            Ok(())
        }
    }

    fn sync(&mut self) -> Result<(), SnapshotError> {
        self.unsynced = 0;
        self.file.sync().map_err(SnapshotError::io(&self.path))
    }
}

/// The cut of a generation, as the first image of its first pack tells it; none if there is no such image.
pub(super) fn cut_of(disk: &dyn Disk, dir: &Path, generation: u64) -> Option<u64> {
    let path = path(
        dir,
        PackId {
            generation,
            number: 0,
        },
    );
    let header = disk.read_at(&path, HEAD_BYTES as u64, HEADER_BYTES).ok()?;
    ImageHeader::decode(&header).ok().map(|header| header.cut)
}

/// Reads the images of a snapshot.
pub(super) struct PackReader<'a> {
    disk: &'a dyn Disk,
    dir: PathBuf,
}

impl<'a> PackReader<'a> {
    /// Looks at every pack of the table: it is there, as long as recorded, and of this lineage.
    pub(super) fn open(
        disk: &'a dyn Disk,
        dir: &Path,
        packs: &BTreeMap<PackId, u64>,
        lineage: u64,
    ) -> Result<PackReader<'a>, SnapshotError> {
        for (id, bytes) in packs {
            let path = path(dir, *id);
            if disk.len(&path).map_err(SnapshotError::io(&path))? != *bytes {
                return Err(SnapshotError::damaged(
                    &path,
                    0,
                    "it has another length than recorded",
                ));
            }
            let head = disk
                .read_at(&path, 0, HEAD_BYTES)
                .map_err(SnapshotError::io(&path))?;
            check_head(&head, lineage, *id, &path)?;
        }
        Ok(PackReader {
            disk,
            dir: dir.to_owned(),
        })
    }

    /// The payload of an image, its checksum verified; `len` of the read was compared with the pack's when the table was read.
    pub(super) fn payload(
        &self,
        place: Place,
        image: &ImageRecord,
    ) -> Result<Vec<u8>, SnapshotError> {
        let path = self.path(image);
        let expected = image.header(place);
        let len = HEADER_BYTES + expected.bytes as usize;
        let mut bytes = self
            .disk
            .read_at(&path, image.offset(), len)
            .map_err(SnapshotError::io(&path))?;
        let damaged = |what| SnapshotError::damaged(&path, image.offset(), what);
        if bytes.len() != len {
            return Err(damaged("an image ends too early"));
        }
        if ImageHeader::decode(&bytes).map_err(damaged)? != expected {
            return Err(damaged("an image is not the one that is recorded"));
        }
        bytes.drain(..HEADER_BYTES);
        if crc32c(&bytes) != expected.crc {
            return Err(damaged("the checksum of an image does not fit"));
        }
        Ok(bytes)
    }

    /// What an image's payload does wrong, with its file.
    pub(super) fn fault(&self, image: &ImageRecord, what: Fault) -> SnapshotError {
        SnapshotError::damaged(&self.path(image), image.offset(), what)
    }

    fn path(&self, image: &ImageRecord) -> PathBuf {
        path(&self.dir, image.pack())
    }
}

fn encode_head(lineage: u64, id: PackId) -> Vec<u8> {
    let mut head = Vec::with_capacity(HEAD_BYTES);
    head.extend_from_slice(MAGIC);
    head.extend_from_slice(&VERSION.to_le_bytes());
    head.extend_from_slice(&id.number.to_le_bytes());
    head.extend_from_slice(&lineage.to_le_bytes());
    head.extend_from_slice(&id.generation.to_le_bytes());
    head.extend_from_slice(&[0; 4]);
    let crc = crc32c(&head);
    head.extend_from_slice(&crc.to_le_bytes());
    head
}

fn check_head(head: &[u8], lineage: u64, id: PackId, path: &Path) -> Result<(), SnapshotError> {
    let damaged = |what| SnapshotError::damaged(path, 0, what);
    if head == encode_head(lineage, id) {
        return Ok(());
    }
    let mut cursor = Cursor::new(head);
    let magic = cursor.take(8).map_err(damaged)?;
    let version = cursor.u32().map_err(damaged)?;
    if magic == MAGIC && version != VERSION {
        return Err(SnapshotError::Version {
            path: path.to_owned(),
            found: version,
        });
    }
    Err(damaged("it does not begin as the pack that it should be"))
}

#[cfg(test)]
mod tests {
    use super::super::image::Kind;
    use super::*;
    use crate::persistence::disk::RealDisk;

    fn place(part: u32) -> Place {
        Place {
            kind: Kind::Vectors,
            owner: 1,
            part,
            piece: 0,
        }
    }

    fn payload(part: u32) -> Vec<u8> {
        vec![part as u8; 100 + part as usize]
    }

    #[test]
    fn images_come_back_from_several_packs() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = PackWriter::new(&RealDisk, dir.path(), 9, 2).with_pack_bytes(1_000);
        for part in 0..20 {
            writer.add(place(part), 5, 1, &payload(part)).unwrap();
        }
        writer.add(place(99), 5, 0, &[]).unwrap();
        let big = vec![7; (SYNC_BYTES + 5) as usize];
        writer.add(place(20), 5, 1, &big).unwrap();
        writer.seal().unwrap();
        let (packs, images) = writer.into_tables();
        assert!(packs.len() > 2, "the test must need several packs");
        assert_eq!(images.len(), 21);
        let reader = PackReader::open(&RealDisk, dir.path(), &packs, 9).unwrap();
        for part in 0..20 {
            assert_eq!(
                reader.payload(place(part), &images[&place(part)]).unwrap(),
                payload(part)
            );
        }
        assert_eq!(reader.payload(place(20), &images[&place(20)]).unwrap(), big);
        assert!(reader.payload(place(1), &images[&place(0)]).is_err());
        assert!(
            PackReader::open(&RealDisk, dir.path(), &packs, 8).is_err(),
            "another lineage"
        );
    }

    #[test]
    fn every_flipped_bit_and_a_lost_end_are_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = PackWriter::new(&RealDisk, dir.path(), 9, 2);
        writer.add(place(0), 5, 1, &payload(0)).unwrap();
        writer.seal().unwrap();
        let (packs, images) = writer.into_tables();
        let path = path(
            dir.path(),
            PackId {
                generation: 2,
                number: 0,
            },
        );
        let good = std::fs::read(&path).unwrap();
        let read = || {
            let reader = PackReader::open(&RealDisk, dir.path(), &packs, 9)?;
            reader.payload(place(0), &images[&place(0)])
        };
        assert_eq!(read().unwrap(), payload(0));
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            std::fs::write(&path, &bad).unwrap();
            assert!(read().is_err(), "bit {bit}");
        }
        std::fs::write(&path, &good[..good.len() - 1]).unwrap();
        assert!(read().is_err());
    }

    #[test]
    fn names_of_packs_are_told_from_others() {
        let id = PackId {
            generation: 12,
            number: 3,
        };
        assert_eq!(id_of("12-3.pack"), Some(id));
        assert!(path(Path::new("d"), id).ends_with("packs/12-3.pack"));
        for name in ["12-3.pac", "12.pack", "+1-2.pack", "1-2.pack.old", "-.pack"] {
            assert_eq!(id_of(name), None, "{name}");
        }
    }
}
