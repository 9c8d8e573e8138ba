//! `rhumb import`: reads vectors (.npy) and their attributes (.jsonl) once, row by row, and adds them to a vector set over
//! several pipelined connections. Any server with vector sets will do with `--vector-set`; a collection of a declared type
//! and metric is made with VCREATE.

use super::ToolError;
use super::client::{Connection, ServerArgs};
use super::npy::NpyReader;
use super::pipeline::{self, Batch, Worker};
use crate::protocol::client::Value;
use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressStyle};
use parking_lot::Mutex;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Longest line of attributes that is read.
const LINE_BYTES_MAX: u64 = 16 << 20;

/// Arguments of `rhumb import`.
#[derive(clap::Args, Debug)]
pub struct ImportArgs {
    /// Vectors: a two-dimensional .npy file of f16, f32 or f64
    pub file: PathBuf,
    /// Attributes: a JSON object per line, one line per vector
    #[arg(long, value_name = "FILE.jsonl")]
    pub meta: Option<PathBuf>,
    /// Key to load into
    #[arg(short, long)]
    pub key: String,
    #[command(flatten)]
    pub(super) server: ServerArgs,
    /// Field of the attributes that names an element; without it, or without --meta, its row number does
    #[arg(long, default_value = "name")]
    pub name_field: String,
    /// What is stored of a vector: F32, F16, Q8 or BIN
    #[arg(
        long = "type",
        value_name = "TYPE",
        default_value = "Q8",
        conflicts_with = "vector_set"
    )]
    pub kind: String,
    /// Distance: COSINE, L2 or IP
    #[arg(long, default_value = "COSINE", conflicts_with = "vector_set")]
    pub metric: String,
    /// HNSW, a graph, or FLAT, a scan
    #[arg(long, default_value = "HNSW", conflicts_with = "vector_set")]
    pub index: String,
    /// Links a graph node takes per layer; the server's default unless given
    #[arg(long)]
    pub m: Option<u32>,
    /// Candidates kept while an element is linked into the graph; the server's default unless given
    #[arg(long)]
    pub ef: Option<u32>,
    /// Make a plain vector set, as any Redis 8 keeps it, of type Q8, NOQUANT or BIN
    #[arg(long, value_name = "TYPE")]
    pub vector_set: Option<String>,
    /// Load only the first rows
    #[arg(long, value_name = "ROWS")]
    pub limit: Option<usize>,
    /// Connections
    #[arg(short, long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub connections: u16,
    /// Commands sent at once on a connection
    #[arg(short = 'P', long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub pipeline: u16,
}

/// Loads the file and says what came of it.
pub fn run(args: &ImportArgs) -> Result<(), ToolError> {
    let rows = Rows::open(args)?;
    let mut connection = Connection::open(&args.server)?;
    if args.vector_set.is_none() {
        create(args, rows.vectors.columns(), &mut connection)?;
    }
    let memory_before = connection.info("memory")?.number::<u64>("used_memory");
    let bar = progress_bar(rows.left);
    let source = Mutex::new(rows);
    let mut importers: Vec<Importer> = (0..args.connections)
        .map(|_| Importer::new(args, &source, &bar))
        .collect();
    let seconds = pipeline::run(&args.server, &mut importers)?.as_secs_f64();
    bar.finish();
    let count = importers.iter().map(|importer| importer.count).sum::<u64>();
    let added = importers.iter().map(|importer| importer.added).sum::<u64>();
    println!(
        "{} vectors into {} in {seconds:.1} s ({} per second): {} new, {} updated",
        HumanCount(count),
        args.key,
        HumanCount((count as f64 / seconds) as u64),
        HumanCount(added),
        HumanCount(count - added),
    );
    if let (Some(before), Some(after)) = (
        memory_before,
        connection.info("memory")?.number::<u64>("used_memory"),
    ) {
        println!(
            "the server uses {} more memory",
            HumanBytes(after.saturating_sub(before))
        );
    }
    Ok(())
}

/// Declares the collection; one that exists is loaded into as it is.
fn create(args: &ImportArgs, dim: usize, connection: &mut Connection) -> Result<(), ToolError> {
    let dim = dim.to_string();
    let mut command: Vec<&[u8]> = vec![b"VCREATE", args.key.as_bytes(), b"DIM", dim.as_bytes()];
    for (word, value) in [
        ("METRIC", &args.metric),
        ("TYPE", &args.kind),
        ("INDEX", &args.index),
    ] {
        command.extend([word.as_bytes(), value.as_bytes()]);
    }
    let (m, ef) = (
        args.m.map(|m| m.to_string()),
        args.ef.map(|ef| ef.to_string()),
    );
    for (word, value) in [("M", &m), ("EF", &ef)] {
        if let Some(value) = value {
            command.extend([word.as_bytes(), value.as_bytes()]);
        }
    }
    match connection.call(&command) {
        Err(ToolError::Reply { reply, .. }) if reply.starts_with("BUSYKEY") => {
            println!("{} exists: loading into it as it is", args.key);
            Ok(())
        }
        result => result.map(|_| ()),
    }
}

