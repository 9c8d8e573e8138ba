//! Facts about answers, each as search 8.4.10 gave it: which documents, in which order, with which scores, and which errors.

use crate::client::Client;
use crate::support::Server;
use rhumb::protocol::client::Value;

/// Five documents: words, tags, numbers with equals, and a field without stems.
pub fn start() -> (Server, Client) {
    let (server, mut client) = Client::start();
    client.ok(
        "FT.CREATE idx PREFIX 1 p: SCHEMA t TEXT k TAG n NUMERIC SORTABLE ns TEXT NOSTEM \
         v VECTOR FLAT 6 TYPE FLOAT32 DIM 1 DISTANCE_METRIC L2",
    );
    for line in [
        "HSET p:1 t 'long text of many words' k red,blue n 1",
        "HSET p:2 t short k red n 1",
        "HSET p:3 t 'two words' k green n 2",
        "HSET p:4 t running k blue n 2 ns running",
        "HSET p:5 t 'run hol' k red n 3 ns run",
    ] {
        client.ok(line);
    }
    (server, client)
}

#[test]
fn what_is_sorted_by_is_shown_first() {
    let (_server, mut client) = start();
    let line = "FT.SEARCH idx * SORTBY n LIMIT 0 1";
    let row = "[5 p:1 [n 1 t long text of many words k red,blue]]";
    check(&mut client, &[(line, row)]);
}

#[test]
fn rows_have_what_the_index_keeps_for_sorting() {
    let (_server, mut client) = Client::start();
    client.ok("FT.CREATE idx PREFIX 1 p: SCHEMA k TAG SORTABLE");
    client.ok("HSET p:1 k Red");
    client.ok("HSET p:2 k red");
    client.ok("FT.CREATE jdx ON JSON PREFIX 1 j: SCHEMA $.a AS a NUMERIC $.b AS b TAG");
    client.ok("JSON.SET j:1 $ {\"a\":null,\"b\":true}");
    check(
        &mut client,
        &[
            (
                "FT.AGGREGATE idx * GROUPBY 1 @k REDUCE COUNT 0 AS c",
                "[1 [k red c 2]]",
            ),
            ("FT.SEARCH jdx * RETURN 2 a b", "[1 j:1 [a nil b 1]]"),
            ("FT.AGGREGATE jdx * LOAD 2 @a @b", "[1 [a nil b 1]]"),
        ],
    );
}

/// A reply on one line: items between blanks, lists in brackets.
pub fn shown(reply: &Value) -> String {
    match reply {
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(shown).collect();
            format!("[{}]", items.join(" "))
        }
        Value::Error(line) => line.clone(),
        value => match (value.as_str(), value.as_i64()) {
            (Some(text), _) => text.to_owned(),
            (_, Some(number)) => number.to_string(),
            _ => "nil".to_owned(),
        },
    }
}

pub fn check(client: &mut Client, cases: &[(&str, &str)]) {
    for (line, expected) in cases {
        assert_eq!(shown(&client.say(line)), *expected, "{line}");
    }
}

#[test]
fn a_tag_counts_as_a_word_that_stands_there_once() {
    let (_server, mut client) = start();
    check(
        &mut client,
        &[
            (
                "FT.SEARCH idx @k:{red} NOCONTENT WITHSCORES",
                "[3 p:2 0.7079357195104409 p:5 0.48898652432153794 p:1 0.4234972567419357]",
            ),
            (
                "FT.SEARCH idx @k:{red|blue} NOCONTENT WITHSCORES",
                "[4 p:1 1.1113655789362755 p:4 0.939527469338628 p:2 0.7079357195104409 p:5 0.48898652432153794]",
            ),
            // The only tag that a part stands for counts without the weight.
            (
                "FT.SEARCH idx @k:{re*}=>{$weight:2} NOCONTENT WITHSCORES",
                "[3 p:2 0.7079357195104409 p:5 0.48898652432153794 p:1 0.4234972567419357]",
            ),
            // Parts of tags have their least length, as those of words.
            ("FT.SEARCH idx @k:{r*} NOCONTENT", "[0]"),
        ],
    );
}

#[test]
fn scores_are_nothing_where_no_document_has_words() {
    let (_server, mut client) = Client::start();
    client.ok("FT.CREATE idx SCHEMA k TAG");
    client.ok("HSET p:1 k red");
    let line = "FT.SEARCH idx @k:{red} NOCONTENT WITHSCORES";
    // The module says `nan`.
    check(&mut client, &[(line, "[1 p:1 0]")]);
}

#[test]
fn words_stand_for_stems_where_fields_have_them() {
    let (_server, mut client) = start();
    check(
        &mut client,
        &[
            ("FT.SEARCH idx @ns:running NOCONTENT", "[1 p:4]"),
            ("FT.SEARCH idx @t|ns:running NOCONTENT", "[2 p:4 p:5]"),
            ("FT.SEARCH idx running NOCONTENT", "[2 p:4 p:5]"),
            (
                "FT.EXPLAIN idx @t|ns:running",
                "@t|ns:UNION {\n  @t|ns:running\n  @t:+run(expanded)\n  @t:run(expanded)\n}\n",
            ),
            // Stems are words of the index as well.
            ("FT.SEARCH idx %run% NOCONTENT", "[2 p:5 p:4]"),
            ("FT.SEARCH idx *un NOCONTENT", "[2 p:5 p:4]"),
            // All but its last letter is near enough.
            ("FT.SEARCH idx %hlo% NOCONTENT", "[1 p:5]"),
            // A weight holds for the word alone.
            (
                "FT.SEARCH idx run=>{$weight:3} NOCONTENT WITHSCORES",
                "[2 p:5 5.3427987331012305 p:4 1.4877305358509612]",
            ),
        ],
    );
}

