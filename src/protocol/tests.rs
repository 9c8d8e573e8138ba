//! The room as a whole: requests and replies against redis-protocol as oracle, cut and mutated bytes.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use bytes::BytesMut;

use super::*;

/// All requests in `wire`, handed to the parser in pieces of `step` bytes; then what it said at the end.
fn parse_in_steps(wire: &[u8], step: usize) -> (Vec<Request>, Option<ProtocolError>) {
    let mut parser = RequestParser::new();
    let mut buffer = BytesMut::new();
    let mut requests = Vec::new();
    for piece in wire.chunks(step) {
        buffer.extend_from_slice(piece);
        loop {
            match parser.next(&mut buffer, &Limits::default()) {
                Ok(Some(request)) => requests.push(request),
                Ok(None) => break,
                Err(error) => return (requests, Some(error)),
            }
        }
    }
    (requests, None)
}

fn request(words: &[&str]) -> Request {
    Request::from_args(words).unwrap()
}

#[test]
fn a_pipeline_gives_its_requests_in_order_however_it_is_cut() {
    let wire = b"*2\r\n$4\r\nECHO\r\n$2\r\nhi\r\n\r\n*0\r\n*-1\r\nPING \"a b\"\n*1\r\n$0\r\n\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$4\r\n\r\n\0v\r\n";
    let expected = vec![
        request(&["ECHO", "hi"]),
        request(&["PING", "a b"]),
        request(&[""]),
        request(&["SET", "k", "\r\n\0v"]),
    ];
    for step in 1..=wire.len() {
        assert_eq!(
            parse_in_steps(wire, step),
            (expected.clone(), None),
            "in steps of {step}"
        );
    }
}
