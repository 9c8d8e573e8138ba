//! The README's snippets, run as they stand, with the bundled packages loaded as its quickstart loads them.

use crate::found::{node, python, redis_tool, run};
use crate::support::{Server, repository};
use std::process::Command;

/// The README's Rust snippet; a test holds that they are the same.
mod example {
    include!("readme_example.rs");

    pub fn run(connection: &mut redis::Connection) -> RedisResult<Vec<String>> {
        nearest_colour(connection, &[0.9, 0.1, 0.0])
    }
}

fn readme() -> String {
    std::fs::read_to_string(repository("README.md")).expect("README.md")
}

/// The README's blocks in a language.
fn snippets(language: &str) -> Vec<String> {
    let text = readme();
    let fence = format!("```{language}\n");
    let blocks = text.split(&fence).skip(1);
    let snippets: Vec<String> = blocks
        .map(|block| block.split("```").next().unwrap_or_default().to_string())
        .collect();
    assert!(!snippets.is_empty(), "no {language} in README.md");
    snippets
}

/// A server with the packages in it.
fn server_with_packages() -> Server {
    let server = Server::start();
    let files = [
        "import",
        "data/debian-3000.f16.npy",
        "--meta",
        "data/debian-3000.meta.jsonl",
        "--key",
        "packages",
    ];
    let mut command = Command::new(env!("CARGO_BIN_EXE_rhumb"));
    run(command
        .current_dir(repository(""))
        .args(files)
        .args(["--port", &server.port.to_string()]));
    server
}

/// Writes a snippet to the server's directory, with its port in place of the usual one.
fn script(server: &Server, name: &str, snippet: &str) -> std::path::PathBuf {
    let file = server.dir().join(name);
    std::fs::write(&file, snippet.replace("6379", &server.port.to_string()))
        .expect("a file in the server's directory");
    file
}

#[test]
fn redis_cli_prints_what_the_readme_shows() {
    let Some(cli) = redis_tool("redis-cli") else {
        return;
    };
    let server = server_with_packages();
    for snippet in snippets("console") {
        for block in snippet.split("$ ").skip(1) {
            let (line, expected) = block.split_once('\n').unwrap_or((block, ""));
            let words = line
                .strip_prefix("redis-cli ")
                .expect("a line of redis-cli");
            let shell = format!("exec '{}' -p {} {words}", cli.display(), server.port);
            let said = run(Command::new("sh").args(["-c", &shell]));
            assert!(
                matches(&said, expected),
                "{line}\nprinted\n{said}instead of\n{expected}"
            );
        }
    }
}

/// Whether the lines are equal; `...` at the end of an expected line stands for anything.
fn matches(said: &str, expected: &str) -> bool {
    let is_match = |(said, expected): (&str, &str)| match expected.strip_suffix("...") {
        Some(beginning) => said.starts_with(beginning),
        None => said == expected,
    };
    said.lines().count() == expected.lines().count()
        && said.lines().zip(expected.lines()).all(is_match)
}

#[test]
fn expected_lines_can_fail_to_match() {
    assert!(matches("a\n0.31\n", "a\n0.3...\n") && matches("a\n", "a\n"));
    assert!(!matches("a\n", "b\n") && !matches("a\nb\n", "a\n") && !matches("0.41\n", "0.3...\n"));
}

#[test]
fn python_snippet_runs() {
    let Some(python) = python() else { return };
    let server = Server::start();
    for snippet in snippets("python") {
        run(Command::new(&python).arg(script(&server, "snippet.py", &snippet)));
    }
}

#[test]
fn node_snippet_runs() {
    let Some(node) = node() else { return };
    let server = Server::start();
    for snippet in snippets("js") {
        let mut command = Command::new(&node);
        command.env("NODE_PATH", repository("target/clients-node/node_modules"));
        run(command.arg(script(&server, "snippet.cjs", &snippet)));
    }
}

#[test]
fn rust_snippet_runs_and_is_the_one_compiled_here() {
    let compiled = include_str!("readme_example.rs");
    assert_eq!(
        snippets("rust"),
        [compiled],
        "tests/clients/readme_example.rs differs from README.md"
    );
    let server = Server::start();
    let client = redis::Client::open(format!("redis://{}/", server.address())).expect("a client");
    let mut connection = client.get_connection().expect("a connection");
    assert_eq!(example::run(&mut connection).expect("an answer"), ["red"]);
}

#[test]
fn links_lead_to_files() {
    let text = readme();
    let links = text
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next());
    let missing: Vec<&str> = links
        .filter(|link| !link.starts_with("http") && !repository(link).exists())
        .collect();
    assert!(
        missing.is_empty(),
        "README.md names what is not there: {missing:?}"
    );
}
