//! An index over documents, behind the keyspace that alone may change it, and filtered searches of it: what FT.SEARCH runs.

use super::data::DataSet;
use bytes::Bytes;
use rhumb::index::Metric;
use rhumb::keyspace::Keyspace;
use rhumb::keyspace::change::{Change, Effect, Expiry};
use rhumb::keyspace::documents::index::DocumentIndex;
use rhumb::keyspace::documents::schema;
use rhumb::keyspace::documents::turns::Turn;
use rhumb::keyspace::documents::words::Words;
use rhumb::search::documents::patience::Patience;
use rhumb::search::documents::pattern::PartLimits;
use rhumb::search::documents::run::{self, NearestQuestion, Question};
use rhumb::search::documents::sought::Expansion;
use rhumb::search::documents::tree::{Kind, Knn, Node, NumericRange, VectorTarget};
use std::sync::Arc;

const INDEX: &[u8] = b"bench";

/// All rows of `data`, row i under the key i: NUMERIC fields o0, o1, ... with its places in the orders, and its vector.
pub fn fill(data: &DataSet, orders: &[Vec<u32>]) -> Arc<DocumentIndex> {
    let keyspace = Keyspace::new(1, 0);
    let create = Effect::CreateIndex {
        schema: Arc::new(schema(data, orders.len())),
    };
    keyspace.apply(Change::new(0, INDEX, create), 1);
    for row in 0..data.base.rows() {
        let places = orders.iter().enumerate();
        let mut fields: Vec<(Bytes, Bytes)> = places
            .map(|(at, places)| (format!("o{at}").into(), places[row].to_string().into()))
            .collect();
        fields.push(("v".into(), blob(data.base.row(row)).into()));
        let effect = Effect::HashSet {
            fields,
            expiry: Expiry::Keep,
        };
        let key = row.to_string();
        keyspace.apply(Change::new(0, key.as_bytes(), effect), row as u64 + 2);
    }
    keyspace.indexes().get(INDEX).expect("it was made above")
}

fn schema(data: &DataSet, orders: usize) -> schema::Schema {
    let metric = match data.metric {
        Metric::Cosine => "COSINE",
        Metric::L2 => "L2",
        Metric::InnerProduct => "IP",
    };
    let fields: Vec<String> = (0..orders).map(|at| format!("o{at} NUMERIC")).collect();
    let words = format!(
        "SCHEMA {} v VECTOR HNSW 6 TYPE FLOAT32 DIM {} DISTANCE_METRIC {metric}",
        fields.join(" "),
        data.base.columns
    );
    let words: Vec<&[u8]> = words.split(' ').map(str::as_bytes).collect();
    schema::create(&mut Words::new(&words)).unwrap_or_else(|error| panic!("{error:?}"))
}

fn blob(vector: &[f32]) -> Vec<u8> {
    vector.iter().flat_map(|x| x.to_le_bytes()).collect()
}

/// One search: the k nearest of the documents whose place in an order is below a bound.
pub struct Ask {
    root: Node,
    knn: Knn,
    ef: Option<usize>,
    is_filtered: bool,
}

impl Ask {
    /// `below`: order and bound; without one all pass. Without `ef` the calibrated one is taken.
    pub fn new(
        index: &DocumentIndex,
        vector: &[f32],
        k: usize,
        ef: Option<usize>,
        below: Option<(usize, usize)>,
    ) -> Ask {
        let field = |name: &str| index.schema().find(name).expect("a field of the schema");
        let numeric = |(order, bound): (usize, usize)| {
            Kind::Numeric(NumericRange {
                field: field(&format!("o{order}")),
                min: 0.0,
                max: bound as f64,
                includes_min: true,
                includes_max: false,
            })
        };
        Ask {
            root: Node::new(below.map_or(Kind::All, numeric)),
            knn: Knn {
                field: field("v"),
                k,
                target: VectorTarget {
                    blob: blob(vector),
                    parameter: String::new(),
                    attributes: Vec::new(),
                },
                distance_name: String::new(),
            },
            ef,
            is_filtered: below.is_some(),
        }
    }

    /// The rows that are found, and the plan.
    pub fn answer(&self, index: &DocumentIndex) -> (Vec<u32>, &'static str) {
        let question = Question {
            root: &self.root,
            knn: Some(NearestQuestion {
                knn: &self.knn,
                ef: self.ef,
                is_exact: false,
                is_filtered: self.is_filtered,
            }),
            ranges: Vec::new(),
            keys: None,
            language: index.schema().language,
            expansion: Expansion::WHOLE,
            parts: PartLimits {
                bytes_min: 2,
                expansions_max: 200,
            },
            patience: &Patience::new(&|| false),
            turn: Turn::InTurn,
        };
        run::run(index, &question, |matcher, found| {
            let rows = found.ids.iter().map(|id| {
                let document = matcher.state.documents.get(id);
                let key = document.and_then(|d| std::str::from_utf8(d.key()).ok());
                let row = key.and_then(|key| key.parse().ok());
                row.expect("keys are row numbers")
            });
            let nearest = found.explanation.nearest;
            let plan = nearest.map_or("none", |(course, _)| course.plan.name());
            (rows.collect(), plan)
        })
    }
}
