//! Random changes, such as commands decide them: of what is there, under the schema that is there.

use super::maps::{Maps, Row};
use bytes::Bytes;
use rhumb::index::WalkOptions;
use rhumb::keyspace::change::{Change, Effect, Expiry, Upsert};
use rhumb::keyspace::collection::{
    IndexKind, IndexOptions, Metric, Quantization, Schema, WalkedOn,
};
use rhumb::keyspace::json::{Edit, Json, Place, Step};
use rhumb::keyspace::list::End;
use rhumb::persistence::disk::fault::Random;

/// Names of keys, in each database.
const KEYS: usize = 30;
/// Names of elements, in each collection.
const ELEMENTS: usize = 120;
/// Names of fields, in each hash.
const FIELDS: usize = 40;

/// Draws changes.
pub struct Drawer(Random);

/// How a graph is walked for k hits.
pub fn walk(k: usize) -> WalkOptions<'static> {
    WalkOptions {
        k,
        ef: 100,
        expansions_max: None,
        is_late: None,
    }
}

/// The name of a change's kind.
pub fn kind(change: &Change) -> &'static str {
    match change.effect {
        Effect::Set { .. } => "Set",
        Effect::Append { .. } => "Append",
        Effect::SetRange { .. } => "SetRange",
        Effect::SetAdd { .. } => "SetAdd",
        Effect::SetRemove { .. } => "SetRemove",
        Effect::SortedSetAdd { .. } => "SortedSetAdd",
        Effect::SortedSetRemove { .. } => "SortedSetRemove",
        Effect::ListPush { .. } => "ListPush",
        Effect::ListPop { .. } => "ListPop",
        Effect::ListSet { .. } => "ListSet",
        Effect::ListInsert { .. } => "ListInsert",
        Effect::ListRemove { .. } => "ListRemove",
        Effect::ListTrim { .. } => "ListTrim",
        Effect::Delete => "Delete",
        Effect::ExpireAt { .. } => "ExpireAt",
        Effect::Persist => "Persist",
        Effect::Rename { .. } => "Rename",
        Effect::Copy { .. } => "Copy",
        Effect::Move { .. } => "Move",
        Effect::FlushDb => "FlushDb",
        Effect::FlushAll => "FlushAll",
        Effect::SwapDb { .. } => "SwapDb",
        Effect::CreateIndex { .. } => "CreateIndex",
        Effect::DropIndex => "DropIndex",
        Effect::SetAlias { .. } => "SetAlias",
        Effect::DropAlias => "DropAlias",
        Effect::HashSet { .. } => "HashSet",
        Effect::HashDelete { .. } => "HashDelete",
        Effect::HashExpireAt { .. } => "HashExpireAt",
        Effect::HashPersist { .. } => "HashPersist",
        Effect::Json { .. } => "Json",
        Effect::CreateCollection { .. } => "CreateCollection",
        Effect::Upsert(_) => "Upsert",
        Effect::Remove { .. } => "Remove",
        Effect::SetAttributes { .. } => "SetAttributes",
    }
}

impl Drawer {
    /// Draws from a seed.
    pub fn new(seed: u64) -> Drawer {
        Drawer(Random::new(seed))
    }

