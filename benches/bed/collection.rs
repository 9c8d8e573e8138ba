//! A collection with attributes, behind the keyspace that alone may change it: what the filtered searches ask.

use super::data::DataSet;
use super::graph;
use bytes::Bytes;
use rhumb::index::Quantization;
use rhumb::keyspace::change::{Change, Effect, Upsert};
use rhumb::keyspace::collection::{Collection, Schema};
use rhumb::keyspace::{Keyspace, Value};
use std::sync::Arc;

const KEY: &[u8] = b"bench";

/// All rows of `data`, row i named i, with the attributes that `attributes` tells.
pub fn fill(
    data: &DataSet,
    quantization: Quantization,
    attributes: impl Fn(usize) -> String,
) -> Arc<Collection> {
    let keyspace = Keyspace::new(1, 0);
    let index = graph::options(data.base.columns, data.metric, quantization);
    let schema = Box::new(Schema {
        index,
        projected_from: None,
        declared: true,
    });
    keyspace.apply(Change::new(0, KEY, Effect::CreateCollection { schema }), 1);
    for row in 0..data.base.rows() {
        let upsert = Effect::Upsert(Box::new(Upsert {
            element: Bytes::from(row.to_string()),
            vector: data.base.row(row).to_vec(),
            schema: None,
            ef: None,
            attributes: Some(Bytes::from(attributes(row))),
        }));
        keyspace.apply(Change::new(0, KEY, upsert), row as u64 + 2);
    }
    match keyspace.view(0, 0).get(KEY) {
        Some(Value::Collection(collection)) => collection,
        _ => panic!("the collection was made above"),
    }
}
