//! How the words of requests are read and which errors they get, each as search 8.4.10 does it.

use crate::client::Client;
use crate::module::{check, shown, start};
use rhumb::protocol::client::Value;

#[test]
fn blanks_may_stand_before_numbers() {
    let (_server, mut client) = start();
    client.set("p:2", &[("v", b"1234")]);
    client.set("p:3", &[("v", b"1235")]);
    check(
        &mut client,
        &[
            (
                "FT.SEARCH idx * FILTER n ' 2' 5 NOCONTENT",
                "[3 p:4 p:5 p:3]",
            ),
            ("FT.SEARCH idx * FILTER n '( 2' ' 5' NOCONTENT", "[1 p:5]"),
            ("FT.SEARCH idx * FILTER n ' ' 1 NOCONTENT", "[2 p:1 p:2]"),
            ("FT.SEARCH idx * FILTER n '2 ' 5", "Bad lower range: 2 "),
            // None of them is hexadecimal, and infinity has one name.
            ("FT.SEARCH idx * FILTER n 0x2 5", "Bad lower range: 0x2"),
            (
                "FT.SEARCH idx * FILTER n 1 infinity",
                "Bad upper range: infinity",
            ),
            (
                "FT.SEARCH idx '@n:[$x 5]' PARAMS 2 x ' 2' DIALECT 2 NOCONTENT",
                "[3 p:4 p:5 p:3]",
            ),
            (
                "FT.SEARCH idx '@n:[-$x 5]' PARAMS 2 x ' -2' DIALECT 2 NOCONTENT",
                "[3 p:4 p:5 p:3]",
            ),
            (
                "FT.SEARCH idx @n==$x PARAMS 2 x ' 3' DIALECT 2 NOCONTENT",
                "[1 p:5]",
            ),
            (
                "FT.SEARCH idx '*=>[KNN $x @v $q]' PARAMS 4 x ' +01' q 1234 DIALECT 2 NOCONTENT",
                "[1 p:2]",
            ),
            (
                "FT.SEARCH idx '(@k:{red})=>[KNN 1 @v $q BATCH_SIZE $x]' PARAMS 4 x ' 5' q 1234 DIALECT 2 NOCONTENT",
                "[1 p:2]",
            ),
            (
                "FT.SEARCH idx '(long words)=>{$slop:$x}' PARAMS 2 x ' 3' DIALECT 2 NOCONTENT",
                "[1 p:1]",
            ),
            (
                "FT.EXPLAIN idx two=>{$weight:$x} VERBATIM PARAMS 2 x ' 3' DIALECT 2",
                "two => {$weight: 3;}\n",
            ),
            ("FT.CREATE i SCORE ' 1' SCHEMA t TEXT", "OK"),
        ],
    );
}

#[test]
fn numbers_of_requests_end_where_those_of_c_do() {
    let (_server, mut client) = start();
    let no_number = "Could not convert argument to expected type";
    let beyond = "Value is outside acceptable bounds";
    check(
        &mut client,
        &[
            (
                "FT.SEARCH idx * LIMIT 0 9223372036854775807",
                "LIMIT needs two numeric arguments",
            ),
            (
                "FT.SEARCH idx * TIMEOUT 9223372036854775807",
                "TIMEOUT requires a non negative integer",
            ),
            (
                "FT.SEARCH idx * GEOFILTER g inf 1 1 km",
                &format!("Bad arguments for <lon>: {no_number}"),
            ),
            (
                "FT.SEARCH idx two SLOP inf",
                &format!("Bad arguments for SLOP: {no_number}"),
            ),
            (
                "FT.SEARCH idx two SLOP 2147483648",
                &format!("Bad arguments for SLOP: {beyond}"),
            ),
            ("FT.SEARCH idx two SLOP 2147483647.5 NOCONTENT", "[1 p:3]"),
            ("FT.SEARCH idx two SLOP -2147483648 NOCONTENT", "[1 p:3]"),
        ],
    );
}

