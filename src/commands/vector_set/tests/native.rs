//! The native commands, and collections that were declared.

use super::{check, check_refused, with_set};
use crate::commands::desk::{Desk, Seat};
use crate::engine::{Patience, Scope};
use crate::keyspace::Value;
use crate::protocol::Reply;
use std::thread;
use std::time::Duration;

#[test]
fn vcreate_has_bounds_with_an_error_line_each() {
    let desk = Desk::new();
    let mut seat = desk.seat();
    for (line, error) in [
        ("VCREATE c M 16", "DIM is missing: VCREATE key DIM d"),
        ("VCREATE c DIM 0", "invalid DIM: an integer from 1 to 65536"),
        (
            "VCREATE c DIM 65537",
            "invalid DIM: an integer from 1 to 65536",
        ),
        (
            "VCREATE c DIM 3 METRIC dot",
            "invalid METRIC: COSINE, L2 or IP",
        ),
        (
            "VCREATE c DIM 3 TYPE F64",
            "invalid TYPE: F32, F16, Q8 or BIN",
        ),
        ("VCREATE c DIM 3 INDEX IVF", "invalid INDEX: HNSW or FLAT"),
        (
            "VCREATE c DIM 3 M 3",
            "invalid M: an integer from 4 to 4096",
        ),
        (
            "VCREATE c DIM 3 EF 0",
            "invalid EF: an integer from 1 to 1000000",
        ),
        (
            "VCREATE c DIM 3 TYPE BIN METRIC L2",
            "TYPE BIN needs METRIC COSINE",
        ),
        (
            "VCREATE c INDEX FLAT DIM 3 EF 10",
            "INDEX FLAT has no graph: M, EF, WALK and RECALL belong to INDEX HNSW",
        ),
        (
            "VCREATE c DIM 3 RECALL 2",
            "invalid RECALL: a number above 0, at most 1",
        ),
        ("VCREATE c DIM 3 WALK F16", "invalid WALK: Q4, Q8 or SAME"),
        ("VCREATE c DIM 3 M", "syntax error"),
    ] {
        check_refused(&mut seat, &format!("ERR {error}"), &[line]);
    }
    check(
        &mut seat,
        &[(
            "VCREATE c DIM 3 type f16 metric ip m 8 ef 50 index hnsw walk same recall 0.95",
            "+OK\r\n",
        )],
    );
    check_refused(
        &mut seat,
        "BUSYKEY Target key name already exists.",
        &["VCREATE c DIM 3"],
    );
}

#[test]
fn declared_collections_lend_their_schema_and_stay_when_empty() {
    let desk = Desk::new();
    let mut seat = desk.seat();
    check(
        &mut seat,
        &[
            ("VCREATE c DIM 2 TYPE F16 M 8", "+OK\r\n"),
            ("VCARD c", ":0\r\n"),
            ("VSIM c VALUES 2 1 0", "*0\r\n"),
            ("VRANDMEMBER c", "$-1\r\n"),
            ("VADD c VALUES 2 1 0 a", ":1\r\n"),
            ("VADD c VALUES 2 1 0 a M 8", ":0\r\n"),
            (
                "VADD c VALUES 2 1 0 b M 16",
                "-ERR asked M value mismatch with existing vector set\r\n",
            ),
            (
                "VADD c VALUES 2 1 0 b NOQUANT",
                "-ERR asked quantization mismatch with existing vector set\r\n",
            ),
            ("VADD c VALUES 2 70000 0 b", ":1\r\n"),
            ("VREM c b", ":1\r\n"),
            ("VREM c a", ":1\r\n"),
            ("VDIM c", ":2\r\n"),
            ("VCREATE l DIM 2 TYPE F16 METRIC L2", "+OK\r\n"),
            (
                "VADD l VALUES 2 70000 0 b",
                "-ERR invalid vector specification\r\n",
            ),
        ],
    );
}

