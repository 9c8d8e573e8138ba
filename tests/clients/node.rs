//! node-redis, in both versions of the protocol.

use crate::found::{node, run};
use crate::support::{Server, repository};
use std::process::Command;

#[test]
fn node_redis() {
    let Some(node) = node() else { return };
    let server = Server::start();
    for protocol in ["2", "3"] {
        let mut command = Command::new(&node);
        // Modules are looked for beside the script; NODE_PATH serves `require` only.
        command.env("NODE_PATH", repository("target/clients-node/node_modules"));
        run(command
            .arg(repository("tests/clients/node/client.cjs"))
            .args([&server.port.to_string(), protocol]));
    }
}
