//! The life of the server process: options, listen (clients are told to wait), recover, serve, stop.

use super::{Pool, Progress, Server, accept, listen, logging};
use crate::commands::{self, Context};
use crate::config::{self, Config, Loaded, Sources};
use crate::engine::{Engine, Upkeep};
use crate::protocol::{glob, inline};
use std::io::{self, Read as _};
use std::num::NonZero;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::runtime;

/// Runs the server until it is told to stop. `words` are those of the command line.
pub fn run(words: Vec<Vec<u8>>) -> ExitCode {
    let Loaded { config, warnings } = match load(&words) {
        Ok(loaded) => loaded,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    if let Err(error) = logging::start(&config) {
        eprintln!("the log file cannot be opened: {error}");
        return ExitCode::FAILURE;
    }
    warnings
        .iter()
        .for_each(|warning| tracing::warn!("{warning}"));
    let threads = config.io_threads();
    let built = runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .thread_name("io")
        .enable_all()
        .build();
    match built.map(|runtime| runtime.block_on(serve(Arc::new(config)))) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) | Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
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
    let threads = NonZero::new(config.search_threads()).unwrap_or(NonZero::<usize>::MIN);
    let server = Arc::new(Server {
        context: Arc::clone(&context),
        pool: Pool::start(threads),
        progress: Progress::default(),
    });
    for listener in listeners {
        tokio::spawn(accept(Arc::clone(&server), listener));
    }
    context.engine.start_in_memory(config.databases(), 7);
    let _upkeep = Upkeep::start(context.engine.clone(), || ());
    tracing::info!("Ready to accept connections tcp");
    tokio::signal::ctrl_c().await
}

fn context(config: Arc<Config>) -> Context {
    let threads = config.io_threads() + config.search_threads();
    let engine = Engine::new(Arc::new(now_ms), commands::new_stats(), threads);
    Context::new(Arc::new(engine), config)
}

fn now_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as u64)
}
