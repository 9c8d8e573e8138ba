//! What a column holds of one slot: eight bytes that are exact or say that they do not know.
//!
//! A number is its own f64. Everything else hides among the f64s that are no numbers: a kind in the upper 16 bits, a code of
//! the column's dictionary in the lower 32. Read as an f64 such a cell is NaN, and no other is, so that processors tell the
//! two apart at once, and a comparison of numbers is false for it.

const KIND_SHIFT: u32 = 48;
const TEXT: u64 = 0xfff9;
const ARRAY: u64 = 0xfffa;
const NULL: u64 = 0xfffb;
const MISSING: u64 = 0xfffc;
const UNKNOWN: u64 = 0xfffd;
const UNFILLED: u64 = 0xfffe;

/// One cell. Cells of one column are equal exactly if what they hold is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell(u64);

/// What a cell tells.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Held {
    /// A number; true is 1 and false is 0.
    Number(f64),
    /// A string, by its code in the column's dictionary.
    Text(u32),
    /// An array, by the code of its JSON text.
    Array(u32),
    /// The JSON null.
    Null,
    /// The field is missing or can not be read, or nobody lives in the slot.
    Missing,
    /// Nothing: the attributes must be read.
    Unknown,
}

impl Cell {
    /// The JSON null.
    pub const NULL: Cell = Cell(NULL << KIND_SHIFT);
    /// See [`Held::Missing`].
    pub const MISSING: Cell = Cell(MISSING << KIND_SHIFT);
    /// See [`Held::Unknown`]; what stands there can not be said by a cell.
    pub const UNKNOWN: Cell = Cell(UNKNOWN << KIND_SHIFT);
    /// As [`Cell::UNKNOWN`], until the slot's turn comes.
    pub(super) const UNFILLED: Cell = Cell(UNFILLED << KIND_SHIFT);

    /// A number. NaN, which no JSON text spells, is left to the reader.
    pub fn number(number: f64) -> Cell {
        if number.is_nan() {
            Cell::UNKNOWN
        } else {
            Cell(number.to_bits())
        }
    }

    /// A string.
    pub fn text(code: u32) -> Cell {
        Cell(TEXT << KIND_SHIFT | u64::from(code))
    }

    /// An array.
    pub fn array(code: u32) -> Cell {
        Cell(ARRAY << KIND_SHIFT | u64::from(code))
    }

    /// A cell from what [`Cell::bits`] gave.
    #[inline(always)]
    pub fn from_bits(bits: u64) -> Cell {
        Cell(bits)
    }

    /// Its eight bytes.
    #[inline(always)]
    pub fn bits(self) -> u64 {
        self.0
    }

    /// The number, or a NaN where it holds none.
    #[inline(always)]
    pub fn as_f64(self) -> f64 {
        f64::from_bits(self.0)
    }

    /// Whether it holds anything but a number.
    #[inline(always)]
    pub fn is_special(self) -> bool {
        self.as_f64().is_nan()
    }

    /// Whether it holds a string.
    #[inline(always)]
    pub fn is_text(self) -> bool {
        self.0 >> KIND_SHIFT == TEXT
    }

    /// Whether it can not help: the field is missing, or its value must be read.
    #[inline(always)]
    pub fn is_missing_or_unknown(self) -> bool {
        self.0 >= MISSING << KIND_SHIFT
    }

    /// Whether its value must be read.
    #[inline(always)]
    pub fn is_unknown(self) -> bool {
        self.0 >= UNKNOWN << KIND_SHIFT
    }

    /// What it tells.
    #[inline]
    pub fn held(self) -> Held {
        match self.0 >> KIND_SHIFT {
            TEXT => Held::Text(self.0 as u32),
            ARRAY => Held::Array(self.0 as u32),
            NULL => Held::Null,
            MISSING => Held::Missing,
            UNKNOWN | UNFILLED => Held::Unknown,
            _ => Held::Number(self.as_f64()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_tells_what_was_put_into_it() {
        let cells = [
            (Cell::number(-0.0), Held::Number(-0.0)),
            (
                Cell::number(f64::NEG_INFINITY),
                Held::Number(f64::NEG_INFINITY),
            ),
            (Cell::number(f64::MAX), Held::Number(f64::MAX)),
            (Cell::text(0), Held::Text(0)),
            (Cell::text(u32::MAX), Held::Text(u32::MAX)),
            (Cell::array(7), Held::Array(7)),
            (Cell::NULL, Held::Null),
            (Cell::MISSING, Held::Missing),
            (Cell::UNKNOWN, Held::Unknown),
            (Cell::UNFILLED, Held::Unknown),
        ];
        for (cell, held) in cells {
            assert_eq!(cell.held(), held);
            let is_number = matches!(held, Held::Number(_));
            assert_eq!(cell.is_special(), !is_number, "{held:?}");
            assert!(is_number || cell.as_f64().is_nan(), "{held:?}");
            assert_eq!(cell.is_unknown(), held == Held::Unknown, "{held:?}");
            let is_of_no_help = matches!(held, Held::Missing | Held::Unknown);
            assert_eq!(cell.is_missing_or_unknown(), is_of_no_help, "{held:?}");
            assert_eq!(cell.is_text(), matches!(held, Held::Text(_)), "{held:?}");
        }
    }

    #[test]
    fn no_nan_is_taken_for_anything_else() {
        for nan in [f64::NAN, -f64::NAN, f64::from_bits(u64::MAX)] {
            assert_eq!(Cell::number(nan).held(), Held::Unknown);
        }
    }
}
