//! The query language: trees in a short notation, RediSearch's refusals with their offsets, and hostile queries.

mod notation;

use super::*;
use crate::commands::ft::schema::{self, Schema};
use crate::commands::ft::words::Words;
use notation::show;

const SCHEMA: &str = "SCHEMA t TEXT title TEXT g TAG INDEXMISSING n NUMERIC p GEO shape GEOSHAPE \
     v VECTOR HNSW 6 TYPE FLOAT32 DIM 2 DISTANCE_METRIC L2 f VECTOR FLAT 6 TYPE FLOAT32 DIM 2 DISTANCE_METRIC L2";

fn schema() -> Schema {
    schema_of(SCHEMA)
}

fn schema_of(line: &str) -> Schema {
    let words: Vec<&[u8]> = line.split_whitespace().map(str::as_bytes).collect();
    schema::create(&mut Words::new(&words)).unwrap_or_else(|error| panic!("{error}"))
}

fn params() -> Params {
    let mut params = Params::default();
    let all: [(&str, &[u8]); 9] = [
        ("b", b"abcdefgh"),
        ("k", b"3"),
        ("x", b"1.5"),
        ("neg", b"-inf"),
        ("w", b"Word"),
        ("tag", b"A B"),
        ("unit", b"km"),
        ("wkt", b"POINT(1 2)"),
        ("name", b"near"),
    ];
    for (name, value) in all {
        params.add(name.to_owned(), value.to_vec());
    }
    params
}

fn read(text: &str, dialect: u8) -> Result<Query, QueryError> {
    let (schema, params, stop_words) = (schema(), params(), StopWords::default());
    parse(
        text.as_bytes(),
        &Context {
            schema: &schema,
            params: &params,
            stop_words: Some(&stop_words),
            dialect,
        },
    )
}

fn check(cases: &[(&str, &str)], dialect: u8) {
    for (text, expected) in cases {
        let found = match read(text, dialect) {
            Ok(query) => show(&query, &schema()),
            Err(error) => format!("! {error}"),
        };
        assert_eq!(&found, expected, "{text}");
    }
}

#[test]
fn words_and_their_parts() {
    check(
        &[
            ("", "nothing"),
            ("the", "nothing"),
            ("*", "all"),
            ("((*))", "all"),
            ("Hello", "hello"),
            (r"he\-llo", "he-llo"),
            ("foo.bar", "(foo bar)"),
            ("hello and world", "(hello world)"),
            ("hel*", "hel*"),
            ("*LLO", "*LLO"),
            ("*ell*", "*ell*"),
            ("w'h?l*'", "w'h?l*'"),
            ("%helo%", "%helo%"),
            ("%%helo%%", "%%helo%%"),
            ("%%%the%%%", "%%%the%%%"),
            ("\"Hello the World\"", "\"hello the world\""),
            ("'one two'", "\"one two\""),
            ("$w", "word"),
            ("$w*", "word*"),
            ("5", "5"),
            ("as", "nothing"),
            ("\"hel lo\"*", "hel lo*"),
        ],
        2,
    );
}

#[test]
fn conditions_are_joined_as_in_the_module() {
    check(
        &[
            ("a1 b1 c1", "(a1 b1 c1)"),
            ("a1 | b1 | c1", "(a1|b1|c1)"),
            ("a1 b1 | c1 d1", "((a1 b1)|(c1 d1))"),
            ("a1 (b1 | c1)", "(a1 (b1|c1))"),
            ("-a1 b1", "(-a1 b1)"),
            ("--a1", "a1"),
            ("-(a1 b1)", "-(a1 b1)"),
            ("~a1 b1", "(~a1 b1)"),
            // A number is held on to more tightly than a minus, a word is not.
            ("-a1 5", "-(a1 5)"),
            ("the | a1", "a1"),
            ("-the", "nothing"),
            ("@t:a1 b1", "(t:a1 b1)"),
            ("@t:(a1 b1)", "t:(t:a1 t:b1)"),
            ("@t:(a1|b1) c1", "(t:(t:a1|t:b1) c1)"),
            ("@t|title:a1", "t|title:a1"),
            ("@t:\"a1 b1\"", "t:\"a1 b1\""),
            ("-@t:a1", "-t:a1"),
            ("a1 @n:[1 2]", "(a1 n[1 2])"),
            ("hello (world @n:[1 2])", "(world n[1 2] hello)"),
            ("ismissing(@g)", "missing(g)"),
        ],
        2,
    );
}

