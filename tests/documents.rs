//! Indexes over documents through a real socket: they follow their keys (follow), outlive the server (survive, restored, killed, recall), find what an
//! obvious twin finds (random, twin), and the nearest (nearest), in what order (pages), take in what their definition says (schema), and answer as clients expect in both versions of the
//! protocol (replies, profile), with what the search module gave (module, shown, requests).
//!
//! The random test prints its seed; RHUMB_TEST_SEED repeats one.

mod support;

#[path = "documents/client.rs"]
mod client;
#[path = "documents/follow.rs"]
mod follow;
#[path = "documents/killed.rs"]
mod killed;
#[path = "documents/module.rs"]
mod module;
#[path = "documents/nearest.rs"]
mod nearest;
#[path = "documents/pages.rs"]
mod pages;
#[path = "documents/profile.rs"]
mod profile;
#[path = "documents/random.rs"]
mod random;
#[path = "documents/recall.rs"]
mod recall;
#[path = "documents/replies.rs"]
mod replies;
#[path = "documents/requests.rs"]
mod requests;
#[path = "documents/restored.rs"]
mod restored;
#[path = "documents/schema.rs"]
mod schema;
#[path = "documents/shown.rs"]
mod shown;
#[path = "documents/survive.rs"]
mod survive;
#[path = "documents/twin.rs"]
mod twin;
#[path = "crash/wire.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod wire;
