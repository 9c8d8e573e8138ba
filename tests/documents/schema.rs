//! What the definition of an index may say, seen through a socket: which keys it takes in, in which language, for how long.

use crate::client::{Client, SAFE, bulk, keys, simple};
use rhumb::protocol::client::Value;
use std::time::{Duration, Instant};

/// How long something that the server does by itself may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// The part of a reply's map.
fn part<'v>(reply: &'v Value, name: &str) -> &'v Value {
    let pairs = reply.as_pairs().expect("names and values");
    let found = pairs.iter().find(|(key, _)| key.as_str() == Some(name));
    found.map_or_else(|| panic!("{name} in {reply:?}"), |(_, value)| value)
}

#[test]
fn a_filter_decides_which_keys_are_documents() {
    let (mut server, mut client) = Client::start_with(&SAFE);
    client.ok("HSET pet:0 kind cat age 9");
    client.ok("FT.CREATE old PREFIX 1 pet: FILTER '@age > 5' SCHEMA kind TAG age NUMERIC");
    client.ok("HSET pet:1 kind cat age 7");
    client.ok("HSET pet:2 kind cat age 3");
    client.ok("HSET pet:3 kind cat");
    client.wait_for("old", "*", &["pet:0", "pet:1"]);
    // A write may take a key in, or out.
    client.ok("HINCRBY pet:2 age 3");
    client.ok("HSET pet:1 age 1");
    client.wait_for("old", "@kind:{cat}", &["pet:0", "pet:2"]);
    let reply = client.ok("FT.INFO old");
    let definition = part(&reply, "index_definition");
    assert_eq!(part(definition, "filter"), &simple("@age > 5"));
    // The documents that the log makes again are the same.
    drop(client);
    server.kill_and_restart(&SAFE);
    let mut client = Client::new(&server);
    client.wait_for("old", "*", &["pet:0", "pet:2"]);
}

