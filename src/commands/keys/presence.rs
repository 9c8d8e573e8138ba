//! Conditions on what is there already: NX and XX of MSETEX, FNX and FXX of HSETEX.

/// Which keys (or fields) of a request must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It does not matter.
    Any,
    /// None of them.
    Missing,
    /// All of them.
    There,
}

impl Presence {
    /// Whether the condition holds; `there` tells of each of them whether it is there.
    pub fn holds(self, mut there: impl Iterator<Item = bool>) -> bool {
        match self {
            Presence::Any => true,
            Presence::Missing => !there.any(|is_there| is_there),
            Presence::There => there.all(|is_there| is_there),
        }
    }
}