#[test]
fn vectors_are_looked_at_before_the_names_of_distances() {
    let (_server, mut client) = start();
    client.set("p:2", &[("v", b"1234")]);
    let size = "Error parsing vector similarity query: query vector blob size (2) does not match index's expected size (4).";
    let taken = "Property `t` already exists in schema";
    let knn = "'*=>[KNN 2 @v $q AS t]'";
    for command in ["FT.SEARCH", "FT.AGGREGATE", "FT.EXPLAIN"] {
        check(
            &mut client,
            &[
                (
                    &format!("{command} idx {knn} PARAMS 2 q 12 DIALECT 2"),
                    size,
                ),
                (
                    &format!("{command} idx {knn} PARAMS 2 q 1234 DIALECT 2"),
                    taken,
                ),
            ],
        );
    }
    let range = "@v:[VECTOR_RANGE 2 $q]=>{$yield_distance_as:d}";
    let twice = format!("FT.SEARCH idx '{range} {range}' DIALECT 2 PARAMS 2 q");
    check(
        &mut client,
        &[
            (&format!("{twice} 12"), size),
            (
                &format!("{twice} 1234"),
                "Property `d` specified more than once",
            ),
            (
                "FT.SEARCH idx '@v:[VECTOR_RANGE -2 $q]=>{$yield_distance_as:t}' PARAMS 2 q 1234 DIALECT 2",
                "Error parsing vector similarity query: negative radius (-2) given in a range query",
            ),
        ],
    );
}

#[test]
fn return_is_read_when_all_options_are_there() {
    let (_server, mut client) = start();
    check(
        &mut client,
        &[
            (
                "FT.SEARCH idx two RETURN 3 t AS AS RETURN 1 n",
                "[1 p:3 [n 2]]",
            ),
            ("FT.SEARCH idx two RETURN 0 RETURN 1 n", "[1 p:3 [n 2]]"),
            ("FT.SEARCH idx two RETURN 1 n RETURN 0", "[1 p:3]"),
            (
                "FT.SEARCH idx two RETURN 2 t AS ADDSCORES",
                "ADDSCORES is not supported on FT.SEARCH",
            ),
            (
                "FT.SEARCH idx two RETURN 2 t AS LIMIT 0",
                "LIMIT requires two arguments",
            ),
            (
                "FT.SEARCH idx two RETURN 2 t AS NOPE",
                "RETURN path AS name - must be accompanied with NAME",
            ),
        ],
    );
}

#[test]
fn searches_and_profiles_refuse_what_aggregations_alone_do() {
    let (_server, mut client) = start();
    let groups = "option `GROUPBY` is mutually exclusive with simple (i.e. search) options";
    let cursor = "FT.PROFILE does not support cursor";
    check(
        &mut client,
        &[
            ("FT.SEARCH idx two SORTBY n GROUPBY 1 @t", groups),
            ("FT.PROFILE idx AGGREGATE QUERY two WITHCURSOR", cursor),
            ("FT.PROFILE idx SEARCH QUERY two NOPE WITHCURSOR", cursor),
            ("FT.PROFILE none AGGREGATE two withcursor", cursor),
        ],
    );
}

#[test]
fn languages_and_scorers_are_looked_at_before_the_format() {
    let (_server, mut client) = start();
    for command in ["FT.SEARCH", "FT.AGGREGATE", "FT.EXPLAIN"] {
        let line = |query, more| format!("{command} idx {query} FORMAT EXPAND {more}");
        check(
            &mut client,
            &[
                (&line("two", "LANGUAGE none"), "No such language"),
                (&line("two", "SCORER none"), "No such scorer none"),
                (
                    &line("'two ('", "SCORER BM25"),
                    "EXPAND format is only supported with RESP3",
                ),
            ],
        );
    }
}

#[test]
fn a_cursor_gives_all_for_less_than_none() {
    let (_server, mut client) = start();
    let reply = client.ok("FT.AGGREGATE idx * LOAD 1 @n WITHCURSOR COUNT 1");
    let Value::Array(parts) = reply else {
        panic!("a cursor's reply is a list");
    };
    let cursor = parts[1].as_i64().expect("a cursor");
    let line = format!("FT.CURSOR READ idx {cursor} COUNT -1");
    check(&mut client, &[(&line, "[[1 [n 1] [n 2] [n 2] [n 3]] 0]")]);
}

#[test]
fn numbers_are_words_in_small_letters_in_dialect_1() {
    let (_server, mut client) = start();
    client.ok("HSET p:6 t 1e3");
    check(
        &mut client,
        &[
            ("FT.SEARCH idx 1E3 NOCONTENT", "[1 p:6]"),
            ("FT.SEARCH idx 1E3 NOCONTENT DIALECT 2", "[0]"),
        ],
    );
}