#[test]
fn brackets() {
    check(
        &[
            ("@g:{a|B c|d*|*e|*f*|w'g?'}", "g{a|B c|d*|*e|*f*|w'g?'}"),
            (r"@g:{New\ York\, NY}", "g{New York, NY}"),
            ("@g:{\"x | y\"|$tag|$w*}", "g{x | y|A B|Word*}"),
            ("@g:{the|as|5|1.5}", "g{the|as|5|1.5}"),
            ("@n:[1 2]", "n[1 2]"),
            ("@n:[(1 (2]", "n(1 2)"),
            ("@n:[-inf +inf]", "n[-inf inf]"),
            ("@n:[(-5 inf]", "n(-5 inf]"),
            ("@n:[5]", "n[5 5]"),
            ("@n:[$x (-$neg]", "n[1.5 inf)"),
            ("@n==5", "n[5 5]"),
            ("@n != 5", "-n[5 5]"),
            ("@n>5", "n(5 inf]"),
            ("@n >= $x", "n[1.5 inf]"),
            ("@n<-$x", "n[-inf -1.5)"),
            ("@n<=5 @n>3", "(n[-inf 5] n(3 inf])"),
            ("@p:[1.5 -2 10 km]", "p(1.5 -2 10 km)"),
            ("@p:[$x $x $k $unit]", "p(1.5 1.5 3 km)"),
            ("@shape:[within $wkt]", "shape(Within POINT(1 2))"),
            (
                "@v:[VECTOR_RANGE 0.5 $b]=>{$YIELD_DISTANCE_AS: d; $EPSILON: 0.1}",
                "v within 0.5 of b as d EPSILON=0.1",
            ),
            ("@v:[vector_range $x $b] a1", "(v within 1.5 of b a1)"),
        ],
        2,
    );
}

#[test]
fn nearest_neighbours() {
    check(
        &[
            ("*=>[KNN 2 @v $b]", "all => 2 nearest v of b as __v_score"),
            (
                "(*) => [ KNN $k @v $b AS d ]",
                "all => 3 nearest v of b as d",
            ),
            (
                "@g:{a}=>[knn 2 @v $b EF_RUNTIME $k as $name]",
                "g{a} => 2 nearest v of b as near EF_RUNTIME=3",
            ),
            (
                "(@g:{a} @n:[1 2])=>[KNN 2 @v $b]=>{$ef_runtime: 9; $yield_distance_as: d}",
                "(g{a} n[1 2]) => 2 nearest v of b as d ef_runtime=9",
            ),
            (
                "(-@g:{a})=>[KNN 2 @v $b]",
                "-g{a} => 2 nearest v of b as __v_score",
            ),
            ("the=>[KNN 2 @v $b]", "all => 2 nearest v of b as __v_score"),
            (
                "@t:a1=>[KNN 2 @v $b HYBRID_POLICY BATCHES BATCH_SIZE 10]",
                "t:a1 => 2 nearest v of b as __v_score HYBRID_POLICY=BATCHES BATCH_SIZE=10",
            ),
        ],
        2,
    );
}

#[test]
fn attributes() {
    check(
        &[
            ("a1=>{$weight: 2.5}", "a1^2.5"),
            ("a1 b1=>{$weight: 2}", "(a1 b1^2)"),
            ("(a1 b1)=>{$slop: 2; $inorder: true;}", "(a1 b1)~2 in order"),
            ("(a1 b1)=>{$slop: -1}", "(a1 b1)"),
            ("the=>{$weight: x}", "nothing"),
            ("a1=>{}", "a1"),
        ],
        2,
    );
}

