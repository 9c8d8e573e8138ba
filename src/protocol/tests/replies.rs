//! Replies: their exact bytes, and that redis-protocol and our own decoder read back what was written.

use bytes::Bytes;
use redis_protocol::{resp2, resp3};

use super::client::{DecodeError, ReplyDecoder, Value};
use super::*;

fn write(reply: &Reply, version: Version) -> BytesMut {
    let mut out = Encoded::default();
    reply.write(version, &mut out);
    assert_eq!(out.to_vec().len(), out.len());
    BytesMut::from(&out.to_vec()[..])
}

fn check(reply: Reply, resp2: &str, resp3: &str) {
    let written = [Version::Resp2, Version::Resp3].map(|version| write(&reply, version));
    let written = written.map(|bytes| String::from_utf8(bytes.to_vec()).unwrap());
    assert_eq!(written, [resp2, resp3], "{reply:?}");
}

#[test]
fn every_kind_has_its_form_in_both_versions() {
    let pairs = || {
        vec![
            (Reply::bulk("a"), Reply::Int(1)),
            (Reply::Simple("b"), Reply::Null),
        ]
    };
    check(Reply::ok(), "+OK\r\n", "+OK\r\n");
    check(Reply::Text("a\r\nb".into()), "+a  b\r\n", "+a  b\r\n");
    check(Reply::error("ERR a\nb\r"), "-ERR a b\r\n", "-ERR a b\r\n");
    check(Reply::Int(-12), ":-12\r\n", ":-12\r\n");
    check(Reply::count(7), ":7\r\n", ":7\r\n");
    check(Reply::Bool(true), ":1\r\n", "#t\r\n");
    check(Reply::Bool(false), ":0\r\n", "#f\r\n");
    check(Reply::Double(0.5), "$3\r\n0.5\r\n", ",0.5\r\n");
    check(
        Reply::Double(f64::NEG_INFINITY),
        "$4\r\n-inf\r\n",
        ",-inf\r\n",
    );
    check(Reply::bulk("\r\n"), "$2\r\n\r\n\r\n", "$2\r\n\r\n\r\n");
    check(Reply::bulk_static(""), "$0\r\n\r\n", "$0\r\n\r\n");
    check(Reply::bulk_or_null(None), "$-1\r\n", "_\r\n");
    check(Reply::NullArray, "*-1\r\n", "_\r\n");
    check(
        Reply::Verbatim("ab".into()),
        "$2\r\nab\r\n",
        "=6\r\ntxt:ab\r\n",
    );
    check(
        Reply::bulks(["x", "y"]),
        "*2\r\n$1\r\nx\r\n$1\r\ny\r\n",
        "*2\r\n$1\r\nx\r\n$1\r\ny\r\n",
    );
    check(
        Reply::Map(pairs()),
        "*4\r\n$1\r\na\r\n:1\r\n+b\r\n$-1\r\n",
        "%2\r\n$1\r\na\r\n:1\r\n+b\r\n_\r\n",
    );
    check(
        Reply::Pairs(pairs()),
        "*4\r\n$1\r\na\r\n:1\r\n+b\r\n$-1\r\n",
        "*2\r\n*2\r\n$1\r\na\r\n:1\r\n*2\r\n+b\r\n_\r\n",
    );
    check(
        Reply::Set(vec![Reply::Int(1)]),
        "*1\r\n:1\r\n",
        "~1\r\n:1\r\n",
    );
    check(
        Reply::Push(vec![Reply::Int(1)]),
        "*1\r\n:1\r\n",
        ">1\r\n:1\r\n",
    );
    check(Reply::None, "", "");
}

/// A random tree; keys of maps and items of sets are unique, because the oracle keeps them in maps and sets.
fn random_reply(random: &mut Random, depth: usize) -> Reply {
    let kinds = if depth == 0 { 10 } else { 15 };
    let items = |random: &mut Random| -> Vec<Reply> {
        (0..random.below(5))
            .map(|_| random_reply(random, depth - 1))
            .collect()
    };
    let text = |random: &mut Random| String::from_utf8_lossy(&random.bytes(20)).into_owned();
    match random.below(kinds) {
        0 => Reply::ok(),
        1 => Reply::Text(text(random)),
        2 => Reply::Error(format!("ERR {}", text(random))),
        3 => Reply::Int(random.next() as i64),
        4 => Reply::Bool(random.below(2) == 0),
        5 => Reply::Double(random_double(random)),
        6 => Reply::bulk(random.bytes(200)),
        7 => Reply::Null,
        8 => Reply::NullArray,
        9 => Reply::Verbatim(text(random)),
        10 => Reply::Array(items(random)),
        11 => Reply::Map(numbered(items(random))),
        12 => Reply::Pairs(numbered(items(random))),
        13 => Reply::Set((0..random.below(5)).map(Reply::count).collect()),
        _ => Reply::Array(vec![Reply::bulks(["a"]), Reply::Array(items(random))]),
    }
}