fn progress_bar(rows: usize) -> ProgressBar {
    let style = ProgressStyle::with_template(
        "{bar:40} {human_pos}/{human_len} vectors  {per_sec}  {eta} left",
    );
    let bar = ProgressBar::new(rows as u64);
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

/// The rows of both files, read in step.
struct Rows {
    vectors: NpyReader,
    meta: Option<(PathBuf, BufReader<File>)>,
    name_field: String,
    next: usize,
    left: usize,
}

/// One row: its vector as FP32 bytes, its name, its line of attributes (empty: none).
#[derive(Default)]
struct Row {
    numbers: Vec<f32>,
    blob: Vec<u8>,
    name: String,
    line: String,
}

impl Rows {
    fn open(args: &ImportArgs) -> Result<Rows, ToolError> {
        let vectors = NpyReader::open(&args.file)?;
        let meta = match &args.meta {
            None => None,
            Some(path) => Some((
                path.clone(),
                BufReader::new(File::open(path).map_err(|source| file_error(path, source))?),
            )),
        };
        let left = vectors.rows().min(args.limit.unwrap_or(usize::MAX));
        Ok(Rows {
            vectors,
            meta,
            name_field: args.name_field.clone(),
            next: 0,
            left,
        })
    }

    /// Reads the next row; false behind the last.
    fn read(&mut self, row: &mut Row) -> Result<bool, ToolError> {
        if self.left == 0 || !self.vectors.read_row(&mut row.numbers)? {
            return Ok(false);
        }
        row.blob.clear();
        row.blob
            .extend(row.numbers.iter().flat_map(|number| number.to_le_bytes()));
        row.line.clear();
        let named = match &mut self.meta {
            Some((path, file)) => {
                read_meta(path, file, &self.name_field, self.next, &mut row.line)?
            }
            None => None,
        };
        row.name = named.unwrap_or_else(|| self.next.to_string());
        self.next += 1;
        self.left -= 1;
        Ok(true)
    }
}

/// Reads a line of attributes and returns the name that it tells, if any.
fn read_meta(
    path: &Path,
    file: &mut BufReader<File>,
    field: &str,
    row: usize,
    line: &mut String,
) -> Result<Option<String>, ToolError> {
    use std::io::Read;
    let read = file
        .take(LINE_BYTES_MAX)
        .read_line(line)
        .map_err(|source| file_error(path, source))?;
    let wrong = |what: String| ToolError::Format {
        path: path.to_path_buf(),
        what: format!("line {}: {what}", row + 1),
    };
    if read == 0 {
        return Err(wrong("missing; each vector needs a line".to_string()));
    }
    line.truncate(line.trim_end().len());
    if line.is_empty() {
        return Ok(None);
    }
    let attributes: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(line).map_err(|error| wrong(error.to_string()))?;
    Ok(match attributes.get(field) {
        Some(serde_json::Value::String(name)) => Some(name.clone()),
        Some(serde_json::Value::Number(number)) => Some(number.to_string()),
        _ => None,
    })
}

fn file_error(path: &Path, source: std::io::Error) -> ToolError {
    ToolError::File {
        path: path.to_path_buf(),
        source,
    }
}

/// One connection's part of the import.
struct Importer<'a> {
    args: &'a ImportArgs,
    rows: &'a Mutex<Rows>,
    bar: &'a ProgressBar,
    options: Vec<String>,
    row: Row,
    count: u64,
    added: u64,
}

impl<'a> Importer<'a> {
    fn new(args: &'a ImportArgs, rows: &'a Mutex<Rows>, bar: &'a ProgressBar) -> Importer<'a> {
        let mut options = Vec::new();
        if let Some(quantization) = &args.vector_set {
            options.push(quantization.clone());
            if let Some(m) = args.m {
                options.extend(["M".to_string(), m.to_string()]);
            }
        }
        if let Some(ef) = args.ef {
            options.extend(["EF".to_string(), ef.to_string()]);
        }
        Importer {
            args,
            rows,
            bar,
            options,
            row: Row::default(),
            count: 0,
            added: 0,
        }
    }

    fn push(&self, batch: &mut Batch) {
        let row = &self.row;
        let mut command: Vec<&[u8]> = vec![
            b"VADD",
            self.args.key.as_bytes(),
            b"FP32",
            &row.blob,
            row.name.as_bytes(),
        ];
        command.extend(self.options.iter().map(|option| option.as_bytes()));
        if !row.line.is_empty() {
            command.extend([&b"SETATTR"[..], row.line.as_bytes()]);
        }
        batch.push(&command);
    }
}

impl Worker for Importer<'_> {
    fn fill(&mut self, batch: &mut Batch) -> Result<(), ToolError> {
        let rows = self.rows;
        let mut rows = rows.lock();
        while batch.len() < usize::from(self.args.pipeline) && rows.read(&mut self.row)? {
            self.push(batch);
        }
        Ok(())
    }

    fn answered(
        &mut self,
        replies: &[Value],
        _elapsed: Duration,
        connection: &Connection,
    ) -> Result<(), ToolError> {
        for reply in replies {
            match reply {
                Value::Int(new) => self.added += u64::from(*new == 1),
                Value::Error(text) => return Err(connection.refused(b"VADD", text)),
                other => return Err(connection.refused(b"VADD", &format!("{other:?}"))),
            }
        }
        self.count += replies.len() as u64;
        self.bar.inc(replies.len() as u64);
        Ok(())
    }
}