#[test]
fn refusals_have_the_words_and_offsets_of_the_module() {
    check(
        &[
            ("foo@g", "! Syntax error at offset 3 near g"),
            ("hello (", "! Syntax error at offset 6 near hello"),
            ("hello )", "! Syntax error at offset 6 near hello"),
            ("hello *", "! Syntax error at offset 6 near hello"),
            ("* hello", "! Syntax error at offset 2 near hello"),
            ("@g:{foo-bar}", "! Syntax error at offset 7 near foo"),
            ("@g:{}", "! Syntax error at offset 4 near g"),
            ("|a1", "! Syntax error at offset 0 near "),
            ("a1 b1=>[KNN 2 @v $b]", "! Syntax error at offset 7 near >["),
            (
                "*=>[REDIS 4 @v $b]",
                "! Syntax error: Expecting Vector Similarity command at offset 4 near REDIS",
            ),
            ("*=>[KNN str @v $b]", "! Syntax error at offset 8 near str"),
            ("*=>[KNN 2 @zz $b]", "! Unknown field at offset 10 near zz"),
            (
                "*=>[KNN 2 @t $b]",
                "! Expected a VECTOR field at offset 10 near t",
            ),
            ("@zz:[1 2]", "! Unknown field at offset 0 near zz"),
            ("@t:{a}", "! Expected a TAG field at offset 0 near t"),
            ("@n:a1", "! Expected a TEXT field at offset 0 near n"),
            ("@t|n:a1", "! Expected a TEXT field at offset 3 near n"),
            ("@t:[1 2]", "! Expected a NUMERIC field at offset 0 near t"),
            ("@t:[1 2 3 km]", "! Expected a GEO field at offset 0 near t"),
            (
                "ismissing(@n)",
                "! 'ismissing' requires defining the field with 'INDEXMISSING' at offset 10 near n",
            ),
            (
                "@shape:[NEAR $wkt]",
                "! Syntax error: Expecting a geoshape predicate at offset 13",
            ),
            (
                "@v:[vector 0.1 $b]",
                "! Syntax error: expecting vector similarity range command at offset 4 near vector",
            ),
            ("*=>[KNN 2 @v $q]", "! No such parameter `q`"),
            ("(@g:{$y})=>[KNN $x @v $q]", "! No such parameter `q`"),
            (
                "*=>[KNN $x @v $b]",
                "! Invalid numeric value (1.5) for parameter `x`",
            ),
            ("@n:[$w 5]", "! Bad lower range: Word"),
            ("@n:[1 $neg]", "! Bad upper range: -inf"),
            (
                "@n:[2 1]",
                "! Invalid numeric range (min > max): @n:[2.000000 1.000000]",
            ),
            ("@p:[1 2 3 parsec]", "! Invalid GeoFilter unit"),
            ("@p:[200 2 3 km]", "! Invalid GeoFilter lat/lon"),
            ("@p:[1 2 0 km]", "! Invalid GeoFilter radius"),
            ("a1=>{$weight: -2}", "! Invalid value (-2) for `weight`"),
            ("a1=>{$colour: red}", "! Invalid attribute colour"),
            (
                "@t:\"\"",
                "! Use `INDEXEMPTY` in field creation in order to index and query for empty strings",
            ),
            (
                "*=>[KNN 2 @v $b AS s]=>{$yield_distance_as:s2;}",
                "! Distance field was specified twice for vector query: s and s2",
            ),
        ],
        2,
    );
}

#[test]
fn dialect_1_differs() {
    check(
        &[
            ("*=>[KNN 2 @v $b]", "! Syntax error at offset 1 near >["),
            ("(a1)=>[KNN 2 @v $b]", "! Syntax error at offset 6 near >["),
            ("@n:[$x 5]", "! Syntax error at offset 4 near x"),
            ("$w", "! Syntax error at offset 0 near w"),
            ("@t:a1 b1", "t:(t:a1 t:b1)"),
            ("a1 (b1) | (c1)", "(a1 (b1|c1))"),
            ("@zz:a1", "(none):a1"),
            ("@zz:{a} b1", "b1"),
            ("(@g:{a}) | (@n:[1 2])", "(g{a}|n[1 2])"),
            ("-a1 b1", "-(a1 b1)"),
        ],
        1,
    );
}

