//! `rhumb bench`: measures one or several servers with the same work, in turns, so that a busy machine disturbs all alike.
//! It speaks plain Redis commands (PING, SET, GET, VADD, VSIM), so any server with vector sets can stand beside ours;
//! `--native` measures VCREATE and VSEARCH, `--documents` FT.CREATE, HSET and FT.SEARCH. Latencies are those of a batch: with a pipeline of 1, of a command.
//!
//! documents.rs has the words for indexes over documents, workload.rs holds the vectors, queries and true neighbours, requests.rs makes the commands and takes the times, writer.rs
//! disturbs the searches, awake.rs keeps the processors from sleeping, report.rs turns times into lines, ratios and JSON.

mod awake;
mod documents;
mod report;
mod requests;
mod workload;
mod writer;

use super::ToolError;
use super::client::{Connection, ServerArgs};
use super::pipeline;
use awake::Awake;
use report::{Description, Line, Report, Round};
use requests::{Job, Requester};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use workload::Workload;
use writer::Writer;

/// A command that can be measured.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measured {
    /// PING
    Ping,
    /// SET of a value of --value-bytes
    Set,
    /// GET of what SET wrote
    Get,
    /// VADD of the base vectors, into a key that is deleted before
    Add,
    /// VSIM (with --native VSEARCH) of the queries, once per --ef
    Search,
}

/// How near two vectors are, for the true neighbours that bench computes itself.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricArg {
    /// 1 - cos
    Cosine,
    /// Squared Euclidean distance
    L2,
    /// 1 - dot product
    Ip,
}

