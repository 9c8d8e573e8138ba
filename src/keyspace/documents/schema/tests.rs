//! FT.CREATE and FT.ALTER: what they make, the words it becomes again, and every refusal.

use super::*;

/// Words of a line, parted by blanks; `""` is the empty one.
fn words(line: &str) -> Vec<&[u8]> {
    let word = |word: &'static str| word.as_bytes();
    line.split_whitespace()
        .map(|text| match text {
            "\"\"" => word(""),
            text => text.as_bytes(),
        })
        .collect()
}

fn make(line: &str) -> Result<Schema, SchemaError> {
    create(&mut super::super::words::Words::new(&words(line)))
}

fn schema(line: &str) -> Schema {
    make(line).unwrap_or_else(|error| panic!("{line}: {error}"))
}

fn refusal(line: &str) -> String {
    match make(line) {
        Err(error) => error.to_string(),
        Ok(schema) => panic!("{line}: {schema:?}"),
    }
}

#[test]
fn defaults_are_those_of_the_module() {
    let schema = schema("SCHEMA t TEXT g TAG n NUMERIC");
    assert_eq!(schema.documents, DocumentKind::Hash);
    assert_eq!(schema.prefixes, [b""]);
    assert_eq!((schema.score, schema.language.name()), (1.0, "english"));
    assert!(schema.follows(b"anything"));
    let tag = &schema.fields[1].kind;
    let separator = Some(b',');
    let is_case_sensitive = false;
    assert_eq!(
        *tag,
        FieldKind::Tag {
            separator,
            is_case_sensitive
        }
    );
}

#[test]
fn json_tags_have_no_separator_and_sortable_ones_stay_as_written() {
    let schema = schema("ON JSON SCHEMA $.a AS a TAG SORTABLE");
    let field = &schema.fields[0];
    assert_eq!(
        (field.identifier.as_str(), field.name.as_str()),
        ("$.a", "a")
    );
    assert!(matches!(
        field.kind,
        FieldKind::Tag {
            separator: None,
            ..
        }
    ));
    assert!(field.is_unnormalized);
}

#[test]
fn the_order_that_redisvl_writes_is_read() {
    let schema = schema(
        "ON hash PREFIX 2 a: b: SCORE 0.5 SCHEMA \
         t TEXT WEIGHT 2 NOSTEM PHONETIC dm:en WITHSUFFIXTRIE INDEXMISSING INDEXEMPTY SORTABLE UNF \
         v AS vec VECTOR hnsw 10 TYPE FLOAT32 DIM 3 DISTANCE_METRIC COSINE M 8 EF_RUNTIME 20 INDEXMISSING \
         g TAG SEPARATOR | CASESENSITIVE SORTABLE NOINDEX",
    );
    let [t, v, g] = &schema.fields[..] else {
        panic!("{schema:?}")
    };
    assert!(t.has_suffixes && t.indexes_missing && t.indexes_empty && t.is_unnormalized);
    assert!(g.is_unindexed && g.is_unnormalized);
    assert!(v.indexes_missing && v.name == "vec");
    let FieldKind::Vector(vector) = &v.kind else {
        panic!("{v:?}")
    };
    assert_eq!((vector.dimension, vector.blob_bytes()), (3, 12));
    let Algorithm::Hnsw(hnsw) = &vector.algorithm else {
        panic!("{vector:?}")
    };
    assert_eq!(
        (hnsw.m, hnsw.ef_construction, hnsw.ef_runtime),
        (8, 200, Some(20))
    );
    assert!(schema.follows(b"b:1") && !schema.follows(b"c:1"));
}

