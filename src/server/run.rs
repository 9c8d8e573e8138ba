//! The life of the server process: options, listen (clients are told to wait), recover, serve, stop.

use super::readers::Readers;
use super::{Pools, Server, accept, calibration, listen, logging, service};
use crate::commands::{self, Context};
use crate::config::{self, Appendfsync, Config, Loaded, Sources};
use crate::engine::{
    Engine, FsyncPolicy, Indexing, OpenRequest, RealDisk, SaveTriggers, StopRequest, Upkeep,
};
use crate::protocol::{glob, inline};
use std::io::{self, Read as _};
use std::num::NonZero;
use std::path::Path;
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use tokio::runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;

/// Runs the server until it is told to stop. `words` are those of the command line.
pub fn run(words: Vec<Vec<u8>>) -> ExitCode {
    let Loaded { config, warnings } = match load(&words) {
        Ok(loaded) => loaded,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let config = Arc::new(config);
    if let Err(error) = logging::start(&config) {
        eprintln!("the log file cannot be opened: {error}");
        return ExitCode::FAILURE;
    }
    warnings
        .iter()
        .for_each(|warning| tracing::warn!("{warning}"));
    crate::sys::ignore_signals();
    raise_open_files_limit(&config);
    let threads = config.io_threads();
    let built = runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .thread_name("io")
        .enable_all()
        .build();
    match built.map(|runtime| runtime.block_on(serve(config))) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) | Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Files that the server opens beside its clients.
const OTHER_FILES: u64 = 32;

/// Makes room for `maxclients` sockets, or says how many there is room for.
fn raise_open_files_limit(config: &Config) {
    let wanted = config.maxclients() as u64 + OTHER_FILES;
    match crate::sys::raise_open_files_limit(wanted) {
        Ok(limit) if limit < wanted => tracing::warn!(
            "the system allows {limit} open files, {wanted} are needed for maxclients: raise `ulimit -n`, or clients beyond {} will fail",
            limit.saturating_sub(OTHER_FILES)
        ),
        Ok(_) => {}
        Err(error) => tracing::warn!("the limit of open files cannot be read: {error}"),
    }
}

fn load(words: &[Vec<u8>]) -> Result<Loaded, config::FileError> {
    let sources = Sources {
        split: |line| inline::split_arguments(line).ok(),
        matches: |pattern, text| glob::matches(pattern, text, glob::Case::Sensitive),
        read: &read,
        list: &|dir| {
            std::fs::read_dir(dir)?
                .map(|entry| Ok(entry?.path()))
                .collect()
        },
        memory_bytes: crate::sys::system_memory_bytes() as u64,
    };
    config::load(words, &sources)
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    if path != Path::new("-") {
        return std::fs::read(path);
    }
    let mut text = Vec::new();
    io::stdin().read_to_end(&mut text)?;
    Ok(text)
}

async fn serve(config: Arc<Config>) -> io::Result<()> {
    let context = Arc::new(context(Arc::clone(&config)));
    let listeners = listen(&config.bind(), config.port(), config.tcp_backlog())?;
    if listeners.is_empty() {
        let why = "Configured to not listen anywhere, exiting.";
        return Err(io::Error::other(why));
    }
    banner(&config);
    service::write_pid_file(&config);
    let threads = NonZero::new(config.search_threads()).unwrap_or(NonZero::<usize>::MIN);
    let server = Arc::new(Server {
        context: Arc::clone(&context),
        pools: Pools::start(threads),
        progress: Arc::default(),
        is_writing_aside: AtomicBool::new(false),
        readers: Readers::default(),
    });
    for listener in listeners {
        tokio::spawn(accept(Arc::clone(&server), listener));
    }
    // From before the first client is served: from then on there is something to end in order.
    let mut signals = Signals::listen()?;
    recover_unless_asked_to_stop(&server, &mut signals).await?;
    let _upkeep = start_upkeep(&context);
    let _indexing = Indexing::start(Arc::clone(&context.engine));
    calibration::start(&context);
    tracing::info!("Ready to accept connections tcp");
    service::tell_ready(&config);
    wait_for_the_end(&server, signals).await;
    service::tell_stopping(&config);
    service::remove_pid_file(&config);
    tracing::warn!("Rhumb is now ready to exit, bye bye...");
    // Tasks and threads that still hold connections end with the process.
    std::process::exit(0)
}

/// What an operator wants to see first.
fn banner(config: &Config) {
    let dir = config.dir();
    let shown = std::path::absolute(&dir).unwrap_or(dir);
    tracing::info!(
        "Rhumb version={}, bits=64, pid={}, just started",
        env!("CARGO_PKG_VERSION"),
        std::process::id()
    );
    tracing::info!("Running mode=standalone, port={}.", config.port());
    tracing::info!(
        "Server initialized: data in {}, distances by {}, memory by {}",
        shown.display(),
        crate::engine::distances_by(),
        crate::sys::allocator_name()
    );
}

/// As `recover`; a signal that comes before there is anything to end in order ends the process at once.
async fn recover_unless_asked_to_stop(
    server: &Arc<Server>,
    signals: &mut Signals,
) -> io::Result<()> {
    let mut recovered = pin!(recover(server));
    loop {
        tokio::select! {
            biased;
            result = &mut recovered => return result,
            asked = signals.next(), if signals.early.is_none() => {
                if server.context.engine.is_loading() {
                    tracing::warn!("Received shutdown signal during loading, exiting now.");
                    service::remove_pid_file(&server.context.config);
                    std::process::exit(0);
                }
                signals.early = Some(asked);
            }
        }
    }
}

/// Recovers the data, on a thread that may block; clients that come meanwhile are told to wait.
async fn recover(server: &Arc<Server>) -> io::Result<()> {
    let start = Instant::now();
    let (context, progress) = (Arc::clone(&server.context), Arc::clone(&server.progress));
    let open = move || {
        let options = open_options(&context.config)?;
        let note = Box::new(move || progress.note());
        context
            .engine
            .open(Arc::new(RealDisk), options, note)
            .map_err(io::Error::other)
    };
    let opened = tokio::task::spawn_blocking(open)
        .await
        .map_err(io::Error::other)??;
    tracing::info!(
        "DB loaded from snapshot and append only file: {:.3} seconds ({} keys, {} elements, {} linked anew, {} documents as they were, {} indexed anew, {} changes of the log)",
        start.elapsed().as_secs_f64(),
        opened.keys,
        opened.elements,
        opened.relinked,
        opened.taken,
        opened.indexed,
        opened.changes
    );
    Ok(())
}

fn open_options(config: &Config) -> io::Result<OpenRequest> {
    Ok(OpenRequest {
        dir: config.dir(),
        log_dir: config.appenddirname(),
        log_name: config.appendfilename(),
        has_log: config.appendonly(),
        policy: match config.appendfsync() {
            Appendfsync::Always => FsyncPolicy::Always,
            Appendfsync::Everysec => FsyncPolicy::Everysec,
            Appendfsync::No => FsyncPolicy::No,
        },
        may_cut: config.aof_load_truncated(),
        databases: config.databases(),
        random: random()?,
    })
}

/// Numbers that nobody can guess, from the system.
fn random() -> io::Result<[u64; 3]> {
    let mut bytes = [0; 24];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    let mut numbers = [0; 3];
    for (number, bytes) in numbers.iter_mut().zip(bytes.as_chunks().0) {
        *number = u64::from_le_bytes(*bytes);
    }
    Ok(numbers)
}

fn start_upkeep(context: &Arc<Context>) -> Upkeep {
    let (engine, config) = (Arc::clone(&context.engine), Arc::clone(&context.config));
    engine.set_limits(
        config.snapshot_pinned_bytes_max(),
        config.log_unwritten_bytes_max(),
    );
    engine.keyspace().force_graph(config.search_force_graph());
    engine
        .keyspace()
        .keep_queries(config.calibration_remember_queries());
    engine
        .keyspace()
        .column_budget()
        .set_bytes_max(config.search_columns_bytes_max());
    let each_round = {
        let (engine, context) = (Arc::clone(&engine), Arc::clone(context));
        move || {
            // Their rows are many, and nobody may ask for one again.
            context.cursors.collect(engine.now_ms());
            engine.set_expiry_effort(config.active_expire_effort());
            engine.start_due_save(&triggers(&config));
        }
    };
    Upkeep::start(engine, each_round)
}

fn triggers(config: &Config) -> SaveTriggers {
    SaveTriggers {
        points: config
            .save_points()
            .iter()
            .map(|point| (point.seconds, point.changes))
            .collect(),
        growth_percent: config.auto_aof_rewrite_percentage(),
        growth_bytes_min: config.auto_aof_rewrite_min_bytes(),
    }
}

/// The signals that ask for an end.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    /// One that came in the moment in which the data was there and nobody waited for signals yet.
    early: Option<Asked>,
}

