//! Reads two-dimensional .npy files (NumPy's format, versions 1 to 3) row by row: little-endian f16, f32, f64 for vectors,
//! i32 and i64 for row numbers, C order. Memory use is one row, however large the file.
//!
//! The format: `\x93NUMPY`, two version bytes, the header's length (u16, from version 2 on u32), a header that is a Python
//! dictionary with `descr`, `fortran_order` and `shape`, then the numbers.

use super::ToolError;
use half::f16;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

/// Longest header that is read; NumPy writes 118 bytes for what is accepted here.
const HEADER_BYTES_MAX: usize = 64 << 10;
/// Longest row that is read, in numbers.
const COLUMNS_MAX: usize = 1 << 20;

/// What the numbers of a file are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    F16,
    F32,
    F64,
    I32,
    I64,
}

impl Kind {
    fn of(descr: &str) -> Option<Kind> {
        Some(match descr {
            "<f2" => Kind::F16,
            "<f4" => Kind::F32,
            "<f8" => Kind::F64,
            "<i4" => Kind::I32,
            "<i8" => Kind::I64,
            _ => return None,
        })
    }

    fn bytes(self) -> usize {
        match self {
            Kind::F16 => 2,
            Kind::F32 | Kind::I32 => 4,
            Kind::F64 | Kind::I64 => 8,
        }
    }
}

/// An open file, at some row.
pub struct NpyReader {
    path: PathBuf,
    file: BufReader<File>,
    kind: Kind,
    rows: usize,
    columns: usize,
    next_row: usize,
    row: Vec<u8>,
}

impl NpyReader {
    /// Opens a file and reads its header. The file's length must be that of the shape that the header tells.
    pub fn open(path: &Path) -> Result<NpyReader, ToolError> {
        let failed = |source| ToolError::File {
            path: path.to_path_buf(),
            source,
        };
        let file = File::open(path).map_err(failed)?;
        let file_bytes = file.metadata().map_err(failed)?.len();
        let mut file = BufReader::with_capacity(1 << 20, file);
        let (header, header_bytes) = read_header(&mut file).map_err(failed)?;
        let wrong = |what: String| ToolError::Format {
            path: path.to_path_buf(),
            what,
        };
        let (kind, rows, columns) = parse_header(&header).map_err(wrong)?;
        let row_bytes = columns * kind.bytes();
        let expected = (rows as u64)
            .checked_mul(row_bytes as u64)
            .and_then(|bytes| bytes.checked_add(header_bytes as u64));
        if expected != Some(file_bytes) {
            return Err(wrong(format!(
                "the header tells {rows} x {columns} numbers of {} bytes, which {file_bytes} bytes do not hold",
                kind.bytes()
            )));
        }
        Ok(NpyReader {
            path: path.to_path_buf(),
            file,
            kind,
            rows,
            columns,
            next_row: 0,
            row: vec![0; row_bytes],
        })
    }

    /// Number of rows of the file.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Numbers in a row.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Replaces `row` by the next row, widened or narrowed to f32; false behind the last one.
    pub fn read_row(&mut self, row: &mut Vec<f32>) -> Result<bool, ToolError> {
        if !self.read_bytes()? {
            return Ok(false);
        }
        row.clear();
        let bytes = &self.row;
        match self.kind {
            Kind::F16 => row.extend(numbers(bytes, |b| f16::from_le_bytes(b).to_f32())),
            Kind::F32 => row.extend(numbers(bytes, f32::from_le_bytes)),
            Kind::F64 => row.extend(numbers(bytes, |b| f64::from_le_bytes(b) as f32)),
            Kind::I32 | Kind::I64 => return Err(self.wrong("holds integers, not vectors")),
        }
        Ok(true)
    }

    /// Replaces `row` by the next row of row numbers; false behind the last one.
    pub fn read_indices(&mut self, row: &mut Vec<usize>) -> Result<bool, ToolError> {
        if !self.read_bytes()? {
            return Ok(false);
        }
        let bytes = &self.row;
        let integers: Vec<i64> = match self.kind {
            Kind::I32 => numbers(bytes, |b| i64::from(i32::from_le_bytes(b))).collect(),
            Kind::I64 => numbers(bytes, i64::from_le_bytes).collect(),
            _ => return Err(self.wrong("holds no row numbers (i4 or i8)")),
        };
        row.clear();
        for integer in integers {
            let index =
                usize::try_from(integer).map_err(|_| self.wrong("holds a negative row number"))?;
            row.push(index);
        }
        Ok(true)
    }