#[test]
fn a_schema_survives_its_own_words() {
    let lines = [
        "SCHEMA t TEXT",
        "ON JSON PREFIX 1 doc: LANGUAGE german LANGUAGE_FIELD l SCORE 0.25 SCORE_FIELD s PAYLOAD_FIELD p INDEXALL ENABLE \
         TEMPORARY 60 MAXTEXTFIELDS NOOFFSETS NOFREQS STOPWORDS 2 foo bar SKIPINITIALSCAN \
         SCHEMA $.a AS a TAG INDEXEMPTY $.b AS b TEXT WEIGHT 0.1 NOSTEM SORTABLE NOINDEX $.g AS g GEO $.s AS s GEOSHAPE FLAT",
        "NOHL NOFIELDS STOPWORDS 0 SCHEMA n NUMERIC SORTABLE \
         f VECTOR FLAT 8 TYPE INT8 DIM 7 DISTANCE_METRIC IP INITIAL_CAP 100 \
         h VECTOR HNSW 10 TYPE BFLOAT16 DIM 7 DISTANCE_METRIC L2 EPSILON 0.5 EF_RUNTIME 7 \
         s VECTOR SVS-VAMANA 12 TYPE FLOAT16 DIM 8 DISTANCE_METRIC L2 COMPRESSION leanvec4x8 REDUCE 2 TRAINING_THRESHOLD 2048",
    ];
    for line in lines {
        let schema = schema(line);
        let written = schema.to_words();
        let slices: Vec<&[u8]> = written.iter().map(Vec::as_slice).collect();
        let again = create(&mut super::super::words::Words::new(&slices));
        assert_eq!(again, Ok(schema), "{line}");
    }
}

#[test]
fn svs_has_defaults_of_its_own() {
    let schema = schema(
        "SCHEMA v VECTOR SVS-VAMANA 8 TYPE FLOAT32 DIM 10 DISTANCE_METRIC L2 COMPRESSION LeanVec8x8",
    );
    let FieldKind::Vector(vector) = &schema.fields[0].kind else {
        panic!("{schema:?}")
    };
    let Algorithm::Svs(svs) = &vector.algorithm else {
        panic!("{vector:?}")
    };
    assert_eq!((svs.degree(), svs.construction_window()), (32, 200));
    assert_eq!((svs.training(), svs.reduced(10)), (Some(10_240), Some(5)));
}

#[test]
fn refusals_have_the_words_of_the_module() {
    let flat = "SCHEMA v VECTOR FLAT";
    let hnsw = "SCHEMA v VECTOR HNSW";
    let svs = "SCHEMA v VECTOR SVS-VAMANA";
    let cases: &[(&str, &str, &str)] = &[
        ("", "", "No schema found"),
        ("", "FOO SCHEMA t TEXT", "Unknown argument `FOO`"),
        ("", "SCHEMA", "Fields arguments are missing"),
        ("", "ON SET SCHEMA t TEXT", "Invalid rule type: SET"),
        (
            "",
            "PREFIX 2 a",
            "Bad arguments for PREFIX: Expected an argument, but none provided",
        ),
        (
            "",
            "PREFIX x a SCHEMA t TEXT",
            "Bad arguments for PREFIX: Could not convert argument to expected type",
        ),
        ("", "SCORE 2 SCHEMA t TEXT", "Invalid score"),
        ("", "LANGUAGE elvish SCHEMA t TEXT", "Invalid language"),
        (
            "",
            "INDEXALL maybe SCHEMA t TEXT",
            "Invalid argument for `INDEXALL`, use ENABLE/DISABLE",
        ),
        (
            "",
            "MAXTEXTFIELDS NOFIELDS SCHEMA t TEXT",
            "MAXTEXTFIELDS cannot be used with NOFIELDS",
        ),
        ("", "SCHEMA t", "Field `t` does not have a type"),
        ("", "SCHEMA t AS", "AS requires an argument"),
        ("", "SCHEMA t WORDS", "Invalid field type for field `t`"),
        ("", "SCHEMA t TEXT t TAG", "Duplicate field in schema - t"),
        (
            "",
            "SCHEMA t TEXT WEIGHT x",
            "Bad arguments for weight: Could not convert argument to expected type",
        ),
        (
            "",
            "SCHEMA t TEXT PHONETIC",
            "PHONETIC requires an argument",
        ),
        (
            "",
            "SCHEMA t TAG SEPARATOR",
            "SEPARATOR requires an argument",
        ),
        (
            "",
            "SCHEMA t TAG SEPARATOR ab",
            "Tag separator must be a single character. Got `ab`",
        ),
        (
            "",
            "SCHEMA t TEXT INDEXMISSING NOINDEX",
            "'Field cannot be defined with both `NOINDEX` and `INDEXMISSING` `t` '",
        ),
        (
            "SCHEMA v VECTOR",
            "",
            "Bad arguments for vector similarity algorithm: Expected an argument, but none provided",
        ),
        (
            "SCHEMA v VECTOR",
            "ANNOY 2",
            "Bad arguments for vector similarity algorithm: Unknown argument",
        ),
        (
            flat,
            "x",
            "Bad arguments for vector similarity number of parameters: Could not convert argument to expected type",
        ),
        (
            flat,
            "5 TYPE FLOAT32",
            "Bad number of arguments for vector similarity index: got 5 but expected even number as algorithm parameters (should be submitted as named arguments)",
        ),
        (
            hnsw,
            "5 TYPE FLOAT32",
            "Bad number of arguments for vector similarity index: got 5 but expected even number (as algorithm parameters should be submitted as named arguments)",
        ),
        (
            flat,
            "6 TYPE FLOAT32 DIM 2",
            "Expected 6 parameters but got 4",
        ),
        (
            flat,
            "2 DIM 0",
            "Bad arguments for vector similarity FLAT index `DIM`: Value is outside acceptable bounds",
        ),
        (
            flat,
            "2 TYPE FLOAT8",
            "Bad arguments for vector similarity FLAT index `TYPE`: Unknown argument",
        ),
        (flat, "2 M 16", "Bad arguments for algorithm FLAT: M"),
        (
            hnsw,
            "2 M -1",
            "Bad arguments for vector similarity HNSW index `M`: Value is outside acceptable bounds",
        ),
        (
            hnsw,
            "4 TYPE FLOAT32 DIM 4",
            "Missing mandatory parameter: cannot create HNSW index without specifying DISTANCE_METRIC argument",
        ),
        (
            hnsw,
            "4 DIM 4 DISTANCE_METRIC L2",
            "Missing mandatory parameter: cannot create HNSW index without specifying TYPE argument",
        ),
        (
            svs,
            "2 TYPE FLOAT64",
            "Not supported data type is given. Expected: FLOAT16, FLOAT32",
        ),
        (
            svs,
            "2 TRAINING_THRESHOLD 1",
            "Invalid TRAINING_THRESHOLD: cannot be lower than DEFAULT_BLOCK_SIZE (1024)",
        ),
        (
            svs,
            "8 TYPE FLOAT32 DIM 4 DISTANCE_METRIC L2 TRAINING_THRESHOLD 2048",
            "TRAINING_THRESHOLD is irrelevant when compression was not requested",
        ),
        (
            svs,
            "10 TYPE FLOAT32 DIM 4 DISTANCE_METRIC L2 COMPRESSION LVQ8 REDUCE 2",
            "REDUCE is irrelevant when compression is not of type LeanVec",
        ),
        (
            flat,
            "6 TYPE FLOAT32 DIM 4 DISTANCE_METRIC L2 SORTABLE",
            "Field `SORTABLE` does not have a type",
        ),
    ];
    for (head, tail, expected) in cases {
        assert_eq!(
            &refusal(&format!("{head} {tail}")),
            expected,
            "{head} {tail}"
        );
    }
}

