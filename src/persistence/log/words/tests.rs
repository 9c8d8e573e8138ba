//! Every kind of change, there and back; and what is refused.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;
use crate::keyspace::json::{Object, Step};

/// A random number generator for tests: SplitMix64 (Steele, Lea and Flood 2014).
struct Random(u64);

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

    fn declared(&mut self) -> Schema {
        let index = IndexOptions {
            dim: 1 + self.below(65_536) as u32,
            metric: METRICS[self.below(3) as usize],
            quantization: TYPES[self.below(4) as usize],
            kind: KINDS[self.below(2) as usize],
            m: self.below(4096) as u32,
            ef_construction: self.draw() as u32,
            walked_on: [WalkedOn::Codes, WalkedOn::Stored][self.below(2) as usize],
        };
        let projected_from = self.flip().then(|| self.draw() as u32);
        Schema {
            index,
            projected_from,
            declared: true,
            recall: self.flip().then(|| self.below(1_000_001) as u32),
        }
    }

    fn upsert(&mut self) -> Upsert {
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

    fn change(&mut self, kind: u64) -> Change {
        let effect = self.effect(kind);
        let of_key = !matches!(
            effect,
            Effect::FlushDb | Effect::FlushAll | Effect::SwapDb { .. }
        );
        let key = if of_key { self.bytes() } else { Bytes::new() };
        Change::new(self.below(16) as usize, &key, effect)
    }
}

const KINDS_OF_CHANGE: u64 = 35;