#[test]
fn search_parameters_are_checked_against_the_field() {
    let schema = schema();
    let cases = [
        ("*=>[KNN 2 @v $b EF_RUNTIME -42]", "Invalid value was given"),
        (
            "*=>[KNN 2 @v $b EF_RUNTIME 2.71]",
            "Invalid value was given",
        ),
        (
            "*=>[KNN 2 @v $b EF_RUNTIME 5 EF_RUNTIME 6]",
            "Parameter was specified twice",
        ),
        (
            "*=>[KNN 2 @v $b EF_RUNTIME 5]=>{$EF_RUNTIME:6}",
            "Parameter was specified twice",
        ),
        ("*=>[KNN 2 @v $b EF_FUNTIME 30]", "Invalid option"),
        ("*=>[KNN 2 @f $b EF_RUNTIME 30]", "Invalid option"),
        (
            "*=>[KNN 2 @v $b BATCH_SIZE 100]",
            "hybrid query attributes were sent for a non-hybrid query",
        ),
        (
            "*=>[KNN 2 @v $b EPSILON 0.1]",
            "range query attributes were sent for a non-range query",
        ),
        (
            "@t:a1=>[KNN 2 @v $b BATCH_SIZE 0]",
            "Invalid value was given",
        ),
        (
            "@t:a1=>[KNN 2 @v $b BATCH_SIZE 8 BATCH_SIZE 0]",
            "Parameter was specified twice",
        ),
        (
            "@t:a1=>[KNN 2 @v $b HYBRID_POLICY bad_policy]",
            "invalid hybrid policy was given",
        ),
        (
            "@t:a1=>[KNN 2 @v $b HYBRID_POLICY ADHOC_BF BATCH_SIZE 100]",
            "'batch size' is irrelevant for the selected policy",
        ),
        (
            "@t:a1=>[KNN 2 @v $b HYBRID_POLICY ADHOC_BF EF_RUNTIME 100]",
            "'EF_RUNTIME' is irrelevant for the selected policy",
        ),
    ];
    for (text, expected) in cases {
        let query = read(text, 2).unwrap_or_else(|error| panic!("{text}: {error}"));
        let knn = query.knn.unwrap_or_else(|| panic!("{text}"));
        let schema::FieldKind::Vector(field) = &schema.fields[knn.field].kind else {
            panic!("{text}")
        };
        let is_filtered = query.root.kind != Kind::All;
        let refused = knn
            .check(field, is_filtered)
            .map_err(|error| error.to_string());
        let expected = format!("Error parsing vector similarity parameters: {expected}");
        assert_eq!(refused, Err(expected), "{text}");
    }
}

#[test]
fn nested_queries_have_a_limit() {
    let deep = |depth: usize| format!("{}a1{}", "(".repeat(depth), ")".repeat(depth));
    assert_eq!(
        read(&deep(200), 2).map(|query| show(&query, &schema())),
        Ok("a1".to_owned())
    );
    assert_eq!(read(&deep(100_000), 2), Err(QueryError::Nested));
    assert_eq!(read(&"-".repeat(100_000), 2), Err(QueryError::Nested));
    assert_eq!(read(&"(".repeat(100_000), 2), Err(QueryError::Nested));
}

#[test]
fn empty_ranges_pass_where_the_module_does_not_look() {
    let schema = schema_of("SCHEMA n NUMERIC");
    let params = Params::default();
    let context = Context {
        schema: &schema,
        params: &params,
        stop_words: None,
        dialect: 2,
    };
    assert!(parse(b"@n:[2 1]", &context).is_ok());
}

