//! CONFIG GET and CONFIG SET on the running configuration.

use std::fmt;

use super::table::{ALIASES, Changes, Id, Row, TABLE, find};
use super::typed::Permission;
use super::unserved::{self, Verdict};
use super::value::Value;
use super::{Config, Matches};

/// What a CONFIG SET did.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// The options whose value is another one now.
    pub changed: Vec<Id>,
    /// For the log: values that are kept without effect.
    pub warnings: Vec<String>,
}

/// Why a CONFIG SET changed nothing. `Display` gives the words of Redis, without the leading `ERR`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SetError {
    /// There is no such option.
    Unknown {
        /// The name as given.
        name: Vec<u8>,
    },
    /// The option does not take the value.
    Refused {
        /// The name of the option.
        name: Vec<u8>,
        /// The reason.
        why: String,
    },
}

impl fmt::Display for SetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SetError::Unknown { name } => {
                write!(
                    f,
                    "Unknown option or number of arguments for CONFIG SET - '{}'",
                    String::from_utf8_lossy(name)
                )
            }
            SetError::Refused { name, why } => {
                write!(
                    f,
                    "CONFIG SET failed (possibly related to argument '{}') - {why}",
                    name.escape_ascii()
                )
            }
        }
    }
}

impl std::error::Error for SetError {}

impl Config {
    /// The options that match one of the patterns, as CONFIG GET lists them: each name once, in the order of the table.
    ///
    /// A name without a wildcard comes back as it was written, older names included. `matches` is asked with lower-case texts.
    pub fn get(&self, patterns: &[&[u8]], matches: Matches) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut found: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
        let mut add = |name: &[u8], id: Id| {
            if !found
                .iter()
                .any(|(known, _)| known.eq_ignore_ascii_case(name))
            {
                found.push((name.to_vec(), self.text(id)));
            }
        };
        for pattern in patterns {
            if !pattern.iter().any(|byte| b"*?[".contains(byte)) {
                if let Some(row) = find(pattern) {
                    add(pattern, row.id);
                }
                continue;
            }
            let pattern = pattern.to_ascii_lowercase();
            let names = TABLE
                .iter()
                .map(|row| (row.name, row.id))
                .chain(ALIASES.iter().copied());
            for (name, id) in names.filter(|(name, _)| matches(&pattern, name.as_bytes())) {
                add(name.as_bytes(), id);
            }
        }
        found
    }

    /// Sets all of the options or none.
    ///
    /// `is_local` says whether the client is on this machine, which protected options may ask for. After the values are set,
    /// `follow` does with each changed option what its owner must do at once; when it fails, all values are put back
    /// (and `follow` is not called again: what it did before the failure is its own to undo).
    pub fn set(
        &self,
        pairs: &[(&[u8], &[u8])],
        is_local: bool,
        follow: impl FnOnce(&[Id]) -> Result<(), (Id, String)>,
    ) -> Result<Applied, SetError> {
        let _alone = self.setting.lock();
        let rows = self.settable(pairs, is_local)?;
        let mut applied = Applied::default();
        let mut values = Vec::with_capacity(rows.len());
        for (row, (name, text)) in rows.iter().zip(pairs) {
            let value = self.new_value(row, text, &mut applied.warnings);
            values.push((row.id, value.map_err(|why| refused(name, why))?));
        }
        values.retain(|(id, value)| self.value(*id) != *value);
        let before: Vec<(Id, Value)> = values
            .iter()
            .map(|(id, _)| (*id, self.value(*id)))
            .collect();
        applied.changed = values.iter().map(|(id, _)| *id).collect();
        for (id, value) in values {
            self.store(id, value);
        }
        if let Err((id, why)) = follow(&applied.changed) {
            for (id, value) in before {
                self.store(id, value);
            }
            return Err(refused(TABLE[id as usize].name.as_bytes(), why));
        }
        Ok(applied)
    }

    /// The rows of the options, all of them known, settable by this client and named once.
    fn settable(
        &self,
        pairs: &[(&[u8], &[u8])],
        is_local: bool,
    ) -> Result<Vec<&'static Row>, SetError> {
        let mut rows: Vec<&'static Row> = Vec::with_capacity(pairs.len());
        for (name, _) in pairs {
            let Some(row) = find(name) else {
                return Err(match unserved::has_no_effect(name) {
                    true => refused(name, "this option has no effect here".to_string()),
                    false => SetError::Unknown {
                        name: name.to_vec(),
                    },
                });
            };
            if let Some(why) = self.fixed(row, is_local) {
                return Err(refused(name, why.to_string()));
            }
            if rows.iter().any(|known| known.id == row.id) {
                return Err(refused(name, "duplicate parameter".to_string()));
            }
            rows.push(row);
        }
        Ok(rows)
    }

    /// Why this client can not change an option while the server runs.
    fn fixed(&self, row: &Row, is_local: bool) -> Option<&'static str> {
        let is_allowed = match self.protected_configs() {
            Permission::No => false,
            Permission::Yes => true,
            Permission::Local => is_local,
        };
        match row.changes {
            Changes::WhileRunning => None,
            Changes::Protected if !is_allowed => Some("can't set protected config"),
            Changes::AtStart | Changes::Protected => Some("can't set immutable config"),
        }
    }

    fn new_value(
        &self,
        row: &Row,
        text: &[u8],
        warnings: &mut Vec<String>,
    ) -> Result<Value, String> {
        let value = row.kind.parse(&[text], Some(&self.value(row.id)))?;
        unserved::check(row.id, &value)?;
        match unserved::judge(row, &value) {
            Verdict::Served => {}
            Verdict::NoEffect(why) => warnings.push(format!("CONFIG SET {}: {why}", row.name)),
            Verdict::NotServed(why) => return Err(why.to_string()),
        }
        Ok(value)
    }
}

fn refused(name: &[u8], why: String) -> SetError {
    SetError::Refused {
        name: name.to_ascii_lowercase(),
        why,
    }
}
