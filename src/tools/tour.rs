//! The questions that scripts/quickstart asks when the bundled packages are loaded: the nearest to one, the nearest of a
//! section, and the exact answer, with the share of it that the ordinary answer held. Ends with lines to go on with.

use super::ToolError;
use super::client::{Connection, ServerArgs};
use crate::protocol::client::Value;
use std::time::{Duration, Instant};

/// Hits shown for the first questions.
const SHOWN: &str = "5";
/// Hits compared with the exact answer.
const COMPARED: &str = "10";
/// Longest description that is printed.
const DESCRIPTION_CHARS: usize = 60;

/// Arguments of the tour.
#[derive(clap::Args, Debug)]
pub struct TourArgs {
    #[command(flatten)]
    pub(super) server: ServerArgs,
    /// Key of the loaded packages
    #[arg(short, long, default_value = "packages")]
    pub key: String,
    /// Package to ask about
    #[arg(long, default_value = "gocr")]
    pub package: String,
    /// Section to ask for
    #[arg(long, default_value = "python")]
    pub section: String,
}

/// Asks, and prints the answers.
pub fn run(args: &TourArgs) -> Result<(), ToolError> {
    let mut tour = Tour {
        connection: Connection::open(&args.server)?,
        args,
    };
    let package = &args.package;
    println!("\n1. Which packages are nearest to {package}?");
    let nearest = tour.ask(SHOWN, &[])?;
    nearest.print();

    println!("\n2. Which are nearest in the section {}?", args.section);
    let filter = format!(".section == \"{}\"", args.section);
    tour.ask(SHOWN, &["FILTER", &filter])?.print();

    println!("\n3. And by an exact scan?");
    let exact = tour.ask(COMPARED, &["EXACT"])?;
    exact.print();
    let ordinary = tour.ask(COMPARED, &[])?;
    println!(
        "   recall of the answer without EXACT: {:.2}",
        ordinary.recall(&exact)
    );
    println!("   how that was found: {}", tour.explain()?);

    tour.print_next_steps(&filter);
    Ok(())
}

struct Tour<'a> {
    connection: Connection,
    args: &'a TourArgs,
}

/// An answer and what it took.
struct Answer {
    hits: Vec<Hit>,
    command: String,
    elapsed: Duration,
}

struct Hit {
    name: String,
    distance: f64,
    section: String,
    description: String,
}

impl Tour<'_> {
    fn ask(&mut self, k: &str, options: &[&str]) -> Result<Answer, ToolError> {
        let mut words = vec!["VSEARCH", &self.args.key, k, "ELE", &self.args.package];
        words.extend(options);
        let command = words
            .iter()
            .map(|word| quoted(word))
            .collect::<Vec<_>>()
            .join(" ");
        words.extend(["WITHDIST", "WITHATTRIBS"]);
        let started = Instant::now();
        let reply = self.call(&words)?;
        let elapsed = started.elapsed();
        let hits = reply
            .as_items()
            .and_then(|hits| hits.iter().map(Hit::read).collect());
        let hits =
            hits.ok_or_else(|| self.connection.refused(b"VSEARCH", &format!("{reply:?}")))?;
        Ok(Answer {
            hits,
            command,
            elapsed,
        })
    }

    /// What EXPLAIN says of the ordinary search.
    fn explain(&mut self) -> Result<String, ToolError> {
        let reply = self.call(&[
            "VSEARCH",
            &self.args.key,
            COMPARED,
            "ELE",
            &self.args.package,
            "EXPLAIN",
        ])?;
        let pairs = reply.as_items().and_then(|items| items.get(1)?.as_pairs());
        let pairs =
            pairs.ok_or_else(|| self.connection.refused(b"VSEARCH", &format!("{reply:?}")))?;
        let texts = pairs
            .iter()
            .map(|(name, value)| format!("{} {}", text(name), text(value)));
        Ok(texts.collect::<Vec<_>>().join(", "))
    }

    fn call(&mut self, words: &[&str]) -> Result<Value, ToolError> {
        let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        self.connection.call(&words)
    }

    fn print_next_steps(&self, filter: &str) {
        let TourArgs {
            server,
            key,
            package,
            ..
        } = self.args;
        let client = format!("redis-cli -p {}", server.port);
        println!("\nGo on with any Redis client:");
        println!("   {client} VSIM {key} ELE {package} COUNT 5 WITHSCORES FILTER '{filter}'");
        println!("   {client} VSEARCH {key} 5 ELE {package} RADIUS 0.4 WITHDIST EXPLAIN");
        println!("   {client} VGETATTR {key} {package}");
        println!("   {client} VINFO {key}");
    }
}

impl Answer {
    fn print(&self) {
        println!("   {}", self.command);
        let width = self
            .hits
            .iter()
            .map(|hit| hit.name.len())
            .max()
            .unwrap_or(0);
        for hit in &self.hits {
            let Hit {
                name,
                distance,
                section,
                description,
            } = hit;
            println!("   {distance:.4}  {name:width$}  {section:9}  {description}");
        }
        println!("   {:.2} ms", self.elapsed.as_secs_f64() * 1000.0);
    }

    /// Share of the exact hits that are among these.
    fn recall(&self, exact: &Answer) -> f64 {
        let is_found = |wanted: &&Hit| self.hits.iter().any(|hit| hit.name == wanted.name);
        exact.hits.iter().filter(is_found).count() as f64 / exact.hits.len().max(1) as f64
    }
}

impl Hit {
    /// From `[name, distance, attributes]`.
    fn read(value: &Value) -> Option<Hit> {
        let [name, distance, attributes] = value.as_items()? else {
            return None;
        };
        let attributes: serde_json::Value = attributes
            .as_str()
            .and_then(|line| serde_json::from_str(line).ok())
            .unwrap_or_default();
        let field = |name: &str| attributes[name].as_str().unwrap_or("-").to_string();
        Some(Hit {
            name: name.as_str()?.to_string(),
            distance: distance.as_f64()?,
            section: field("section"),
            description: field("desc").chars().take(DESCRIPTION_CHARS).collect(),
        })
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Int(number) => number.to_string(),
        Value::Double(number) => number.to_string(),
        Value::Bool(yes) => yes.to_string(),
        other => other.as_str().unwrap_or("-").to_string(),
    }
}

/// A word as one types it at a shell.
fn quoted(word: &str) -> String {
    if word.contains([' ', '"']) {
        format!("'{word}'")
    } else {
        word.to_string()
    }
}
