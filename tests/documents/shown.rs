//! What replies show of documents, and by what they sort, each as search 8.4.10 gave it: SORTABLE values, numbers, fields that tell of
//! documents, rows as far as a page goes.

use crate::client::{Client, packed};
use crate::module::{check, shown};
use crate::support::Server;

/// JSON documents whose fields the index keeps for sorting: scalars, arrays, `null`, and one with an empty text alone.
fn start_json() -> (Server, Client) {
    let (server, mut client) = Client::start();
    client.ok(
        "FT.CREATE jx ON JSON PREFIX 1 j: SCHEMA $.n AS n NUMERIC INDEXMISSING SORTABLE \
         $.t AS t TEXT SORTABLE $.g AS g TAG INDEXMISSING SORTABLE $.b AS b TAG SORTABLE \
         $.m AS m NUMERIC INDEXMISSING",
    );
    for line in [
        r#"JSON.SET j:1 $ '{"n":3.0,"t":"Foo Bar","g":"Xy","b":true,"m":2.50}'"#,
        r#"JSON.SET j:2 $ '{"n":12,"t":["Foo","Bar"],"g":["Xy","Z"],"b":false,"m":7}'"#,
        r#"JSON.SET j:3 $ '{"n":[4,5],"t":null,"g":null,"m":null}'"#,
        r#"JSON.SET j:4 $ '{"g":""}'"#,
    ] {
        client.ok(line);
    }
    (server, client)
}

#[test]
fn dialect_3_shows_what_is_kept_for_sorting_as_it_is() {
    let (_server, mut client) = start_json();
    check(
        &mut client,
        &[
            (
                "FT.SEARCH jx * RETURN 5 n t g b m DIALECT 3",
                r#"[4 j:3 [n [[4,5]] m [null]] j:4 [g ] j:1 [n 3 t Foo Bar g Xy b true m [2.5]] j:2 [n 12 t [["Foo","Bar"]] g [["Xy","Z"]] b false m [7]]]"#,
            ),
            (
                "FT.AGGREGATE jx * LOAD 5 n t g b m DIALECT 3",
                r#"[1 [n 3 t Foo Bar g Xy b true m [2.5]] [n 12 t [["Foo","Bar"]] g [["Xy","Z"]] b false m [7]] [n [[4,5]] m [null]] [g ]]"#,
            ),
            (
                "FT.SEARCH jx * SORTBY n RETURN 1 n DIALECT 3",
                "[4 j:1 [n 3] j:3 [n [[4,5]]] j:2 [n 12] j:4 []]",
            ),
            (
                "FT.SEARCH jx * RETURN 2 n m LIMIT 0 1",
                "[4 j:3 [n [4,5] m nil]]",
            ),
            // Older paths are none of RETURN's.
            (
                "FT.SEARCH jx * RETURN 1 o",
                "[4 j:3 [] j:4 [] j:1 [] j:2 []]",
            ),
        ],
    );
}

#[test]
fn of_several_kept_values_the_first_is_sorted_and_grouped_by() {
    let (_server, mut client) = start_json();
    check(
        &mut client,
        &[
            (
                "FT.AGGREGATE jx * GROUPBY 1 @g REDUCE COUNT 0 AS c SORTBY 2 @g DESC",
                "[3 [g Xy c 2] [g  c 1] [g nil c 1]]",
            ),
            (
                "FT.AGGREGATE jx * SORTBY 1 @n DIALECT 3",
                "[4 [n 3] [n [[4,5]]] [n 12] []]",
            ),
            ("FT.AGGREGATE jx * SORTBY 1 @n", "[4 [n 3] [n 4] [n 12] []]"),
            (
                "FT.SEARCH jx * SORTBY t WITHSORTKEYS NOCONTENT",
                "[4 j:2 $Foo j:1 $Foo Bar j:3 nil j:4 nil]",
            ),
            (
                "FT.SEARCH jx * SORTBY b WITHSORTKEYS NOCONTENT",
                "[4 j:2 $false j:1 $true j:3 nil j:4 nil]",
            ),
        ],
    );
}

