//! What replies and errors look like, in both versions of the protocol.

use crate::client::{Client, bulk, keys, packed, simple};
use crate::support::Server;
use rhumb::protocol::client::Value;

fn array<const N: usize>(items: [Value; N]) -> Value {
    Value::Array(items.into())
}

/// Three documents; the first one that was indexed is the farthest from (0, 0).
fn start() -> (Server, Client) {
    let (server, mut client) = Client::start();
    client.ok(
        "FT.CREATE idx PREFIX 1 pet: SCHEMA name TEXT kind TAG size NUMERIC SORTABLE \
         v VECTOR FLAT 6 TYPE FLOAT32 DIM 2 DISTANCE_METRIC L2",
    );
    for (key, name, kind, size, x) in [
        ("pet:a", "Tom", "cat", "3", 3.0),
        ("pet:b", "Rex", "dog", "7", 1.0),
        ("pet:c", "Tom", "fish", "1", 2.0),
    ] {
        client.ok(&format!("HSET {key} name {name} kind {kind} size {size}"));
        if key != "pet:b" {
            continue;
        }
        client.set("pet:b", &[("v", &packed(&[x, 0.0]))]);
    }
    client.set("pet:a", &[("v", &packed(&[3.0, 0.0]))]);
    client.set("pet:c", &[("v", &packed(&[2.0, 0.0]))]);
    (server, client)
}

/// A request about the vector (0, 0), which is called `v`.
fn knn(client: &mut Client, query: &str, options: &str) -> Value {
    let target = packed(&[0.0, 0.0]);
    let mut words: Vec<&[u8]> = vec![
        b"FT.SEARCH",
        b"idx",
        query.as_bytes(),
        b"PARAMS",
        b"2",
        b"v",
        &target,
    ];
    words.extend(options.split_whitespace().map(str::as_bytes));
    words.extend([b"DIALECT".as_slice(), b"2"]);
    client.call(&words)
}

#[test]
fn the_older_protocol_gets_flat_lists() {
    let (_server, mut client) = start();
    let one = Value::Int(1);
    let cases = [
        ("@kind:{dog} NOCONTENT", array([one.clone(), bulk("pet:b")])),
        ("@kind:{dog} RETURN 0", array([one.clone(), bulk("pet:b")])),
        (
            "@kind:{dog} RETURN 4 name size AS big",
            array([
                one.clone(),
                bulk("pet:b"),
                array([bulk("name"), bulk("Rex"), bulk("big"), bulk("7")]),
            ]),
        ),
        (
            "@kind:{dog} RETURN 2 none __key",
            array([
                one.clone(),
                bulk("pet:b"),
                array([bulk("__key"), bulk("pet:b")]),
            ]),
        ),
        (
            "@kind:{dog} WITHSCORES RETURN 1 name",
            array([
                one.clone(),
                bulk("pet:b"),
                bulk("0.9808291934070797"),
                array([bulk("name"), bulk("Rex")]),
            ]),
        ),
        (
            "@kind:{dog} WITHSORTKEYS SORTBY size NOCONTENT",
            array([one.clone(), bulk("pet:b"), bulk("#7")]),
        ),
        (
            "@kind:{dog} WITHSORTKEYS SORTBY name NOCONTENT",
            array([one.clone(), bulk("pet:b"), bulk("$Rex")]),
        ),
        ("* LIMIT 0 0", array([Value::Int(3)])),
        ("@kind:{cow}", array([Value::Int(0)])),
        (
            "* SORTBY size NOCONTENT",
            array([Value::Int(3), bulk("pet:c"), bulk("pet:a"), bulk("pet:b")]),
        ),
        (
            "* SORTBY size DESC NOCONTENT LIMIT 1 1",
            array([Value::Int(3), bulk("pet:a")]),
        ),
    ];
    for (line, expected) in cases {
        assert_eq!(
            client.say(&format!("FT.SEARCH idx {line}")),
            expected,
            "{line}"
        );
    }
    // The whole document, in the order of its fields.
    let vector = Value::Bulk(packed(&[1.0, 0.0]).into());
    let whole = [
        bulk("name"),
        bulk("Rex"),
        bulk("kind"),
        bulk("dog"),
        bulk("size"),
        bulk("7"),
        bulk("v"),
        vector,
    ];
    let reply = client.say("FT.SEARCH idx @kind:{dog}");
    assert_eq!(
        reply,
        array([one, bulk("pet:b"), Value::Array(whole.into())])
    );
}