#[test]
fn of_choices_what_matched_counts() {
    let (_server, mut client) = start();
    check(
        &mut client,
        &[
            (
                "FT.SEARCH idx '(words @n:[5 9])|text' NOCONTENT WITHSCORES",
                "[1 p:1 1.0892312795212618]",
            ),
            (
                "FT.SEARCH idx '(words green)|(short -@k:{red})|text' NOCONTENT WITHSCORES",
                "[1 p:1 1.0892312795212618]",
            ),
            (
                "FT.SEARCH idx text|words NOCONTENT WITHSCORES SCORER TFIDF",
                "[2 p:3 4 p:1 3]",
            ),
            (
                "FT.SEARCH idx -run NOCONTENT WITHSCORES SCORER TFIDF LIMIT 0 1",
                "[3 p:1 0]",
            ),
        ],
    );
}

#[test]
fn slop_sees_the_words_of_choices() {
    let (_server, mut client) = start();
    check(
        &mut client,
        &[
            ("FT.SEARCH idx 'long (words|zzz)' SLOP 1 NOCONTENT", "[0]"),
            (
                "FT.SEARCH idx 'long (words|zzz)' SLOP 2 NOCONTENT",
                "[1 p:1]",
            ),
            // INFIELDS and the field of the query both hold.
            ("FT.SEARCH idx @ns:run INFIELDS 1 t NOCONTENT", "[0]"),
        ],
    );
}

#[test]
fn equal_documents_stand_in_the_direction_of_the_sort() {
    let (_server, mut client) = start();
    check(
        &mut client,
        &[
            (
                "FT.SEARCH idx * SORTBY n NOCONTENT",
                "[5 p:1 p:2 p:3 p:4 p:5]",
            ),
            (
                "FT.SEARCH idx * SORTBY n DESC NOCONTENT",
                "[5 p:5 p:4 p:3 p:2 p:1]",
            ),
            (
                "FT.AGGREGATE idx * LOAD 1 @__key SORTBY 2 @n DESC LIMIT 0 3",
                "[5 [__key p:5 n 3] [__key p:4 n 2] [__key p:3 n 2]]",
            ),
        ],
    );
}

#[test]
fn whoever_does_not_count_is_told_of_what_is_shown() {
    let (_server, mut client) = start();
    check(
        &mut client,
        &[
            (
                "FT.SEARCH idx words|run DIALECT 4 LIMIT 0 2 NOCONTENT",
                "[2 p:3 p:5]",
            ),
            (
                "FT.SEARCH idx words|run WITHOUTCOUNT LIMIT 0 2 NOCONTENT",
                "[2 p:3 p:5]",
            ),
            (
                "FT.SEARCH idx words|run DIALECT 4 WITHCOUNT LIMIT 0 2 NOCONTENT",
                "[4 p:3 p:5]",
            ),
        ],
    );
}

#[test]
fn rows_are_counted_where_all_come_together() {
    let (_server, mut client) = start();
    check(
        &mut client,
        &[
            ("FT.AGGREGATE idx * SORTBY 1 @n LIMIT 0 1", "[5 [n 1]]"),
            ("FT.AGGREGATE idx * LIMIT 1 2", "[2 [] []]"),
            ("FT.AGGREGATE idx * LIMIT 0 0", "[5]"),
            (
                "FT.AGGREGATE idx * GROUPBY 1 @n REDUCE COUNT 0 AS c SORTBY 1 @n LIMIT 0 1",
                "[3 [n 1 c 2]]",
            ),
        ],
    );
    let words = [
        "FT.AGGREGATE",
        "idx",
        "*",
        "LOAD",
        "1",
        "@t",
        "APPLY",
        "split(@t, ' ')",
        "AS",
        "w",
        "GROUPBY",
        "1",
        "@w",
        "REDUCE",
        "COUNT",
        "0",
        "AS",
        "c",
        "SORTBY",
        "4",
        "@c",
        "DESC",
        "@w",
        "ASC",
        "LIMIT",
        "0",
        "2",
    ];
    // An array is grouped by each of its values.
    let rows = shown(&client.call(&words));
    assert_eq!(rows, "[10 [w words c 2] [w hol c 1]]");
}

#[test]
fn what_a_filter_drops_before_the_first_row_is_not_counted() {
    let (_server, mut client) = start();
    let cases = [
        ("GROUPBY 1 @n FILTER @n>9", "[0]"),
        ("GROUPBY 1 @n FILTER @n>9 LIMIT 0 0", "[0]"),
        ("SORTBY 1 @n FILTER @n>1", "[3 [n 2] [n 2] [n 3]]"),
        ("SORTBY 1 @n FILTER @n!=2", "[5 [n 1] [n 1] [n 3]]"),
        // The second drops what stands between rows that the first dropped.
        ("SORTBY 1 @n FILTER @n!=2 FILTER @n>1", "[1 [n 3]]"),
        ("SORTBY 1 @n MAX 2 FILTER @n>1", "[3]"),
        ("FILTER @n>9 LIMIT 1 2", "[0]"),
        ("FILTER @n>2 LIMIT 1 2", "[1]"),
    ];
    for (steps, expected) in cases {
        let reply = client.say(&format!("FT.AGGREGATE idx * {steps}"));
        assert_eq!(shown(&reply), expected, "{steps}");
    }
    let reply = client.say("FT.AGGREGATE idx * SORTBY 1 @n FILTER @n>1 WITHCURSOR");
    assert_eq!(shown(&reply), "[[3 [n 2] [n 2] [n 3]] 0]");
}