#[test]
fn null_is_not_missing() {
    let (_server, mut client) = start_json();
    check(
        &mut client,
        &[
            ("FT.SEARCH jx ismissing(@n) NOCONTENT DIALECT 2", "[1 j:4]"),
            ("FT.SEARCH jx ismissing(@m) NOCONTENT DIALECT 2", "[1 j:4]"),
            ("FT.SEARCH jx ismissing(@g) NOCONTENT DIALECT 2", "[0]"),
        ],
    );
}

/// Two hashes; the number of a third is none.
fn start_hashes() -> (Server, Client) {
    let (server, mut client) = Client::start();
    client.ok(
        "FT.CREATE hx PREFIX 1 h: SCHEMA n NUMERIC SORTABLE m NUMERIC t TEXT s TAG k TEXT SORTABLE",
    );
    client.ok("HSET h:1 n 1.50 m 9 t Foo s Up k Foo");
    client.ok("HSET h:2 n 7e1 m 10.0 t bar s down k bar");
    client.ok("HSET h:3 n ' 3'");
    (server, client)
}

#[test]
fn texts_that_are_not_kept_are_sorted_as_they_are_written() {
    let (_server, mut client) = start_hashes();
    check(
        &mut client,
        &[
            (
                "FT.SEARCH hx * SORTBY t WITHSORTKEYS NOCONTENT",
                "[2 h:1 $Foo h:2 $bar]",
            ),
            (
                "FT.SEARCH hx * SORTBY s WITHSORTKEYS NOCONTENT",
                "[2 h:1 $Up h:2 $down]",
            ),
            (
                "FT.SEARCH hx * SORTBY k WITHSORTKEYS NOCONTENT",
                "[2 h:2 $bar h:1 $foo]",
            ),
        ],
    );
}

#[test]
fn numbers_are_shown_as_numbers_where_they_are_named() {
    let (_server, mut client) = start_hashes();
    check(
        &mut client,
        &[
            (
                "FT.SEARCH hx * SORTBY m WITHSORTKEYS NOCONTENT",
                "[2 h:1 #9 h:2 #10]",
            ),
            (
                "FT.SEARCH hx * SORTBY m WITHSORTKEYS LIMIT 0 1",
                "[2 h:1 $9 [m 9 n 1.50 t Foo s Up k Foo]]",
            ),
            (
                "FT.SEARCH hx * SORTBY m RETURN 2 n m",
                "[2 h:1 [m 9 n 1.5] h:2 [m 10 n 70]]",
            ),
            (
                "FT.SEARCH hx * RETURN 3 n AS x",
                "[2 h:1 [x 1.5] h:2 [x 70]]",
            ),
        ],
    );
}

#[test]
fn what_tells_of_documents_is_not_shown() {
    let (_server, mut client) = Client::start();
    client.ok(
        "FT.CREATE l PREFIX 1 l: LANGUAGE_FIELD lang SCORE_FIELD sc PAYLOAD_FIELD pl SCHEMA t TEXT",
    );
    client.ok("HSET l:1 t running lang english sc 2 pl p");
    client.ok("HSET l:2 t running sc -1");
    client.ok("HSET l:3 t running sc x");
    check(
        &mut client,
        &[
            (
                "FT.SEARCH l running WITHSCORES",
                "[3 l:1 0.5341257493120208 [t running] l:3 0.2670628746560104 [t running] l:2 -0.2670628746560104 [t running]]",
            ),
            (
                "FT.SEARCH l * RETURN 5 t lang sc AS x LIMIT 0 1",
                "[3 l:1 [t running x 2]]",
            ),
            ("FT.AGGREGATE l * LOAD * LIMIT 0 1", "[1 [t running]]"),
            (
                "FT.AGGREGATE l * LOAD 1 sc APPLY @sc*2 AS d LIMIT 0 1",
                "[1 [d 4]]",
            ),
        ],
    );
}

/// Three documents: words, tags, a point, and one that has a field that others lack.
fn start() -> (Server, Client) {
    let (server, mut client) = Client::start();
    client.ok(
        "FT.CREATE idx PREFIX 1 p: SCHEMA t TEXT k TAG n NUMERIC SORTABLE \
         s GEOSHAPE FLAT m TEXT INDEXMISSING v VECTOR FLAT 6 TYPE FLOAT32 DIM 1 DISTANCE_METRIC L2",
    );
    client.ok(
        "HSET p:1 t 'long text of many words' k Red,Reddish,blue n 1 v 1234 s 'POINT(1 1)' m x",
    );
    client.ok("HSET p:2 t 'short text' k red n 2 v 2345");
    client.ok("HSET p:3 t words k rose n 3");
    (server, client)
}

