//! Requests: what is accepted, what is refused in which words, and that nothing is parsed twice.

use redis_protocol::resp2::decode::decode_bytes;
use redis_protocol::resp2::types::{BytesFrame, Resp2Frame};

use super::*;

fn request(words: &[&str]) -> Request {
    Request::from_args(words).unwrap()
}

#[test]
fn a_pipeline_gives_its_requests_in_order_however_it_is_cut() {
    let wire = b"*2\r\n$4\r\nECHO\r\n$2\r\nhi\r\n\r\n*0\r\n*-1\r\nPING \"a b\"\n*1\r\n$0\r\n\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$4\r\n\r\n\0v\r\n%1\r\n";
    let expected = vec![
        request(&["ECHO", "hi"]),
        request(&["PING", "a b"]),
        request(&[""]),
        request(&["SET", "k", "\r\n\0v"]),
        request(&["%1"]),
    ];
    for step in 1..=wire.len() {
        let parsed = parse_pieces(wire.chunks(step), &Limits::default());
        assert_eq!(parsed, (expected.clone(), None), "in steps of {step}");
    }
    for cut in 0..wire.len() {
        let parsed = parse_pieces([&wire[..cut], &wire[cut..]], &Limits::default());
        assert_eq!(parsed, (expected.clone(), None), "cut at {cut}");
    }
}