/// A part of a map.
fn part<'v>(map: &'v Value, name: &str) -> &'v Value {
    let pairs = map.as_pairs().unwrap_or_default();
    let found = pairs.into_iter().find(|(key, _)| *key == &simple(name));
    found.unwrap_or_else(|| panic!("{name} in {map:?}")).1
}

#[test]
fn the_newer_protocol_gets_maps() {
    let (_server, mut client) = start();
    client.ok("HELLO 3");
    let reply =
        client.say("FT.SEARCH idx @kind:{dog} WITHSCORES WITHSORTKEYS SORTBY size RETURN 1 name");
    assert_eq!(part(&reply, "attributes"), &array([]));
    assert_eq!(part(&reply, "format"), &simple("STRING"));
    assert_eq!(part(&reply, "total_results"), &Value::Int(1));
    assert_eq!(part(&reply, "warning"), &array([]));
    let row = &part(&reply, "results").as_items().expect("rows")[0];
    assert_eq!(part(row, "id"), &bulk("pet:b"));
    assert!(matches!(part(row, "score"), Value::Double(_)), "{row:?}");
    assert_eq!(part(row, "sortkey"), &bulk("#7"));
    assert_eq!(part(row, "values"), &array([]));
    let shown = Value::Map(vec![(bulk("name"), bulk("Rex"))]);
    assert_eq!(part(row, "extra_attributes"), &shown);

    let bare = client.say("FT.SEARCH idx @kind:{dog} NOCONTENT");
    let row = Value::Map(vec![
        (simple("id"), bulk("pet:b")),
        (simple("values"), array([])),
    ]);
    assert_eq!(part(&bare, "results"), &array([row]));
    let count = client.say("FT.SEARCH idx * LIMIT 0 0");
    assert_eq!(part(&count, "total_results"), &Value::Int(3));
    assert_eq!(part(&count, "results"), &array([]));
    assert_eq!(client.say("FT._LIST"), Value::Set(vec![simple("idx")]));

    let about = client.say("FT.INFO idx");
    assert_eq!(part(&about, "num_docs"), &Value::Int(3));
    let fields = part(&about, "attributes").as_items().expect("fields");
    assert_eq!(
        part(&fields[2], "flags").as_items().expect("flags")[0],
        simple("SORTABLE")
    );
    assert_eq!(part(&fields[3], "dim"), &Value::Int(2));
}

#[test]
fn information_is_where_clients_look_for_it() {
    let (_server, mut client) = start();
    let reply = client.say("FT.INFO idx");
    let parts = reply.as_items().expect("names and values");
    assert_eq!(parts[..2], [simple("index_name"), simple("idx")]);
    let at = parts
        .iter()
        .position(|part| *part == simple("index_definition"));
    let definition = parts[at.expect("a definition") + 1]
        .as_items()
        .expect("a list");
    assert_eq!(definition[1].as_str(), Some("HASH"));
    assert_eq!(definition[3], array([simple("pet:")]));
    let at = parts.iter().position(|part| *part == simple("attributes"));
    let fields = parts[at.expect("fields") + 1].as_items().expect("a list");
    let words = |field: &Value| -> Vec<String> {
        let words = field.as_items().expect("a list").iter();
        words
            .map(|word| {
                word.as_str()
                    .map_or_else(|| format!("{word:?}"), str::to_owned)
            })
            .collect()
    };
    assert_eq!(
        words(&fields[0]),
        [
            "identifier",
            "name",
            "attribute",
            "name",
            "type",
            "TEXT",
            "WEIGHT",
            "1"
        ]
    );
    assert_eq!(words(&fields[1])[4..], ["type", "TAG", "SEPARATOR", ","]);
    assert_eq!(
        words(&fields[2])[4..],
        ["type", "NUMERIC", "SORTABLE", "UNF"]
    );
    let vector = [
        "type",
        "VECTOR",
        "algorithm",
        "FLAT",
        "data_type",
        "FLOAT32",
        "dim",
        "Int(2)",
        "distance_metric",
        "L2",
    ];
    assert_eq!(words(&fields[3])[4..], vector);
}