#[test]
fn rows_are_computed_as_far_as_they_are_shown() {
    let (_server, mut client) = start();
    check(
        &mut client,
        &[
            (
                "FT.AGGREGATE idx * LOAD 2 @__key @m APPLY upper(@m) AS u LIMIT 0 1",
                "[1 [__key p:1 m x u X]]",
            ),
            // The module shows the rows before the one that cannot be computed, and says nothing.
            (
                "FT.AGGREGATE idx * LOAD 1 @m APPLY upper(@m) AS u LIMIT 0 2",
                "Could not find the value for a parameter name, consider using EXISTS if applicable for m",
            ),
            (
                "FT.AGGREGATE idx * LOAD 1 @__key FILTER @n>1 LIMIT 0 1",
                "[1 [__key p:2 n 2]]",
            ),
            (
                "FT.AGGREGATE idx * LOAD 1 @__key FILTER @n>1 LIMIT 1 5",
                "[2 [__key p:3 n 3]]",
            ),
            (
                "FT.AGGREGATE idx * LOAD 1 @__key FILTER @n>1 LIMIT 0 0",
                "[2]",
            ),
            (
                "FT.AGGREGATE idx * APPLY nope(@n) AS x LIMIT 0 0",
                "Unknown function name 'nope'",
            ),
            (
                "FT.AGGREGATE idx * APPLY 1e400 AS x APPLY -1e400 AS y LIMIT 0 1",
                "[1 [x inf y -inf]]",
            ),
            (
                "FT.SEARCH idx '*=>[KNN 2 @v $q AS d]' SORTBY n RETURN 2 n d PARAMS 2 q 1234 DIALECT 2 LIMIT 0 1",
                "[2 p:1 [d 0 n 1]]",
            ),
        ],
    );
}

#[test]
fn explanations_are_of_what_would_be_searched() {
    let (_server, mut client) = start();
    check(
        &mut client,
        &[
            (
                "FT.EXPLAIN idx @k:{RED|Re*}",
                "TAG:@k {\n  red\n  PREFIX{re*}\n}\n",
            ),
            (
                "FT.EXPLAIN idx '*=>[KNN 2 @v $q]' PARAMS 2 q xx DIALECT 2",
                "Error parsing vector similarity query: query vector blob size (2) does not match index's expected size (4).",
            ),
            (
                "FT.EXPLAIN idx '*=>[KNN 2 @v $q EF_RUNTIME 5]' PARAMS 2 q 1234 DIALECT 2",
                "Error parsing vector similarity parameters: Invalid option",
            ),
            (
                "FT.EXPLAIN idx '@v:[VECTOR_RANGE -1 $q]' PARAMS 2 q 1234 DIALECT 2",
                "Error parsing vector similarity query: negative radius (-1) given in a range query",
            ),
            (
                "FT.EXPLAIN idx 'long text' INFIELDS 1 t SLOP 1 INORDER VERBATIM",
                "INTERSECT {\n  long\n  text\n}\n",
            ),
        ],
    );
}