fn numbered(values: Vec<Reply>) -> Vec<(Reply, Reply)> {
    values
        .into_iter()
        .enumerate()
        .map(|(i, value)| (Reply::bulk(format!("key{i}")), value))
        .collect()
}

/// Any bits that are a number, small integers, or the width of an f32.
fn random_double(random: &mut Random) -> f64 {
    let value = match random.below(3) {
        0 => f64::from_bits(random.next()),
        1 => random.below(1000) as f64 / 8.0,
        _ => f64::from(f32::from_bits(random.next() as u32)),
    };
    if value.is_nan() { 0.25 } else { value }
}

/// What a client of `version` should see of a reply.
fn seen(reply: &Reply, version: Version) -> Value {
    let is_resp3 = version == Version::Resp3;
    let all =
        |items: &[Reply]| -> Vec<Value> { items.iter().map(|item| seen(item, version)).collect() };
    let line = |text: &str| text.replace(['\r', '\n'], " ");
    let flat = |pairs: &[(Reply, Reply)]| -> Vec<Value> {
        pairs
            .iter()
            .flat_map(|(key, value)| [seen(key, version), seen(value, version)])
            .collect()
    };
    match reply {
        Reply::Simple(text) => Value::Simple(text.to_string()),
        Reply::Text(text) => Value::Simple(line(text)),
        Reply::Error(text) => Value::Error(line(text)),
        Reply::Int(n) => Value::Int(*n),
        Reply::Bool(yes) if is_resp3 => Value::Bool(*yes),
        Reply::Bool(yes) => Value::Int(i64::from(*yes)),
        Reply::Double(x) if is_resp3 => Value::Double(*x),
        Reply::Double(x) => Value::Bulk(Bytes::copy_from_slice(&number::double_text(*x))),
        Reply::Bulk(bytes) => Value::Bulk(bytes.clone()),
        Reply::Verbatim(text) if is_resp3 => Value::Verbatim(text.clone().into()),
        Reply::Verbatim(text) => Value::Bulk(text.clone().into()),
        Reply::Null | Reply::NullArray | Reply::None => Value::Null,
        Reply::Set(items) if is_resp3 => Value::Set(all(items)),
        Reply::Push(items) if is_resp3 => Value::Push(all(items)),
        Reply::Array(items) | Reply::Set(items) | Reply::Push(items) => Value::Array(all(items)),
        Reply::Map(pairs) if is_resp3 => Value::Map(
            pairs
                .iter()
                .map(|(key, value)| (seen(key, version), seen(value, version)))
                .collect(),
        ),
        Reply::Pairs(pairs) if is_resp3 => {
            let pair = |(key, value): &(Reply, Reply)| {
                Value::Array(vec![seen(key, version), seen(value, version)])
            };
            Value::Array(pairs.iter().map(pair).collect())
        }
        Reply::Map(pairs) | Reply::Pairs(pairs) => Value::Array(flat(pairs)),
    }
}

fn from_resp2(frame: resp2::types::BytesFrame) -> Value {
    use resp2::types::BytesFrame as Frame;
    match frame {
        Frame::SimpleString(text) => Value::Simple(String::from_utf8(text.to_vec()).unwrap()),
        Frame::Error(line) => Value::Error(line.to_string()),
        Frame::Integer(n) => Value::Int(n),
        Frame::BulkString(bytes) => Value::Bulk(bytes),
        Frame::Array(items) => Value::Array(items.into_iter().map(from_resp2).collect()),
        Frame::Null => Value::Null,
    }
}