#[test]
fn rows_that_a_cursor_passes_over_are_counted() {
    let (_server, mut client) = start();
    client.ok("HELLO 3");
    let cases = [
        ("* LIMIT 1 3 WITHCURSOR COUNT 1", 2),
        ("* WITHCURSOR COUNT 2", 2),
        ("@k:{red} LIMIT 1 5 WITHCURSOR", 3),
        ("@k:{green} LIMIT 1 5 WITHCURSOR", 1),
        ("* FILTER @n>1 LIMIT 1 5 WITHCURSOR COUNT 1", 2),
    ];
    for (words, expected) in cases {
        let reply = client.say(&format!("FT.AGGREGATE idx {words}"));
        let first = &reply.as_items().expect("a page and a cursor")[0];
        let pairs = first.as_pairs().expect("a map");
        let total = pairs
            .into_iter()
            .find(|(name, _)| name.as_str() == Some("total_results"));
        let total = total.and_then(|(_, count)| count.as_i64());
        assert_eq!(total, Some(expected), "{words}");
    }
}

#[test]
fn everything_beside_a_filter_or_keys_is_worth_nothing() {
    let (_server, mut client) = start();
    let cases = [
        ("FILTER n 1 2 NOCONTENT", "[4 p:1 p:2 p:3 p:4]"),
        (
            "FILTER n 1 1 NOCONTENT WITHSCORES SCORER TFIDF",
            "[2 p:1 1 p:2 1]",
        ),
        ("INKEYS 2 p:1 p:2 NOCONTENT WITHSCORES", "[2 p:1 0 p:2 0]"),
        (
            "INKEYS 2 p:2 p:1 NOCONTENT WITHSCORES SCORER DISMAX",
            "[2 p:1 0 p:2 0]",
        ),
    ];
    for (words, expected) in cases {
        let reply = client.say(&format!("FT.SEARCH idx * {words}"));
        assert_eq!(shown(&reply), expected, "{words}");
    }
}

#[test]
fn a_document_keeps_its_place_when_it_is_to_expire() {
    let (_server, mut client) = start();
    let shows = "FT.SEARCH idx @n:[1,2] NOCONTENT";
    let before = shown(&client.say(shows));
    client.ok("EXPIRE p:2 1000");
    assert_eq!(shown(&client.say(shows)), before);
    client.ok("PERSIST p:1");
    client.ok("PERSIST p:2");
    assert_eq!(shown(&client.say(shows)), before);
    client.ok("PEXPIRE p:2 1");
    std::thread::sleep(std::time::Duration::from_millis(20));
    let rows = shown(&client.say("FT.SEARCH idx @n:[1,2] RETURN 1 n"));
    assert!(rows.contains("p:1") && !rows.contains("p:2"), "{rows}");
}

#[test]
fn info_tells_options_in_the_order_of_the_module() {
    let (_server, mut client) = Client::start();
    client.ok(
        "FT.CREATE i SCHEMA t TEXT NOSTEM INDEXMISSING SORTABLE UNF k TAG CASESENSITIVE SORTABLE",
    );
    let info = shown(&client.say("FT.INFO i"));
    for options in [
        "SORTABLE UNF NOSTEM INDEXMISSING]",
        "CASESENSITIVE SORTABLE UNF]",
    ] {
        assert!(info.contains(options), "{options} in {info}");
    }
}

#[test]
fn groups_are_sorted_by_what_they_have() {
    let (_server, mut client) = start();
    let refused = "Property `k` not loaded nor in schema";
    check(
        &mut client,
        &[
            ("FT.AGGREGATE idx * GROUPBY 1 @n SORTBY 1 @k", refused),
            (
                "FT.AGGREGATE idx * LOAD 1 @k GROUPBY 1 @n SORTBY 1 @k",
                refused,
            ),
        ],
    );
}

#[test]
fn whoever_loads_all_may_name_any_field() {
    let (_server, mut client) = start();
    check(
        &mut client,
        &[
            (
                "FT.AGGREGATE idx nowhere LOAD * APPLY upper(@k) AS x",
                "[0]",
            ),
            (
                "FT.AGGREGATE idx nowhere LOAD * APPLY upper(@z) AS x",
                "Property `z` not loaded nor in pipeline",
            ),
        ],
    );
}

#[test]
fn an_index_that_is_there_is_told_of_before_what_is_wrong_with_its_words() {
    let (_server, mut client) = start();
    let refused = "Index already exists";
    check(
        &mut client,
        &[
            ("FT.CREATE idx SCHEMA t NOTHING", refused),
            ("FT.CREATE idx FOO t TEXT BAR", refused),
        ],
    );
    client.ok("SELECT 1");
    let refused = "Cannot create index on db != 0";
    check(&mut client, &[("FT.CREATE idx SCHEMA t NOTHING", refused)]);
}

