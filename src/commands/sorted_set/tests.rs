//! Each command against the replies that Redis gives.

use crate::commands::desk::{Desk, Seat, check_examples, check_lines};
use std::collections::BTreeSet;

const SYNTAX: &str = "(error) ERR syntax error";
const NOT_INT: &str = "(error) ERR value is not an integer or out of range";
const NOT_FLOAT: &str = "(error) ERR value is not a valid float";
const BAD_SCORE: &str = "(error) ERR min or max is not a float";
const BAD_BYTES: &str = "(error) ERR min or max not valid string range item";
const NAN: &str = "(error) ERR resulting score is not a number (NaN)";
const WRONG_TYPE: &str =
    "(error) WRONGTYPE Operation against a key holding the wrong kind of value";

/// Runs lines on an empty server.
fn check(lines: &[(&str, &str)]) {
    check_lines(&mut Desk::new().seat(), lines);
}

/// Strings as redis-cli shows them.
fn strings(all: &str) -> String {
    if all.is_empty() {
        return "(empty array)".to_owned();
    }
    let lines = all.split(' ').zip(1..);
    let lines = lines.map(|(word, i)| format!("{i}) \"{word}\""));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn examples_hold() {
    check_examples(super::COMMANDS);
}

#[test]
fn missing_keys_are_empty_sorted_sets() {
    check(&[
        ("ZCARD z", "(integer) 0"),
        ("ZSCORE z a", "(nil)"),
        ("ZMSCORE z a b", "1) (nil)\n2) (nil)"),
        ("ZRANK z a", "(nil)"),
        ("ZREVRANK z a WITHSCORE", "(nil)"),
        ("ZCOUNT z 0 1", "(integer) 0"),
        ("ZLEXCOUNT z - +", "(integer) 0"),
        ("ZSCAN z 0 WHAT", "1) \"0\"\n2) (empty array)"),
        ("ZRANGE z 0 -1 WITHSCORES", "(empty array)"),
        ("ZRANGESTORE d z 0 -1", "(integer) 0"),
        ("ZREM z a", "(integer) 0"),
        ("ZREMRANGEBYRANK z 0 -1", "(integer) 0"),
        ("ZPOPMIN z", "(empty array)"),
        ("ZPOPMAX z 2", "(empty array)"),
        ("ZMPOP 2 z y MIN", "(nil)"),
        ("ZRANDMEMBER z", "(nil)"),
        ("ZRANDMEMBER z -2", "(empty array)"),
        ("ZUNION 2 z y WITHSCORES", "(empty array)"),
        ("ZINTERCARD 1 z", "(integer) 0"),
        ("ZDIFFSTORE d 1 z", "(integer) 0"),
        ("ZADD z XX 1 a", "(integer) 0"),
        ("ZADD z XX INCR 1 a", "(nil)"),
        ("DBSIZE", "(integer) 0"),
    ]);
}

#[test]
fn other_kinds_are_refused() {
    let commands = [
        "ZADD x 1 a",
        "ZINCRBY x 1 a",
        "ZCARD x",
        "ZSCORE x a",
        "ZMSCORE x a",
        "ZRANK x a",
        "ZCOUNT x 0 1",
        "ZLEXCOUNT x - +",
        "ZSCAN x 0",
        "ZRANGE x 0 1",
        "ZRANGESTORE d x 0 1",
        "ZREVRANGE x 0 1",
        "ZRANGEBYSCORE x 0 1",
        "ZREVRANGEBYLEX x + -",
        "ZREM x a",
        "ZREMRANGEBYRANK x 0 1",
        "ZREMRANGEBYSCORE x 0 1",
        "ZREMRANGEBYLEX x - +",
        "ZPOPMIN x",
        "ZPOPMAX x 0",
        "ZMPOP 2 nothing x MAX",
        "ZRANDMEMBER x",
        "ZRANDMEMBER x 0",
        "ZUNION 1 x WHAT",
        "ZINTERSTORE d 2 nothing x WHAT",
        "ZDIFF 1 x",
        "ZINTERCARD 1 x WHAT",
    ];
    for command in commands {
        check(&[("RPUSH x a", "(integer) 1"), (command, WRONG_TYPE)]);
    }
}

#[test]
fn scores_are_set_under_conditions() {
    check(&[
        ("ZADD z 1 a 2 b 3 a", "(integer) 2"),
        ("ZRANGE z 0 -1 WITHSCORES", &strings("b 2 a 3")),
        ("ZADD z NX 9 a 1 c", "(integer) 1"),
        ("ZADD z XX CH 9 a 1 d", "(integer) 1"),
        ("ZADD z GT CH 8 a 10 b 1 d", "(integer) 2"),
        ("ZADD z LT CH 8 a 11 b", "(integer) 1"),
        ("ZADD z CH 8 a", "(integer) 0"),
        ("ZMSCORE z a b c d", &strings("8 10 1 1")),
        ("ZADD z INCR 1.5 a", "\"9.5\""),
        ("ZADD z NX INCR 1 a", "(nil)"),
        ("ZADD z GT INCR -1 a", "(nil)"),
        ("ZADD z LT INCR -1 a", "\"8.5\""),
        ("ZADD z inf i -inf j", "(integer) 2"),
        ("ZINCRBY z -inf i", NAN),
        ("ZADD z INCR +inf j", NAN),
        ("ZRANGE z 0 0", &strings("j")),
        ("ZINCRBY z 1e300 new", "\"1e+300\""),
        ("ZADD z -0 zero", "(integer) 1"),
        ("ZSCORE z zero", "\"0\""),
    ]);
}

#[test]
fn words_of_zadd_are_checked() {
    check(&[
        (
            "ZADD z NX XX 1 a",
            "(error) ERR XX and NX options at the same time are not compatible",
        ),
        (
            "ZADD z NX GT 1 a",
            "(error) ERR GT, LT, and/or NX options at the same time are not compatible",
        ),
        (
            "ZADD z LT GT 1 a",
            "(error) ERR GT, LT, and/or NX options at the same time are not compatible",
        ),
        (
            "ZADD z INCR 1 a 2 b",
            "(error) ERR INCR option supports a single increment-element pair",
        ),
        ("ZADD z 1 a 2", SYNTAX),
        ("ZADD z NX XX", SYNTAX),
        ("ZADD z x a", NOT_FLOAT),
        ("ZADD z 1 a nan b", NOT_FLOAT),
        ("ZINCRBY z x a", NOT_FLOAT),
        ("EXISTS z", "(integer) 0"),
    ]);
}

#[test]
fn ranks_count_from_either_end() {
    check(&[
        ("ZADD z 1 a 2 b 2 c 3 d", "(integer) 4"),
        ("ZRANK z c", "(integer) 2"),
        ("ZREVRANK z c", "(integer) 1"),
        ("ZREVRANK z d WITHSCORE", "1) (integer) 0\n2) \"3\""),
        ("ZRANK z a WHAT", SYNTAX),
        (
            "ZRANK z a WITHSCORE 1",
            "(error) ERR wrong number of arguments for 'zrank' command",
        ),
        ("ZRANGE z 1 -2", &strings("b c")),
        ("ZRANGE z 0 1 REV", &strings("d c")),
        ("ZREVRANGE z -2 -1 WITHSCORES", &strings("b 2 a 1")),
        ("ZRANGE z 3 2", "(empty array)"),
        ("ZRANGE z 0 x", NOT_INT),
        (
            "ZRANGE z 0 1 LIMIT 0 1",
            "(error) ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX",
        ),
        ("ZRANGE z 0 1 LIMIT 1 -1", &strings("a b")),
        ("ZRANGE z 0 1 BYSCORE BYLEX", SYNTAX),
        ("ZREVRANGE z 0 1 REV", SYNTAX),
        ("ZREMRANGEBYRANK z -2 -1", "(integer) 2"),
        ("ZREMRANGEBYRANK z x 1", NOT_INT),
        ("ZREMRANGEBYRANK z 0 9", "(integer) 2"),
        ("EXISTS z", "(integer) 0"),
    ]);
}

#[test]
fn ranges_of_scores_are_open_and_closed() {
    check(&[
        ("ZADD z -inf low 1 a 2 b 2 c 3 d inf high", "(integer) 6"),
        ("ZRANGEBYSCORE z 1 2", &strings("a b c")),
        ("ZRANGEBYSCORE z (1 (3", &strings("b c")),
        ("ZRANGEBYSCORE z (-inf +inf", &strings("a b c d high")),
        ("ZREVRANGEBYSCORE z 2 (1 WITHSCORES", &strings("c 2 b 2")),
        ("ZRANGE z 3 1 BYSCORE REV LIMIT 1 2", &strings("c b")),
        ("ZRANGE z 1 inf BYSCORE LIMIT 2 -1", &strings("c d high")),
        ("ZRANGE z 1 inf BYSCORE LIMIT -1 5", "(empty array)"),
        ("ZRANGE z 1 inf BYSCORE LIMIT 9 5", "(empty array)"),
        ("ZRANGEBYSCORE z 3 1", "(empty array)"),
        ("ZCOUNT z 2 1e400", "(integer) 4"),
        ("ZCOUNT z x 1", BAD_SCORE),
        ("ZCOUNT z 0 (nan", BAD_SCORE),
        ("ZCOUNT z 0x1 2", BAD_SCORE),
        ("ZRANGEBYSCORE z [1 2", BAD_SCORE),
        ("ZRANGEBYSCORE z 1 2 LIMIT 1", SYNTAX),
        ("ZRANGEBYSCORE z 1 2 LIMIT x 1", NOT_INT),
        ("ZREMRANGEBYSCORE z (2 3", "(integer) 1"),
        ("ZREMRANGEBYSCORE z a b", BAD_SCORE),
        ("ZCARD z", "(integer) 5"),
    ]);
}

#[test]
fn ranges_of_names_are_open_and_closed() {
    check(&[
        ("ZADD z 0 a 0 ab 0 b 0 c 0 d", "(integer) 5"),
        ("ZRANGEBYLEX z [ab (d", &strings("ab b c")),
        ("ZRANGEBYLEX z - + LIMIT 3 1", &strings("c")),
        ("ZREVRANGEBYLEX z + [c", &strings("d c")),
        ("ZRANGE z (c - BYLEX REV", &strings("b ab a")),
        ("ZRANGEBYLEX z + -", "(empty array)"),
        ("ZLEXCOUNT z (a (b", "(integer) 1"),
        ("ZLEXCOUNT z a b", BAD_BYTES),
        ("ZLEXCOUNT z -- +", BAD_BYTES),
        ("ZRANGEBYLEX z [a b", BAD_BYTES),
        (
            "ZRANGE z - + BYLEX WITHSCORES",
            "(error) ERR syntax error, WITHSCORES not supported in combination with BYLEX",
        ),
        ("ZREMRANGEBYLEX z a b", BAD_BYTES),
        ("ZREMRANGEBYLEX z [ab [c", "(integer) 3"),
        ("ZRANGE z 0 -1", &strings("a d")),
    ]);
}

#[test]
fn ranges_are_stored() {
    check(&[
        ("ZADD z 1 a 2 b 3 c", "(integer) 3"),
        ("SET d text", "OK"),
        ("ZRANGESTORE d z 2 inf BYSCORE LIMIT 0 1", "(integer) 1"),
        ("ZRANGE d 0 -1 WITHSCORES", &strings("b 2")),
        ("ZRANGESTORE z z 0 1 REV", "(integer) 2"),
        ("ZRANGE z 0 -1", &strings("b c")),
        ("ZRANGESTORE d z 0 1 WITHSCORES", SYNTAX),
        ("ZRANGESTORE d z 5 6", "(integer) 0"),
        ("EXISTS d", "(integer) 0"),
    ]);
}

#[test]
fn members_are_popped_from_either_end() {
    check(&[
        ("ZADD z 1 a 2 b 3 c 4 d", "(integer) 4"),
        ("ZPOPMAX z 2", &strings("d 4 c 3")),
        ("ZPOPMIN z 0", "(empty array)"),
        (
            "ZPOPMIN z -1",
            "(error) ERR value is out of range, must be positive",
        ),
        (
            "ZPOPMIN z x",
            "(error) ERR value is out of range, must be positive",
        ),
        ("ZPOPMIN z 1 1", SYNTAX),
        (
            "ZMPOP 2 y z MAX COUNT 1",
            "1) \"z\"\n2) 1) 1) \"b\"\n      2) \"2\"",
        ),
        (
            "ZMPOP 0 z MIN",
            "(error) ERR numkeys should be greater than 0",
        ),
        ("ZMPOP 1 z MIDDLE", SYNTAX),
        (
            "ZMPOP 1 z MIN COUNT 0",
            "(error) ERR count should be greater than 0",
        ),
        ("ZPOPMIN z 9", &strings("a 1")),
        ("EXISTS z", "(integer) 0"),
    ]);
}

#[test]
fn scores_of_several_sets_are_joined() {
    check(&[
        ("ZADD a 1 x 2 y", "(integer) 2"),
        ("ZADD b 10 y 20 z", "(integer) 2"),
        ("SADD s y z", "(integer) 2"),
        ("ZUNION 2 a b WITHSCORES", &strings("x 1 y 12 z 20")),
        (
            "ZUNION 3 a b s WEIGHTS 1 0.5 100 WITHSCORES",
            &strings("x 1 y 107 z 110"),
        ),
        (
            "ZUNION 2 a b AGGREGATE MIN WITHSCORES",
            &strings("x 1 y 2 z 20"),
        ),
        ("ZINTER 2 a b aggregate max withscores", &strings("y 10")),
        ("ZINTER 2 a nothing", "(empty array)"),
        ("ZDIFF 2 b a WITHSCORES", &strings("z 20")),
        ("ZDIFF 2 a a", "(empty array)"),
        ("ZINTERCARD 2 b s LIMIT 1", "(integer) 1"),
        ("ZINTERCARD 2 b s", "(integer) 2"),
        ("ZUNIONSTORE a 2 a b WEIGHTS 2 1", "(integer) 3"),
        ("ZRANGE a 0 -1 WITHSCORES", &strings("x 2 y 14 z 20")),
        ("ZINTERSTORE d 2 a s", "(integer) 2"),
        ("ZDIFFSTORE d 2 a b", "(integer) 1"),
        ("ZRANGE d 0 -1 WITHSCORES", &strings("x 2")),
        ("ZADD i inf m", "(integer) 1"),
        ("ZADD j -inf m", "(integer) 1"),
        ("ZUNION 2 i j WITHSCORES", &strings("m 0")),
        ("ZUNION 1 i WEIGHTS 0 WITHSCORES", &strings("m 0")),
    ]);
}

#[test]
fn words_of_zunion_are_checked() {
    check(&[
        ("ZUNION x a", NOT_INT),
        (
            "ZUNION 0 a",
            "(error) ERR at least 1 input key is needed for 'zunion' command",
        ),
        (
            "ZUNIONSTORE d -1 a",
            "(error) ERR at least 1 input key is needed for 'zunionstore' command",
        ),
        ("ZUNION 2 a", SYNTAX),
        (
            "ZUNION 1 a WEIGHTS x",
            "(error) ERR weight value is not a float",
        ),
        ("ZUNION 2 a b WEIGHTS 1", SYNTAX),
        ("ZUNION 1 a AGGREGATE AVG", SYNTAX),
        ("ZUNIONSTORE d 1 a WITHSCORES", SYNTAX),
        ("ZDIFF 1 a WEIGHTS 1", SYNTAX),
        (
            "ZINTERCARD 1 a LIMIT -1",
            "(error) ERR LIMIT can't be negative",
        ),
        ("ZINTERCARD 1 a LIMIT", SYNTAX),
    ]);
}

/// A sorted set of the members m0 to m999 with their numbers as scores.
fn large_set() -> Seat {
    let mut seat = Desk::new().seat();
    for i in 0..1_000 {
        seat.send(["ZADD", "z", &i.to_string(), &format!("m{i}")]);
    }
    seat
}

#[test]
fn members_are_drawn_by_chance() {
    let mut seat = large_set();
    let count = |reply: &str| {
        let words = reply.split('"').skip(1).step_by(2);
        words.collect::<BTreeSet<_>>().len()
    };
    for n in [0, 1, 20, 900, 1_000, 1_001] {
        assert_eq!(
            count(&seat.run(&format!("ZRANDMEMBER z {n}"))),
            n.min(1_000)
        );
    }
    let many = count(&seat.run("ZRANDMEMBER z -10000"));
    assert!(many > 990, "{many} of 1000 in 10000 draws");
    check_lines(
        &mut seat,
        &[
            ("ZRANDMEMBER z x", NOT_INT),
            ("ZRANDMEMBER z 1 WHAT", SYNTAX),
            (
                "ZRANDMEMBER z -4194305",
                "(error) ERR value is out of range",
            ),
            (
                "ZRANDMEMBER z 9223372036854775807 WITHSCORES",
                "(error) ERR value is out of range",
            ),
        ],
    );
}

#[test]
fn zscan_sees_every_member_once() {
    let mut seat = large_set();
    let (mut cursor, mut seen) = ("0".to_owned(), BTreeSet::new());
    loop {
        let reply = seat.run(&format!("ZSCAN z {cursor} COUNT 100"));
        let words: Vec<&str> = reply.split('"').skip(1).step_by(2).collect();
        for pair in words[1..].chunks(2) {
            assert_eq!(pair[0], format!("m{}", pair[1]));
            assert!(seen.insert(pair[0].to_owned()), "{} came twice", pair[0]);
        }
        cursor = words[0].to_owned();
        if cursor == "0" {
            break;
        }
    }
    assert_eq!(seen.len(), 1_000);
    check_lines(
        &mut seat,
        &[
            ("ZSCAN z x", "(error) ERR invalid cursor"),
            ("ZSCAN z 0 TYPE zset", SYNTAX),
            (
                "ZSCAN z 0 NOVALUES",
                "(error) ERR NOVALUES option can only be used in HSCAN",
            ),
            ("OBJECT ENCODING z", "\"skiplist\""),
        ],
    );
}

#[test]
fn shapes_follow_the_protocol() {
    let mut seat = Desk::new().seat();
    seat.run("ZADD z 1.5 a");
    let pair = "*2\r\n$1\r\na\r\n$3\r\n1.5\r\n";
    assert_eq!(seat.wire("ZRANGE z 0 -1 WITHSCORES"), pair);
    assert_eq!(seat.wire("ZRANDMEMBER z 1 WITHSCORES"), pair);
    assert_eq!(seat.wire("ZMPOP 1 nothing MIN"), "*-1\r\n");
    assert_eq!(seat.wire("ZRANK nothing a WITHSCORE"), "*-1\r\n");
    let mut seat = seat.resp3();
    let (pair, pairs) = (
        "*2\r\n$1\r\na\r\n,1.5\r\n",
        "*1\r\n*2\r\n$1\r\na\r\n,1.5\r\n",
    );
    for command in [
        "ZRANGE z 0 -1 WITHSCORES",
        "ZRANDMEMBER z 1 WITHSCORES",
        "ZUNION 1 z WITHSCORES",
        "ZDIFF 1 z WITHSCORES",
    ] {
        assert_eq!(seat.wire(command), pairs, "{command}");
    }
    assert_eq!(
        seat.wire("ZSCAN z 0"),
        "*2\r\n$1\r\n0\r\n*2\r\n$1\r\na\r\n$3\r\n1.5\r\n"
    );
    assert_eq!(seat.wire("ZSCORE z a"), ",1.5\r\n");
    assert_eq!(seat.wire("ZPOPMIN z"), pair);
    seat.run("ZADD z 1.5 a");
    assert_eq!(seat.wire("ZPOPMIN z 1"), pairs);
    assert_eq!(seat.wire("ZPOPMIN z 1"), "*0\r\n");
    assert_eq!(seat.wire("ZINCRBY z 2 a"), ",2\r\n");
    assert_eq!(
        seat.wire("ZMPOP 1 z MAX"),
        "*2\r\n$1\r\nz\r\n*1\r\n*2\r\n$1\r\na\r\n,2\r\n"
    );
}

#[test]
fn counted_keys_are_found_behind_the_destination() {
    check(&[
        (
            "COMMAND GETKEYS ZUNIONSTORE d 2 a b WEIGHTS 1 2",
            &strings("d a b"),
        ),
        ("COMMAND GETKEYS ZUNION 2 a b WITHSCORES", &strings("a b")),
        ("COMMAND GETKEYS SINTERSTORE d a b", &strings("d a b")),
        ("COMMAND GETKEYS LMPOP 1 a LEFT", &strings("a")),
        ("MULTI", "OK"),
        ("ZADD a 1 x", "QUEUED"),
        ("ZUNIONSTORE d 2 a b", "QUEUED"),
        ("EXEC", "1) (integer) 1\n2) (integer) 1"),
    ]);
}

#[test]
fn forms_have_the_names_of_redis() {
    let mut seat = Desk::new().seat();
    for i in 0..129 {
        seat.send(["ZADD", "z", "1", &i.to_string()]);
        let expected = if i < 128 {
            "\"listpack\""
        } else {
            "\"skiplist\""
        };
        assert_eq!(seat.run("OBJECT ENCODING z"), expected, "{i}");
    }
    seat.send(["ZADD", "y", "1", &"x".repeat(65)]);
    check_lines(
        &mut seat,
        &[
            ("OBJECT ENCODING y", "\"skiplist\""),
            ("TYPE z", "zset"),
            ("SCAN 0 TYPE zset MATCH y", "1) \"0\"\n2) 1) \"y\""),
            ("COPY z w", "(integer) 1"),
            ("ZREM w 1", "(integer) 1"),
            ("ZCARD z", "(integer) 129"),
        ],
    );
}