fn from_resp3(frame: resp3::types::BytesFrame) -> Value {
    use resp3::types::BytesFrame as Frame;
    let all = |items: Vec<Frame>| -> Vec<Value> { items.into_iter().map(from_resp3).collect() };
    match frame {
        Frame::SimpleString { data, .. } => {
            Value::Simple(String::from_utf8(data.to_vec()).unwrap())
        }
        Frame::SimpleError { data, .. } => Value::Error(data.to_string()),
        Frame::Number { data, .. } => Value::Int(data),
        Frame::Boolean { data, .. } => Value::Bool(data),
        Frame::Double { data, .. } => Value::Double(data),
        Frame::BlobString { data, .. } => Value::Bulk(data),
        Frame::VerbatimString { data, .. } => Value::Verbatim(data),
        Frame::Null => Value::Null,
        Frame::Array { data, .. } => Value::Array(all(data)),
        Frame::Push { data, .. } => Value::Push(all(data)),
        Frame::Set { data, .. } => Value::Set(all(data.into_iter().collect())),
        Frame::Map { data, .. } => Value::Map(
            data.into_iter()
                .map(|(key, value)| (from_resp3(key), from_resp3(value)))
                .collect(),
        ),
        other => panic!("the server writes no {other:?}"),
    }
}

/// Maps and sets in one order: the oracle gives them reversed.
fn ordered(value: Value) -> Value {
    let all = |items: Vec<Value>| -> Vec<Value> { items.into_iter().map(ordered).collect() };
    match value {
        Value::Array(items) => Value::Array(all(items)),
        Value::Set(mut items) => {
            items.sort_by_key(|item| format!("{item:?}"));
            Value::Set(all(items))
        }
        Value::Map(mut pairs) => {
            pairs.sort_by_key(|(key, _)| format!("{key:?}"));
            Value::Map(
                pairs
                    .into_iter()
                    .map(|(key, value)| (key, ordered(value)))
                    .collect(),
            )
        }
        other => other,
    }
}

#[test]
fn the_oracle_reads_what_was_meant() {
    for seed in seeds(2000) {
        let reply = random_reply(&mut Random(seed), 4);
        let wire = write(&reply, Version::Resp2).freeze();
        let (frame, length) = resp2::decode::decode_bytes(&wire).unwrap().unwrap();
        assert_eq!(length, wire.len(), "seed {seed}");
        assert_eq!(
            from_resp2(frame),
            seen(&reply, Version::Resp2),
            "seed {seed}"
        );

        let wire = write(&reply, Version::Resp3).freeze();
        let (frame, length) = resp3::decode::complete::decode_bytes(&wire)
            .unwrap()
            .unwrap();
        assert_eq!(length, wire.len(), "seed {seed}");
        assert_eq!(
            ordered(from_resp3(frame)),
            ordered(seen(&reply, Version::Resp3)),
            "seed {seed}"
        );
    }
}

#[test]
fn our_own_decoder_reads_what_was_meant_however_it_is_cut() {
    for seed in seeds(300) {
        let mut random = Random(seed);
        let replies: Vec<Reply> = (0..3).map(|_| random_reply(&mut random, 3)).collect();
        for version in [Version::Resp2, Version::Resp3] {
            let mut wire = Encoded::default();
            for reply in &replies {
                reply.write(version, &mut wire);
            }
            let wire = wire.to_vec();
            let step = 1 + random.below(30);
            let values = decode_pieces(wire.chunks(step)).unwrap();
            let expected: Vec<Value> = replies.iter().map(|reply| seen(reply, version)).collect();
            assert_eq!(
                values, expected,
                "seed {seed}, {version:?}, steps of {step}"
            );
        }
    }
}

fn decode_pieces<'w>(
    pieces: impl IntoIterator<Item = &'w [u8]>,
) -> Result<Vec<Value>, DecodeError> {
    let mut decoder = ReplyDecoder::new(1 << 20);
    let mut buffer = BytesMut::new();
    let mut values = Vec::new();
    for piece in pieces {
        buffer.extend_from_slice(piece);
        while let Some(value) = decoder.next(&mut buffer)? {
            values.push(value);
        }
    }
    Ok(values)
}