    fn read_bytes(&mut self) -> Result<bool, ToolError> {
        if self.next_row == self.rows {
            return Ok(false);
        }
        self.file
            .read_exact(&mut self.row)
            .map_err(|source| ToolError::File {
                path: self.path.clone(),
                source,
            })?;
        self.next_row += 1;
        Ok(true)
    }

    fn wrong(&self, what: &str) -> ToolError {
        ToolError::Format {
            path: self.path.clone(),
            what: what.to_string(),
        }
    }
}

/// The numbers of `N` bytes each that `bytes` holds.
fn numbers<'a, const N: usize, T>(
    bytes: &'a [u8],
    read: impl Fn([u8; N]) -> T + 'a,
) -> impl Iterator<Item = T> + 'a {
    bytes
        .as_chunks::<N>()
        .0
        .iter()
        .map(move |chunk| read(*chunk))
}

/// A whole file of vectors in memory, rows one after the other.
pub struct Matrix {
    /// Numbers in a row.
    pub columns: usize,
    /// rows * columns numbers.
    pub numbers: Vec<f32>,
}

impl Matrix {
    /// Reads a file of vectors, at most `rows_max` of them.
    pub fn read(path: &Path, rows_max: usize) -> Result<Matrix, ToolError> {
        let mut reader = NpyReader::open(path)?;
        let rows = reader.rows().min(rows_max);
        let mut numbers = Vec::with_capacity(rows * reader.columns());
        let mut row = Vec::new();
        for _ in 0..rows {
            reader.read_row(&mut row)?;
            numbers.extend_from_slice(&row);
        }
        Ok(Matrix {
            columns: reader.columns(),
            numbers,
        })
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.numbers.len() / self.columns
    }

    /// One row.
    pub fn row(&self, row: usize) -> &[f32] {
        &self.numbers[row * self.columns..][..self.columns]
    }
}

/// Reads up to the first number; returns the header's text and the bytes read.
fn read_header(file: &mut impl Read) -> io::Result<(String, usize)> {
    let invalid = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_string());
    let mut start = [0; 8];
    file.read_exact(&mut start)?;
    if &start[..6] != b"\x93NUMPY" {
        return Err(invalid("not an .npy file"));
    }
    let (length, length_bytes) = if start[6] == 1 {
        let mut length = [0; 2];
        file.read_exact(&mut length)?;
        (usize::from(u16::from_le_bytes(length)), 2)
    } else {
        let mut length = [0; 4];
        file.read_exact(&mut length)?;
        (u32::from_le_bytes(length) as usize, 4)
    };
    if length > HEADER_BYTES_MAX {
        return Err(invalid("the .npy header is longer than 64 KiB"));
    }
    let mut header = vec![0; length];
    file.read_exact(&mut header)?;
    let header = String::from_utf8(header).map_err(|_| invalid("the .npy header is no text"))?;
    Ok((header, 8 + length_bytes + length))
}

/// Kind, rows and columns from `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`.
fn parse_header(header: &str) -> Result<(Kind, usize, usize), String> {
    let descr =
        value_of(header, "descr").and_then(|value| value.strip_prefix('\'')?.split('\'').next());
    let descr = descr.ok_or("the header names no single type of numbers")?;
    let kind = Kind::of(descr)
        .ok_or_else(|| format!("numbers of type {descr}; read are <f2, <f4, <f8, <i4 and <i8"))?;
    if !value_of(header, "fortran_order").is_some_and(|value| value.starts_with("False")) {
        return Err("in Fortran order; save it with numpy.ascontiguousarray".to_string());
    }
    let shape =
        value_of(header, "shape").and_then(|value| value.strip_prefix('(')?.split(')').next());
    let shape = shape.ok_or("the header tells no shape")?;
    let sizes: Result<Vec<usize>, _> = shape
        .split(',')
        .map(str::trim)
        .filter(|size| !size.is_empty())
        .map(str::parse)
        .collect();
    match sizes.as_deref() {
        Ok([rows, columns]) if (1..=COLUMNS_MAX).contains(columns) => Ok((kind, *rows, *columns)),
        _ => Err(format!(
            "of shape ({shape}); read are tables of 1 to {COLUMNS_MAX} columns"
        )),
    }
}

