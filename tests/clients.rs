//! Real clients against a real server. A client that is not installed is named and skipped; with RHUMB_REQUIRE_CLIENTS=1,
//! as in CI, it fails the test. `scripts/clients` installs those of Python and Node.

mod support;

#[path = "clients/examples.rs"]
mod examples;
#[path = "clients/found.rs"]
mod found;
#[path = "clients/node.rs"]
mod node;
#[path = "clients/python.rs"]
mod python;
#[path = "clients/readme.rs"]
mod readme;
#[path = "clients/redis_tools.rs"]
mod redis_tools;
#[path = "clients/rust.rs"]
mod rust;
#[path = "clients/subcommands.rs"]
mod subcommands;