/// Arguments of `rhumb bench`.
#[derive(clap::Args, Debug)]
pub struct BenchArgs {
    /// A server to measure, host:port; may be given several times, they take turns
    #[arg(long = "server", value_name = "HOST:PORT", conflicts_with_all = ["host", "port"])]
    pub servers: Vec<String>,
    #[command(flatten)]
    pub(super) server: ServerArgs,
    /// What to measure, in this order; ADD and SEARCH when there are vectors, otherwise PING, SET, GET
    #[arg(long, value_enum, value_delimiter = ',', ignore_case = true)]
    pub commands: Vec<Measured>,
    /// Vectors to add: a two-dimensional .npy file
    #[arg(long, value_name = "FILE.npy", conflicts_with = "random")]
    pub base: Option<PathBuf>,
    /// Add random vectors instead (the same ones each time) and search for other random ones: 5000x128
    #[arg(long, value_name = "ROWSxDIM")]
    pub random: Option<String>,
    /// Use only the first rows of the base
    #[arg(long, value_name = "ROWS")]
    pub limit: Option<usize>,
    /// Vectors to search for
    #[arg(long, value_name = "FILE.npy", requires = "base")]
    pub queries: Option<PathBuf>,
    /// Row numbers of each query's true neighbours, nearest first (.npy of i4 or i8); computed when not given
    #[arg(long, value_name = "FILE.npy", requires = "queries")]
    pub truth: Option<PathBuf>,
    /// Key to load into; it is deleted before, and after unless --keep
    #[arg(short, long, default_value = "rhumb:bench")]
    pub key: String,
    /// Leave the vectors in the server
    #[arg(long)]
    pub keep: bool,
    /// Quantization of the vector set: Q8, NOQUANT or BIN (with --native: F32, F16, Q8 or BIN)
    #[arg(long = "type", value_name = "TYPE", default_value = "Q8")]
    pub kind: String,
    /// Use VCREATE and VSEARCH instead of plain vector sets
    #[arg(long)]
    pub native: bool,
    /// Measure documents: FT.CREATE, HSET and FT.SEARCH with KNN; an ef of 0 lets the server choose
    #[arg(long, conflicts_with = "native")]
    pub documents: bool,
    /// Documents also have two tags, another number and a text of 8 to 12 words
    #[arg(long, requires = "documents")]
    pub texts: bool,
    /// Search a second time, behind a filter that so many percent of the documents pass; several values are measured one after
    /// the other
    #[arg(long, value_name = "PERCENT", value_delimiter = ',', requires = "documents", value_parser = clap::value_parser!(u16).range(1..=100))]
    pub filter: Vec<u16>,
    /// Let every search have a filter of its own that the same documents pass, so that nothing is known of it from the one before
    #[arg(long, requires = "filter")]
    pub new_filters: bool,
    /// At the end save and stop the server, start it by this command, and take the time until all documents are found again
    #[arg(
        long,
        value_name = "COMMAND",
        requires = "documents",
        conflicts_with = "servers"
    )]
    pub restart: Option<String>,
    /// Distance (other than cosine only with --native or --documents)
    #[arg(long, value_enum, ignore_case = true, default_value = "cosine")]
    pub metric: MetricArg,
    /// Links a graph node takes per layer
    #[arg(long, default_value_t = 16)]
    pub m: u32,
    /// Candidates kept while an element is added
    #[arg(long, default_value_t = 200)]
    pub ef_construction: u32,
    /// Neighbours asked for
    #[arg(short = 'n', long, default_value_t = 10)]
    pub k: usize,
    /// Candidates kept while searching; several values are measured one after the other
    #[arg(long, value_delimiter = ',', default_value = "100")]
    pub ef: Vec<u32>,
    /// Requests per command, round and server (ADD: the rows of the base)
    #[arg(short, long, default_value_t = 10_000)]
    pub requests: usize,
    /// Rounds; operations per second are those of the median round
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..))]
    pub rounds: u16,
    /// Connections, each with a thread of its own
    #[arg(short, long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub connections: u16,
    /// Commands sent at once on a connection
    #[arg(short = 'P', long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub pipeline: u16,
    /// Fill the elements' names, which are row numbers, up to this length with zeros
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=1024))]
    pub name_bytes: u16,
    /// Size of the value that SET writes
    #[arg(long, default_value_t = 64)]
    pub value_bytes: usize,
    /// Search with NOTHREAD: a Redis then answers VSIM without handing it to another thread
    #[arg(long, conflicts_with = "native")]
    pub no_thread: bool,
    /// Measure each search a second time, beside a connection that adds vectors without a pause, so many VADDs at once
    #[arg(long, value_name = "PIPELINE", num_args = 0..=1, default_missing_value = "16", value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub with_writer: Option<u16>,
    /// Keep the processors awake by threads of the lowest priority: what waking a virtual one takes is else counted as the server's
    #[arg(long)]
    pub awake: bool,
    /// Also write all figures to a file, as JSON
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

/// A server under measurement.
struct Target {
    name: String,
    args: ServerArgs,
    control: Connection,
    memory_before: Option<u64>,
}

/// Measures all that the arguments ask for and prints a line for each.
pub fn run(args: &BenchArgs) -> Result<(), ToolError> {
    if args.metric != MetricArg::Cosine && !args.native && !args.documents {
        let what = "plain vector sets know cosine only; --metric needs --native or --documents";
        return Err(ToolError::Usage(what.to_string()));
    }
    let workload = Workload::prepare(args)?;
    let mut targets = open_targets(args)?;
    let jobs = jobs(args, &workload)?;
    let _awake = args.awake.then(Awake::keep);
    let report = Report::begin(args, &workload);
    let mut lines = Vec::new();
    for job in &jobs {
        let measured = measure(args, &workload, *job, &mut targets)?;
        measured.iter().for_each(|line| report.print(line));
        report.print_ratios(&measured);
        lines.extend(measured);
    }
    report.print_disturbance(&lines);
    let mut servers = Vec::new();
    for target in &mut targets {
        let server = describe(&workload, target)?;
        report.print_server(&server);
        servers.push(server);
        if let Some(command) = &args.restart {
            let took = documents::restart(args, command, target)?;
            println!(
                "{}: all answers {:.2} s after its start",
                target.name,
                took.as_secs_f64()
            );
        }
        if !args.keep {
            clean_up(args, &jobs, target)?;
        }
    }
    args.json.as_ref().map_or(Ok(()), |path| {
        report.write_json(path, &workload, &servers, &lines)
    })
}

