//! What a search will take: quick ones run on the connection's own thread.

use super::page::Page;
use super::schema::{Algorithm, FieldKind};
use super::search::{SearchRequest, SortBy};
use crate::commands::table::INLINE_US_MAX;
use crate::commands::{Context, Session};
use crate::keyspace::documents::index::DocumentIndex;
use crate::keyspace::{Value, View};
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
pub fn toll_of(index: &DocumentIndex, request: &SearchRequest) -> Toll {
    const SCORED_NS: f64 = 250.0;
    const BY_NUMBER_NS: f64 = 20.0;
    const BY_TEXT_NS: f64 = 1_000.0;
    const NAMED_NS: f64 = 500.0;
    const LOADED_NS: f64 = 3_000.0;
    let schema = index.schema();
    // What is no field is a distance.
    let is_number = |field: usize| schema.fields[field].kind == FieldKind::Numeric;
    let sorted_ns = |sort: &SortBy| match schema.find(&sort.field).is_none_or(is_number) {
        true => BY_NUMBER_NS,
        false => BY_TEXT_NS,
    };
    let (scored_ns, each_ns) = match &request.sort {
        _ if request.options.is_count => (0.0, 0.0),
        Some(sort) => (0.0, sorted_ns(sort)),
        None => (SCORED_NS, 0.0),
    };
    Toll {
        scored_ns,
        each_ns,
        skipped: request.offset as f64,
        shown: request.num as f64,
        shown_ns: match request.options.is_without_content {
            true => NAMED_NS,
            false => LOADED_NS,
        },
    }
}

/// What reading the documents of a page takes, in microseconds, by their sizes.
pub fn loading_us(view: &View, request: &SearchRequest, page: &Page) -> u64 {
    const FIELD_NS: usize = 50;
    const JSON_BYTE_NS: usize = 10;
    /// Hashes are copied as they are.
    const BYTES_OF_A_NS: usize = 10;
    if request.options.is_without_content {
        return 0;
    }
    let returned = request.options.returned.as_ref();
    let ns = |value: Value| match value {
        Value::Hash(hash) => match returned {
            Some(returned) => returned.len() * FIELD_NS,
            None => hash.len() * FIELD_NS + hash.bytes() / BYTES_OF_A_NS,
        },
        // Any path may lead through all of it.
        Value::Json(document) => {
            document.bytes() * JSON_BYTE_NS * returned.map_or(1, |all| all.len().max(1))
        }
        _ => 0,
    };
    let documents = page.hits.iter().filter_map(|hit| view.peek(&hit.key));
    let ns: usize = documents.map(|entry| ns(entry.value)).sum();
    (ns / 1000) as u64
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

#[cfg(test)]
mod tests {
    use crate::commands::desk::Desk;

    #[test]
    fn what_names_few_documents_is_answered_at_once() {
        let desk = Desk::new();
        let mut seat = desk.seat();
        seat.run("FT.CREATE i PREFIX 1 d: SCHEMA t TEXT g TAG n NUMERIC v VECTOR HNSW 6 TYPE FLOAT32 DIM 2 DISTANCE_METRIC L2");
        for id in 0..3000 {
            let (key, number) = (format!("d:{id}"), id.to_string());
            let text = if id % 1000 == 0 { "all rare" } else { "all" };
            let vector: Vec<u8> = [id as f32, 1.0]
                .iter()
                .flat_map(|x| x.to_le_bytes())
                .collect();
            let words: [&[u8]; 10] = [
                b"HSET",
                key.as_bytes(),
                b"t",
                text.as_bytes(),
                b"g",
                text.as_bytes(),
                b"n",
                number.as_bytes(),
                b"v",
                &vector,
            ];
            seat.send(words);
        }
        let mut is_quick = |query: &str, rest: &str| {
            seat.is_quick(&format!(
                "FT.SEARCH i '{query}' PARAMS 2 b \"\\x00\\x00\\x80\\x3f\\x00\\x00\\x80\\x3f\" DIALECT 2 {rest}"
            ))
        };
        for (query, rest) in [
            ("*", "LIMIT 0 0"),
            ("*", "SORTBY n"),
            ("rare", ""),
            ("@g:{all rare}", ""),
            ("@n:[7 9]", "SORTBY g"),
            ("@n:[7 9] -rare", ""),
            ("@n:[0 9999]", ""),
            ("all", "LIMIT 0 0"),
            ("*=>[KNN 5 @v $b EF_RUNTIME 50]", ""),
            (
                "@n:[0 100]=>[KNN 5 @v $b EF_RUNTIME 50]",
                "SORTBY __v_score",
            ),
        ] {
            assert!(is_quick(query, rest), "{query} {rest}");
        }
        for (query, rest) in [
            ("*", ""),
            ("all", ""),
            ("(rare | all)", ""),
            ("@g:{a*}", ""),
            ("%rane%", ""),
            ("@n:[0 9999]", "SORTBY g"),
            ("@n:[0 9999]", "LIMIT 0 1000"),
            ("@n:[0 9999]", "LIMIT 9999 1"),
            ("@v:[VECTOR_RANGE 3 $b]", ""),
        ] {
            assert!(!is_quick(query, rest), "{query} {rest}");
        }
        // A transaction is begun here or there as a whole.
        seat.run("MULTI");
        seat.run("FT.SEARCH i rare");
        assert!(!seat.is_quick("EXEC"));
    }
}
