//! Rhumb, a vector server that speaks Redis. The rooms of the house, from the sockets down to the distance kernels;
//! every import points down this list (ARCHITECTURE.md tells why, tests/house.rs holds it).

pub mod server;

pub mod commands;

pub mod tools;

pub mod engine;

pub mod persistence;

pub mod search;

pub mod keyspace;

pub mod index;

#[allow(unsafe_code)]
pub mod kernels;

pub mod protocol;

pub mod config;

pub mod shared_bytes;

pub mod stats;

#[allow(unsafe_code)]
pub mod sys;