fn open_targets(args: &BenchArgs) -> Result<Vec<Target>, ToolError> {
    let servers: Vec<ServerArgs> = if args.servers.is_empty() {
        vec![args.server.clone()]
    } else {
        args.servers
            .iter()
            .map(|address| args.server.at(address))
            .collect::<Result<_, _>>()?
    };
    let open = |args: ServerArgs| {
        let control = Connection::open(&args)?;
        Ok(Target {
            name: format!("{}:{}", args.host, args.port),
            args,
            control,
            memory_before: None,
        })
    };
    servers.into_iter().map(open).collect()
}

/// The list of things to measure, searches once per ef.
fn jobs(args: &BenchArgs, workload: &Workload) -> Result<Vec<Job>, ToolError> {
    let has_vectors = workload.base.is_some();
    let commands: &[Measured] = match (args.commands.as_slice(), has_vectors) {
        ([], true) => &[Measured::Add, Measured::Search],
        ([], false) => &[Measured::Ping, Measured::Set, Measured::Get],
        (given, _) => given,
    };
    let mut jobs = Vec::new();
    for command in commands {
        match command {
            Measured::Ping => jobs.push(Job::Ping),
            Measured::Set => jobs.push(Job::Set),
            Measured::Get => jobs.push(Job::Get),
            _ if !has_vectors => {
                return Err(ToolError::Usage(
                    "ADD and SEARCH need --base or --random".to_string(),
                ));
            }
            Measured::Add => jobs.push(Job::Add),
            Measured::Search => {
                jobs.extend(searches(args, false, None));
                let filters = args.filter.iter();
                jobs.extend(filters.flat_map(|&percent| searches(args, false, Some(percent))));
            }
        }
    }
    // Last, because a writer leaves elements behind.
    if args.with_writer.is_some() {
        jobs.extend(searches(args, true, None));
    }
    Ok(jobs)
}

/// A search for each ef.
fn searches(
    args: &BenchArgs,
    beside_writer: bool,
    percent: Option<u16>,
) -> impl Iterator<Item = Job> + '_ {
    args.ef.iter().map(move |&ef| Job::Search {
        ef,
        beside_writer,
        percent,
    })
}

/// Lets the servers do one job, each in every round, and sums up per server.
fn measure(
    args: &BenchArgs,
    workload: &Workload,
    job: Job,
    targets: &mut [Target],
) -> Result<Vec<Line>, ToolError> {
    let mut lines: Vec<Line> = targets
        .iter()
        .map(|target| Line::new(&target.name, job))
        .collect();
    for round in 0..usize::from(args.rounds) {
        for turn in 0..targets.len() {
            // Whoever goes first in one round goes last in the next.
            let at = (round + turn) % targets.len();
            measure_round(args, workload, job, &mut targets[at], &mut lines[at])?;
        }
    }
    Ok(lines)
}

fn measure_round(
    args: &BenchArgs,
    workload: &Workload,
    job: Job,
    target: &mut Target,
    line: &mut Line,
) -> Result<(), ToolError> {
    if job == Job::Add {
        empty_key(args, workload, target)?;
    }
    let total = job.requests(args, workload);
    let next = AtomicUsize::new(0);
    let requesters =
        (0..args.connections).map(|_| Requester::new(args, workload, job, &next, total));
    let mut requesters: Vec<Requester> = requesters.collect();
    let cpu_before = cpu_seconds(&mut target.control)?;
    let (elapsed, added) = match (job.is_beside_writer(), args.with_writer) {
        (true, Some(at_once)) => {
            run_beside_writer(args, workload, target, &mut requesters, at_once)?
        }
        _ => (pipeline::run(&target.args, &mut requesters)?, None),
    };
    let cpu_after = cpu_seconds(&mut target.control)?;
    let cpu = cpu_before.zip(cpu_after);
    let (mut times, mut recalls) = (Vec::new(), Vec::new());
    for requester in requesters {
        times.extend(requester.times);
        recalls.extend(requester.recalls);
    }
    line.add_round(Round {
        per_second: total as f64 / elapsed.as_secs_f64(),
        added_per_second: added,
        // That of a writer cannot be told from that of the searches.
        cpu_us: cpu
            .filter(|_| added.is_none())
            .map(|(before, after)| (after - before) * 1e6 / total.max(1) as f64),
        times,
        recalls,
    });
    Ok(())
}