#[test]
fn scores_of_what_has_no_words() {
    let (_server, mut client) = start();
    check(
        &mut client,
        &[
            // Behind `~` what is missing counts as everything does.
            (
                "FT.SEARCH idx ~ismissing(@m) NOCONTENT WITHSCORES DIALECT 2",
                "[3 p:3 1.3435114587175074 p:2 1.1139240529250303 p:1 0]",
            ),
            (
                "FT.SEARCH idx '*=>[KNN 1 @v $q]' NOCONTENT WITHSCORES EXPLAINSCORE PARAMS 2 q 1234 DIALECT 2",
                "[1 p:1 [0 [Final BM25 : words BM25 0.00 * document score 1.00 [Irrelevant token -> score is 0]]]]",
            ),
            (
                "FT.SEARCH idx '*=>[KNN 1 @v $q]' NOCONTENT WITHSCORES EXPLAINSCORE SCORER TFIDF PARAMS 2 q 1234 DIALECT 2",
                "[1 p:1 [0 [Final TFIDF : words TFIDF 0.00 * document score 1.00 / norm 1 / slop 1 [(TFIDF 0.00 = Weight 1.00 * Frequency 0)]]]]",
            ),
            (
                "FT.SEARCH idx '*=>[KNN 1 @v $q]' NOCONTENT WITHSCORES SCORER DOCSCORE PARAMS 2 q 1234 DIALECT 2",
                "[1 p:1 1]",
            ),
            (
                "FT.SEARCH idx '(short)=>[KNN 1 @v $q]' NOCONTENT WITHSCORES EXPLAINSCORE SCORER DISMAX VERBATIM PARAMS 2 q 1234 DIALECT 2",
                "[1 p:2 [1 DISMAX 1.00 = Weight 1.00 * Frequency 1]]",
            ),
            (
                "FT.SEARCH idx '(short)=>[KNN 1 @v $q]' NOCONTENT WITHSCORES EXPLAINSCORE SCORER TFIDF VERBATIM PARAMS 2 q 1234 DIALECT 2",
                "[1 p:2 [2 [Final TFIDF : words TFIDF 2.00 * document score 1.00 / norm 1 / slop 1 [[(Weight 1.00 * total children TFIDF 2.00) [(TFIDF 0.00 = Weight 1.00 * Frequency 0) (TFIDF 2.00 = Weight 1.00 * TF 1 * IDF 2.00)]]]]]]",
            ),
            (
                "FT.SEARCH idx short NOCONTENT WITHSCORES EXPLAINSCORE SCORER BM25STD.NORM VERBATIM",
                "[1 p:2 [1 [Final BM25STD.NORM: 1.00 = Original Score: 1.09 / Max Score: 1.09 [short: (1.09 = Weight 1.00 * IDF 0.98 * (F 1.00 * (k1 1.2 + 1)) / (F 1.00 + k1 1.2 * (1 - b 0.75 + b 0.75 * Doc Len 2 / Average Doc Len 2.67)))]]]]",
            ),
            (
                "FT.SEARCH idx '@s:[WITHIN $w]' NOCONTENT WITHSCORES SCORER DISMAX PARAMS 2 w 'POLYGON((0 0, 0 5, 5 5, 5 0, 0 0))' DIALECT 3",
                "[1 p:1 0]",
            ),
        ],
    );
}

#[test]
fn sounds_are_those_of_ascii_letters() {
    let (_server, mut client) = Client::start();
    client.ok("FT.CREATE ph PREFIX 1 p: SCHEMA t TEXT PHONETIC dm:en");
    for (at, word) in ["straße", "straw", "see", "façade", "fade"]
        .iter()
        .enumerate()
    {
        client.ok(&format!("HSET p:{} t {word}", at + 1));
    }
    check(
        &mut client,
        &[
            ("FT.SEARCH ph straw NOCONTENT", "[2 p:2 p:1]"),
            // A short word is none of a document's sounds, and looks for those of others.
            ("FT.SEARCH ph x NOCONTENT", "[1 p:3]"),
            ("FT.SEARCH ph fade NOCONTENT", "[2 p:5 p:4]"),
            // A sound is near a word by its letters.
            ("FT.SEARCH ph %%sta%% NOCONTENT", "[3 p:3 p:1 p:2]"),
            (
                "FT.EXPLAIN ph x",
                "UNION {\n  x\n  <S(expanded)\n  +x(expanded)\n}\n",
            ),
        ],
    );
}

