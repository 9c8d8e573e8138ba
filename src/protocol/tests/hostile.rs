//! Random and mutated bytes: no panic, no large allocation, and the same answer however they are cut.

use super::client::ReplyDecoder;
use super::*;

/// Flips, drops, doubles or replaces pieces of valid bytes.
fn mutate(wire: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..1 + random.below(4) {
        let at = random.below(wire.len() + 1);
        let end = (at + random.below(8)).min(wire.len());
        match random.below(5) {
            0 if at < wire.len() => wire[at] ^= 1 << random.below(8),
            1 => drop(wire.drain(at..end)),
            2 => wire.splice(at..at, wire[at..end].to_vec()).for_each(drop),
            3 => wire.splice(at..end, random.bytes(8)).for_each(drop),
            _ => {
                let numbers = [
                    &b"-1"[..],
                    b"2147483647",
                    b"9223372036854775807",
                    b"4294967295",
                    b"0",
                ];
                wire.splice(at..at, numbers[random.below(5)].to_vec())
                    .for_each(drop);
            }
        }
    }
}

#[test]
fn mutated_requests_give_the_same_answer_however_they_are_cut() {
    for seed in seeds(5000) {
        let mut random = Random(seed);
        let (mut wire, _) = random_pipeline(&mut random);
        mutate(&mut wire, &mut random);
        let limits = Limits {
            authenticated: random.below(4) > 0,
            bulk_bytes_max: 1 << 20,
        };
        let whole = parse_pieces([&wire[..]], &limits);
        let bytewise = parse_pieces(wire.chunks(1), &limits);
        assert_eq!(whole, bytewise, "seed {seed}: {}", wire.escape_ascii());
        let step = 1 + random.below(20);
        let stepwise = parse_pieces(wire.chunks(step), &limits);
        assert_eq!(
            whole,
            stepwise,
            "seed {seed}, steps of {step}: {}",
            wire.escape_ascii()
        );
        let held: usize = whole.0.iter().map(Request::byte_len).sum();
        assert!(
            held <= wire.len(),
            "seed {seed}: {held} bytes of {}",
            wire.len()
        );
    }
}

#[test]
fn random_bytes_never_hold_more_than_they_paid_for() {
    for seed in seeds(5000) {
        let mut random = Random(seed);
        let mut parser = RequestParser::new();
        let mut buffer = BytesMut::from(&b"*"[..]);
        buffer.extend_from_slice(&random.bytes(400));
        let bytes = buffer.len();
        while let Ok(Some(_)) = parser.next(&mut buffer, &Limits::default()) {}
        // An argument costs five bytes at least (`$0\r\n\r\n` and its line end), its range eight; vectors double.
        assert!(parser.argument_capacity() <= 8 + bytes, "seed {seed}");
    }
}

#[test]
fn mutated_replies_never_panic_the_decoder() {
    for seed in seeds(5000) {
        let mut random = Random(seed);
        let (mut wire, _) = random_pipeline(&mut random);
        wire.extend_from_slice(b"%2\r\n+a\r\n,0.5\r\n~1\r\n#t\r\n=6\r\ntxt:ab\r\n|1\r\n+k\r\n_\r\n(12\r\n>1\r\n!1\r\nx\r\n");
        mutate(&mut wire, &mut random);
        let mut decoder = ReplyDecoder::new(1 << 20);
        let mut buffer = BytesMut::from(&wire[..]);
        while let Ok(Some(_)) = decoder.next(&mut buffer) {}
    }
}

#[test]
fn the_splitter_takes_any_bytes() {
    for seed in seeds(5000) {
        let line = Random(seed).bytes(60);
        if let Ok(words) = inline::split_arguments(&line) {
            let quoted: Vec<String> = words.iter().map(|word| inline::quote(word)).collect();
            let again = inline::split_arguments(quoted.join(" ").as_bytes());
            assert_eq!(again, Ok(words), "seed {seed}");
        }
    }
}

/// Globs written as plainly as possible, exponential.
fn slow_matches(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern, text) {
        ([], _) => text.is_empty(),
        ([b'*', rest @ ..], _) => (0..=text.len()).any(|taken| slow_matches(rest, &text[taken..])),
        ([b'?', rest @ ..], [_, text @ ..]) => slow_matches(rest, text),
        ([b'\\', literal, rest @ ..], [byte, text @ ..]) => {
            literal == byte && slow_matches(rest, text)
        }
        ([literal, rest @ ..], [byte, text @ ..]) => literal == byte && slow_matches(rest, text),
        (_, []) => false,
    }
}

#[test]
fn globs_match_as_their_slow_twin() {
    for seed in seeds(20_000) {
        let mut random = Random(seed);
        let mut word = |alphabet: &[u8], length: usize| -> Vec<u8> {
            (0..random.below(length))
                .map(|_| alphabet[random.below(alphabet.len())])
                .collect()
        };
        let (pattern, text) = (word(b"ab*?\\", 8), word(b"ab*\\", 10));
        let expected = slow_matches(&pattern, &text);
        let got = glob::matches(&pattern, &text, glob::Case::Sensitive);
        assert_eq!(
            got,
            expected,
            "seed {seed}: {} on {}",
            pattern.escape_ascii(),
            text.escape_ascii()
        );
    }
}