/// Lets the requesters work while a writer adds; how long they took, and how much was added a second.
fn run_beside_writer(
    args: &BenchArgs,
    workload: &Workload,
    target: &Target,
    requesters: &mut [Requester],
    at_once: u16,
) -> Result<(Duration, Option<f64>), ToolError> {
    let stop = AtomicBool::new(false);
    let mut writer = Writer::new(args, workload, at_once, &stop);
    let started = Instant::now();
    let elapsed = std::thread::scope(|scope| {
        let writing =
            scope.spawn(|| pipeline::run(&target.args, std::slice::from_mut(&mut writer)));
        let elapsed = pipeline::run(&target.args, requesters);
        stop.store(true, Ordering::Relaxed);
        match writing.join() {
            Ok(result) => result.and(elapsed),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })?;
    let added = writer.added as f64 / started.elapsed().as_secs_f64();
    Ok((elapsed, Some(added)))
}

/// Deletes the key, and declares it anew with --native. Remembers the memory that the server used without it.
fn empty_key(args: &BenchArgs, workload: &Workload, target: &mut Target) -> Result<(), ToolError> {
    match args.documents {
        true => documents::drop_index(args, &mut target.control),
        false => drop(target.control.call(&[b"DEL", args.key.as_bytes()])?),
    }
    if target.memory_before.is_none() {
        target.memory_before = target.control.info("memory")?.number("used_memory");
    }
    if args.native || args.documents {
        let create = workload.create_command(args);
        let words: Vec<&[u8]> = create.iter().map(|word| word.as_bytes()).collect();
        target.control.call(&words)?;
    }
    Ok(())
}

/// What the server is and what it uses with the vectors in it.
fn describe(workload: &Workload, target: &mut Target) -> Result<Description, ToolError> {
    let server = target.control.info("server")?;
    let named = |field, program| {
        server
            .text(field)
            .map(|version| format!("{program} {version}"))
    };
    let memory = target.control.info("memory")?;
    Ok(Description {
        name: target.name.clone(),
        version: named("rhumb_version", "rhumb").or_else(|| named("redis_version", "redis")),
        used: memory.number("used_memory"),
        resident: memory.number("used_memory_rss"),
        used_before: target.memory_before,
        vectors: workload.rows() as u64,
    })
}

/// Deletes what the jobs wrote.
fn clean_up(args: &BenchArgs, jobs: &[Job], target: &mut Target) -> Result<(), ToolError> {
    let mut words = vec!["DEL".to_string()];
    if args.documents && jobs.contains(&Job::Add) {
        documents::drop_index(args, &mut target.control);
    } else if jobs.contains(&Job::Add) {
        words.push(args.key.clone());
    }
    if jobs.contains(&Job::Set) {
        words.extend(requests::string_keys());
    }
    if words.len() > 1 {
        let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        target.control.call(&words)?;
    }
    Ok(())
}

/// User and system time that the server has spent, where it reports it.
fn cpu_seconds(control: &mut Connection) -> Result<Option<f64>, ToolError> {
    let info = control.info("cpu")?;
    let user = info.number::<f64>("used_cpu_user");
    Ok(user
        .zip(info.number::<f64>("used_cpu_sys"))
        .map(|(user, system)| user + system))
}
