//! Expressions over columns against the same expressions over the attributes, on random documents.

use super::super::Expression;
use super::tree::{Dice, FIELDS};
use crate::index::{IndexKind, IndexOptions, Metric, Quantization, WalkedOn};
use crate::keyspace::change::{Change, Effect, Upsert};
use crate::keyspace::collection::{Collection, Schema};
use crate::keyspace::columns::{BLOCK, Urgency};
use crate::keyspace::{Keyspace, Value};
use bytes::Bytes;
use std::sync::Arc;

/// More than a block of slots that is not full, and several segments.
const ELEMENTS: usize = 1000;

const ODD_VALUES: [&str; 22] = [
    "1e400",
    "-1e400",
    "-0",
    "0.5",
    "007",
    "+3",
    "1e",
    "--1",
    "1.2.3",
    "truex",
    "nul",
    "\"nan\"",
    "\"inf\"",
    "\"0x10\"",
    "\"1e2\"",
    "\" 3\"",
    "\"a\\nb\"",
    "\"\\u0061\"",
    "[\"x\", [1, 2], null, true]",
    "[1, 2",
    "{\"a\": 1}",
    "\"open",
];

/// A document of some fields in any order, now and then with what is no JSON.
fn document(dice: &mut Dice) -> String {
    let mut fields: Vec<String> = Vec::new();
    for field in FIELDS {
        let value = match dice.roll(12) {
            0 => continue,
            1 => ODD_VALUES[dice.roll(ODD_VALUES.len())].to_owned(),
            2 => format!("\"{}\"", "long".repeat(dice.roll(3) * 600)),
            3 => dice.json(0).print(),
            4..7 => dice.roll(5).to_string(),
            7..10 => format!("\"t{}\"", dice.roll(4)),
            _ => format!("[\"t{}\", {}]", dice.roll(4), dice.roll(3)),
        };
        fields.push(format!("\"{field}\": {value}"));
        if dice.roll(30) == 0 {
            fields.push(format!("\"{field}\": 7"));
        }
    }
    if !fields.is_empty() {
        let first = dice.roll(fields.len());
        fields.rotate_left(first);
    }
    match dice.roll(60) {
        0 => String::new(),
        1 => "[]".into(),
        2 => format!("{{{}", fields.join(", ")),
        3 => format!("{{{}}}", fields.join(" ")),
        _ => format!("{{{}}}", fields.join(", ")),
    }
}

fn collection(dice: &mut Dice) -> (Keyspace, Arc<Collection>) {
    let keyspace = Keyspace::new(1, 1);
    let index = IndexOptions {
        dim: 2,
        metric: Metric::L2,
        quantization: Quantization::F32,
        kind: IndexKind::Flat,
        m: 16,
        ef_construction: 100,
        walked_on: WalkedOn::Codes,
    };
    let schema = Schema {
        index,
        projected_from: None,
        declared: true,
        recall: None,
    };
    let create = Effect::CreateCollection {
        schema: Box::new(schema),
    };
    keyspace.apply(Change::new(0, b"c", create), 1);
    for n in 0..ELEMENTS {
        let upsert = Upsert {
            element: format!("e{n}").into(),
            vector: vec![n as f32, 1.0],
            schema: None,
            ef: None,
            attributes: Some(Bytes::from(document(dice))),
        };
        let effect = Effect::Upsert(Box::new(upsert));
        keyspace.apply(Change::new(0, b"c", effect), n as u64 + 2);
    }
    match keyspace.view(0, 0).get(b"c") {
        Some(Value::Collection(collection)) => (keyspace, collection),
        _ => panic!("the collection is there"),
    }
}