#[test]
fn scores_and_distances_follow_the_metric() {
    let desk = Desk::new();
    let mut seat = desk.seat();
    for (key, options) in [
        ("l2", "METRIC L2 TYPE F32"),
        ("ip", "METRIC IP TYPE F32"),
        ("cos", "TYPE F32"),
        ("bin", "TYPE BIN"),
    ] {
        seat.run(&format!("VCREATE {key} DIM 2 {options}"));
        seat.run(&format!("VADD {key} VALUES 2 3 4 a"));
        seat.run(&format!("VADD {key} VALUES 2 -3 1 b"));
    }
    let search =
        |seat: &mut Seat, key: &str| seat.run(&format!("VSEARCH {key} 1 VALUES 2 3 0 WITHDIST"));
    assert_eq!(search(&mut seat, "l2"), "1) 1) \"a\"\n   2) \"16\"");
    assert_eq!(search(&mut seat, "ip"), "1) 1) \"a\"\n   2) \"-8\"");
    assert_eq!(search(&mut seat, "bin"), "1) 1) \"a\"\n   2) \"1\"");
    assert_eq!(
        search(&mut seat, "cos"),
        "1) 1) \"a\"\n   2) \"0.3999999761581421\""
    );
    let score = |seat: &mut Seat, key: &str| {
        seat.run(&format!("VSIM {key} VALUES 2 3 0 WITHSCORES COUNT 1"))
    };
    assert_eq!(
        score(&mut seat, "l2"),
        "1) \"a\"\n2) \"0.058823529411764705\""
    );
    assert_eq!(score(&mut seat, "ip"), "1) \"a\"\n2) \"9\"");
    assert_eq!(score(&mut seat, "bin"), "1) \"a\"\n2) \"0.5\"");
    assert_eq!(seat.run("VSIM l2 VALUES 2 3 4 EPSILON 0.5"), "1) \"a\"");
    assert_eq!(
        seat.run("VSIM l2 VALUES 2 3 4 EPSILON 0.99"),
        "1) \"a\"\n2) \"b\""
    );
    assert!(
        seat.run("VSIM ip VALUES 2 3 4 EPSILON 0.5")
            .contains("EPSILON is not defined for METRIC IP")
    );
    assert_eq!(seat.run("VEMB l2 a RAW").lines().last(), Some("3) \"1\""));
}

#[test]
fn vsearch_refuses_what_it_cannot_mean() {
    let desk = Desk::new();
    let mut seat = with_set(&desk);
    for (line, error) in [
        ("VSEARCH none 1 ELE a", "no such key"),
        (
            "VSEARCH s 0 ELE a",
            "invalid k: an integer from 1 to 1000000",
        ),
        (
            "VSEARCH s 1000001 ELE a",
            "invalid k: an integer from 1 to 1000000",
        ),
        ("VSEARCH s 1 ELE nobody", "element not found in set"),
        (
            "VSEARCH s 1 VALUES 3 1 2 3",
            "Vector dimension mismatch - got 3 but set has 2",
        ),
        ("VSEARCH s 1 VALUES 2 1 nan", "invalid vector specification"),
        (
            "VSEARCH s 1 ELE a EF 0",
            "invalid EF: an integer from 1 to 1000000",
        ),
        (
            "VSEARCH s 1 ELE a OFFSET -1",
            "invalid OFFSET: an integer from 0 to 1000000",
        ),
        (
            "VSEARCH s 1 ELE a RADIUS inf",
            "invalid RADIUS: a finite number",
        ),
        (
            "VSEARCH s 1 ELE a EF 10 EXACT",
            "EF, RECALL and EXACT exclude each other: give one of them",
        ),
        (
            "VSEARCH s 1 ELE a FILTER (",
            "syntax error in FILTER expression near: (",
        ),
        (
            "VSEARCH s 1 ELE a RECALL 0",
            "invalid RECALL: a number above 0, at most 1",
        ),
        ("VSEARCH s 1 ELE a COUNT 1", "syntax error"),
        ("VSEARCH s 1 ELE a OFFSET", "syntax error"),
    ] {
        check_refused(&mut seat, &format!("ERR {error}"), &[line]);
    }
}

#[test]
fn explain_tells_the_plan_and_an_option_forces_the_graph() {
    let desk = Desk::new();
    let mut seat = with_set(&desk);
    let plan = |seat: &mut Seat, line: &str| {
        let reply = seat.run(line);
        let mut lines = reply.lines().skip_while(|line| !line.ends_with("\"plan\""));
        let line = lines.nth(1).expect("a plan");
        line.split_once(") ").map(|(_, plan)| plan.to_owned())
    };
    assert_eq!(
        plan(&mut seat, "VSEARCH s 1 ELE a EXPLAIN").as_deref(),
        Some("scan")
    );
    assert_eq!(
        plan(&mut seat, "VSEARCH s 1 ELE a EXPLAIN FILTER 1").as_deref(),
        Some("scan-passing")
    );
    assert_eq!(seat.run("CONFIG SET search-force-graph yes"), "OK");
    assert_eq!(
        plan(&mut seat, "VSEARCH s 1 ELE a EXPLAIN").as_deref(),
        Some("graph")
    );
    assert_eq!(
        plan(&mut seat, "VSEARCH s 1 ELE a EXPLAIN FILTER 1").as_deref(),
        Some("graph-filtered")
    );
    assert_eq!(
        plan(&mut seat, "VSEARCH s 1 ELE a EXPLAIN EXACT").as_deref(),
        Some("scan")
    );
}