#[test]
fn neighbours_come_in_the_order_of_indexing_unless_sorted() {
    let (server, mut client) = start();
    // Indexed last: pet:b, pet:a, pet:c at distances 1, 9 and 4.
    let order = |client: &mut Client, query: &str, options: &str| {
        keys(&knn(client, query, &format!("NOCONTENT {options}")))
    };
    assert_eq!(
        order(&mut client, "*=>[KNN 3 @v $v]", ""),
        ["pet:b", "pet:a", "pet:c"]
    );
    assert_eq!(
        order(&mut client, "*=>[KNN 2 @v $v]", ""),
        ["pet:b", "pet:c"]
    );
    assert_eq!(
        order(&mut client, "*=>[KNN 3 @v $v]", "LIMIT 0 2"),
        ["pet:b", "pet:a"]
    );
    assert_eq!(
        order(&mut client, "*=>[KNN 3 @v $v AS d]", "SORTBY d"),
        ["pet:b", "pet:c", "pet:a"]
    );
    assert_eq!(
        order(
            &mut client,
            "*=>[KNN 3 @v $v AS d]",
            "SORTBY d DESC LIMIT 0 1"
        ),
        ["pet:a"]
    );
    assert_eq!(
        order(
            &mut client,
            "* => [KNN 3 @v $v]",
            "SORTBY __v_score LIMIT 2 5"
        ),
        ["pet:a"]
    );
    assert_eq!(
        order(&mut client, "(-@kind:{dog})=>[KNN 1 @v $v]", ""),
        ["pet:c"]
    );
    assert_eq!(order(&mut client, "*=>[KNN 0 @v $v]", ""), [] as [&str; 0]);
    assert_eq!(
        order(&mut client, "@v:[VECTOR_RANGE 4 $v]", ""),
        ["pet:b", "pet:c"]
    );

    let reply = knn(&mut client, "*=>[KNN 1 @v $v AS d]", "RETURN 2 d name");
    let fields = array([bulk("d"), bulk("1"), bulk("name"), bulk("Rex")]);
    assert_eq!(reply, array([Value::Int(1), bulk("pet:b"), fields]));
    let reply = knn(
        &mut client,
        "@v:[VECTOR_RANGE 4 $v]=>{$YIELD_DISTANCE_AS: d}",
        "SORTBY d DESC RETURN 1 d",
    );
    let (far, near) = (array([bulk("d"), bulk("4")]), array([bulk("d"), bulk("1")]));
    assert_eq!(
        reply,
        array([Value::Int(2), bulk("pet:c"), far, bulk("pet:b"), near])
    );
    // The distance stands before the document's own fields.
    let reply = knn(&mut client, "*=>[KNN 1 @v $v]", "");
    let fields = reply.as_items().expect("a list")[2]
        .as_items()
        .expect("fields");
    assert_eq!(fields[..3], [bulk("__v_score"), bulk("1"), bulk("name")]);
    // People are told once, in the log.
    let log = server.log();
    assert_eq!(log.matches("a KNN without SORTBY").count(), 1, "{log}");
}

#[test]
fn json_documents_are_shown_as_text() {
    let (_server, mut client) = Client::start();
    client.ok("FT.CREATE idx ON JSON PREFIX 1 note: SCHEMA $.n AS n NUMERIC $.title AS title TEXT");
    client.ok("JSON.SET note:1 $ '{\"n\":1.5,\"title\":\"big\",\"list\":[1,\"a\"]}'");
    let row =
        |line: &str, client: &mut Client| client.ok(line).as_items().expect("a list")[2].clone();
    let whole = array([
        bulk("$"),
        bulk("{\"n\":1.5,\"title\":\"big\",\"list\":[1,\"a\"]}"),
    ]);
    assert_eq!(row("FT.SEARCH idx @n:[1.5] DIALECT 2", &mut client), whole);
    let parts = array([
        bulk("n"),
        bulk("1.5"),
        bulk("title"),
        bulk("big"),
        bulk("$.list"),
        bulk("[1,\"a\"]"),
        bulk("x"),
        bulk("a"),
    ]);
    let line = "FT.SEARCH idx big RETURN 6 n title $.list $.list[1] AS x DIALECT 2";
    assert_eq!(row(line, &mut client), parts);
    let line = "FT.SEARCH idx big RETURN 1 n DIALECT 3";
    assert_eq!(row(line, &mut client), array([bulk("n"), bulk("[1.5]")]));
}