#[test]
fn fields_that_steps_load_show_all_that_their_paths_lead_to() {
    let (_server, mut client) = Client::start();
    client.ok("FT.CREATE jdx ON JSON PREFIX 1 j: SCHEMA $.n AS n NUMERIC $.w[*] AS w TEXT");
    client.ok("JSON.SET j:1 $ {\"n\":1,\"w\":[\"a\",\"b\"]}");
    client.ok("JSON.SET j:2 $ {\"n\":null}");
    let group = "FT.AGGREGATE jdx @n:[1,1] GROUPBY 2 @n @w";
    check(
        &mut client,
        &[
            (&format!("{group} DIALECT 3"), "[1 [n [1] w [\"a\",\"b\"]]]"),
            (&format!("{group} DIALECT 2"), "[1 [n 1 w a]]"),
            (
                "FT.AGGREGATE jdx * SORTBY 1 @n DIALECT 3",
                "[2 [n [null]] [n [1]]]",
            ),
        ],
    );
}

#[test]
fn what_is_sorted_by_is_shown_as_the_index_keeps_it() {
    let (_server, mut client) = Client::start();
    client.ok("FT.CREATE jdx ON JSON PREFIX 1 j: SCHEMA $.k AS k TAG SORTABLE");
    client.ok("JSON.SET j:1 $ {\"k\":[\"a\",\"b\"]}");
    client.ok("JSON.SET j:2 $ {\"k\":true}");
    client.ok("JSON.SET j:3 $ {\"k\":null}");
    let rows =
        "[3 j:1 [k a $ {\"k\":[\"a\",\"b\"]}] j:2 [k true $ {\"k\":true}] j:3 [$ {\"k\":null}]]";
    check(&mut client, &[("FT.SEARCH jdx * SORTBY k", rows)]);
}

#[test]
fn a_row_of_two_arrays_is_in_a_group_for_each_pair_of_their_values() {
    let (_server, mut client) = start();
    client.ok("HSET p:6 k pair a 1,2,3 b x,y");
    let line = "FT.AGGREGATE idx @k:{pair} LOAD 2 a b APPLY split(@a) AS s APPLY split(@b) AS u \
                GROUPBY 2 @s @u REDUCE COUNT 0 AS c SORTBY 4 @s ASC @u ASC LIMIT 0 3";
    let rows = "[6 [s 1 u x c 1] [s 1 u y c 1] [s 2 u x c 1]]";
    check(&mut client, &[(line, rows)]);
}

#[test]
fn dialect_1_knows_fewer_signs() {
    let (_server, mut client) = start();
    let query = |client: &mut Client, query: &str| {
        shown(&client.call(&["FT.SEARCH", "idx", query, "NOCONTENT", "DIALECT", "1"]))
    };
    for (text, expected) in [
        ("\"the words\"", "Syntax error at offset 1 near the"),
        ("w'ru*'", "[0]"),
        ("ismissing(@t)", "Syntax error at offset 12 near t"),
        ("@n==1", "Syntax error at offset 4 near 1"),
        ("@n:[1]", "Syntax error at offset 5 near 1"),
        // A set of tags goes on behind its brace, and may go without.
        ("@k:{green}|@k:{blue}", "Syntax error at offset 11 near k"),
        ("@k:{green}|blue", "[3 p:3 p:4 p:1]"),
        ("@k:{green", "[1 p:3]"),
        ("\"two words\"", "[1 p:3]"),
        ("'two words'", "[1 p:3]"),
    ] {
        assert_eq!(query(&mut client, text), expected, "{text}");
    }
}

#[test]
fn aliases_are_of_indexes_alone() {
    let (_server, mut client) = start();
    check(
        &mut client,
        &[
            ("FT.ALIASADD al idx", "OK"),
            (
                "FT.ALIASADD bl al",
                "Unknown index name (or name is an alias itself)",
            ),
            (
                "FT.ALIASADD idx idx",
                "Alias conflicts with an existing index name",
            ),
            ("FT.ALIASDEL idx", "Alias does not belong to provided spec"),
        ],
    );
}

#[test]
fn an_index_may_have_a_name_that_is_an_alias_and_hides_it() {
    let (_server, mut client) = start();
    let conflict = "Alias conflicts with an existing index name";
    let not_one = "Alias does not belong to provided spec";
    check(
        &mut client,
        &[
            ("FT.ALIASADD al idx", "OK"),
            ("FT.CREATE al PREFIX 1 q: SCHEMA n NUMERIC", "OK"),
            (
                "FT.CREATE al PREFIX 1 q: SCHEMA n NUMERIC",
                "Index already exists",
            ),
            ("HSET q:1 n 1", "1"),
            ("FT.SEARCH al * NOCONTENT", "[1 q:1]"),
            ("FT.SEARCH idx @t:short NOCONTENT", "[1 p:2]"),
            ("FT.ALIASADD al idx", conflict),
            ("FT._ALIASADDIFNX al idx", conflict),
            ("FT.ALIASUPDATE al idx", not_one),
            ("FT.ALIASDEL al", not_one),
            ("FT._ALIASDELIFX al", not_one),
            ("FT.ALIASADD bl al", "OK"),
            (
                "FT.ALIASUPDATE idx bl",
                "Alias does not belong to provided spec",
            ),
            ("FT.ALTER al SCHEMA ADD k TAG", "OK"),
            ("FT.TAGVALS al k", "[]"),
            ("FT.DROPINDEX al", "OK"),
            // Its own alias is gone, and the name is what it was.
            ("FT.TAGVALS bl k", "bl: no such index"),
            ("FT.SEARCH al @t:short NOCONTENT", "[1 p:2]"),
            ("FT._LIST", "[idx]"),
            ("FT._CREATEIFNX al SCHEMA n NUMERIC", "OK"),
            ("FT.DROPINDEX idx", "OK"),
            ("FT._LIST", "[al]"),
        ],
    );
}

