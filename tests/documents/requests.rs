//! How the words of requests are read and which errors they get, each as search 8.4.10 does it.

use crate::client::Client;
use crate::module::{check, start};

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
fn points_have_nothing_behind_them() {
    let (_server, mut client) = Client::start();
    client.ok("FT.CREATE idx SCHEMA g GEO");
    client.ok("HSET p:1 g '1, 2'");
    client.ok("HSET p:2 g '1,2 '");
    let line = "FT.SEARCH idx '@g:[1 2 1 km]' NOCONTENT";
    check(&mut client, &[(line, "[1 p:1]")]);
}