#[test]
fn errors_have_the_words_that_clients_know() {
    let (_server, mut client) = start();
    for (line, expected) in [
        ("FT.SEARCH none *", "No such index none"),
        ("FT.INFO none", "none: no such index"),
        ("FT.DROPINDEX none", "none: no such index"),
        ("FT.CREATE idx SCHEMA kind TAG", "Index already exists"),
        (
            "FT.CREATE new SCHEMA kind TAG kind TAG",
            "Duplicate field in schema - kind",
        ),
        (
            "FT.CREATE new SCHEMA kind WORD",
            "Invalid field type for field `kind`",
        ),
        (
            "FT.SEARCH idx @kind:{cat DIALECT 2",
            "Syntax error at offset 7 near cat",
        ),
        (
            "FT.SEARCH idx '(tom' DIALECT 2",
            "Syntax error at offset 1 near tom",
        ),
        (
            "FT.SEARCH idx @none:{cat} DIALECT 2",
            "Unknown field at offset 0 near none",
        ),
        (
            "FT.SEARCH idx '*=>[KNN 3 @none $v]' DIALECT 2",
            "Unknown field at offset 10 near none",
        ),
        (
            "FT.SEARCH idx '*=>[KNN 3 @name $v]' DIALECT 2",
            "Expected a VECTOR field at offset 10 near name",
        ),
        (
            "FT.SEARCH idx '*=>[KNN 3 @v $none]' DIALECT 2",
            "No such parameter `none`",
        ),
        (
            "FT.SEARCH idx '*=>[KNN 3 @v $v]' PARAMS 2 v 123 DIALECT 2",
            "Error parsing vector similarity query: query vector blob size (3) does not match index's expected size (8).",
        ),
        (
            "FT.SEARCH idx * SORTBY none",
            "Property `none` not loaded nor in schema",
        ),
        (
            "FT.SEARCH idx * LIMIT a b",
            "LIMIT needs two numeric arguments",
        ),
        (
            "FT.SEARCH idx * DIALECT 9",
            "DIALECT requires a non negative integer >=1 and <= 4",
        ),
        ("FT.SEARCH idx * SCORER NOPE", "No such scorer NOPE"),
        ("FT.SEARCH idx * LANGUAGE klingon", "No such language"),
        (
            "FT.SEARCH idx * FOO",
            "Unknown argument `FOO` at position 1 for <main>",
        ),
    ] {
        assert_eq!(client.refused(line), expected, "{line}");
    }
    client.ok("SELECT 1");
    let line = "FT.CREATE new SCHEMA kind TAG";
    assert_eq!(client.refused(line), "Cannot create index on db != 0");
}

#[test]
fn the_server_tells_of_its_indexes_and_keeps_what_is_set_at_start() {
    let (_server, mut client) = Client::start();
    client.ok("FT.CREATE idx SCHEMA t TEXT");
    client.ok("HSET a t one");
    client.wait_for("idx", "one", &["a"]);
    for (section, tells_modules) in [("modules", true), ("everything", true), ("search", false)] {
        let reply = client.ok(&format!("INFO {section}"));
        let text = reply.as_str().expect("a text");
        for line in [
            "search_number_of_indexes:1",
            "search_total_num_docs_in_indexes:1",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
        assert_eq!(text.contains("module:name=search"), tells_modules, "{text}");
    }
    let refused = client.refused("CONFIG SET search-max-doctablesize 2000000");
    assert!(refused.ends_with("can't set immutable config"), "{refused}");
    client.ok("CONFIG SET search-max-search-results 2000");
}