/// What clients write, each in its own style.
#[test]
fn queries_of_clients_are_read() {
    check(
        &[
            // redisvl
            ("@g:{a|b}", "g{a|b}"),
            ("(-@g:{a})", "-g{a}"),
            ("(@g:{a} | @g:{b})", "(g{a}|g{b})"),
            (
                "((@g:{a} @n:[(5 +inf]) @t:(pre*|%%fuzzy%%))",
                "(g{a} n(5 inf] t:(t:pre*|t:%%fuzzy%%))",
            ),
            ("(-@t:\"exact words\")", "-t:\"exact words\""),
            ("@t:(\"exact\")", "t:\"exact\""),
            (
                "(~@t:(hello | world))=>[KNN 3 @v $b AS vector_distance]",
                "~t:(t:hello|t:world) => 3 nearest v of b as vector_distance",
            ),
            (
                "@v:[VECTOR_RANGE 2.0 $b]=>{$YIELD_DISTANCE_AS: d0} AND @f:[VECTOR_RANGE 2.0 $b]=>{$YIELD_DISTANCE_AS: d1}",
                "(v within 2 of b as d0 f within 2 of b as d1)",
            ),
            ("(ismissing(@g))", "missing(g)"),
            // LangChain, LlamaIndex, Spring AI
            (
                "(@g:{doc\\-1})=>[KNN 4 @v $b AS vector_score]",
                "g{doc-1} => 4 nearest v of b as vector_score",
            ),
            (
                "(*)=>[KNN $k @v $b AS vector_score]",
                "all => 3 nearest v of b as vector_score",
            ),
            (
                "*=>[KNN 5 @v $b AS score]=>{$EF_RUNTIME: 30}",
                "all => 5 nearest v of b as score EF_RUNTIME=30",
            ),
            // redis-om
            ("(@g:{a}) (@n:[5 5]) (@t:hello)", "(g{a} n[5 5] t:hello)"),
            ("((@n:[-inf (3]) | (@n:[(7 inf]))", "(n[-inf 3)|n(7 inf])"),
        ],
        2,
    );
}

/// Seeds of the random tests; RHUMB_TEST_SEED repeats one.
fn seeds(count: u64) -> Vec<u64> {
    match std::env::var("RHUMB_TEST_SEED") {
        Ok(seed) => vec![seed.parse().expect("RHUMB_TEST_SEED is a number")],
        Err(_) => (1..=count).collect(),
    }
}

/// Everything that means something, and a little that does not.
const PARTS: &str = "a1 the as 5 1.5 inf @t @g @n @zz @v : { } [ ] ( ) | - ~ * % \" ' => $b $q $weight KNN VECTOR_RANGE ; \
     w'x*' ismissing == >= != ä , km \0 _ _ _";

/// Random strings of them: no panic, and every offset inside the text.
#[test]
fn random_queries_are_answered() {
    let parts: Vec<&str> = PARTS.split(' ').filter(|part| !part.is_empty()).collect();
    for seed in seeds(4) {
        println!("RHUMB_TEST_SEED={seed}");
        let mut random = seed;
        let mut draw = |below: usize| {
            // xorshift64 (Marsaglia 2003).
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            (random >> 11) as usize % below
        };
        let mut passed = 0;
        for _ in 0..10_000 {
            let text: String = (0..draw(16)).map(|_| parts[draw(parts.len())]).collect();
            let text = text.replace('_', " ");
            match read(&text, 1 + draw(4) as u8) {
                Ok(_) => passed += 1,
                Err(QueryError::Syntax { offset, .. } | QueryError::Misplaced { offset, .. }) => {
                    assert!(offset <= text.len(), "{text}");
                }
                Err(_) => {}
            }
        }
        assert!(
            passed > 100,
            "only {passed} of the random queries were right"
        );
    }
}

/// Much of what could make a parser look at its beginning again and again: a quadratic one would take minutes.
#[test]
fn long_queries_are_read_once() {
    let parts = [
        "a1 ", "a", "'", "\\'", "w'", "*", "%", "@t", "@t ", "1.", "-", "$", "\"\\\"", "(a1)",
        "~a1 ", "a1|", "@n==", "=>{", "\\",
    ];
    for part in parts {
        let text = part.repeat((1 << 17) / part.len());
        let _ = read(&text, 2);
        let _ = read(&format!("@g:{{{text}}}"), 2);
        let _ = read(&text, 1);
    }
}
