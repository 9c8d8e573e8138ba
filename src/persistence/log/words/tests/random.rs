//! Random changes of every kind, with the bytes that are hard to say.

use super::super::collections::{IMPLIED_TYPES, KINDS, METRICS, TYPES};
use crate::keyspace::change::{Change, Effect, Expiry, Upsert};
use crate::keyspace::collection::{IndexOptions, Schema, WalkedOn};
use crate::keyspace::documents;
use crate::keyspace::json::{Edit, Json, Object, Place, Step};
use crate::keyspace::list::End;
use bytes::Bytes;
use std::sync::Arc;

/// A random number generator for tests: SplitMix64 (Steele, Lea and Flood 2014).
pub(super) struct Random(pub(super) u64);

impl Random {
    fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.draw() % n
    }

    fn flip(&mut self) -> bool {
        self.draw() & 1 == 1
    }

    /// A string of any bytes, often empty, often one that looks like a word or a frame.
    fn bytes(&mut self) -> Bytes {
        const TRAPS: [&[u8]; 8] = [
            b"",
            b"\r\n",
            b"EXEC",
            b"*1\r\n$4\r\nEXEC\r\n",
            b"KEEPTTL",
            b"FIELDS",
            b"REDUCE",
            b"#R 1 1 0 0 0 0\r\n",
        ];
        if self.flip() {
            return Bytes::from_static(TRAPS[self.below(8) as usize]);
        }
        (0..self.below(300)).map(|_| self.draw() as u8).collect()
    }

    fn list(&mut self) -> Vec<Bytes> {
        (0..1 + self.below(5)).map(|_| self.bytes()).collect()
    }

    fn expiry(&mut self) -> Expiry {
        match self.below(3) {
            0 => Expiry::Clear,
            1 => Expiry::Keep,
            _ => Expiry::At(self.draw()),
        }
    }

    fn end(&mut self) -> End {
        if self.flip() { End::Front } else { End::Back }
    }

    /// Any number but NaN.
    fn score(&mut self) -> f64 {
        const TRAPS: [f64; 4] = [f64::INFINITY, f64::NEG_INFINITY, -0.0, 5e-324];
        if self.below(4) == 0 {
            return TRAPS[self.below(4) as usize];
        }
        let score = f64::from_bits(self.draw());
        if score.is_nan() { 0.5 } else { score }
    }

    pub(super) fn declared(&mut self) -> Schema {
        let index = IndexOptions {
            dim: 1 + self.below(65_536) as u32,
            metric: METRICS[self.below(3) as usize],
            quantization: TYPES[self.below(4) as usize],
            kind: KINDS[self.below(2) as usize],
            m: self.below(4096) as u32,
            ef_construction: self.draw() as u32,
            walked_on: [WalkedOn::Codes, WalkedOn::Stored, WalkedOn::Int4][self.below(3) as usize],
        };
        let projected_from = self.flip().then(|| self.draw() as u32);
        Schema {
            index,
            projected_from,
            declared: true,
            recall: self.flip().then(|| self.below(1_000_001) as u32),
        }
    }

    pub(super) fn upsert(&mut self) -> Upsert {
        let vector: Vec<f32> = (0..1 + self.below(40))
            .map(|_| f32::from_bits(self.draw() as u32))
            .collect();
        let len = vector.len() as u32;
        let quantization = IMPLIED_TYPES[self.below(3) as usize];
        let schema = match self.below(3) {
            0 => None,
            1 => Some(Schema::implied(len, None, quantization, self.draw() as u32)),
            _ => Some(Schema::implied(
                1 + self.below(50) as u32,
                Some(len),
                quantization,
                16,
            )),
        };
        let ef = self.flip().then(|| self.draw() as u32);
        let attributes = self.flip().then(|| self.bytes());
        Upsert {
            element: self.bytes(),
            vector,
            schema,
            ef,
            attributes,
        }
    }

    fn effect(&mut self, kind: u64) -> Effect {
        match kind {
            0 => Effect::Set {
                value: self.bytes(),
                expiry: self.expiry(),
            },
            1 => Effect::Append {
                suffix: self.bytes(),
            },
            2 => Effect::SetRange {
                offset: self.draw() as usize,
                part: self.bytes(),
            },
            3 => Effect::Delete,
            4 => Effect::ExpireAt { at_ms: self.draw() },
            5 => Effect::Persist,
            6 => Effect::Rename {
                to: self.bytes()[..].into(),
            },
            7 => Effect::Copy {
                to_db: self.below(16) as usize,
                to: self.bytes()[..].into(),
            },
            8 => Effect::Move {
                to_db: self.below(16) as usize,
            },
            9 => Effect::FlushDb,
            10 => Effect::FlushAll,
            11 => Effect::SwapDb {
                with: self.below(16) as usize,
            },
            12 => {
                let fields = self
                    .list()
                    .into_iter()
                    .map(|name| (name, self.bytes()))
                    .collect();
                Effect::HashSet {
                    fields,
                    expiry: self.expiry(),
                }
            }
            13 => Effect::HashDelete {
                fields: self.list(),
            },
            14 => Effect::HashExpireAt {
                at_ms: self.draw(),
                fields: self.list(),
            },
            15 => Effect::HashPersist {
                fields: self.list(),
            },
            16 => Effect::CreateCollection {
                schema: Box::new(self.declared()),
            },
            17 => Effect::Upsert(Box::new(self.upsert())),
            18 => Effect::Remove {
                element: self.bytes(),
            },
            19 => Effect::SetAdd {
                members: self.list(),
            },
            20 => Effect::SetRemove {
                members: self.list(),
            },
            21 => {
                let members = self.list().into_iter();
                Effect::SortedSetAdd {
                    members: members.map(|member| (self.score(), member)).collect(),
                }
            }
            22 => Effect::SortedSetRemove {
                members: self.list(),
            },
            23 => Effect::ListPush {
                end: self.end(),
                elements: self.list(),
            },
            24 => Effect::ListPop {
                end: self.end(),
                count: self.draw() as usize,
            },
            25 => Effect::ListSet {
                place: self.draw() as usize,
                element: self.bytes(),
            },
            26 => Effect::ListInsert {
                side: self.end(),
                pivot: self.bytes(),
                element: self.bytes(),
            },
            27 => Effect::ListRemove {
                end: self.end(),
                count: self.draw() as usize,
                element: self.bytes(),
            },
            28 => Effect::ListTrim {
                first: self.draw() as usize,
                last: self.draw() as usize,
            },
            29 => Effect::SetAttributes {
                element: self.bytes(),
                attributes: self.bytes(),
            },
            30 => Effect::Json {
                place: self.place(),
                edit: self.edit(),
            },
            31 => Effect::CreateIndex {
                schema: Arc::new(self.index_schema()),
            },
            32 => Effect::SetAlias {
                index: self.bytes()[..].into(),
            },
            33 => Effect::DropAlias,
            _ => Effect::DropIndex,
        }
    }

    fn index_schema(&mut self) -> documents::schema::Schema {
        let kinds = [
            "TEXT",
            "TAG",
            "NUMERIC SORTABLE",
            "VECTOR FLAT 6 TYPE FLOAT32 DIM 3 DISTANCE_METRIC L2",
        ];
        let mut text = format!("PREFIX 1 p{} SCHEMA", self.draw());
        for at in 0..=self.below(3) {
            let kind = kinds[self.below(kinds.len() as u64) as usize];
            text.push_str(&format!(" f{at} {kind}"));
        }
        let words: Vec<&[u8]> = text.split(' ').map(str::as_bytes).collect();
        let mut words = documents::words::Words::new(&words);
        documents::schema::create(&mut words).expect("the words of an index")
    }

    /// Any characters, often those that quotes and escapes are about.
    fn text(&mut self) -> String {
        const TRAPS: [char; 8] = ['"', '\'', '\\', '\n', '\0', ']', 'é', '𝄞'];
        let any = |random: &mut Random| match random.flip() {
            true => TRAPS[random.below(8) as usize],
            false => char::from(b'a' + random.below(26) as u8),
        };
        (0..self.below(6)).map(|_| any(self)).collect()
    }

    fn place(&mut self) -> Place {
        let step = |random: &mut Random| match random.flip() {
            true => Step::Name(random.text().into()),
            false => Step::At(random.below(1 << 40) as usize),
        };
        Place::new((0..self.below(4)).map(|_| step(self)).collect())
    }

    fn json(&mut self, depth: u64) -> Json {
        match self.below(if depth == 0 { 6 } else { 8 }) {
            0 => Json::Null,
            1 => Json::Bool(self.flip()),
            2 => Json::Int(self.draw() as i64),
            3 => Json::Uint(self.draw() | 1 << 63),
            4 => {
                let float = f64::from_bits(self.draw());
                Json::Float(if float.is_finite() { float } else { -0.0 })
            }
            5 => Json::Text(self.text().into()),
            6 => {
                let elements = (0..self.below(6)).map(|_| self.json(depth - 1)).collect();
                Json::array(elements)
            }
            _ => {
                let members =
                    (0..self.below(6)).map(|_| (self.text().into(), self.json(depth - 1)));
                Json::Object(Box::new(Object::new(members.collect())))
            }
        }
    }

    fn edit(&mut self) -> Edit {
        match self.below(7) {
            0 => Edit::Set(self.json(3)),
            1 => Edit::Delete,
            2 => Edit::Merge(self.json(3)),
            3 => Edit::Append(self.text().into()),
            4 => Edit::Insert {
                at: self.below(100) as usize,
                values: (0..1 + self.below(3)).map(|_| self.json(2)).collect(),
            },
            5 => Edit::Pop {
                at: self.below(100) as usize,
            },
            _ => match self.flip() {
                true => Edit::Trim { start: 0, len: 0 },
                false => Edit::Trim {
                    start: self.below(100) as usize,
                    len: 1 + self.below(100) as usize,
                },
            },
        }
    }

    pub(super) fn change(&mut self, kind: u64) -> Change {
        let effect = self.effect(kind);
        let of_key = !matches!(
            effect,
            Effect::FlushDb | Effect::FlushAll | Effect::SwapDb { .. }
        );
        let key = if of_key { self.bytes() } else { Bytes::new() };
        Change::new(self.below(16) as usize, &key, effect)
    }
}