#[test]
fn arguments_are_slices_of_the_frame() {
    let mut buffer = BytesMut::from(&b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\nvalue\r\nPING\r\n"[..]);
    let request = RequestParser::new()
        .next(&mut buffer, &Limits::default())
        .unwrap()
        .unwrap();
    assert_eq!(buffer, b"PING\r\n"[..]);
    assert_eq!(request.len(), 3);
    assert_eq!(request.arg(2), b"value");
    assert_eq!(request.bytes(2).as_ptr(), request.arg(2).as_ptr());
    assert_eq!(request.get(3), None);
    assert_eq!(
        request.iter().collect::<Vec<_>>(),
        [&b"SET"[..], b"k", b"value"]
    );
    assert!(Request::from_args(Vec::<&str>::new()).is_none());
}

#[test]
fn random_requests_decode_as_the_oracle_decodes_them() {
    for seed in seeds(200) {
        let mut random = Random(seed);
        let count = 1 + random.below(30);
        let args: Vec<Vec<u8>> = (0..count).map(|_| random.bytes(300)).collect();
        let mut wire = BytesMut::new();
        client::encode_command(&args, &mut wire);
        let (requests, error) = parse(&wire);
        let (frame, length) = decode_bytes(&wire.clone().freeze()).unwrap().unwrap();
        assert_eq!(
            (requests.len(), error, length),
            (1, None, wire.len()),
            "seed {seed}"
        );
        let BytesFrame::Array(items) = frame else {
            panic!("seed {seed}: {frame:?}")
        };
        let items = items.iter().map(|item| item.as_bytes().unwrap());
        assert!(requests[0].iter().eq(items), "seed {seed}");
    }
}

#[test]
fn random_pipelines_survive_every_cut() {
    for seed in seeds(100) {
        let mut random = Random(seed);
        let (wire, expected) = random_pipeline(&mut random);
        for cut in 0..=wire.len() {
            let parsed = parse_pieces([&wire[..cut], &wire[cut..]], &Limits::default());
            assert_eq!(
                parsed,
                (expected.clone(), None),
                "seed {seed}, cut at {cut}"
            );
        }
    }
}

fn check_refused(wire: &[u8], limits: &Limits, line: &str) {
    let (_, error) = parse_pieces([wire], limits);
    let reply = error.map(|error| error.reply());
    let expected = Reply::error(format!("ERR Protocol error: {line}"));
    assert_eq!(reply, Some(Some(expected)), "{}", wire.escape_ascii());
    let (_, bytewise) = parse_pieces(wire.chunks(1), limits);
    assert_eq!(bytewise, error, "{} byte by byte", wire.escape_ascii());
}

#[test]
fn malformed_frames_are_refused_in_the_words_of_redis() {
    let limits = Limits {
        bulk_bytes_max: 1000,
        ..Limits::default()
    };
    for (wire, line) in [
        (&b"*x\r\n"[..], "invalid multibulk length"),
        (b"*\r\n", "invalid multibulk length"),
        (b"*2147483648\r\n", "invalid multibulk length"),
        (b"*99999999999999999999\r\n", "invalid multibulk length"),
        (b"*01\r\n", "invalid multibulk length"),
        (b"*1\r\n$-1\r\n", "invalid bulk length"),
        (b"*1\r\n$\r\n", "invalid bulk length"),
        (b"*1\r\n$1001\r\n", "invalid bulk length"),
        (b"*1\r\n$9223372036854775807\r\n", "invalid bulk length"),
        (
            b"PING\r\n*2\r\n$4\r\nECHO\r\n:1\r\n",
            "expected '$', got ':'",
        ),
        (b"*1\r\n*1\r\n", "expected '$', got '*'"),
        (b"*1\r\n\r\n", "expected '$', got '\r'"),
        (b"SET \"a\r\n", "unbalanced quotes in request"),
    ] {
        check_refused(wire, &limits, line);
    }
    let long = [b'1'; 64 * 1024 + 1];
    check_refused(&[b'x'; 64 * 1024 + 1], &limits, "too big inline request");
    check_refused(
        &[b"*", &long[..]].concat(),
        &limits,
        "too big mbulk count string",
    );
    check_refused(
        &[b"*1\r\n$", &long[..]].concat(),
        &limits,
        "too big bulk count string",
    );
    check_refused(
        &[b"*1\r\n$", &long[..], b"\r\n"].concat(),
        &limits,
        "too big bulk count string",
    );
}

#[test]
fn clients_who_have_not_authenticated_send_little() {
    let limits = Limits {
        authenticated: false,
        ..Limits::default()
    };
    check_refused(b"*11\r\n", &limits, "unauthenticated multibulk length");
    check_refused(b"*2\r\n$16385\r\n", &limits, "unauthenticated bulk length");
    assert_eq!(
        parse_pieces([&b"*10\r\n$16384\r\n"[..]], &limits),
        (vec![], None)
    );
    assert_eq!(parse(b"*11\r\n$16385\r\n"), (vec![], None));
}

#[test]
fn a_browser_is_cut_off_silently() {
    for wire in [
        &b"POST / HTTP/1.1\r\n"[..],
        b"GET / HTTP/1.1\r\nhost: localhost:6379\r\n",
    ] {
        let error = parse(wire).1.unwrap();
        assert_eq!((error, error.reply()), (ProtocolError::CrossProtocol, None));
    }
}

#[test]
fn a_frame_cannot_outgrow_its_ranges() {
    let limits = Limits {
        bulk_bytes_max: u64::MAX,
        ..Limits::default()
    };
    let refused = Some(ProtocolError::InvalidBulkLength);
    assert_eq!(
        parse_pieces([&b"*1\r\n$4294967290\r\n"[..]], &limits).1,
        refused
    );
    assert_eq!(
        parse_pieces([&b"*1\r\n$4294967200\r\n"[..]], &limits).1,
        None
    );
}

/// Parses `wire` in 16 KiB reads; the parser and the number of requests.
fn parse_in_reads(wire: &[u8]) -> (RequestParser, usize) {
    let mut parser = RequestParser::new();
    let mut buffer = BytesMut::new();
    let mut requests = 0;
    for piece in wire.chunks(16 * 1024) {
        buffer.extend_from_slice(piece);
        while parser
            .next(&mut buffer, &Limits::default())
            .unwrap()
            .is_some()
        {
            requests += 1;
        }
    }
    (parser, requests)
}

#[test]
fn large_commands_in_small_reads_are_looked_at_once() {
    let few_large = vec![vec![b'x'; 1_100_000]; 4];
    let many_small = vec![b"0.12345".to_vec(); 350_000];
    for args in [few_large, many_small] {
        let mut wire = BytesMut::new();
        client::encode_command(&args, &mut wire);
        assert!(wire.len() > 4_400_000);
        let (parser, requests) = parse_in_reads(&wire);
        assert_eq!(requests, 1);
        assert!(
            parser.steps < wire.len(),
            "{} steps for {} bytes",
            parser.steps,
            wire.len()
        );
    }
    let inline = [b'x'; 60_000];
    let (parser, _) = parse_in_reads(&inline);
    assert_eq!(parser.steps, inline.len());
}

#[test]
fn a_cut_argument_says_how_much_it_lacks() {
    let mut parser = RequestParser::new();
    let mut buffer = BytesMut::from(&b"*1\r\n$100\r\nabc"[..]);
    assert!(
        parser
            .next(&mut buffer, &Limits::default())
            .unwrap()
            .is_none()
    );
    assert_eq!(parser.missing(), 99);
    buffer.extend_from_slice(&[b'x'; 99]);
    assert!(
        parser
            .next(&mut buffer, &Limits::default())
            .unwrap()
            .is_some()
    );
    assert_eq!(parser.missing(), 0);
}

#[test]
fn an_announced_count_allocates_nothing() {
    let mut parser = RequestParser::new();
    let mut buffer = BytesMut::from(&b"*2147483647\r\n$536870912\r\n"[..]);
    assert!(
        parser
            .next(&mut buffer, &Limits::default())
            .unwrap()
            .is_none()
    );
    assert_eq!(parser.argument_capacity(), 8);
}