#[test]
fn what_is_wrong_with_any_step_is_told_before_the_first_runs() {
    let (_server, mut client) = start();
    for (steps, expected) in [
        (
            "APPLY upper(@z) AS y",
            "Property `z` not loaded nor in pipeline",
        ),
        ("APPLY upper( AS y", "Syntax error at offset 5 near 'upper'"),
        ("GROUPBY 1 @z", "No such property `z`"),
        ("GROUPBY 1 @x REDUCE NONE 0", "No such reducer: NONE"),
        ("GROUPBY 1 @z LOAD 1 @k", "No such property `z`"),
        (
            "GROUPBY 1 @x LOAD 1 @k",
            "LOAD cannot be applied after projectors or reducers",
        ),
        ("SORTBY 1 @z", "Property `z` not loaded nor in schema"),
    ] {
        // This fails in the first row.
        let line = format!("FT.AGGREGATE idx * LOAD 1 @t APPLY to_number(@t) AS x {steps}");
        assert_eq!(shown(&client.say(&line)), expected, "{steps}");
    }
    let computed = "Property `__key` not loaded nor in pipeline";
    check(
        &mut client,
        &[
            ("FT.AGGREGATE idx * APPLY upper(@__key) AS x", computed),
            (
                "FT.AGGREGATE idx * APPLY @__score AS x",
                "Property `__score` not loaded nor in pipeline",
            ),
            // Whatever fields of hashes are loaded: those that are not in the schema are not known.
            (
                "FT.AGGREGATE idx * LOAD * APPLY upper(@none) AS x",
                "Property `none` not loaded nor in pipeline",
            ),
            // What is sorted by is loaded, and known from then on.
            (
                "FT.AGGREGATE idx @t:short SORTBY 1 @t APPLY upper(@t) AS x",
                "[1 [t short x SHORT]]",
            ),
            (
                "FT.AGGREGATE idx @t:short APPLY upper(@t) AS x SORTBY 1 @t",
                "Property `t` not loaded nor in pipeline",
            ),
        ],
    );
}

#[test]
fn who_wants_no_row_of_one_step_wants_none_of_any() {
    let (_server, mut client) = start();
    check(
        &mut client,
        &[
            ("FT.AGGREGATE idx * LIMIT 0 0 LIMIT 0 1", "[5]"),
            ("FT.AGGREGATE idx * LIMIT 0 0 SORTBY 1 @none", "[5]"),
            ("FT.AGGREGATE idx * GROUPBY 1 @n LIMIT 0 0 LIMIT 0 1", "[3]"),
            ("FT.SEARCH idx * SORTBY none LIMIT 0 0", "[5]"),
        ],
    );
}

#[test]
fn what_a_path_led_to_is_shown_through_all_steps() {
    let (_server, mut client) = Client::start();
    client.ok("FT.CREATE jdx ON JSON PREFIX 1 j: SCHEMA $.n AS n NUMERIC $.w[*] AS w TEXT $.m AS m NUMERIC SORTABLE");
    client.ok("JSON.SET j:1 $ {\"n\":1,\"w\":[\"a\",\"b\"],\"m\":3}");
    client.ok("JSON.SET j:2 $ {\"n\":[4,5],\"w\":[\"c\"],\"m\":[1,2]}");
    client.ok("JSON.SET j:3 $ {\"n\":null,\"m\":4}");
    let of_all = "FT.AGGREGATE jdx * LOAD 2 @n @w GROUPBY 0 REDUCE";
    let of_each = "FT.AGGREGATE jdx @n:[1,9] LOAD 2 @n @w GROUPBY 1 @m REDUCE";
    for (line, expected) in [
        (
            format!("{of_all} TOLIST 1 @n AS r DIALECT 3"),
            "[1 [r [[1] [[4,5]] [null]]]]",
        ),
        (
            format!("{of_all} TOLIST 1 @w AS r DIALECT 3"),
            "[1 [r [[\"a\",\"b\"] [\"c\"]]]]",
        ),
        (
            format!("{of_all} RANDOM_SAMPLE 2 @w 5 AS r DIALECT 3"),
            "[1 [r [[\"a\",\"b\"] [\"c\"]]]]",
        ),
        (
            format!("{of_all} TOLIST 1 @n AS r DIALECT 2"),
            "[1 [r [1 [4,5] nil]]]",
        ),
        (
            format!("{of_each} FIRST_VALUE 1 @n AS r APPLY @r AS x DIALECT 3"),
            "[2 [m 3 r [1] x [1]] [m [[1,2]] r [[4,5]] x [[4,5]]]]",
        ),
        (
            format!("{of_each} FIRST_VALUE 1 @w AS r APPLY upper(@r) AS x DIALECT 3"),
            "[2 [m 3 r [\"a\",\"b\"] x A] [m [[1,2]] r [\"c\"] x C]]",
        ),
        // A list is grouped by what it lists.
        (
            format!("{of_all} TOLIST 1 @w AS r GROUPBY 1 @r REDUCE TOLIST 1 @r AS s DIALECT 3"),
            "[2 [r [\"a\",\"b\"] s [[\"a\",\"b\"] [\"c\"]]] [r [\"c\"] s [[\"a\",\"b\"] [\"c\"]]]]",
        ),
        // What leads to `null` is a value.
        (
            format!("{of_all} COUNT_DISTINCT 1 @n AS r DIALECT 3"),
            "[1 [r 3]]",
        ),
        (
            format!("{of_all} COUNT_DISTINCT 1 @n AS r DIALECT 2"),
            "[1 [r 2]]",
        ),
    ] {
        assert_eq!(shown(&client.say(&line)), expected, "{line}");
    }
}