    /// All kinds; `kind` makes the compiler ask for new ones.
    pub fn kinds() -> &'static [&'static str] {
        &[
            "Set",
            "Append",
            "SetRange",
            "SetAdd",
            "SetRemove",
            "SortedSetAdd",
            "SortedSetRemove",
            "ListPush",
            "ListPop",
            "ListSet",
            "ListInsert",
            "ListRemove",
            "ListTrim",
            "Delete",
            "ExpireAt",
            "Persist",
            "Rename",
            "Copy",
            "Move",
            "FlushDb",
            "FlushAll",
            "SwapDb",
            "HashSet",
            "HashDelete",
            "HashExpireAt",
            "HashPersist",
            "Json",
            "CreateCollection",
            "Upsert",
            "Remove",
            "SetAttributes",
        ]
    }

    /// A change after which `maps` is known to go on.
    pub fn change(&mut self, maps: &Maps) -> Change {
        let db = self.below(maps_databases());
        let key = format!("key {}", self.below(KEYS)).into_bytes();
        let effect = match maps.row(db, &key) {
            _ if self.below(250) == 0 => self.world_effect(),
            _ if self.below(12) == 0 => self.key_effect(),
            None => self.beginning(),
            Some(Row::Text(_)) => self.text_effect(),
            Some(Row::Set(_)) => self.set_effect(),
            Some(Row::SortedSet(_)) => self.sorted_set_effect(),
            Some(Row::List(_)) => self.list_effect(),
            Some(Row::Hash(_)) => self.hash_effect(),
            Some(Row::Json(_)) => self.json_effect(),
            Some(Row::Collection { schema, .. }) => self.collection_effect(schema.clone()),
        };
        match effect {
            Effect::FlushDb | Effect::FlushAll | Effect::SwapDb { .. } => {
                Change::new(db, b"", effect)
            }
            _ => Change::new(db, &key, effect),
        }
    }

    /// A vector with components other than 0.
    pub fn vector(&mut self, dim: u32) -> Vec<f32> {
        (0..dim)
            .map(|_| (self.below(2_000) as f32 + 0.5) / 1_000.0 - 1.0)
            .collect()
    }

    fn below(&mut self, n: usize) -> usize {
        self.0.below(n)
    }

    fn world_effect(&mut self) -> Effect {
        match self.below(4) {
            0 => Effect::FlushAll,
            1 => Effect::FlushDb,
            _ => Effect::SwapDb {
                with: self.below(maps_databases()),
            },
        }
    }

    /// What can happen to a key of any type, or to one that is missing.
    fn key_effect(&mut self) -> Effect {
        let to = format!("key {}", self.below(KEYS))
            .into_bytes()
            .into_boxed_slice();
        match self.below(9) {
            0 => Effect::Delete,
            1 | 2 => Effect::ExpireAt { at_ms: self.time() },
            3 => Effect::Persist,
            4 | 5 => Effect::Rename { to },
            6 => Effect::Copy {
                to_db: self.below(maps_databases()),
                to,
            },
            7 => Effect::Move {
                to_db: self.below(maps_databases()),
            },
            _ => self.set(),
        }
    }

    /// What makes a key.
    fn beginning(&mut self) -> Effect {
        match self.below(15) {
            8 | 9 => self.set_effect(),
            10 | 11 => self.sorted_set_effect(),
            12 | 13 => self.list_effect(),
            0 => self.set(),
            14 => Effect::Json {
                place: Place::root(),
                edit: Edit::Set(Json::empty_object()),
            },
            1 => Effect::Append {
                suffix: self.bytes(),
            },
            2 => Effect::SetRange {
                offset: self.below(20),
                part: self.bytes(),
            },
            3 | 4 => self.hash_set(),
            5 => {
                let schema = self.declared_schema();
                Effect::CreateCollection {
                    schema: Box::new(schema),
                }
            }
            _ => {
                let schema = self.implied_schema();
                self.upsert(schema)
            }
        }
    }

    fn text_effect(&mut self) -> Effect {
        match self.below(3) {
            0 => self.set(),
            1 => Effect::Append {
                suffix: self.bytes(),
            },
            _ => Effect::SetRange {
                offset: self.below(40),
                part: self.bytes(),
            },
        }
    }

    fn set_effect(&mut self) -> Effect {
        let members = self.many_elements();
        match self.below(3) {
            0 => Effect::SetRemove { members },
            _ => Effect::SetAdd { members },
        }
    }

    fn sorted_set_effect(&mut self) -> Effect {
        let members = self.many_elements();
        if self.below(3) == 0 {
            return Effect::SortedSetRemove { members };
        }
        let scored = members.into_iter().map(|member| (self.score(), member));
        Effect::SortedSetAdd {
            members: scored.collect(),
        }
    }

    fn list_effect(&mut self) -> Effect {
        let (end, element, place) = (self.end(), self.field(), self.below(200));
        match self.below(16) {
            0 => Effect::ListPop {
                end,
                count: self.below(100),
            },
            1 | 2 => Effect::ListSet { place, element },
            3 | 4 => Effect::ListInsert {
                side: end,
                pivot: self.field(),
                element,
            },
            5 => Effect::ListRemove {
                end,
                count: 1 + self.below(6),
                element,
            },
            6 => Effect::ListTrim {
                first: self.below(8),
                last: place + 8,
            },
            _ => Effect::ListPush {
                end,
                elements: self.many_elements(),
            },
        }
    }

    /// Few different ones, so that many members share a score.
    fn score(&mut self) -> f64 {
        match self.below(12) {
            0 => f64::INFINITY,
            1 => f64::NEG_INFINITY,
            2 => -0.0,
            _ => self.below(60) as f64 / 7.0 - 3.0,
        }
    }

    fn end(&mut self) -> End {
        [End::Front, End::Back][self.below(2)]
    }

    fn many_elements(&mut self) -> Vec<Bytes> {
        let count = match self.below(5) {
            0 => 60,
            _ => 3,
        };
        (0..1 + self.below(count))
            .map(|_| Bytes::from(format!("field {}", self.below(6 * FIELDS))))
            .collect()
    }

    fn hash_effect(&mut self) -> Effect {
        match self.below(8) {
            0 | 1 => Effect::HashDelete {
                fields: self.fields(),
            },
            2 => Effect::HashExpireAt {
                at_ms: self.time(),
                fields: self.fields(),
            },
            3 => Effect::HashPersist {
                fields: self.fields(),
            },
            _ => self.hash_set(),
        }
    }

    /// Some names stand for arrays, some for strings, some for whatever comes.
    fn json_effect(&mut self) -> Effect {
        let n = self.below(20);
        let place = Place::new(vec![Step::Name(format!("name {n}").into())]);
        let edit = match (self.below(6), n) {
            (0, _) => Edit::Delete,
            (1, ..7) => Edit::Pop { at: self.below(4) },
            (2, ..7) => Edit::Trim {
                start: self.below(2),
                len: 1 + self.below(4),
            },
            (3, ..7) => Edit::Set(Json::Array(Vec::new())),
            (_, ..7) => Edit::Insert {
                at: self.below(4),
                values: vec![Json::Int(self.below(100) as i64), Json::Float(0.5)],
            },
            (1, 7..14) => Edit::Set(Json::Text("text".into())),
            (_, 7..14) => Edit::Append(format!("\"{}", self.below(100)).into()),
            _ => Edit::Set(Json::array(vec![Json::Float(self.below(100) as f64); 5])),
        };
        Effect::Json { place, edit }
    }

    fn collection_effect(&mut self, schema: Schema) -> Effect {
        let element = self.element();
        match self.below(10) {
            0 | 1 => Effect::Remove { element },
            2 => Effect::SetAttributes {
                element,
                attributes: self.attributes(),
            },
            _ => self.upsert(schema),
        }
    }

    fn set(&mut self) -> Effect {
        Effect::Set {
            value: self.bytes(),
            expiry: self.expiry(),
        }
    }

    fn hash_set(&mut self) -> Effect {
        let names = self.fields();
        let fields = names.into_iter().map(|name| (name, self.bytes())).collect();
        Effect::HashSet {
            fields,
            expiry: self.expiry(),
        }
    }

    fn upsert(&mut self, schema: Schema) -> Effect {
        let attributes = (self.below(3) == 0).then(|| self.attributes());
        let ef = (self.below(5) == 0).then(|| 50 + self.below(100) as u32);
        let (element, vector) = (self.element(), self.vector(schema.input_dim()));
        Effect::Upsert(Box::new(Upsert {
            element,
            vector,
            schema: Some(schema),
            ef,
            attributes,
        }))
    }

    fn implied_schema(&mut self) -> Schema {
        let quantization =
            [Quantization::F32, Quantization::Int8, Quantization::Bit][self.below(3)];
        let projected_from = (self.below(4) == 0).then_some(24);
        Schema::implied(16, projected_from, quantization, 4 + self.below(8) as u32)
    }

    fn declared_schema(&mut self) -> Schema {
        let (quantization, metric) = match self.below(8) {
            0 => (Quantization::Bit, Metric::Cosine),
            1 => (Quantization::F16, Metric::L2),
            2 => (Quantization::F16, Metric::Cosine),
            3 => (Quantization::Int8, Metric::L2),
            4 => (Quantization::Int8, Metric::InnerProduct),
            5 => (Quantization::F32, Metric::L2),
            6 => (Quantization::F32, Metric::InnerProduct),
            _ => (Quantization::F32, Metric::Cosine),
        };
        let kind = if self.below(3) == 0 {
            IndexKind::Flat
        } else {
            IndexKind::Hnsw
        };
        let index = IndexOptions {
            dim: 16,
            metric,
            quantization,
            kind,
            m: 8,
            ef_construction: 60,
            walked_on: if self.below(2) == 0 {
                WalkedOn::Codes
            } else {
                WalkedOn::Stored
            },
        };
        Schema {
            index,
            projected_from: None,
            declared: true,
            recall: (self.below(4) == 0).then_some(950_000),
        }
    }

    fn element(&mut self) -> Bytes {
        Bytes::from(format!("element {}", self.below(ELEMENTS)))
    }

    fn field(&mut self) -> Bytes {
        Bytes::from(format!("field {}", self.below(FIELDS)))
    }

    fn fields(&mut self) -> Vec<Bytes> {
        (0..1 + self.below(3)).map(|_| self.field()).collect()
    }

    /// Any bytes, now and then so many that a hash is split into buckets.
    fn bytes(&mut self) -> Bytes {
        let len = if self.below(40) == 0 {
            20_000
        } else {
            self.below(24)
        };
        (0..len).map(|_| self.below(256) as u8).collect()
    }

    fn attributes(&mut self) -> Bytes {
        match self.below(5) {
            0 => Bytes::new(),
            _ => Bytes::from(format!("{{\"n\":{}}}", self.below(1_000))),
        }
    }

    fn expiry(&mut self) -> Expiry {
        match self.below(4) {
            0 => Expiry::At(self.time()),
            1 => Expiry::Keep,
            _ => Expiry::Clear,
        }
    }

    fn time(&mut self) -> u64 {
        1_000 + self.below(1_000_000) as u64
    }
}

fn maps_databases() -> usize {
    super::DATABASES
}
