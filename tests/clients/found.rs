//! Which clients there are, and how their programs are run.

use crate::support::repository;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// How long a client's program may take.
const CLIENT_TIMEOUT: Duration = Duration::from_secs(180);

/// A client's program, or none after saying so.
pub fn client(name: &str, program: Option<PathBuf>) -> Option<PathBuf> {
    if program.is_none() {
        let required = std::env::var_os("RHUMB_REQUIRE_CLIENTS").is_some_and(|value| value != "0");
        assert!(
            !required,
            "{name} is not installed, and RHUMB_REQUIRE_CLIENTS asks for it"
        );
        // Past the capture of the test harness: whoever runs the tests is to see what was not tested.
        let _ = writeln!(std::io::stderr(), "skipped: {name} is not installed");
    }
    program
}

/// A program on the PATH.
pub fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|dir| dir.join(program))
        .find(|file| file.is_file())
}

/// The Python that has redis-py and NumPy.
pub fn python() -> Option<PathBuf> {
    let python = repository("target/clients-venv/bin/python");
    client(
        "redis-py (scripts/clients)",
        python.exists().then_some(python),
    )
}

/// The Python that has a package besides.
pub fn python_with(package: &str) -> Option<PathBuf> {
    python_of("clients-venv", package)
}

/// The Python that has llama-index's store, which asks for older versions of what it stands on.
pub fn llama_index() -> Option<PathBuf> {
    python_of(
        "clients-venv-llama-index",
        "llama_index/vector_stores/redis",
    )
}

/// The Python of an environment below target/, if the package is there.
fn python_of(environment: &str, package: &str) -> Option<PathBuf> {
    let environment = repository("target").join(environment);
    // Its folder of packages is named after its version.
    let versions = std::fs::read_dir(environment.join("lib"));
    let mut versions = versions.into_iter().flatten().flatten();
    let is_installed = versions.any(|dir| dir.path().join("site-packages").join(package).exists());
    client(
        &format!("{package} (scripts/clients)"),
        is_installed.then(|| environment.join("bin/python")),
    )
}

/// Node, where node-redis is installed for it.
pub fn node() -> Option<PathBuf> {
    let is_installed = repository("target/clients-node/node_modules/redis").exists();
    client(
        "node-redis (scripts/clients)",
        on_path("node").filter(|_| is_installed),
    )
}

/// redis-cli or redis-benchmark.
pub fn redis_tool(program: &str) -> Option<PathBuf> {
    client(program, on_path(program))
}

/// Runs a program to its end, which must be a good one, and returns what it wrote.
pub fn run(command: &mut Command) -> String {
    let output = output(command);
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(
        output.status.success(),
        "{command:?}: {}\n{out}\n{err}",
        output.status
    );
    out.into_owned()
}

/// Runs a program to its end, whichever it is.
pub fn output(command: &mut Command) -> Output {
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let child = child.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let pid = child.id();
    let started = Instant::now();
    let waiter = std::thread::spawn(move || child.wait_with_output());
    while !waiter.is_finished() {
        if started.elapsed() > CLIENT_TIMEOUT {
            let _ = Command::new("kill").arg(pid.to_string()).status();
            panic!("{command:?} did not end");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    waiter
        .join()
        .expect("the waiting thread ends")
        .expect("a program's output")
}