/// A walk on int4 codes tells few vectors apart; what it finds is ranked by the vectors themselves, under a filter too.
#[test]
fn filters_and_recall_hold_on_int4_walks() {
    let desk = Desk::with(&[("search-force-graph", "yes")]);
    let mut seat = desk.seat();
    assert_eq!(seat.run("VCREATE c DIM 8 METRIC L2 TYPE F32 WALK Q4"), "OK");
    let mut state = 9u32;
    let mut point = || {
        let components = (0..8).map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16).to_string()
        });
        components.collect::<Vec<_>>().join(" ")
    };
    for i in 0..400 {
        let n = i % 4;
        let added = seat.run(&format!(
            "VADD c VALUES 8 {} e{i} SETATTR '{{\"n\":{n}}}'",
            point()
        ));
        assert_eq!(added, "(integer) 1");
    }
    assert!(seat.run("VINFO c").contains("int4"));
    for _ in 0..20 {
        let search = format!("VSEARCH c 5 VALUES 8 {} FILTER '.n == 3' EF 100", point());
        let found = seat.run(&search);
        assert_eq!(
            found,
            seat.run(&search.replace("EF 100", "EXACT")),
            "{search}"
        );
        assert!(found.contains("\"e"), "{found}");
        let explained = seat.run(&format!("{search} EXPLAIN"));
        assert!(explained.contains(") graph-"), "{explained}");
    }
    let measured = |seat: &mut Seat, line: &str| {
        let Reply::Map(fields) = seat.reply(line) else {
            panic!("{line} answers no map");
        };
        let value = |name| {
            let field = fields
                .iter()
                .find(|(field, _)| *field == Reply::bulk_static(name));
            match field {
                Some((_, Reply::Double(value))) => *value,
                _ => panic!("no number {name} in {fields:?}"),
            }
        };
        (value("recall"), value("distances"))
    };
    for line in [
        "VRECALL c K 5 SAMPLE 50 EF 100",
        "VRECALL c K 5 SAMPLE 50 EF 100 FILTER '.n == 3'",
    ] {
        let (recall, distances) = measured(&mut seat, line);
        assert!(recall > 0.95, "{line}: {recall}");
        assert!(distances > 5.0, "{line}: {distances}");
    }
}

/// Little-endian floats.
fn blob(vectors: &[[f32; 2]]) -> Vec<u8> {
    vectors
        .iter()
        .flatten()
        .flat_map(|x| x.to_le_bytes())
        .collect()
}

/// A request that begins with the words of `head`, goes on with a blob, and ends with the words of `tail`.
fn send_blob(seat: &mut Seat, head: &str, vectors: &[[f32; 2]], tail: &str) -> Reply {
    let words = |text: &str| {
        let words = text.split_whitespace();
        words
            .map(|word| word.as_bytes().to_vec())
            .collect::<Vec<_>>()
    };
    seat.send([words(head), vec![blob(vectors)], words(tail)].concat())
}

/// Enough for all cores, with one element twice: what comes last holds.
#[test]
fn a_batch_does_what_its_vectors_would_one_by_one() {
    let desk = Desk::new();
    let mut seat = desk.seat();
    let mut vectors: Vec<[f32; 2]> = (0..50).map(|i| [1.0, i as f32]).collect();
    vectors[49] = [7.0, 0.0];
    let names: Vec<String> = (0..49).map(|i| format!("e{i}")).collect();
    let tail = format!("50 {} e3 NOQUANT SETATTR {{\"n\":1}}", names.join(" "));
    assert_eq!(
        send_blob(&mut seat, "VMADD s FP32", &vectors, &tail),
        Reply::Int(49)
    );
    for (i, name) in names.iter().enumerate() {
        let [x, y] = if i == 3 { vectors[49] } else { vectors[i] };
        let expected = format!("1) \"{x}\"\n2) \"{y}\"");
        assert_eq!(seat.run(&format!("VEMB s {name}")), expected);
        assert_eq!(seat.run(&format!("VGETATTR s {name}")), "\"{\\\"n\\\":1}\"");
    }
    let again = send_blob(
        &mut seat,
        "VMADD s FP32",
        &[[0.0, 1.0], [1.0, 0.0]],
        "2 e1 new NOQUANT",
    );
    assert_eq!(
        (again, seat.run("VCARD s")),
        (Reply::Int(1), "(integer) 50".into())
    );
}

#[test]
fn a_batch_with_one_wrong_vector_adds_none() {
    let desk = Desk::new();
    let mut seat = desk.seat();
    let wrong = [[1.0, 0.0], [f32::NAN, 0.0]];
    let refused = Reply::error("ERR invalid vector specification");
    assert_eq!(
        send_blob(&mut seat, "VMADD s FP32", &wrong, "2 a b"),
        refused
    );
    assert_eq!(seat.run("EXISTS s"), "(integer) 0");
    assert_eq!(seat.run("VCREATE h DIM 2 METRIC L2 TYPE F16"), "OK");
    let too_large = [[1.0, 0.0], [70_000.0, 0.0]];
    assert_eq!(
        send_blob(&mut seat, "VMADD h FP32", &too_large, "2 a b"),
        refused
    );
    assert_eq!(seat.run("VCARD h"), "(integer) 0");
}

