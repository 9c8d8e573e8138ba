//! node-redis, in both versions of the protocol.

use crate::found::{node, run};
use crate::support::{Server, repository};
use std::process::Command;

#[test]
fn node_redis() {
    script("client.cjs", &["2", "3"]);
}

#[test]
fn node_redis_documents_and_their_indexes() {
    // 0: the version that node-redis asks for itself.
    script("documents.cjs", &["0", "2", "3"]);
}

fn script(name: &str, versions: &[&str]) {
    let Some(node) = node() else { return };
    let server = Server::start();
    for protocol in versions {
        let mut command = Command::new(&node);
        // Modules are looked for beside the script; NODE_PATH serves `require` only.
        command.env("NODE_PATH", repository("target/clients-node/node_modules"));
        run(command
            .arg(repository("tests/clients/node").join(name))
            .args([&server.port.to_string(), *protocol]));
    }
}
