//! The room as a whole, with redis-protocol as oracle and seeded random bytes.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod hostile;
mod replies;
mod requests;

use bytes::BytesMut;

use super::*;

/// A small random generator (splitmix64); tests name its seed when they fail.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    /// Bytes that like to be line ends, types and digits.
    fn bytes(&mut self, length_max: usize) -> Vec<u8> {
        let length = self.below(length_max + 1);
        (0..length)
            .map(|_| match self.below(3) {
                0 => b"\r\n*$-+:0123\"' "[self.below(14)],
                _ => self.next() as u8,
            })
            .collect()
    }
}

/// Seeds of the random tests; RHUMB_TEST_SEED repeats one.
fn seeds(count: u64) -> Vec<u64> {
    match std::env::var("RHUMB_TEST_SEED") {
        Ok(seed) => vec![seed.parse().unwrap()],
        Err(_) => (1..=count).collect(),
    }
}

/// All requests in `wire`, handed to the parser in the given pieces, and the error that stopped it.
fn parse_pieces<'w>(
    pieces: impl IntoIterator<Item = &'w [u8]>,
    limits: &Limits,
) -> (Vec<Request>, Option<ProtocolError>) {
    let mut parser = RequestParser::new();
    let mut buffer = BytesMut::new();
    let mut requests = Vec::new();
    for piece in pieces {
        buffer.extend_from_slice(piece);
        loop {
            match parser.next(&mut buffer, limits) {
                Ok(Some(request)) => requests.push(request),
                Ok(None) => break,
                Err(error) => return (requests, Some(error)),
            }
        }
    }
    (requests, None)
}

fn parse(wire: &[u8]) -> (Vec<Request>, Option<ProtocolError>) {
    parse_pieces([wire], &Limits::default())
}

/// Many small requests, some of them inline, as the wire has them.
fn random_pipeline(random: &mut Random) -> (Vec<u8>, Vec<Request>) {
    let mut wire = BytesMut::new();
    let mut requests = Vec::new();
    for _ in 0..random.below(6) {
        let count = 1 + random.below(12);
        let args: Vec<Vec<u8>> = (0..count).map(|_| random.bytes(40)).collect();
        match random.below(4) {
            0 => {
                let quoted: Vec<String> = args.iter().map(|arg| inline::quote(arg)).collect();
                wire.extend_from_slice(quoted.join(" ").as_bytes());
                wire.extend_from_slice(b"\r\n");
            }
            _ => client::encode_command(&args, &mut wire),
        }
        requests.push(Request::from_args(&args).unwrap());
    }
    (wire.to_vec(), requests)
}
