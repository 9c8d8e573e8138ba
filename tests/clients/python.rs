//! redis-py, synchronous and asynchronous, and what stands on it: redisvl, langchain-redis, llama-index and redis-om; in both
//! versions of the protocol.

use crate::found::{llama_index, python, python_with, run};
use crate::support::{Server, repository};
use std::path::Path;
use std::process::Command;

fn script(name: &str) {
    if let Some(python) = python() {
        in_versions(&python, name, &["2", "3"]);
    }
}

/// Runs a program that needs a package besides redis-py.
fn script_with(package: &str, name: &str) {
    if let Some(python) = python_with(package) {
        in_versions(&python, name, &["2", "3"]);
    }
}

fn in_versions(python: &Path, name: &str, versions: &[&str]) {
    let server = Server::start();
    for protocol in versions {
        let file = repository("tests/clients/py").join(name);
        let mut command = Command::new(python);
        run(command
            .arg(file)
            .args([&server.port.to_string(), *protocol]));
    }
}

#[test]
fn redis_py_keys_strings_hashes_and_transactions() {
    script("basics.py");
}

#[test]
fn redis_py_vector_sets() {
    script("vector_sets.py");
}

#[test]
fn redis_py_json_documents() {
    script("json_documents.py");
}

#[test]
fn redis_py_indexes_of_documents() {
    script("documents.py");
}

#[test]
fn redis_py_sets_sorted_sets_and_lists() {
    script("sets_and_lists.py");
}

#[test]
fn redis_py_async_indexes_of_documents() {
    if let Some(python) = python() {
        in_versions(&python, "documents_asynchronous.py", &["0", "2", "3"]);
    }
}

#[test]
fn redisvl_indexes_and_queries() {
    script_with("redisvl", "redisvl_index.py");
}

#[test]
fn redisvl_caches_histories_and_routers() {
    script_with("redisvl", "redisvl_extensions.py");
}

#[test]
fn langchain_stores_caches_and_histories() {
    script_with("langchain_redis", "langchain_redis_stores.py");
}

#[test]
fn llama_index_stores_nodes() {
    if let Some(python) = llama_index() {
        in_versions(&python, "llama_index_store.py", &["2"]);
    }
}

#[test]
fn redis_om_models() {
    script_with("redis_om", "redis_om_models.py");
}

#[test]
fn redis_py_finds_the_true_neighbours_of_the_bundled_packages() {
    script("packages.py");
}

#[test]
fn redis_py_async_client() {
    script("asynchronous.py");
}
