//! The figures of FT.INFO: how much an index holds, what it takes, what went wrong.

use super::indexes::bulk;
use super::info::{Parts, float, named, word};
use super::schema::{Field, FieldKind};
use crate::keyspace::documents::index::{DocumentIndex, Failure, JsonType, Refusal, State};
use crate::protocol::{Reply, Version};

const MB: f64 = 1024.0 * 1024.0;

/// Cursors of an index and of all, and how many an index may have.
pub type CursorCounts = ((usize, usize), usize);

/// All of them, in the order of the module.
pub fn figures(
    index: &DocumentIndex,
    state: &State,
    cursors: CursorCounts,
    version: Version,
) -> Parts {
    let mut parts = sizes(index, state, version);
    parts.extend(upkeep(index, version));
    parts.push((word("cursor_stats"), Reply::Map(cursor_counts(cursors))));
    if let Some(words) = &index.schema().stop_words {
        let words = words.iter().map(|word| bulk(word.as_bytes()));
        parts.push((word("stopwords_list"), Reply::Array(words.collect())));
    }
    let dialects = [
        (1, "dialect_1"),
        (2, "dialect_2"),
        (3, "dialect_3"),
        (4, "dialect_4"),
    ];
    let used = dialects.map(|(dialect, name)| {
        let is_used = index.usage().has_dialect(dialect);
        (word(name), Reply::Int(is_used.into()))
    });
    parts.push((word("dialect_stats"), Reply::Map(used.into())));
    let mut errors = errors(index.failures(), state.failures.last());
    errors.push((word("background indexing status"), word("OK")));
    parts.push((word("Index Errors"), Reply::Map(errors)));
    let fields = index.schema().fields.iter().enumerate();
    let fields = fields.map(|(place, field)| statistics(index, state, place, field));
    parts.push((word("field statistics"), Reply::Array(fields.collect())));
    parts
}

fn sizes(index: &DocumentIndex, state: &State, version: Version) -> Parts {
    let sizes = state.sizes();
    let vector_bytes: u64 = (0..index.schema().fields.len())
        .map(|field| vector_bytes(index, field))
        .sum();
    let documents = state.documents.len();
    let newest = state.all.max().unwrap_or(0);
    let count = |name, count| (word(name), Reply::count(count));
    let mb = |name, bytes: usize| (word(name), float(bytes as f64 / MB, version));
    // Of nothing it is 0/0, as there.
    let mean = |name, sum: usize, of: usize| (word(name), float(sum as f64 / of as f64, version));
    vec![
        count("num_docs", documents),
        (word("max_doc_id"), Reply::Int(i64::from(newest))),
        count("num_terms", sizes.words),
        count("num_records", sizes.records),
        mb("inverted_sz_mb", sizes.posting_bytes),
        mb("vector_index_sz_mb", vector_bytes as usize),
        count("total_inverted_index_blocks", sizes.blocks),
        mb("offset_vectors_sz_mb", sizes.position_bytes),
        mb("doc_table_size_mb", sizes.document_bytes),
        mb("sortable_values_size_mb", sizes.value_bytes),
        mb("key_table_size_mb", sizes.key_bytes),
        mb("tag_overhead_sz_mb", sizes.tag_bytes),
        mb("text_overhead_sz_mb", sizes.word_bytes),
        mb(
            "total_index_memory_sz_mb",
            sizes.bytes() + vector_bytes as usize + index.filters().memory(),
        ),
        mb("geoshapes_sz_mb", sizes.shape_bytes),
        mean("records_per_doc_avg", sizes.records, documents),
        mean("bytes_per_record_avg", sizes.posting_bytes, sizes.records),
        mean("offsets_per_term_avg", sizes.positions, sizes.records),
        mean(
            "offset_bits_per_record_avg",
            8 * sizes.position_bytes,
            sizes.positions,
        ),
    ]
}

fn vector_bytes(index: &DocumentIndex, field: usize) -> u64 {
    index.vectors(field).map_or(0, |vectors| {
        let memory = vectors.memory();
        memory.vectors + memory.codes + memory.links
    })
}

fn upkeep(index: &DocumentIndex, version: Version) -> Parts {
    let int = |count: u64| Reply::Int(i64::try_from(count).unwrap_or(i64::MAX));
    let indexing_ms = index.usage().indexing_us() as f64 / 1000.0;
    vec![
        (word("hash_indexing_failures"), int(index.failures())),
        (word("total_indexing_time"), float(indexing_ms, version)),
        (
            word("indexing"),
            Reply::Int(index.progress().is_running().into()),
        ),
        (
            word("percent_indexed"),
            float(index.progress().share(), version),
        ),
        (word("number_of_uses"), int(index.usage().uses())),
        (word("cleaning"), Reply::Int(0)),
        (word("gc_stats"), Reply::Map(collection(version))),
    ]
}