/// Which signal came.
#[derive(Clone, Copy)]
enum Asked {
    Terminate,
    Interrupt,
}

impl Signals {
    fn listen() -> io::Result<Signals> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            early: None,
        })
    }

    async fn next(&mut self) -> Asked {
        if let Some(early) = self.early.take() {
            return early;
        }
        tokio::select! {
            _ = self.terminate.recv() => Asked::Terminate,
            _ = self.interrupt.recv() => Asked::Interrupt,
        }
    }
}

/// Waits for SHUTDOWN, SIGTERM or SIGINT, and ends the engine in order. A signal that fails to end it is waited for again; a
/// second one while the first is being obeyed ends the process at once.
async fn wait_for_the_end(server: &Arc<Server>, mut signals: Signals) {
    let context = &server.context;
    let stopped = Arc::new(Notify::new());
    let note = Arc::clone(&stopped);
    context
        .engine
        .on_stopped(Box::new(move || note.notify_one()));
    loop {
        let on_signal = tokio::select! {
            asked = signals.next() => match asked {
                Asked::Terminate => context.config.on_sigterm(),
                Asked::Interrupt => context.config.on_sigint(),
            },
            () = stopped.notified() => return,
        };
        tracing::warn!("User requested shutdown...");
        let request = StopRequest {
            save: on_signal.save,
            force: on_signal.force,
        };
        let (engine, config) = (Arc::clone(&context.engine), Arc::clone(&context.config));
        let stop = move || engine.stop(request, !config.save_points().is_empty());
        let stopping = tokio::task::spawn_blocking(stop);
        tokio::select! {
            stopped = stopping => match stopped {
                Ok(Ok(())) => return,
                _ => tracing::warn!("Errors trying to shut down: the server goes on"),
            },
            _ = signals.interrupt.recv() => std::process::exit(1),
        }
    }
}

fn context(config: Arc<Config>) -> Context {
    let engine = Engine::new(Arc::new(now_ms), commands::new_stats());
    Context::new(Arc::new(engine), config)
}

fn now_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as u64)
}
