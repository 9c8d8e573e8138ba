//! What a search will take: quick ones run on the connection's own thread.

use super::options::Options;
use super::schema::{Algorithm, FieldKind};
use super::search::SearchRequest;
use crate::commands::table::INLINE_US_MAX;
use crate::commands::{Context, Session};
use crate::keyspace::documents::index::DocumentIndex;
use crate::protocol::Request;
use crate::search::documents::weight::Toll;

/// What FT.SEARCH takes in a transaction, where nobody may find out on the way: a small index answers anything soon.
pub fn cost_us(context: &Context, _: &Session, request: &Request) -> u64 {
    const QUICK_US: u64 = 100;
    const FEW_DOCUMENTS: usize = 1000;
    let indexes = context.engine.keyspace().indexes();
    let index = indexes.get(request.get(1).unwrap_or_default());
    match index.is_none_or(|index| index.len() <= FEW_DOCUMENTS) {
        true => QUICK_US,
        false => INLINE_US_MAX + 1,
    }
}

/// What FT.SEARCH does with the documents that pass: scores or sorts all of them, and shows some.
pub fn toll_of(request: &SearchRequest) -> Toll {
    const SCORED_NS: f64 = 250.0;
    const SORTED_NS: f64 = 600.0;
    const SHOWN_NS: f64 = 500.0;
    const LOADED_NS: f64 = 3_000.0;
    let Options {
        is_count,
        is_without_content,
        ..
    } = request.options;
    let each_ns = match &request.sort {
        _ if is_count => 0.0,
        Some(_) => SORTED_NS,
        None => SCORED_NS,
    };
    let shown_ns = match is_without_content {
        true => SHOWN_NS,
        false => LOADED_NS,
    };
    Toll {
        each_ns,
        shown: request.num as f64,
        shown_ns,
    }
}

/// The candidates of a walk that the field's definition names.
pub fn given_ef(index: &DocumentIndex, field: usize) -> Option<usize> {
    let FieldKind::Vector(attributes) = &index.schema().fields[field].kind else {
        return None;
    };
    match &attributes.algorithm {
        Algorithm::Hnsw(hnsw) => hnsw.ef_runtime,
        Algorithm::Svs(svs) => svs.search_window_size,
        Algorithm::Flat => None,
    }
}