/// Compares all slots; how many pass, and how many columns could not tell.
fn compare(collection: &Collection, text: &str, seed: u64) -> (usize, usize) {
    let expression = Expression::compile(text.as_bytes()).expect("an expression");
    let _pin = crossbeam_epoch::pin();
    let columns = collection.columns_of(expression.fields(), Urgency::High);
    let Some(over) = columns.and_then(|columns| expression.over(columns)) else {
        assert!(expression.fields().is_empty(), "{text} has columns");
        return (0, 0);
    };
    let (mut passed, mut unknown) = (0, 0);
    for block in 0..ELEMENTS.div_ceil(BLOCK) {
        let together = over.test(block, !0, collection.columns());
        for at in 0..BLOCK {
            let slot = (block * BLOCK + at) as u32;
            let expected = collection.test_element(slot, |element| {
                element.test_attributes(|attributes| expression.matches(attributes))
            });
            let part = over.test(block, 1 << at, collection.columns());
            let alone = over.test_one(slot, collection.columns());
            let context = || {
                let element = collection.element(slot).and_then(|e| e.attributes());
                format!("seed {seed}: {text} on {element:?}")
            };
            assert_eq!(alone.unwrap_or(expected), expected, "{}", context());
            assert_eq!(
                alone.is_none(),
                part.unknown >> at & 1 == 1,
                "{}",
                context()
            );
            for verdicts in [together, part] {
                if verdicts.unknown >> at & 1 == 1 {
                    unknown += 1;
                } else {
                    let passes = verdicts.passes >> at & 1 == 1;
                    assert_eq!(passes, expected, "{}", context());
                }
            }
            passed += usize::from(expected);
        }
    }
    (passed, unknown)
}

#[test]
fn columns_agree_with_attributes_on_random_expressions() {
    let seed = 0xc01;
    let mut dice = Dice(seed);
    let (_keyspace, collection) = collection(&mut dice);
    let (mut passed, mut unknown) = (0, 0);
    for _ in 0..1500 {
        let text = dice.tree(1).print();
        let (passed_here, unknown_here) = compare(&collection, &text, seed);
        passed += passed_here;
        unknown += unknown_here;
    }
    assert!(
        passed > 100_000,
        "{passed} passed: the generator tells nothing"
    );
    // Of each document some field may be too long for a column.
    assert!(unknown > 0 && unknown < 1500 * ELEMENTS, "{unknown}");
}

#[test]
fn columns_agree_with_attributes_on_every_form_of_condition() {
    let seed = 0xc02;
    let mut dice = Dice(seed);
    let (_keyspace, collection) = collection(&mut dice);
    let mut passed = 0;
    let tuples = [
        "[]",
        "[1]",
        "[1, 't2']",
        "[0, 1, 2, 3, 4, 5]",
        "['t0', 't1', 'none', '1', 'nan', 't9']",
        "['t0', 2, '', 't1', '3', -1]",
        "['0', 't0', 't0', 't0', 't0']",
        "[0, 9, 9, 9, 9]",
    ];
    let literals = [
        "0", "1", "2.5", "-3", "'t1'", "''", "'1'", "'x'", "'none'", "null", "'nan'", "'inf'",
    ];
    let mut texts: Vec<String> = Vec::new();
    for operator in ["==", "!=", "<", "<=", ">", ">=", "in"] {
        texts.extend(literals.iter().flat_map(|literal| {
            [
                format!(".a {operator} {literal}"),
                format!("{literal} {operator} .b"),
            ]
        }));
        texts.push(format!(".a {operator} .b"));
        texts.push(format!("(.a + 1) {operator} .b"));
        texts.push(format!(".a {operator} (.b > 1)"));
        texts.push(format!("(.a > 1) {operator} .b"));
        texts.push(format!("(.a + 1) {operator} null"));
        texts.push(format!("(.a + 1) {operator} '2'"));
        texts.extend(tuples.iter().flat_map(|tuple| {
            [
                format!(".a {operator} {tuple}"),
                format!("{tuple} {operator} .a"),
                format!("(.a * 1) {operator} {tuple}"),
                format!("1 {operator} {tuple} and .a"),
            ]
        }));
    }
    for logic in [
        "not .a",
        ".a",
        ".a and .b",
        ".a or .b",
        "not (.a and not .b)",
        ".a + .b",
        "1 or .a",
        "0 or .a",
        "null or .a",
    ] {
        texts.push(logic.into());
    }
    for text in &texts {
        passed += compare(&collection, text, seed).0;
    }
    assert!(
        passed > 30_000,
        "{passed} passed: the documents tell nothing"
    );
}