#[test]
fn null_is_less_than_any_value_that_is_not_kept_for_sorting() {
    let (_server, mut client) = Client::start();
    client.ok("FT.CREATE jdx ON JSON PREFIX 1 j: SCHEMA $.n AS n NUMERIC $.t AS t TEXT $.m AS m NUMERIC SORTABLE");
    for (key, document) in [
        ("j:1", "{\"n\":1,\"t\":\"b\",\"m\":1}"),
        ("j:2", "{\"n\":null,\"t\":null,\"m\":null}"),
        ("j:3", "{}"),
        ("j:4", "{\"n\":-5,\"t\":\"\",\"m\":0}"),
        ("j:5", "{\"n\":null,\"t\":null,\"m\":null}"),
    ] {
        client.ok(&format!("JSON.SET {key} $ {document}"));
    }
    for (sorting, expected) in [
        ("n", "[5 j:2 j:5 j:4 j:1 j:3]"),
        ("n DESC", "[5 j:1 j:4 j:5 j:2 j:3]"),
        ("n LIMIT 1 2", "[5 j:5 j:4]"),
        ("n DESC LIMIT 1 2", "[5 j:4 j:5]"),
        ("t", "[5 j:2 j:5 j:4 j:1 j:3]"),
        ("t DESC DIALECT 3", "[5 j:1 j:4 j:5 j:2 j:3]"),
        ("m", "[5 j:4 j:1 j:2 j:3 j:5]"),
    ] {
        let line = format!("FT.SEARCH jdx * NOCONTENT SORTBY {sorting}");
        assert_eq!(shown(&client.say(&line)), expected, "{sorting}");
    }
}

#[test]
fn the_later_of_limit_and_max_holds() {
    let (_server, mut client) = start();
    check(
        &mut client,
        &[
            (
                "FT.AGGREGATE idx * LIMIT 3 1 SORTBY 1 @n MAX 50",
                "[5 [n 2] [n 3]]",
            ),
            (
                "FT.AGGREGATE idx * SORTBY 1 @n MAX 50 LIMIT 3 1",
                "[5 [n 2]]",
            ),
            ("FT.AGGREGATE idx * LIMIT 1 3 SORTBY 1 @n MAX 0", "[5]"),
            (
                "FT.AGGREGATE idx * LIMIT 0 1 SORTBY 1 @n MAX 0 LIMIT 0 2",
                "[5 [n 1] [n 1]]",
            ),
        ],
    );
}

#[test]
fn slop_beside_keys_and_filters_asks_in_all_fields() {
    let (_server, mut client) = Client::start();
    client.ok(
        "FT.CREATE jdx ON JSON PREFIX 1 j: SCHEMA $.t[*] AS t TEXT $.n AS n NUMERIC $.s AS s TEXT",
    );
    client.ok("JSON.SET j:1 $ {\"t\":[\"a\",\"b\"],\"n\":1}");
    let refused = "slop/inorder are not supported for field with undefined ordering `t`";
    check(
        &mut client,
        &[
            ("FT.SEARCH jdx * SLOP 0 NOCONTENT", "[1 j:1]"),
            ("FT.SEARCH jdx * INORDER INKEYS 1 j:1", refused),
            ("FT.SEARCH jdx @s:foo SLOP 0 FILTER n 0 1", refused),
            ("FT.SEARCH jdx '@s:(foo bar)' SLOP 0 FILTER n 0 1", "[0]"),
            ("FT.SEARCH jdx * SLOP -1 NOCONTENT INKEYS 1 j:1", "[1 j:1]"),
        ],
    );
}

#[test]
fn what_must_not_be_there_and_is_nowhere_is_everything() {
    let (_server, mut client) = Client::start();
    for index in ["all INDEXALL ENABLE", "idx"] {
        client.ok(&format!(
            "FT.CREATE {index} PREFIX 1 d: SCHEMA t TEXT k TAG n NUMERIC"
        ));
    }
    client.ok("HSET d:1 t 'world run worlds beta jon or world 42' k a n 1");
    client.ok("HSET d:2 t 'dog dog' k b n 2");
    client.ok("HSET d:3 t 'not smyth' n 3");
    let mut found = |index: &str, query: &str, scorer: &str| {
        let line = format!("FT.SEARCH {index} '{query}' NOCONTENT WITHSCORES SCORER {scorer}");
        shown(&client.say(&line))
    };
    let everything = found("all", "*", "TFIDF");
    for query in [
        "-gamma",
        "-\"gamma dog\"",
        "-(gamma|zeta)",
        "-gamma -zeta",
        "-@k:{c}",
        "~-gamma",
    ] {
        assert_eq!(found("all", query, "TFIDF"), everything, "{query}");
        assert_eq!(
            found("idx", query, "TFIDF"),
            "[3 d:1 0 d:2 0 d:3 0]",
            "{query}"
        );
    }
    for query in ["-jon -dog", "-@n:[3 3] -dog -world"] {
        let found = found("all", query, "TFIDF");
        assert!(found.ends_with(" 0]") || found == "[0]", "{query}: {found}");
    }
    // However often it is said, each time it is looked at once.
    let many = format!("{}gamma", "~".repeat(60));
    assert_eq!(found("idx", &many, "TFIDF"), everything);
    // Beside others it is no condition.
    for index in ["all", "idx"] {
        let alone = found(index, "world", "TFIDF");
        assert_eq!(found(index, "world -gamma", "TFIDF"), alone);
        assert_eq!(found(index, "world ~gamma", "TFIDF"), alone);
        // A condition that need not hold has the places of its words.
        assert_eq!(found(index, "~world", "TFIDF"), "[3 d:1 1.5 d:2 0 d:3 0]");
        // What nobody can meet is no choice, and the weight of what need not hold is that of what is inside.
        assert_eq!(found(index, "(world|zeta)=>{$weight:3}", "TFIDF"), alone);
        assert_eq!(
            found(index, "(~(run=>{$weight:3}))=>{$weight:2}", "TFIDF"),
            "[3 d:1 2 d:2 0 d:3 0]"
        );
        // Who need not do what need not be done is worth what everything is where he does not.
        assert_eq!(found(index, "~~gamma", "TFIDF"), everything);
        assert_eq!(
            found(index, "~~world", "TFIDF"),
            "[3 d:1 1.5 d:3 1 d:2 0.5]"
        );
    }
}