#[test]
fn many_searches_answer_as_each_of_them_would() {
    let desk = Desk::new();
    let mut seat = desk.seat();
    let vectors: Vec<[f32; 2]> = (0..40)
        .map(|i| [(i as f32).cos(), (i as f32).sin()])
        .collect();
    for (i, [x, y]) in vectors.iter().enumerate() {
        seat.run(&format!(
            "VADD s VALUES 2 {x} {y} e{i} SETATTR '{{\"n\":{i}}}'"
        ));
    }
    for options in [
        "",
        "WITHDIST WITHATTRIBS",
        "EXACT WITHVECTORS",
        "FILTER .n<9 OFFSET 1",
    ] {
        let alone = vectors
            .iter()
            .map(|vector| send_blob(&mut seat, "VSEARCH s 3 FP32", &[*vector], options));
        let alone = Reply::Array(alone.collect());
        let together = send_blob(&mut seat, "VMSEARCH s 3 FP32", &vectors, options);
        assert_eq!(together, alone, "{options}");
    }
}

/// The first search that promises a recall measures, on all cores; the others of its batch run on them as well.
#[test]
fn a_batch_that_promises_a_recall_does_not_wait_for_itself() {
    let desk = Desk::with(&[("search-force-graph", "yes")]);
    let mut seat = desk.seat();
    let vectors: Vec<[f32; 2]> = (0..1_000).map(|i| [1.0, (i * 7 % 1_000) as f32]).collect();
    let names: Vec<String> = (0..1_000).map(|i| format!("e{i}")).collect();
    for kind in ["NOQUANT", "Q8"] {
        let key = kind.to_lowercase();
        let tail = format!("1000 {} {kind}", names.join(" "));
        send_blob(&mut seat, &format!("VMADD {key} FP32"), &vectors, &tail);
        let head = format!("VMSEARCH {key} 1 FP32");
        let reply = send_blob(&mut seat, &head, &vectors, "RECALL 0.9");
        let Reply::Array(lists) = reply else {
            panic!("{reply:?}");
        };
        assert_eq!(lists.len(), 1_000);
        // Nobody is asked for a k that is measured anew each time.
        for k in ["1500", "1501", "2047"] {
            seat.run(&format!("VSEARCH {key} {k} ELE e1 RECALL 0.9"));
        }
        let info = seat.run(&format!("VINFO {key}"));
        let curves = info.matches("measured-at-ms").count();
        assert!((1..=2).contains(&curves), "{info}");
    }
}

#[test]
fn changes_that_may_take_elements_out_leave_some_whatever_happens() {
    let desk = Desk::new();
    let mut seat = desk.seat();
    for name in ["a", "b", "c"] {
        seat.run(&format!("VADD key VALUES 2 1 2 {name}"));
    }
    let view = desk.context.engine.keyspace().view(0, 0);
    let Some(Value::Collection(collection)) = view.get(b"key") else {
        panic!("no collection");
    };
    let first = collection.may_leave(1);
    assert!(first.is_some() && collection.may_leave(2).is_none());
    let second = collection.may_leave(1);
    assert!(second.is_some() && collection.may_leave(1).is_none());
    drop(first);
    assert!(collection.may_leave(1).is_some());
}

/// It waits for a transaction that holds the key.
#[test]
fn an_element_that_waits_while_its_set_expires_makes_the_set_anew() {
    let desk = Desk::new();
    let mut seat = desk.seat();
    for name in ["a", "b", "c"] {
        seat.run(&format!("VADD key VALUES 2 1 2 {name} NOQUANT"));
    }
    seat.run("PEXPIRE key 1000");
    let scope = Scope {
        keys: vec![(0, b"key".to_vec())],
        ..Scope::default()
    };
    let engine = &desk.context.engine;
    let mut writer = desk.seat();
    thread::scope(|threads| {
        let run = engine.transaction(&scope, Patience::Wait, |_| {
            let writing = threads.spawn(|| writer.run("VADD key VALUES 3 1 2 3 d NOQUANT"));
            thread::sleep(Duration::from_millis(50));
            desk.advance_ms(2000);
            writing
        });
        let (writing, _) = run.expect("it waits for its locks");
        assert_eq!(writing.join().expect("a reply"), "(integer) 1");
    });
    let dim = seat.run("VDIM key");
    assert_eq!(
        (dim.as_str(), seat.run("TTL key")),
        ("(integer) 3", "(integer) -1".to_owned())
    );
    assert_eq!(seat.run("VCARD key"), "(integer) 1");
}