/// There is no garbage to collect: what a document takes goes with it.
fn collection(version: Version) -> Parts {
    let none = |name| (word(name), float(0.0, version));
    vec![
        none("bytes_collected"),
        none("total_ms_run"),
        none("total_cycles"),
        (word("average_cycle_time_ms"), float(f64::NAN, version)),
        none("last_run_time_ms"),
        none("gc_numeric_trees_missed"),
        none("gc_blocks_denied"),
    ]
}

fn cursor_counts(((own, all), max): CursorCounts) -> Parts {
    vec![
        (word("global_idle"), Reply::count(all)),
        (word("global_total"), Reply::count(all)),
        (word("index_capacity"), Reply::count(max)),
        (word("index_total"), Reply::count(own)),
    ]
}

fn errors(count: u64, last: Option<&Failure>) -> Parts {
    let (error, key) = match last {
        None => (word("N/A"), bulk(b"N/A")),
        Some(failure) => (Reply::Text(text_of(&failure.why)), bulk(&failure.key)),
    };
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    vec![
        (word("indexing failures"), Reply::Int(count)),
        (word("last indexing error"), error),
        (word("last indexing error key"), key),
    ]
}

fn statistics(index: &DocumentIndex, state: &State, place: usize, field: &Field) -> Reply {
    let failures = state.failures.of(place);
    let count = failures.map_or(0, |failures| failures.count);
    let errors = errors(count, failures.map(|failures| &failures.last));
    let mut parts = vec![
        (word("identifier"), named(field.identifier.as_bytes())),
        (word("attribute"), named(field.name.as_bytes())),
        (word("Index Errors"), Reply::Map(errors)),
    ];
    if matches!(field.kind, FieldKind::Vector(_)) {
        let bytes = vector_bytes(index, place);
        parts.push((word("memory"), Reply::count(bytes as usize)));
        // Vectors that go leave the graph at once.
        parts.push((word("marked_deleted"), Reply::Int(0)));
    }
    Reply::Map(parts)
}

/// Why a document was not indexed, in RediSearch's words.
fn text_of(why: &Refusal) -> String {
    match why {
        Refusal::Blob { got, expected } => {
            format!("Could not add vector with blob size {got} (expected size {expected})")
        }
        Refusal::Length { got, expected } => {
            format!("Invalid vector length. Expected {expected}, got {got}")
        }
        Refusal::Component(at) => format!("Invalid vector element at index {at}"),
        Refusal::NotFinite => "Could not add vector with a component that is not finite".to_owned(),
        Refusal::Number(text) => format!("Invalid numeric value: '{text}'"),
        Refusal::LongPoint => "Geo string cannot be longer than 128 bytes".to_owned(),
        Refusal::Point => "Invalid geo string".to_owned(),
        Refusal::Place(longitude, latitude) => {
            format!("Invalid geo coordinates: {longitude:.6}, {latitude:.6}")
        }
        Refusal::JsonType(found) => format!("Invalid JSON type: {}", type_text(*found)),
        Refusal::JsonElement { is_numeric: true } => {
            "NUMERIC fields can only contain numeric or nulls".to_owned()
        }
        Refusal::JsonElement { is_numeric: false } => {
            "TEXT/TAG fields can only contain strings or nulls".to_owned()
        }
        Refusal::EmptyVector => "Empty array for vector field on JSON document".to_owned(),
        Refusal::EmptyArray => "Failed to get value from iterator".to_owned(),
        Refusal::Shape(why) => format!("Error indexing geoshape: {why}"),
        Refusal::Full => "Index has no document ids left".to_owned(),
        Refusal::Fault => "Indexing of existing keys ended early: internal error".to_owned(),
    }
}

fn type_text(found: JsonType) -> &'static str {
    match found {
        JsonType::Text => "String type can represent only TEXT, TAG, GEO or GEOMETRY field",
        JsonType::Number => "Numeric type can represent only NUMERIC field",
        JsonType::Bool => "Boolean type can be represent only TAG field",
        JsonType::Array => "Array type cannot represent GEOMETRY field",
        JsonType::Object => "Object type can represent only GEOMETRY fields",
    }
}
