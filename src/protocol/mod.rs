//! RESP2 and RESP3: bytes to requests, replies to bytes, and the client's side of both. No sockets, no clock: a caller
//! fills a buffer and asks; half a frame costs no repeated parsing when the rest comes.
//!
//! - [`request`]: what clients send, cut out of the read buffer without copying.
//! - [`reply`]: what the server answers, in either version of the protocol; [`encoded`]: its bytes.
//! - [`client`]: the other end of the wire, for tools and tests.
//! - [`inline`], [`number`], [`decimal`], [`glob`]: quoted words, numbers as text, their sums, and Redis' patterns.
//!
//! Source: the RESP specification (redis.io, "Redis serialization protocol specification") and the manners of a Redis
//! 8 server where the text is silent.
#![warn(clippy::indexing_slicing, clippy::unwrap_used)]

pub mod client;
pub mod decimal;
pub mod encoded;
pub mod glob;
pub mod inline;
pub mod number;
pub mod reply;
pub mod request;

pub use encoded::Encoded;
pub use reply::{Reply, Version};
pub use request::{Limits, ProtocolError, Request, RequestParser};

#[cfg(test)]
mod tests;