#[test]
fn a_filter_sees_names_paths_and_keys() {
    let (_server, mut client) = Client::start();
    client.ok("FT.CREATE j ON JSON FILTER '@kind == \"cat\" && @age > 5' SCHEMA $.k AS kind TAG $.age AS age NUMERIC");
    client.ok("FT.CREATE k FILTER 'startswith(@__key, \"pet\")' SCHEMA kind TAG");
    client.ok(r#"JSON.SET a $ '{"k":"cat","age":7}'"#);
    client.ok(r#"JSON.SET b $ '{"k":"dog","age":7}'"#);
    client.ok("HSET pet:1 kind cat");
    client.ok("HSET car:1 kind van");
    client.wait_for("k", "*", &["pet:1"]);
    let refused = client.refused("FT.CREATE x FILTER '@age >' SCHEMA t TEXT");
    assert!(refused.starts_with("Syntax error at offset"), "{refused}");
    let refused = client.refused("FT.CREATE x FILTER 'nope(1)' SCHEMA t TEXT");
    assert_eq!(refused, "Unknown function name 'nope'");
}

#[test]
fn documents_may_have_languages_of_their_own() {
    let (_server, mut client) = Client::start();
    client.ok("FT.CREATE idx LANGUAGE_FIELD lang SCHEMA t TEXT");
    client.ok("HSET a t häuser lang german");
    client.ok("HSET b t häuser");
    client.ok("HSET c t häuser lang klingon");
    let search = |client: &mut Client, language: &str| {
        let reply = client.ok(&format!("FT.SEARCH idx haus NOCONTENT LANGUAGE {language}"));
        keys(&reply)
    };
    assert_eq!(search(&mut client, "german"), ["a"]);
    let reply = client.ok("FT.INFO idx");
    let definition = part(&reply, "index_definition");
    assert_eq!(part(definition, "language_field"), &simple("lang"));
}

/// Languages, each with a word of a document and another form of it, which has its stem alone in common with it.
const FORMS: [(&str, &str, &str); 12] = [
    ("armenian", "քաղաքներ", "քաղաքների"),
    ("basque", "mantentzeko", "mantenduz"),
    ("catalan", "muntanyes", "muntanya"),
    ("finnish", "taloissa", "talossa"),
    ("hindi", "लड़कियाँ", "लड़की"),
    ("indonesian", "membaca", "bacakan"),
    ("irish", "mbád", "bhád"),
    ("lithuanian", "miestai", "miestuose"),
    ("nepali", "किताबहरू", "किताबको"),
    ("russian", "берёзы", "березой"),
    ("serbian", "књиге", "knjigama"),
    ("yiddish", "צאָרענענדיקן", "צאָרענענדיקער"),
];

#[test]
fn words_are_found_by_their_stems_in_each_language() {
    let (_server, mut client) = Client::start();
    client.ok("FT.CREATE english PREFIX 1 english: SCHEMA t TEXT");
    for (language, word, form) in FORMS {
        client.ok(&format!(
            "FT.CREATE {language} PREFIX 1 {language}: LANGUAGE {language} SCHEMA t TEXT"
        ));
        client.ok(&format!("HSET {language}:a t '{word}'"));
        client.ok(&format!("HSET english:{language} t '{word}'"));
        let key = format!("{language}:a");
        assert_eq!(client.found(language, form), [key], "{language}");
        assert_eq!(client.found("english", form), [""; 0], "{language}");
        let reply = client.ok(&format!(
            "FT.SEARCH {language} '{form}' NOCONTENT LANGUAGE english"
        ));
        assert!(keys(&reply).is_empty(), "{language}: {reply:?}");
    }
}

/// Nothing parts the words of Chinese. The module, which has a list of words, answers as this, but where what is sought is part of a word or
/// between quotes, and in fields, which it forgets.
#[test]
fn chinese_words_are_found_inside_a_text() {
    let (_server, mut client) = Client::start();
    client
        .ok("FT.CREATE zh PREFIX 1 zh: LANGUAGE chinese LANGUAGE_FIELD lang SCHEMA t TEXT n TEXT");
    client.ok("FT.CREATE en PREFIX 1 en: SCHEMA t TEXT");
    client.ok("HSET zh:1 t 我喜欢编程");
    client.ok("HSET zh:2 t '他学习 Python，也学习历史。' n 编程");
    client.ok("HSET zh:3 t 我喜欢编程 lang english");
    client.ok("HSET en:1 t 我喜欢编程");
    assert_eq!(client.found("en", "编程"), [""; 0]);
    for (query, found) in [
        ("喜欢", &["zh:1"][..]),
        ("@t:编程", &["zh:1"]),
        ("编程", &["zh:1", "zh:2"]),
        ("程编", &[]),
        ("编程 学习", &["zh:2"]),
        ("python 历史", &["zh:2"]),
        ("-喜欢", &["zh:2", "zh:3"]),
        // The whole of what a document of another language has for a word.
        ("我喜欢编程", &["zh:1", "zh:3"]),
        ("\"学习python\"", &["zh:2"]),
        ("\"我喜欢编程\"", &["zh:1", "zh:3"]),
        ("学习，也学", &[]),
        ("python，也学", &["zh:2"]),
        ("编程*", &["zh:1", "zh:2"]),
        ("*喜*", &["zh:1", "zh:3"]),
        ("我喜*", &["zh:1", "zh:3"]),
        ("喜*", &["zh:1"]),
        ("pyth*", &["zh:2"]),
    ] {
        assert_eq!(client.found("zh", query), found, "{query}");
    }
    let reply = client.ok("FT.SEARCH zh 编程 NOCONTENT LANGUAGE english");
    assert_eq!(keys(&reply), ["zh:1", "zh:2"]);
    let reply = client.ok("FT.SEARCH zh 喜欢编程 NOCONTENT VERBATIM INFIELDS 1 t SLOP 0 INORDER");
    assert_eq!(keys(&reply), ["zh:1"]);
    let reply = client.ok("FT.EXPLAIN zh @t:编程");
    let expected = "@t:UNION {\n  @t:编程\n  @t:EXACT {\n    @t:编\n    @t:程\n  }\n}\n";
    assert_eq!(reply.as_str(), Some(expected));
}

#[test]
fn payloads_are_shown_and_scored() {
    let (_server, mut client) = Client::start();
    client.ok("FT.CREATE idx PAYLOAD_FIELD p SCHEMA t TEXT");
    client.ok("HSET a t hello p abc");
    client.ok("HSET b t hello");
    let reply = client.ok("FT.SEARCH idx hello WITHPAYLOADS NOCONTENT");
    let expected = [
        Value::Int(2),
        bulk("a"),
        bulk("abc"),
        bulk("b"),
        Value::Null,
    ];
    assert_eq!(reply, Value::Array(expected.into()));
    let line = "FT.SEARCH idx hello NOCONTENT WITHSCORES SCORER HAMMING PAYLOAD abb";
    let expected = [Value::Int(2), bulk("a"), bulk("0.5"), bulk("b"), bulk("0")];
    assert_eq!(client.ok(line), Value::Array(expected.into()));
}

#[test]
fn a_temporary_index_goes_with_its_documents() {
    let (_server, mut client) = Client::start();
    client.ok("HSET other:1 t hello");
    client.ok("HSET tmp:1 t hello");
    client.ok("FT.CREATE tmp PREFIX 1 tmp: TEMPORARY 1 SCHEMA t TEXT");
    client.ok("FT.CREATE stays PREFIX 1 other: SCHEMA t TEXT");
    client.wait_for("stays", "hello", &["other:1"]);
    let started = Instant::now();
    while client
        .ok("FT._LIST")
        .as_items()
        .is_some_and(|names| names.len() > 1)
    {
        assert!(started.elapsed() < PATIENCE, "the index stays");
        std::thread::sleep(Duration::from_millis(2));
    }
    assert_eq!(client.ok("EXISTS tmp:1 other:1"), Value::Int(1));
    assert_eq!(client.refused("FT.INFO tmp"), "tmp: no such index");
}

#[test]
fn paths_of_json_fields_must_be_paths() {
    let (_server, mut client) = Client::start();
    for kind in [
        "TEXT",
        "VECTOR FLAT 6 TYPE FLOAT32 DIM 2 DISTANCE_METRIC L2",
    ] {
        let refused = client.refused(&format!("FT.CREATE idx ON JSON SCHEMA $.a[ AS a {kind}"));
        assert_eq!(
            refused,
            "Invalid JSONPath '$.a[' in attribute 'a' in index 'idx'"
        );
    }
    // Others are not looked at: their fields are missing.
    client.ok("FT.CREATE idx ON JSON SCHEMA $.a[ AS a TAG");
}

#[test]
fn shapes_are_found_by_how_they_lie() {
    let (_server, mut client) = Client::start();
    client.ok("FT.CREATE flat PREFIX 1 s: SCHEMA shape GEOSHAPE FLAT");
    client.ok("FT.CREATE globe PREFIX 1 s: SCHEMA shape GEOSHAPE INDEXMISSING");
    client.ok("HSET s:small shape 'POLYGON ((1 1, 1 2, 2 2, 2 1, 1 1))'");
    client.ok("HSET s:large shape 'POLYGON ((0 0, 0 9, 9 9, 9 0, 0 0))'");
    client.ok("HSET s:point shape 'POINT (3 3)'");
    client.ok("HSET s:far shape 'POLYGON ((70 40, 70 41, 71 41, 70 40))'");
    client.ok("HSET s:bad shape 'POINT 3'");
    client.ok("HSET s:none other 1");
    let query = "POLYGON ((0.5 0.5, 0.5 4, 4 4, 4 0.5, 0.5 0.5))";
    let cases = [
        ("WITHIN", vec!["s:point", "s:small"]),
        ("CONTAINS", vec!["s:large"]),
        ("INTERSECTS", vec!["s:large", "s:point", "s:small"]),
        ("DISJOINT", vec!["s:far"]),
    ];
    for index in ["flat", "globe"] {
        for (relation, expected) in &cases {
            let asked = format!("@shape:[{relation} $q]");
            let words = [
                "FT.SEARCH",
                index,
                &asked,
                "NOCONTENT",
                "PARAMS",
                "2",
                "q",
                query,
            ];
            let reply = client.call(&[&words[..], &["DIALECT", "3"]].concat());
            let mut found = keys(&reply);
            found.sort();
            assert_eq!(&found, expected, "{index} {relation}");
        }
        let wrong =
            format!("FT.SEARCH {index} '@shape:[WITHIN $q]' PARAMS 2 q 'POINT 1' DIALECT 2");
        let expected = "Error querying geoshape index: Expected '(' in 'POINT 1'";
        assert_eq!(client.refused(&wrong), expected);
    }
    assert_eq!(client.found("globe", "ismissing(@shape)"), ["s:none"]);
    let reply = client.ok("FT.INFO flat");
    let statistics = part(&reply, "field statistics").as_items().expect("fields");
    let errors = part(&statistics[0], "Index Errors");
    let expected = simple("Error indexing geoshape: Expected '(' in 'POINT 3'");
    assert_eq!(part(errors, "last indexing error"), &expected);
    assert_eq!(part(errors, "last indexing error key"), &bulk("s:bad"));
}

#[test]
fn the_options_of_search_are_shown_and_set() {
    let (_server, mut client) = Client::start();
    client.ok("FT.CONFIG SET TIMEOUT 700");
    client.ok("FT.CONFIG SET DEFAULT_DIALECT 2");
    let reply = client.ok("CONFIG GET search-timeout");
    assert_eq!(part(&reply, "search-timeout"), &bulk("700"));
    client.ok("CONFIG SET search-on-timeout fail");
    let reply = client.ok("FT.CONFIG GET ON_TIMEOUT");
    let name = Value::Simple("ON_TIMEOUT".to_owned());
    let pair = Value::Array([name, bulk("fail")].into());
    assert_eq!(reply, Value::Array([pair].into()));
    for (line, expected) in [
        ("FT.CONFIG SET NOPE 1", "Invalid option"),
        ("FT.CONFIG SET NOGC true", "Not modifiable at runtime"),
        (
            "FT.CONFIG SET TIMEOUT null",
            "Could not convert argument to expected type",
        ),
        (
            "FT.CONFIG SET DEFAULT_DIALECT 7",
            "Default dialect version cannot be higher than 4",
        ),
    ] {
        assert_eq!(client.refused(line), expected, "{line}");
    }
    // Parameters need dialect 2, which holds now without saying so.
    client.ok("FT.CREATE idx SCHEMA n NUMERIC t TEXT");
    client.ok("HSET a n 3 t abcd");
    let reply = client.ok("FT.SEARCH idx '@n:[$n $n]' PARAMS 2 n 3 NOCONTENT");
    assert_eq!(keys(&reply), ["a"]);
    assert_eq!(client.found("idx", "ab*"), ["a"]);
    client.ok("FT.CONFIG SET MINPREFIX 3");
    assert_eq!(client.found("idx", "ab*"), [""; 0]);
    assert_eq!(client.found("idx", "abc*"), ["a"]);
}

#[test]
fn scores_are_explained() {
    let (_server, mut client) = Client::start();
    client.ok("FT.CREATE idx SCHEMA title TEXT WEIGHT 10 body TEXT");
    client.ok("HSET a title 'hello world' body 'lorem ist ipsum'");
    client.ok("HSET b title 'hello space world' body 'lorem ist ipsum lorem lorem'");
    client.ok("HSET c title 'hello more space world' body 'lorem ist ipsum lorem lorem'");
    let line = "FT.SEARCH idx 'hello world' WITHSCORES EXPLAINSCORE NOCONTENT LIMIT 0 1";
    let reply = client.ok(line);
    let items = reply.as_items().expect("a list");
    let word = |word: &str| {
        simple(&format!(
            "{word}: (0.27 = Weight 1.00 * IDF 0.13 * (F 10.00 * (k1 1.2 + 1)) / (F 10.00 + k1 1.2 * (1 - b 0.75 + b 0.75 * Doc Len 23 / Average Doc Len 34.33)))"
        ))
    };
    let list = Value::Array;
    let words = list(vec![word("hello"), word("world")]);
    let sum = list(vec![simple("(Weight 1.00 * children BM25 0.54)"), words]);
    let whole = vec![
        simple("Final BM25 : words BM25 0.54 * document score 1.00"),
        list(vec![sum]),
    ];
    let explained = items[2].as_items().expect("a score and its reasons");
    assert_eq!(explained[1], list(whole));
    let docscore = client.ok(&format!("{line} SCORER DOCSCORE"));
    let explained = docscore.as_items().and_then(|items| items[2].as_items());
    let expected = [bulk("1"), simple("Document's score is 1.00")];
    assert_eq!(explained, Some(&expected[..]));
}

#[test]
fn phrases_stay_within_a_field_and_a_value() {
    let (_server, mut client) = Client::start();
    client.ok("FT.CREATE idx PREFIX 1 h: SCHEMA title TEXT body TEXT");
    client.ok("HSET h:1 title 'red fox' body 'fox jumps red'");
    assert_eq!(client.found("idx", "@title:\"red fox\""), ["h:1"]);
    assert_eq!(client.found("idx", "@body:\"red fox\""), [""; 0]);
    assert_eq!(client.found("idx", "@body:\"fox jumps\""), ["h:1"]);
    client.ok("FT.CREATE multi ON JSON PREFIX 1 j: SCHEMA $.t AS t TEXT");
    client.ok(r#"JSON.SET j:1 $ '{"t":["red fox","jumps high"]}'"#);
    assert_eq!(client.found("multi", "\"red fox\""), ["j:1"]);
    assert_eq!(client.found("multi", "\"fox jumps\""), [""; 0]);
    // What an index does not keep, it does not tell apart.
    client.ok("FT.CREATE plain PREFIX 1 h: NOFIELDS NOOFFSETS NOFREQS SCHEMA title TEXT body TEXT");
    client.wait_for("plain", "@title:jumps", &["h:1"]);
    assert_eq!(client.found("plain", "\"jumps fox\""), ["h:1"]);
}

#[test]
fn parts_of_words_are_found_with_and_without_a_trie() {
    let (_server, mut client) = Client::start();
    client.ok("FT.CREATE idx SCHEMA a TEXT WITHSUFFIXTRIE b TEXT");
    for (key, a, b) in [
        ("1", "apart", "none"),
        ("2", "party", "none"),
        ("3", "other", "spartan"),
    ] {
        client.ok(&format!("HSET {key} a {a} b {b}"));
    }
    client.ok("FT.CREATE tags SCHEMA b TAG WITHSUFFIXTRIE");
    assert_eq!(client.found("tags", "@b:{*art*}"), ["3"]);
    assert_eq!(client.found("tags", "@b:{*one}"), ["1", "2"]);
    let cases = [
        ("@a:*part*", vec!["1", "2"]),
        ("@a:*art", vec!["1"]),
        ("@a:part*", vec!["2"]),
        ("*part*", vec!["1", "2", "3"]),
        ("@b:*art*", vec!["3"]),
        ("@a:*spart*", vec![]),
    ];
    let check = |client: &mut Client| {
        for (query, expected) in &cases {
            assert_eq!(&client.found("idx", query), expected, "{query}");
        }
    };
    check(&mut client);
    client.ok("HSET 4 a departed b x");
    assert_eq!(client.found("idx", "@a:*part*"), ["1", "2", "4"]);
    client.ok("DEL 4");
    check(&mut client);
}

#[test]
fn words_are_found_by_their_sound() {
    let (_server, mut client) = Client::start();
    client.ok("FT.CREATE idx SCHEMA name TEXT PHONETIC dm:en other TEXT");
    client.ok("HSET 1 name 'Philip Wright' other x");
    client.ok("HSET 2 name 'Filip Write' other x");
    client.ok("HSET 3 name nobody other filip");
    assert_eq!(client.found("idx", "@name:philip"), ["1", "2"]);
    assert_eq!(client.found("idx", "@name:(filip right)"), ["1", "2"]);
    assert_eq!(
        client.found("idx", "@name:(philip=>{$phonetic:false})"),
        ["1"]
    );
    assert_eq!(client.found("idx", "@other:philip"), [""; 0]);
    // Codes are no words.
    assert_eq!(client.found("idx", "@name:FL*"), [""; 0]);
}

#[test]
fn json_is_answered_as_nested_replies() {
    let (_server, mut client) = Client::start();
    client.ok("FT.CREATE idx ON JSON SCHEMA $.n AS n NUMERIC");
    client.ok("FT.CREATE hashes SCHEMA n NUMERIC");
    client.ok(r#"JSON.SET a $ '{"n":1,"list":["x",2.5,null],"deep":{"yes":true}}'"#);
    let line = "FT.SEARCH idx * FORMAT EXPAND DIALECT 3";
    let refused = client.refused(line);
    assert_eq!(refused, "EXPAND format is only supported with RESP3");
    client.ok("HELLO 3");
    let refused = client.refused("FT.SEARCH hashes * FORMAT EXPAND DIALECT 3");
    assert_eq!(refused, "EXPAND format is only supported with JSON");
    let reply = client.ok(line);
    assert_eq!(part(&reply, "format").as_str(), Some("EXPAND"));
    let results = part(&reply, "results").as_items().expect("documents");
    let documents = part(part(&results[0], "extra_attributes"), "$");
    let document = &documents.as_items().expect("matches")[0];
    assert_eq!(part(document, "n"), &Value::Int(1));
    let list = part(document, "list").as_items().expect("a list");
    assert_eq!(list, [bulk("x"), Value::Double(2.5), Value::Null]);
    assert_eq!(part(part(document, "deep"), "yes"), &Value::Int(1));
}

#[test]
fn aggregations_show_all_that_a_path_leads_to() {
    let (_server, mut client) = Client::start();
    client.ok("FT.CREATE idx ON JSON SCHEMA $.n[*] AS n NUMERIC $.t AS t TAG");
    client.ok(r#"JSON.SET a $ '{"n":[2,3.5],"t":"x"}'"#);
    let line = "FT.AGGREGATE idx * LOAD 2 @n @t APPLY '@n + 1' AS more DIALECT";
    let flat = |client: &mut Client, line: &str| -> Vec<String> {
        let reply = client.ok(line);
        let rows = reply.as_items().expect("rows");
        let row = rows[1].as_items().expect("a row").iter();
        row.map(|part| part.as_str().expect("a text").to_owned())
            .collect()
    };
    let shown = flat(&mut client, &format!("{line} 2"));
    assert_eq!(shown, ["n", "2", "t", "x", "more", "3"]);
    let shown = flat(&mut client, &format!("{line} 3"));
    assert_eq!(shown, ["n", "[2,3.5]", "t", r#"["x"]"#, "more", "3"]);
    let refused = client.refused(&format!("{line} 3 FORMAT EXPAND"));
    assert_eq!(refused, "EXPAND format is only supported with RESP3");
    client.ok("HELLO 3");
    let reply = client.ok(&format!("{line} 3 FORMAT EXPAND WITHCURSOR COUNT 1"));
    let parts = reply.as_items().expect("rows and a cursor");
    assert_eq!(part(&parts[0], "format").as_str(), Some("EXPAND"));
    let results = part(&parts[0], "results").as_items().expect("rows");
    let row = part(&results[0], "extra_attributes");
    let numbers = part(row, "n").as_items().expect("matches");
    assert_eq!(numbers, [Value::Int(2), Value::Double(3.5)]);
    assert_eq!(part(row, "more").as_str(), Some("3"));
    let cursor = parts[1].as_i64().expect("a cursor");
    let rest = client.ok(&format!("FT.CURSOR READ idx {cursor}"));
    let rest = rest.as_items().expect("rows and a cursor");
    assert_eq!(part(&rest[0], "format").as_str(), Some("EXPAND"));
}

#[test]
fn expanders_say_what_words_stand_for() {
    let (_server, mut client) = Client::start();
    client.ok("FT.CREATE idx SCHEMA t TEXT name TEXT PHONETIC dm:en");
    client.ok("HSET run t running");
    client.ok("HSET jon name Jon");
    let found = |client: &mut Client, query: &str, expander: &str| {
        let reply = client.ok(&format!("FT.SEARCH idx '{query}' NOCONTENT {expander}"));
        keys(&reply)
    };
    for (query, key, expanders) in [
        ("runs", "run", ["", "EXPANDER DEFAULT", "EXPANDER SBSTEM"]),
        (
            "@name:john",
            "jon",
            ["", "EXPANDER DEFAULT", "EXPANDER PHONETIC"],
        ),
    ] {
        for expander in expanders {
            assert_eq!(
                found(&mut client, query, expander),
                [key],
                "{query} {expander}"
            );
        }
    }
    // One that is not known expands nothing, as in RediSearch; names are known as written.
    for expander in ["PHONETIC", "SYNONYM", "sbstem", "none"] {
        let expander = format!("EXPANDER {expander}");
        assert_eq!(found(&mut client, "runs", &expander), [""; 0], "{expander}");
    }
    assert_eq!(found(&mut client, "@name:john", "EXPANDER SBSTEM"), [""; 0]);
    assert_eq!(found(&mut client, "running", "EXPANDER none"), ["run"]);
}

#[test]
fn an_index_tells_all_its_figures() {
    let (_server, mut client) = Client::start();
    client.ok("FT.CREATE idx STOPWORDS 1 der SCHEMA t TEXT n NUMERIC v VECTOR FLAT 6 TYPE FLOAT32 DIM 2 DISTANCE_METRIC L2");
    client.ok("HSET a t 'one two' n 3");
    client.ok("HSET b t one n four");
    client.ok("FT.SEARCH idx one DIALECT 2");
    let reply = client.ok("FT.INFO idx");
    let pairs = reply.as_pairs().expect("names and values");
    let names: Vec<&str> = pairs.iter().filter_map(|(name, _)| name.as_str()).collect();
    let expected = "index_name index_options index_definition attributes num_docs max_doc_id num_terms num_records inverted_sz_mb \
        vector_index_sz_mb total_inverted_index_blocks offset_vectors_sz_mb doc_table_size_mb sortable_values_size_mb key_table_size_mb \
        tag_overhead_sz_mb text_overhead_sz_mb total_index_memory_sz_mb geoshapes_sz_mb records_per_doc_avg bytes_per_record_avg \
        offsets_per_term_avg offset_bits_per_record_avg hash_indexing_failures total_indexing_time indexing percent_indexed number_of_uses \
        cleaning gc_stats cursor_stats stopwords_list dialect_stats Index_Errors field_statistics";
    let names: Vec<String> = names.iter().map(|name| name.replace(' ', "_")).collect();
    assert_eq!(names, expected.split_whitespace().collect::<Vec<_>>());
    assert_eq!(part(&reply, "num_docs"), &Value::Int(1));
    assert_eq!(part(&reply, "num_terms"), &Value::Int(2));
    assert_eq!(
        part(part(&reply, "dialect_stats"), "dialect_2"),
        &Value::Int(1)
    );
    assert_eq!(
        part(part(&reply, "cursor_stats"), "index_capacity"),
        &Value::Int(128)
    );
    let fields = part(&reply, "field statistics").as_items().expect("fields");
    let of_number = part(&fields[1], "Index Errors");
    assert_eq!(part(of_number, "indexing failures"), &Value::Int(1));
    assert_eq!(
        part(of_number, "last indexing error"),
        &simple("Invalid numeric value: 'four'")
    );
    let of_text = part(&fields[0], "Index Errors");
    assert_eq!(part(of_text, "indexing failures"), &Value::Int(0));
    assert_eq!(part(&fields[2], "marked_deleted"), &Value::Int(0));
}

#[test]
fn a_separator_of_any_byte_is_shown_as_it_is() {
    let (_server, mut client) = Client::start();
    for (name, byte) in [("line", b'\n'), ("latin", 0xE9), ("comma", b',')] {
        let separator = [byte];
        let words: [&[u8]; 7] = [
            b"FT.CREATE",
            name.as_bytes(),
            b"SCHEMA",
            b"k",
            b"TAG",
            b"SEPARATOR",
            &separator,
        ];
        assert_eq!(client.call(&words), simple("OK"));
        let info = client.call(&["FT.INFO", name]);
        let parts = info.as_items().expect("names and values");
        let at = parts.iter().position(|part| *part == simple("attributes"));
        let fields = parts[at.expect("fields") + 1].as_items().expect("a list");
        let field = fields[0].as_items().expect("names and values");
        let at = field.iter().position(|part| *part == simple("SEPARATOR"));
        let shown = &field[at.expect("a separator") + 1];
        let expected = match byte {
            b',' => simple(","),
            byte => Value::Bulk(vec![byte].into()),
        };
        assert_eq!(*shown, expected, "{name}");
    }
}

/// The values of a TAG field.
fn tags(client: &mut Client, field: &str) -> Vec<String> {
    let reply = client.ok(&format!("FT.TAGVALS idx {field}"));
    let tags = reply.as_items().expect("a list").iter();
    tags.map(|tag| tag.as_str().expect("a tag").to_owned())
        .collect()
}

#[test]
fn tags_of_json_are_whole_texts_where_nothing_separates_them() {
    let (_server, mut client) = Client::start();
    client.ok("FT.CREATE idx ON JSON SCHEMA $.k AS k TAG $.l AS l TAG SEPARATOR , $.k AS m TAG INDEXEMPTY");
    client.ok("JSON.SET a $ '{\"k\":\" Red\",\"l\":\" Red ,\"}'");
    client.ok("JSON.SET b $ '{\"k\":\"\",\"l\":\"\"}'");
    client.ok("JSON.SET c $ '{\"k\":[\"red\",\"\",\"blue, red \"]}'");
    assert_eq!(tags(&mut client, "k"), ["", " red", "blue, red ", "red"]);
    assert_eq!(tags(&mut client, "l"), ["red"]);
    for (query, expected) in [
        ("@k:{\" red\"}", vec!["a"]),
        ("@k:{red}", vec!["c"]),
        ("@k:{\"blue, red \"}", vec!["c"]),
        ("@k:{red*}", vec!["c"]),
        ("@m:{\"\"}", vec!["b", "c"]),
        ("@l:{red}", vec!["a"]),
        ("@l:{\" red\"}", vec!["a"]),
    ] {
        assert_eq!(client.found("idx", query), expected, "{query}");
    }
    client.ok("DEL a c");
    assert_eq!(tags(&mut client, "k"), [""]);
}

#[test]
fn what_is_no_shape_keeps_a_document_from_being_found_by_its_shape_alone() {
    let (mut server, mut client) = Client::start_with(&SAFE);
    client.ok("FT.CREATE idx PREFIX 1 s: SCHEMA s GEOSHAPE FLAT INDEXMISSING k TAG");
    client.ok("FT.CREATE jdx ON JSON PREFIX 1 j: SCHEMA $.s AS s GEOSHAPE FLAT $.k AS k TAG");
    client.ok("HSET s:1 s 'POINT (1 1)' k a");
    client.ok("HSET s:2 s 'POINT (2 2)' k a");
    client.ok("HSET s:2 s nowhere");
    client.ok("JSON.SET j:1 $ '{\"s\":\"POINT 1\",\"k\":\"a\"}'");
    client.ok("JSON.SET j:2 $ '{\"s\":1,\"k\":\"a\"}'");
    let check = |client: &mut Client| {
        assert_eq!(client.found("idx", "@k:{a}"), ["s:1", "s:2"]);
        assert_eq!(client.found("idx", "ismissing(@s)"), [""; 0]);
        // Of another type it is refused with all the others.
        assert_eq!(client.found("jdx", "@k:{a}"), ["j:1"]);
        let line = "FT.SEARCH idx '@s:[DISJOINT $q]' NOCONTENT PARAMS 2 q 'POINT (9 9)' DIALECT 2";
        assert_eq!(keys(&client.ok(line)), ["s:1"]);
        let reply = client.ok("FT.INFO idx");
        let errors = part(&reply, "Index Errors");
        let expected = simple("Error indexing geoshape: unknown geometry type");
        assert_eq!(part(errors, "last indexing error"), &expected);
        assert_eq!(part(errors, "last indexing error key"), &bulk("s:2"));
        // A start from the log reads the key at its write, and again at the end.
        assert!((1..=2).contains(&client.info("idx", "hash_indexing_failures")));
        assert_eq!(client.info("idx", "num_docs"), 2);
    };
    check(&mut client);
    // Whether the log or a snapshot has it.
    server.kill_and_restart(&SAFE);
    client = Client::new(&server);
    client.wait_until_filled("idx");
    check(&mut client);
    client.ok("SAVE");
    server.kill_and_restart(&SAFE);
    client = Client::new(&server);
    client.wait_until_filled("idx");
    check(&mut client);
    client.ok("HSET s:2 s 'POINT (3 3)'");
    let line = "FT.SEARCH idx '@s:[DISJOINT $q]' NOCONTENT PARAMS 2 q 'POINT (9 9)' DIALECT 2";
    assert_eq!(keys(&client.ok(line)), ["s:1", "s:2"]);
}

#[test]
fn an_empty_array_cannot_be_sorted_by() {
    let (_server, mut client) = Client::start();
    client.ok(
        "FT.CREATE idx ON JSON SCHEMA $.n AS n NUMERIC SORTABLE $.k AS k TAG $.a[*] AS a TAG SORTABLE",
    );
    client.ok("JSON.SET 1 $ '{\"n\":[],\"k\":\"x\"}'");
    client.ok("JSON.SET 2 $ '{\"n\":[3],\"k\":\"x\"}'");
    client.ok("JSON.SET 3 $ '{\"k\":[],\"a\":[]}'");
    client.ok("JSON.SET 4 $ '{\"n\":[null],\"k\":\"x\"}'");
    assert_eq!(client.found("idx", "@k:{x}"), ["2", "4"]);
    assert_eq!(client.found("idx", "*"), ["2", "3", "4"]);
    let reply = client.ok("FT.INFO idx");
    let errors = part(&reply, "Index Errors");
    let expected = simple("Failed to get value from iterator");
    assert_eq!(part(errors, "last indexing error"), &expected);
    client.ok("JSON.SET 1 $.n 5");
    assert_eq!(client.found("idx", "@k:{x}"), ["1", "2", "4"]);
}