#[test]
fn what_is_no_number_is_the_least_and_the_most_until_the_next() {
    let (_server, mut client) = start();
    let ends = "GROUPBY 0 REDUCE MIN 1 @x AS a REDUCE MAX 1 @x AS b";
    for (values, expected) in [
        ("sqrt(2-@n)", "[1 [a nan b nan]]"),
        ("sqrt(@n - 2)", "[1 [a 0 b 1]]"),
    ] {
        let line = format!("FT.AGGREGATE idx * LOAD 1 @n APPLY '{values}' AS x {ends}");
        let reply = shown(&client.say(&line)).replace('-', "");
        assert_eq!(reply, expected, "{values}");
    }
}

#[test]
fn nothing_is_there_where_a_row_has_it() {
    let (_server, mut client) = start();
    client.ok("FT.CREATE jdx ON JSON PREFIX 1 j: FILTER exists(@t) SCHEMA $.t AS t TEXT");
    client.ok("JSON.SET j:1 $ {\"t\":null}");
    client.ok("JSON.SET j:2 $ {}");
    check(
        &mut client,
        &[
            ("FT.SEARCH jdx * NOCONTENT", "[1 j:1]"),
            (
                "FT.AGGREGATE jdx * LOAD 1 @t APPLY exists(@t) AS x",
                "[1 [t nil x 1]]",
            ),
            (
                "FT.AGGREGATE idx @t:short LOAD 1 @ns APPLY exists(@ns) AS x",
                "[1 [x 0]]",
            ),
            (
                "FT.AGGREGATE idx @t:short GROUPBY 1 @ns FILTER exists(@ns)",
                "[1 [ns nil]]",
            ),
        ],
    );
}

#[test]
fn blanks_that_part_tags_are_one_however_many_they_are() {
    let (_server, mut client) = Client::start();
    client.ok("FT.CREATE idx PREFIX 1 p: SCHEMA k TAG SEPARATOR ' ' INDEXEMPTY");
    for (place, tags) in ["a b", " a  b", "a ", "", "a\t", "a \t", "b\t "]
        .iter()
        .enumerate()
    {
        client.set(&format!("p:{place}"), &[("k", tags.as_bytes())]);
    }
    let mut find = |query: &str| {
        let words = ["FT.SEARCH", "idx", query, "NOCONTENT", "DIALECT", "2"];
        shown(&client.call(&words))
    };
    assert_eq!(find("@k:{\"\"}"), "[4 p:2 p:3 p:5 p:6]");
    assert_eq!(find("@k:{b}"), "[3 p:0 p:1 p:6]");
}

#[test]
fn a_document_keeps_its_place_when_it_is_renamed() {
    let (_server, mut client) = start();
    let documents = |client: &mut Client| shown(&client.say("FT.SEARCH idx @n:[1,3] NOCONTENT"));
    client.ok("RENAME p:2 p:9");
    assert_eq!(documents(&mut client), "[5 p:1 p:9 p:3 p:4 p:5]");
    assert_eq!(
        shown(&client.say("FT.SEARCH idx short RETURN 1 t")),
        "[1 p:9 [t short]]"
    );
    // In place of another one.
    client.ok("RENAME p:9 p:4");
    assert_eq!(documents(&mut client), "[4 p:1 p:4 p:3 p:5]");
    assert_eq!(
        shown(&client.say("FT.SEARCH idx running|short NOCONTENT")),
        "[2 p:4 p:5]"
    );
    // Behind the others is who comes from where the index does not look.
    client.ok("RENAME p:1 q:1");
    assert_eq!(documents(&mut client), "[3 p:4 p:3 p:5]");
    client.ok("RENAME q:1 p:1");
    assert_eq!(documents(&mut client), "[4 p:4 p:3 p:5 p:1]");
}

#[test]
fn numbers_of_queries_are_read_as_c_does() {
    let (_server, mut client) = start();
    let outside = "Bad arguments for MAX: Could not convert argument to expected type";
    check(
        &mut client,
        &[
            ("FT.AGGREGATE idx * LIMIT '' 1", "[1 []]"),
            (
                "FT.SEARCH idx @t:short LIMIT ' 0' '+1' NOCONTENT",
                "[1 p:2]",
            ),
            ("FT.SEARCH idx @t:short TIMEOUT '' NOCONTENT", "[1 p:2]"),
            ("FT.AGGREGATE idx * LIMIT '' 1 LOAD ''", "[1 []]"),
            ("FT.AGGREGATE idx * SORTBY 1 @n MAX", outside),
            ("FT.AGGREGATE idx * SORTBY 1 @n MAX -1", outside),
            // An index is made by Redis's numbers.
            (
                "FT.CREATE i PREFIX '' SCHEMA t TEXT",
                "Bad arguments for PREFIX: Could not convert argument to expected type",
            ),
        ],
    );
}