/// What follows `'key':`, without leading blanks.
fn value_of<'a>(header: &'a str, key: &str) -> Option<&'a str> {
    let quoted = format!("'{key}':");
    let at = header.find(&quoted)?;
    Some(header[at + quoted.len()..].trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn npy(descr: &str, shape: &str, numbers: &[u8]) -> tempfile::NamedTempFile {
        let header =
            format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(numbers);
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        file
    }

    fn refused(file: &tempfile::NamedTempFile) -> String {
        NpyReader::open(file.path())
            .err()
            .expect("a refusal")
            .to_string()
    }

    #[test]
    fn reads_rows_of_every_kind() {
        let halves: Vec<u8> = [1.0, -2.0, 0.5, 4.0]
            .iter()
            .flat_map(|x| f16::from_f64(*x).to_le_bytes())
            .collect();
        let singles: Vec<u8> = [1.0f32, -2.0, 0.5, 4.0]
            .iter()
            .flat_map(|x| x.to_le_bytes())
            .collect();
        let doubles: Vec<u8> = [1.0f64, -2.0, 0.5, 4.0]
            .iter()
            .flat_map(|x| x.to_le_bytes())
            .collect();
        for (descr, bytes) in [("<f2", halves), ("<f4", singles), ("<f8", doubles)] {
            let file = npy(descr, "(2, 2)", &bytes);
            let matrix = Matrix::read(file.path(), usize::MAX).unwrap();
            assert_eq!(
                (matrix.rows(), matrix.row(0), matrix.row(1)),
                (2, &[1.0, -2.0][..], &[0.5, 4.0][..]),
                "{descr}"
            );
            assert_eq!(Matrix::read(file.path(), 1).unwrap().rows(), 1);
        }
    }

    #[test]
    fn reads_row_numbers() {
        let bytes: Vec<u8> = [7i32, 0].iter().flat_map(|x| x.to_le_bytes()).collect();
        let mut reader = NpyReader::open(npy("<i4", "(1, 2)", &bytes).path()).unwrap();
        let mut row = Vec::new();
        assert!(reader.read_indices(&mut row).unwrap());
        assert_eq!(row, [7, 0]);
        assert!(!reader.read_indices(&mut row).unwrap());
        let negative: Vec<u8> = (-1i64).to_le_bytes().to_vec();
        let mut reader = NpyReader::open(npy("<i8", "(1, 1)", &negative).path()).unwrap();
        assert!(reader.read_indices(&mut row).is_err());
        assert!(reader.read_row(&mut Vec::new()).is_ok_and(|more| !more));
    }

    #[test]
    fn refuses_what_it_cannot_read_and_says_why() {
        assert!(refused(&npy(">f4", "(1, 1)", &[0; 4])).contains("type >f4"));
        assert!(refused(&npy("<f4", "(4,)", &[0; 16])).contains("shape (4,)"));
        assert!(refused(&npy("<f4", "(1, 0)", &[])).contains("shape"));
        assert!(refused(&npy("<f4", "(2, 2)", &[0; 12])).contains("2 x 2"));
        assert!(
            refused(&npy("<f4", "(99999999999999999, 1000000)", &[0; 12])).contains("do not hold")
        );
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), b"PK\x03\x04 and more").unwrap();
        assert!(refused(&file).contains("not an .npy file"));
        assert!(
            NpyReader::open(Path::new("/nowhere/x.npy"))
                .err()
                .unwrap()
                .to_string()
                .starts_with("/nowhere/x.npy: ")
        );
    }

    #[test]
    fn bundled_files_have_the_shape_that_their_readme_tells() {
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
        let shape = |name: &str| {
            NpyReader::open(&data.join(name))
                .map(|file| (file.rows(), file.columns()))
                .unwrap()
        };
        assert_eq!(shape("debian-3000.f16.npy"), (3000, 384));
        assert_eq!(shape("debian-3000.queries.f16.npy"), (100, 384));
        assert_eq!(shape("debian-3000.gt.npy"), (100, 10));
    }
}
