//! A collection with attributes, behind the keyspace that alone may change it: what the filtered searches ask.

use super::data::DataSet;
use super::graph;
use bytes::Bytes;
use rhumb::index::{IndexOptions, Quantization};
use rhumb::keyspace::change::{Change, Effect, Upsert};
use rhumb::keyspace::collection::{Collection, Schema};
use rhumb::keyspace::{Keyspace, Value};
use rhumb::search::Hit;
use rhumb::search::expression::Expression;
use rhumb::search::filter::Filter;
use rhumb::tools::npy::Matrix;
use std::sync::Arc;

const KEY: &[u8] = b"bench";
/// Fields of an element's attributes.
pub const KEY_COUNT: usize = 10;

/// All rows of `data`, row i named i, with the attributes {"o0": place in the first order, "o1": in the second, ...}.
pub fn fill(data: &DataSet, quantization: Quantization, orders: &[Vec<u32>]) -> Arc<Collection> {
    let options = graph::options(data.base.columns, data.metric, quantization);
    add_all(&data.base, options, |row| {
        let fields = orders.iter().enumerate();
        let fields: Vec<String> = fields
            .map(|(order, places)| format!("\"o{order}\": {}", places[row]))
            .collect();
        Upsert {
            element: Bytes::from(row.to_string()),
            vector: data.base.row(row).to_vec(),
            schema: None,
            ef: None,
            attributes: Some(Bytes::from(format!("{{{}}}", fields.join(", ")))),
        }
    })
}

/// All rows with names of 16 bytes and no attributes, in a graph that is good for nothing but its size.
pub fn fill_quickly(base: &Matrix, options: IndexOptions) -> Arc<Collection> {
    add_all(base, options, |row| Upsert {
        element: Bytes::from(format!("{row:016}")),
        vector: base.row(row).to_vec(),
        schema: None,
        ef: Some(8),
        attributes: None,
    })
}

fn add_all(
    base: &Matrix,
    options: IndexOptions,
    upsert: impl Fn(usize) -> Upsert,
) -> Arc<Collection> {
    let keyspace = Keyspace::new(1, 0);
    let schema = Box::new(Schema {
        index: options,
        projected_from: None,
        declared: true,
        recall: None,
    });
    let create = Effect::CreateCollection { schema };
    keyspace.apply(Change::new(0, KEY, create), 1);
    for row in 0..base.rows() {
        let effect = Effect::Upsert(Box::new(upsert(row)));
        keyspace.apply(Change::new(0, KEY, effect), row as u64 + 2);
    }
    match keyspace.view(0, 0).get(KEY) {
        Some(Value::Collection(collection)) => collection,
        _ => panic!("the collection was made above"),
    }
}

/// The row that a hit of a collection filled by [`fill`] is.
pub fn row_of(hit: &Hit) -> u32 {
    let name = std::str::from_utf8(hit.element.name());
    name.ok()
        .and_then(|name| name.parse().ok())
        .expect("names are row numbers")
}

/// Passes the first `bound` elements of an order.
pub fn below(order: usize, bound: usize) -> Filter {
    let text = format!(".o{order} < {bound}");
    let expression = Expression::compile(text.as_bytes());
    Filter::Expression(expression.unwrap_or_else(|error| panic!("{text}: {error:?}")))
}