#[test]
fn limits_hold() {
    let fields = |count: usize, kind: &str| {
        let fields = (0..count).map(|i| format!("f{i} {kind}"));
        format!("SCHEMA {}", fields.collect::<Vec<_>>().join(" "))
    };
    assert_eq!(schema(&fields(128, "TEXT")).fields.len(), 128);
    assert_eq!(
        refusal(&fields(129, "TEXT")),
        "Schema is limited to 128 TEXT fields"
    );
    assert_eq!(schema(&fields(1024, "NUMERIC")).fields.len(), 1024);
    assert_eq!(
        refusal(&fields(1025, "NUMERIC")),
        "Schema is limited to 1024 fields"
    );
}

#[test]
fn alter_adds_fields_or_leaves_all_as_it_was() {
    let before = schema("SCHEMA t TEXT");
    let alter =
        |line: &str| super::alter(&before, &mut super::super::words::Words::new(&words(line)));
    let (after, scans) = alter("SCHEMA ADD n NUMERIC").unwrap_or_else(|e| panic!("{e}"));
    assert_eq!((after.fields.len(), scans), (2, true));
    assert!(alter("SKIPINITIALSCAN SCHEMA ADD n NUMERIC").is_ok_and(|(_, scans)| !scans));
    let cases = [
        ("ADD n NUMERIC", "ALTER must be followed by SCHEMA"),
        ("SCHEMA n NUMERIC", "Unknown action passed to ALTER SCHEMA"),
        ("SCHEMA ADD", "No fields provided"),
        ("SCHEMA ADD t TAG", "Duplicate field in schema - t"),
    ];
    for (line, expected) in cases {
        assert_eq!(
            alter(line).map_err(|e| e.to_string()),
            Err(expected.to_owned()),
            "{line}"
        );
    }
}