/// How many kinds [`Random::change`] knows.
pub(super) const KINDS_OF_CHANGE: u64 = 35;

/// Which of [`Random::effect`]'s kinds it is; a new variant does not compile until it has one.
pub(super) fn kind(effect: &Effect) -> u64 {
    match effect {
        Effect::Set { .. } => 0,
        Effect::Append { .. } => 1,
        Effect::SetRange { .. } => 2,
        Effect::Delete => 3,
        Effect::ExpireAt { .. } => 4,
        Effect::Persist => 5,
        Effect::Rename { .. } => 6,
        Effect::Copy { .. } => 7,
        Effect::Move { .. } => 8,
        Effect::FlushDb => 9,
        Effect::FlushAll => 10,
        Effect::SwapDb { .. } => 11,
        Effect::HashSet { .. } => 12,
        Effect::HashDelete { .. } => 13,
        Effect::HashExpireAt { .. } => 14,
        Effect::HashPersist { .. } => 15,
        Effect::CreateCollection { .. } => 16,
        Effect::Upsert(..) => 17,
        Effect::Remove { .. } => 18,
        Effect::SetAdd { .. } => 19,
        Effect::SetRemove { .. } => 20,
        Effect::SortedSetAdd { .. } => 21,
        Effect::SortedSetRemove { .. } => 22,
        Effect::ListPush { .. } => 23,
        Effect::ListPop { .. } => 24,
        Effect::ListSet { .. } => 25,
        Effect::ListInsert { .. } => 26,
        Effect::ListRemove { .. } => 27,
        Effect::ListTrim { .. } => 28,
        Effect::SetAttributes { .. } => 29,
        Effect::Json { .. } => 30,
        Effect::CreateIndex { .. } => 31,
        Effect::SetAlias { .. } => 32,
        Effect::DropAlias => 33,
        Effect::DropIndex => 34,
    }
}