#[test]
fn numbers_in_refusals_have_six_digits() {
    let (_server, mut client) = start();
    client.set("p:2", &[("v", b"1234")]);
    let asked = "PARAMS 2 q 1234 DIALECT 2";
    check(
        &mut client,
        &[
            (
                &format!("FT.SEARCH idx '@v:[VECTOR_RANGE -20000000 $q]' {asked}"),
                "Error parsing vector similarity query: negative radius (-2e+07) given in a range query",
            ),
            (
                &format!(
                    "FT.SEARCH idx '*=>[KNN 1 @v $q]=>{{$shard_k_ratio: 4294967296}}' {asked}"
                ),
                "Invalid shard k ratio value: Shard k ratio must be greater than 0 and at most 1 (got 4.29497e+09)",
            ),
        ],
    );
}

#[test]
fn properties_of_a_group_are_looked_at_before_they_are_counted() {
    let (_server, mut client) = start();
    let group = "Bad arguments for GROUPBY";
    let no_property = format!("{group}: Unknown property `n`. Did you mean `@n`?");
    let missing = format!("{group}: Expected an argument, but none provided");
    check(
        &mut client,
        &[
            ("FT.AGGREGATE idx * GROUPBY 9 @t n", &no_property),
            ("FT.AGGREGATE idx * GROUPBY -1 @t n", &no_property),
            ("FT.AGGREGATE idx * GROUPBY -1 @t", &missing),
            ("FT.AGGREGATE idx * GROUPBY 9 @t", &missing),
        ],
    );
}

#[test]
fn explain_knows_languages_and_scorers() {
    let (_server, mut client) = start();
    check(
        &mut client,
        &[
            (
                "FT.EXPLAIN idx hausen LANGUAGE german",
                "UNION {\n  hausen\n  +haus(expanded)\n  haus(expanded)\n}\n",
            ),
            ("FT.EXPLAIN idx two LANGUAGE none", "No such language"),
            ("FT.EXPLAIN idx two SCORER none", "No such scorer none"),
            // How near words must be is not shown.
            (
                "FT.EXPLAIN idx 'long words' VERBATIM SLOP 2 INORDER",
                "INTERSECT {\n  long\n  words\n}\n",
            ),
        ],
    );
}

#[test]
fn too_many_words_are_counted_where_the_module_counts_them() {
    let (_server, mut client) = start();
    let wrong = |name: &str| format!("ERR wrong number of arguments for '{name}' command");
    let unknown = "none: no such index".to_owned();
    for (line, expected) in [
        ("FT._LIST x", "[idx]".to_owned()),
        ("FT._LIST x y", wrong("FT._LIST")),
        ("FT.ALIASADD a none x", unknown.clone()),
        ("FT.ALIASADD a idx x", wrong("_FT.ALIASADD")),
        ("FT.ALIASUPDATE a none x", unknown.clone()),
        ("FT.ALIASUPDATE a idx x", wrong("_FT.ALIASUPDATE")),
        ("FT._ALIASADDIFNX a none x", wrong("_FT._ALIASADDIFNX")),
        ("FT.ALIASDEL a x", wrong("_FT.ALIASDEL")),
        ("FT._ALIASDELIFX a x", wrong("_FT._ALIASDELIFX")),
        ("FT.TAGVALS none k x", unknown.clone()),
        ("FT.TAGVALS idx k x", wrong("_FT.TAGVALS")),
        ("FT.DROPINDEX none x", unknown.clone()),
        ("FT.DROPINDEX none x y", unknown),
        ("FT.DROPINDEX idx x", "Unknown argument".to_owned()),
        ("FT.DROPINDEX idx DD x", wrong("_FT.DROPINDEX")),
        ("FT._DROPINDEXIFX none x", "OK".to_owned()),
        ("FT._DROPINDEXIFX none x y", wrong("_FT._DROPINDEXIFX")),
        ("FT.CONFIG", wrong("FT.CONFIG")),
        ("FT.CONFIG get", wrong("FT.CONFIG|GET")),
        (
            "FT.CONFIG none",
            "ERR unknown subcommand 'none'. Try FT.CONFIG HELP.".to_owned(),
        ),
    ] {
        assert_eq!(shown(&client.say(line)), expected, "{line}");
    }
}

#[test]
fn points_have_nothing_behind_them() {
    let (_server, mut client) = Client::start();
    client.ok("FT.CREATE idx SCHEMA g GEO");
    client.ok("HSET p:1 g '1, 2'");
    client.ok("HSET p:2 g '1,2 '");
    let line = "FT.SEARCH idx '@g:[1 2 1 km]' NOCONTENT";
    check(&mut client, &[(line, "[1 p:1]")]);
}