#[test]
fn kinds_that_only_other_servers_send_are_read_too() {
    let wire = b"|1\r\n+ttl\r\n:3600\r\n(12345678901234567890\r\n!7\r\nERR a\nb\r\n*2\r\n|1\r\n+k\r\n*0\r\n:1\r\n,nan\r\n*-1\r\n";
    let values = decode_pieces(wire.chunks(1)).unwrap();
    assert_eq!(values[0], Value::BigNumber("12345678901234567890".into()));
    assert_eq!(values[1].clone().into_result(), Err("ERR a\nb".to_string()));
    let items = values[2].as_items().unwrap();
    assert_eq!(items[0], Value::Int(1));
    assert!(items[1].as_f64().unwrap().is_nan());
    assert_eq!(values[3], Value::Null);
}

#[test]
fn values_are_read_alike_in_both_versions() {
    let resp2 = Value::Array(vec![Value::Bulk("a".into()), Value::Bulk("0.5".into())]);
    let resp3 = Value::Map(vec![(Value::Bulk("a".into()), Value::Double(0.5))]);
    for value in [resp2, resp3] {
        let pairs = value.as_pairs().unwrap();
        let (key, score) = pairs[0];
        assert_eq!((key.as_str(), score.as_f64()), (Some("a"), Some(0.5)));
    }
    assert_eq!(Value::Bool(true).as_i64(), Some(1));
    assert_eq!(Value::Bulk("12".into()).as_i64(), Some(12));
}

#[test]
fn hostile_servers_are_refused() {
    let deep = "*1\r\n".repeat(129);
    for (wire, error) in [
        (deep.as_bytes(), DecodeError::TooDeep),
        (b"*9223372036854775807\r\n", DecodeError::TooLarge),
        (b"%9223372036854775807\r\n", DecodeError::TooLarge),
        (b"$1048577\r\n", DecodeError::TooLarge),
        (b"?\r\n", DecodeError::Malformed("a type")),
        (b"\r\n", DecodeError::Malformed("a type")),
        (b"$x\r\n", DecodeError::Malformed("a length")),
        (b"*-2\r\n", DecodeError::Malformed("a length")),
        (b"+a\n", DecodeError::Malformed("\\r before \\n")),
        (b":x\r\n", DecodeError::Malformed("an integer")),
        (b"#x\r\n", DecodeError::Malformed("t or f")),
        (
            b"$1\r\nabc\r\n",
            DecodeError::Malformed("\\r\\n behind a string"),
        ),
        (
            b"=3\r\nabc\r\n",
            DecodeError::Malformed("a format and a colon"),
        ),
    ] {
        assert_eq!(decode_pieces([wire]), Err(error), "{}", wire.escape_ascii());
    }
    let endless = [b'+'; (1 << 20) + 1];
    assert_eq!(decode_pieces([&endless[..]]), Err(DecodeError::TooLarge));
    let deepest_allowed = "*1\r\n".repeat(128) + "_\r\n";
    assert_eq!(
        decode_pieces([deepest_allowed.as_bytes()]).map(|values| values.len()),
        Ok(1)
    );
}

#[test]
fn large_strings_are_shared_and_stand_where_they_belong() {
    let large = [b'l'; 100_000].as_slice();
    let shared = Bytes::from_static(large);
    let string = || Reply::Bulk(shared.clone());
    let replies = [
        Reply::Int(1),
        Reply::Array(vec![string(), string()]),
        string(),
        Reply::Null,
    ];
    let mut out = Encoded::default();
    let mut marks = vec![out.end()];
    for reply in &replies {
        reply.write(Version::Resp3, &mut out);
        marks.push(out.end());
    }
    let text = |bytes: &[u8]| [b"$100000\r\n", bytes, b"\r\n"].concat();
    let array = [&b"*2\r\n"[..], &text(large), &text(large)].concat();
    let expected = [b":1\r\n".to_vec(), array, text(large), b"_\r\n".to_vec()];
    assert_eq!(out.to_vec(), expected.concat());
    assert_eq!(out.len(), expected.concat().len());
    let is_shared = |piece: &[u8]| piece.as_ptr() == shared.as_ptr();
    assert_eq!(out.pieces().filter(|piece| is_shared(piece)).count(), 3);

    // The middle two of the four replies, with another one in front.
    let mut part = Encoded::default();
    Reply::ok().write(Version::Resp3, &mut part);
    part.extend(&out, marks[1], marks[3]);
    let expected = [&b"+OK\r\n"[..], &expected[1], &expected[2]].concat();
    assert_eq!(part.to_vec(), expected);
    assert_eq!(part.len(), expected.len());
    assert_eq!(part.pieces().filter(|piece| is_shared(piece)).count(), 3);
}