#[test]
fn refusals_have_the_words_of_the_module() {
    let (_server, mut client) = start();
    let wrong = |name: &str| format!("ERR wrong number of arguments for '{name}' command");
    for (line, expected) in [
        (
            "FT.AGGREGATE idx * LOAD 3 @t @k AS x",
            "Unknown argument `x` at position 6 for <main>".to_owned(),
        ),
        (
            "FT.AGGREGATE idx * GROUPBY 1 @none LOAD 2 @t AS",
            "No such property `none`".to_owned(),
        ),
        (
            "FT.AGGREGATE idx * LOAD 2 @t AS",
            "LOAD path AS name - must be accompanied with NAME".to_owned(),
        ),
        (
            "FT.AGGREGATE idx * APPLY to_number(NULL) AS x",
            "to_number: cannot convert string '(null)'".to_owned(),
        ),
        ("FT.ALTER idx SCHEMA ADD x", wrong("FT.ALTER")),
        ("FT.CREATE i ON HASH", wrong("_FT.CREATE")),
        ("FT._CREATEIFNX i ON HASH", wrong("_FT._CREATEIFNX")),
        ("FT.CREATE i SCHEMA", wrong("FT.CREATE")),
        // Fields may have no name.
        ("FT.CREATE i SCHEMA '' TEXT", "OK".to_owned()),
    ] {
        assert_eq!(shown(&client.say(line)), expected, "{line}");
    }
}

#[test]
fn matched_terms_are_those_of_the_index_that_made_a_document_pass() {
    let (_server, mut client) = start();
    client.set("p:2", &[("v", b"1234")]);
    for (query, expected) in [
        ("words", "[words +word] [words +word]"),
        ("running", "[running +run] [run]"),
        ("run*", "[running] [run]"),
        ("%shart%", "[short]"),
        // Of what must hold together the rarest comes first, but in a phrase.
        ("words two", "[two words +word]"),
        ("\"two words\"", "[two words]"),
        ("(words short)|(@n:[2 2] two)", "[two]"),
        ("(words @n:[2 2])|red", "[words +word]"),
        ("two ~@k:{green}", "[two green]"),
        ("two -short", "[two]"),
        ("@k:{red | blue}", "[red blue] [blue] [red] [red]"),
        ("@k:{blue} @k:{re*}", "[blue red]"),
        ("short short", "[short short]"),
        ("@n:[1 1]", "nil nil"),
    ] {
        let words = ["FT.AGGREGATE", "idx", query];
        let steps = [
            "APPLY",
            "matched_terms()",
            "AS",
            "m",
            "PARAMS",
            "2",
            "q",
            "1234",
        ];
        let rows = shown(&client.call(&[&words[..], &steps, &["DIALECT", "2"]].concat()));
        let rows = rows
            .replace("[m ", "")
            .replace("nil]", "nil")
            .replace("]]", "]");
        assert_eq!(rows, format!("[1 {expected}]"), "{query}");
    }
    check(
        &mut client,
        &[
            (
                "FT.AGGREGATE idx '(short)=>[KNN 1 @v $q]' APPLY matched_terms() AS m PARAMS 2 q 1234 DIALECT 2",
                "[1 [__v_score 0 m nil]]",
            ),
            (
                "FT.AGGREGATE idx words APPLY matched_terms(1) AS m",
                "[1 [m [words]] [m [words]]]",
            ),
            (
                "FT.AGGREGATE idx words SORTBY 2 @n DESC APPLY matched_terms(1) AS m",
                "[2 [n 2 m [words]] [n 1 m [words]]]",
            ),
            (
                "FT.AGGREGATE idx words GROUPBY 1 @n APPLY matched_terms() AS m FILTER '@n == 1'",
                "[2 [n 1 m nil]]",
            ),
        ],
    );
}

#[test]
fn options_of_an_index_are_told_in_one_order() {
    let (_server, mut client) = Client::start();
    for (words, expected) in [
        (
            "NOOFFSETS NOFIELDS NOFREQS",
            "[NOFREQS NOFIELDS NOOFFSETS NOHL]",
        ),
        ("MAXTEXTFIELDS NOHL", "[NOHL MAXTEXTFIELDS]"),
    ] {
        client.ok(&format!("FT.CREATE idx {words} SCHEMA t TEXT"));
        let Value::Array(facts) = client.ok("FT.INFO idx") else {
            panic!("FT.INFO is no list");
        };
        assert_eq!(shown(&facts[3]), expected, "{words}");
        client.ok("FT.DROPINDEX idx");
    }
}

#[test]
fn matched_terms_need_no_words() {
    let (_server, mut client) = Client::start();
    client.ok("FT.CREATE idx SCHEMA k TAG n NUMERIC");
    client.ok("HSET p:1 k red n 1");
    let line = "FT.AGGREGATE idx '(@k:{red} @n:[2 2])|@n:[1 1]' APPLY matched_terms() AS m";
    check(&mut client, &[(line, "[1 [m nil]]")]);
    let line = "FT.AGGREGATE idx '(@k:{red} @n:[1 1])|@n:[2 2]' APPLY matched_terms() AS m";
    check(&mut client, &[(line, "[1 [m [red]]]")]);
}