/// Which of [`Random::effect`]'s kinds it is; a new variant does not compile until it has one.
fn kind(effect: &Effect) -> u64 {
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

fn decoded(body: &[u8], mut db: usize) -> Result<(Vec<Change>, usize), WordError> {
    let mut changes = Vec::new();
    decode(&Bytes::copy_from_slice(body), &mut db, |change| {
        changes.push(change)
    })?;
    Ok((changes, db))
}

/// Equal to the bit: a vector may hold NaN here.
fn same(a: &Change, b: &Change) -> bool {
    let (Effect::Upsert(x), Effect::Upsert(y)) = (&a.effect, &b.effect) else {
        return a == b;
    };
    let bits = |upsert: &Upsert| {
        upsert
            .vector
            .iter()
            .map(|c| c.to_bits())
            .collect::<Vec<u32>>()
    };
    let rest = |upsert: &Upsert| Upsert {
        vector: Vec::new(),
        ..upsert.clone()
    };
    (a.db, &a.key) == (b.db, &b.key) && bits(x) == bits(y) && rest(x) == rest(y)
}

#[test]
fn every_kind_of_change_comes_back_as_it_was() {
    let mut random = Random(20_260_101);
    println!("seed {}", random.0);
    for round in 0..KINDS_OF_CHANGE * 200 {
        let change = random.change(round % KINDS_OF_CHANGE);
        assert_eq!(
            kind(&change.effect),
            round % KINDS_OF_CHANGE,
            "the generator covers every kind"
        );
        let mut body = Vec::new();
        encode(&change, &mut body);
        let (changes, db) = decoded(&body, change.db).unwrap();
        assert!(
            changes.len() == 1 && same(&changes[0], &change),
            "{change:?} became {changes:?}"
        );
        assert_eq!(db, change.db);
    }
}

#[test]
fn changes_of_one_record_come_back_in_order_with_their_databases() {
    let mut random = Random(7);
    let changes: Vec<Change> = (0..60)
        .map(|i| random.change(i % KINDS_OF_CHANGE))
        .collect();
    let mut body = Vec::new();
    body.extend_from_slice(MULTI);
    for change in &changes {
        encode_select(change.db, &mut body);
        encode(change, &mut body);
    }
    body.extend_from_slice(EXEC);
    let (read, db) = decoded(&body, 99).unwrap();
    assert_eq!(db, changes.last().unwrap().db);
    assert_eq!(read.len(), changes.len());
    assert!(read.iter().zip(&changes).all(|(a, b)| same(a, b)));
}

#[test]
fn a_declared_collection_is_spoken_of_without_its_schema() {
    let mut random = Random(3);
    let upsert = Upsert {
        schema: Some(random.declared()),
        ..random.upsert()
    };
    let change = Change::new(0, b"k", Effect::Upsert(Box::new(upsert.clone())));
    let mut body = Vec::new();
    encode(&change, &mut body);
    let said = Change::new(
        0,
        b"k",
        Effect::Upsert(Box::new(Upsert {
            schema: None,
            ..upsert
        })),
    );
    assert!(same(&decoded(&body, 0).unwrap().0[0], &said));
}

/// The words as a person writes them, one string per word.
fn check_words(effect: Effect, expected: &str) {
    let mut body = Vec::new();
    encode(&Change::new(2, b"k", effect), &mut body);
    let mut words = Vec::new();
    let body = Bytes::from(body);
    Commands {
        body: &body,
        position: 0,
    }
    .next(&mut words)
    .unwrap();
    let text: Vec<_> = words
        .iter()
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .collect();
    assert_eq!(text.join(" "), expected);
}

#[test]
fn the_words_are_those_of_the_documentation() {
    let (f, v) = (Bytes::from("f"), Bytes::from("v"));
    let fields = || vec![(f.clone(), v.clone())];
    check_words(
        Effect::Set {
            value: v.clone(),
            expiry: Expiry::Clear,
        },
        "SET k v",
    );
    check_words(
        Effect::Set {
            value: v.clone(),
            expiry: Expiry::At(9),
        },
        "SET k v PXAT 9",
    );
    check_words(
        Effect::Copy {
            to_db: 3,
            to: (*b"to").into(),
        },
        "COPY k to DB 3 REPLACE",
    );
    check_words(Effect::SwapDb { with: 5 }, "SWAPDB 2 5");
    check_words(
        Effect::HashSet {
            fields: fields(),
            expiry: Expiry::Clear,
        },
        "HSET k f v",
    );
    check_words(
        Effect::HashSet {
            fields: fields(),
            expiry: Expiry::Keep,
        },
        "HSETEX k KEEPTTL FIELDS 1 f v",
    );
    check_words(
        Effect::HashSet {
            fields: fields(),
            expiry: Expiry::At(7),
        },
        "HSETEX k PXAT 7 FIELDS 1 f v",
    );
    check_words(
        Effect::HashExpireAt {
            at_ms: 7,
            fields: vec![f.clone()],
        },
        "HPEXPIREAT k 7 FIELDS 1 f",
    );
    check_list_words(&f, &v);
    let members = vec![(1.5, f.clone()), (f64::NEG_INFINITY, v.clone())];
    check_words(Effect::SortedSetAdd { members }, "ZADD k 1.5 f -inf v");
    let mut schema = Schema::implied(2, None, Quantization::F32, 8);
    let vector = vec![f32::from_le_bytes(*b"abcd"), f32::from_le_bytes(*b"efgh")];
    let upsert = Upsert {
        element: Bytes::from("e"),
        vector,
        schema: Some(schema.clone()),
        ef: Some(50),
        attributes: Some(v),
    };
    check_words(
        Effect::Upsert(Box::new(upsert)),
        "VADD k FP32 abcdefgh e NOQUANT EF 50 M 8 SETATTR v",
    );
    schema.declared = true;
    let create = Effect::CreateCollection {
        schema: Box::new(schema),
    };
    check_words(
        create,
        "VCREATE k DIM 2 METRIC COSINE TYPE F32 M 8 EF 200 INDEX HNSW",
    );
}

fn check_list_words(f: &Bytes, v: &Bytes) {
    let elements = vec![f.clone(), v.clone()];
    let end = End::Back;
    check_words(Effect::ListPush { end, elements }, "RPUSH k f v");
    let (end, count) = (End::Front, 2);
    check_words(Effect::ListPop { end, count }, "LPOP k 2");
    let insert = Effect::ListInsert {
        side: End::Back,
        pivot: f.clone(),
        element: v.clone(),
    };
    check_words(insert, "LINSERT k AFTER f v");
    let remove = Effect::ListRemove {
        end: End::Back,
        count: 2,
        element: v.clone(),
    };
    check_words(remove, "LREM k -2 v");
    let set = Effect::ListSet {
        place: 3,
        element: v.clone(),
    };
    check_words(set, "LSET k 3 v");
    check_words(Effect::ListTrim { first: 1, last: 4 }, "LTRIM k 1 4");
}

#[test]
fn the_words_of_documents_are_those_of_the_documentation() {
    let check = |place: &str, edit: Edit, expected: &str| {
        let place = Place::parse(place).unwrap();
        check_words(Effect::Json { place, edit }, expected);
    };
    let json = |text: &str| Json::parse(text).unwrap();
    check(
        "$",
        Edit::Set(json("{\"a\": [1]}")),
        "JSON.SET k $ {\"a\":[1]}",
    );
    check(
        "$.a[0]",
        Edit::Set(json("2.0")),
        "JSON.SET k $[\"a\"][0] 2.0",
    );
    check("$['\"']", Edit::Delete, "JSON.DEL k $['\"']");
    check(
        "$.a",
        Edit::Merge(json("{\"b\":null}")),
        "JSON.MERGE k $[\"a\"] {\"b\":null}",
    );
    check(
        "$.a",
        Edit::Append("b".into()),
        "JSON.STRAPPEND k $[\"a\"] \"b\"",
    );
    let values = vec![json("1"), json("\"x\"")];
    check(
        "$.a",
        Edit::Insert { at: 7, values },
        "JSON.ARRINSERT k $[\"a\"] 7 1 \"x\"",
    );
    check("$.a", Edit::Pop { at: 3 }, "JSON.ARRPOP k $[\"a\"] 3");
    check(
        "$.a",
        Edit::Trim { start: 2, len: 3 },
        "JSON.ARRTRIM k $[\"a\"] 2 4",
    );
    check(
        "$.a",
        Edit::Trim { start: 0, len: 0 },
        "JSON.ARRTRIM k $[\"a\"] 1 0",
    );
}

fn check_refused(body: &str, what: &str) {
    let error = decoded(body.as_bytes(), 0).unwrap_err();
    assert!(error.what.contains(what), "{body:?}: {error}");
}

#[test]
fn what_is_not_in_the_list_is_refused() {
    check_refused("*1\r\n$4\r\nPING\r\n", "word is missing");
    check_refused("*2\r\n$4\r\nINCR\r\n$1\r\nk\r\n", "no such word");
    check_refused("*2\r\n$3\r\ndel\r\n$1\r\nk\r\n", "no such word");
    check_refused("*3\r\n$3\r\nDEL\r\n$1\r\nk\r\n$1\r\nl\r\n", "too many");
    check_refused("*1\r\n$5\r\nMULTI\r\n", "no EXEC");
    check_refused("*1\r\n$4\r\nEXEC\r\n", "word is missing");
    check_refused("*3\r\n$9\r\nPEXPIREAT\r\n$1\r\nk\r\n$2\r\n-1\r\n", "number");
    check_refused(
        "*4\r\n$8\r\nHPERSIST\r\n$1\r\nk\r\n$6\r\nFIELDS\r\n$1\r\n1\r\n",
        "fields is wrong",
    );
    check_refused(
        "*4\r\n$4\r\nZADD\r\n$1\r\nk\r\n$3\r\nnan\r\n$1\r\nm\r\n",
        "score",
    );
    check_refused("DEL k\r\n", "not an array");
    let word = |word: &str| format!("${}\r\n{word}\r\n", word.len());
    let edit = |words: [&str; 4]| format!("*4\r\n{}", words.map(word).concat());
    check_refused(&edit(["JSON.SET", "k", "$", "[1"]), "not JSON");
    check_refused(&edit(["JSON.SET", "k", "$.*", "1"]), "not concrete");
    check_refused(&edit(["JSON.STRAPPEND", "k", "$", "1"]), "string");
    check_refused(&edit(["JSON.CLEAR", "k", "$", "1"]), "no such word");
    check_refused("*1\r\n$9999999999999999999999\r\n", "length");
    check_refused("*18446744073709551615\r\n$3\r\nDEL\r\n", "length");
    check_refused(
        "*1\r\n$18446744073709551615\r\nDEL\r\n",
        "longer than the record",
    );
}

#[test]
fn every_cut_of_a_body_is_refused_or_ends_between_commands() {
    let mut random = Random(11);
    for kind in 0..KINDS_OF_CHANGE {
        let mut body = Vec::new();
        encode(&random.change(kind), &mut body);
        for end in 1..body.len() {
            assert!(
                decoded(&body[..end], 0).is_err(),
                "kind {kind} cut at {end}"
            );
        }
    }
}
