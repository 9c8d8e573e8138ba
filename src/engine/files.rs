//! Files beside the data that the server keeps for its operator (the configuration file), through the same disk as the data.

use super::Engine;
use crate::persistence::disk::{Disk, RealDisk};
use crate::persistence::files::replace_config;
use std::io;
use std::path::Path;

impl Engine {
    /// Replaces a file by what `edit` makes of its bytes (of none, when there is no such file). A reader, or a crash, sees the
    /// old or the new file as a whole. The error is the disk's.
    pub fn edit_file(&self, path: &Path, edit: impl FnOnce(&[u8]) -> Vec<u8>) -> io::Result<()> {
        let old = match RealDisk.read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            read => read?,
        };
        replace_config(path, &edit(&old))
    }
}