#[test]
fn commands_that_may_be_repeated() {
    let (_server, mut client) = start();
    check(
        &mut client,
        &[
            ("FT._CREATEIFNX idx SCHEMA x TEXT", "OK"),
            ("FT._CREATEIFNX l2 PREFIX 1 q: SCHEMA t TEXT", "OK"),
            ("FT._ALTERIFNX l2 SCHEMA ADD t TEXT u TEXT", "OK"),
            (
                "FT._ALTERIFNX l2 SCHEMA ADD u TEXT t TAG",
                "Duplicate field in schema - t",
            ),
            (
                "FT._ALTERIFNX nope SCHEMA ADD t TEXT",
                "nope: no such index",
            ),
            ("FT._ALIASADDIFNX al l2", "OK"),
            ("FT._ALIASADDIFNX al l2", "OK"),
            ("FT._ALIASADDIFNX al idx", "Alias already exists"),
            (
                "FT._ALIASADDIFNX idx l2",
                "Alias conflicts with an existing index name",
            ),
            (
                "FT._ALIASADDIFNX al nope",
                "Unknown index name (or name is an alias itself)",
            ),
            ("FT._ALIASDELIFX al", "OK"),
            ("FT._ALIASDELIFX al", "OK"),
            (
                "FT._ALIASDELIFX l2",
                "Alias does not belong to provided spec",
            ),
            ("FT._DROPINDEXIFX l2", "OK"),
            ("FT._DROPINDEXIFX l2", "OK"),
        ],
    );
}

#[test]
fn options_are_refused_in_the_words_of_the_module() {
    let (_server, mut client) = start();
    check(
        &mut client,
        &[
            (
                "FT.CONFIG SET DEFAULT_DIALECT 7",
                "Default dialect version cannot be higher than 4",
            ),
            ("FT.CONFIG SET ON_TIMEOUT foo", "Invalid ON_TIMEOUT value"),
            (
                "FT.CONFIG SET DEFAULT_SCORER foo",
                "Invalid default scorer value",
            ),
            (
                "FT.CONFIG SET WORKERS 100",
                "Number of worker threads cannot exceed 16",
            ),
            (
                "FT.CONFIG FOO x",
                "ERR unknown subcommand 'FOO'. Try FT.CONFIG HELP.",
            ),
            ("FT.CONFIG GET MT_MODE", "[[MT_MODE MT_MODE_OFF]]"),
            (
                "FT.PROFILE idx FOO QUERY x",
                "No `SEARCH`, `AGGREGATE`, or `HYBRID` provided",
            ),
        ],
    );
}

#[test]
fn a_cursor_reads_on_as_it_was_read_last() {
    let (_server, mut client) = start();
    let reply = client.ok("FT.AGGREGATE idx * LOAD 1 @n WITHCURSOR COUNT 1");
    let id = match &reply {
        rhumb::protocol::client::Value::Array(parts) => parts[1].as_i64(),
        _ => None,
    };
    let id = id.unwrap_or_else(|| panic!("{reply:?}"));
    check(
        &mut client,
        &[
            ("FT.CURSOR GC idx 1", "-1"),
            (
                &format!("FT.CURSOR READ idx {id} COUNT 2"),
                &format!("[[1 [n 2] [n 3]] {id}]"),
            ),
            (&format!("FT.CURSOR READ idx {id}"), "[[0] 0]"),
            ("FT.CURSOR GC idx 1", "0"),
        ],
    );
}

#[test]
fn a_distance_stands_before_the_number_that_is_the_sort_key() {
    let (_server, mut client) = Client::start();
    client.ok("FT.CREATE vx PREFIX 1 v: SCHEMA m NUMERIC v VECTOR FLAT 6 TYPE FLOAT32 DIM 2 DISTANCE_METRIC L2");
    for (key, number, x) in [("v:1", "10.0", 1.0), ("v:2", "9", 2.0)] {
        client.set(key, &[("m", number.as_bytes()), ("v", &packed(&[x, 0.0]))]);
    }
    let origin = packed(&[0.0, 0.0]);
    let words = "FT.SEARCH vx *=>[KNN#2#@v#$b] SORTBY m WITHSORTKEYS DIALECT 2 PARAMS 2 b";
    let words = words
        .split(' ')
        .map(|word| word.replace('#', " ").into_bytes());
    let found = client.call(&words.chain([origin]).collect::<Vec<_>>());
    let shown = shown(&found);
    assert!(
        shown.starts_with("[2 v:2 $9 [__v_score 4 m 9 v "),
        "{shown}"
    );
    assert!(
        shown.contains(" v:1 $10.0 [__v_score 1 m 10.0 v "),
        "{shown}"
    );
}
