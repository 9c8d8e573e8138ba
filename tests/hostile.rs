//! Hostile bytes on the port: malformed frames get Redis' own errors and a closed connection, damaged and half-sent
//! requests cost nothing but their connection, and whatever comes, the server goes on answering others.
//!
//! RHUMB_FUZZ_ROUNDS sets how many damaged conversations are tried, RHUMB_TEST_SEED their seed.

mod support;

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;
use support::Server;

/// A server that has not closed or answered by then hangs.
const PATIENCE: Duration = Duration::from_secs(20);

fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(server.address()).expect("a connection");
    stream
        .set_read_timeout(Some(PATIENCE))
        .expect("a time limit");
    stream
}

/// Sends bytes and returns all that comes until the server closes.
fn answer_until_closed(server: &Server, bytes: &[u8]) -> String {
    let mut stream = connect(server);
    stream.write_all(bytes).expect("bytes are taken");
    let mut answer = Vec::new();
    stream
        .read_to_end(&mut answer)
        .expect("the server closes the connection");
    String::from_utf8_lossy(&answer).into_owned()
}

fn assert_alive(server: &Server) {
    let mut stream = connect(server);
    stream
        .write_all(b"*1\r\n$4\r\nPING\r\n")
        .expect("bytes are taken");
    let mut reply = [0; 7];
    stream.read_exact(&mut reply).expect("a reply");
    assert_eq!(&reply, b"+PONG\r\n");
}

#[test]
fn malformed_frames_are_told_apart_and_end_the_connection() {
    let server = Server::start();
    let too_long = vec![b'x'; 70 << 10];
    let cases: &[(&[u8], &str)] = &[
        (
            b"*x\r\n",
            "-ERR Protocol error: invalid multibulk length\r\n",
        ),
        (
            b"*9999999999\r\n",
            "-ERR Protocol error: invalid multibulk length\r\n",
        ),
        (
            b"*1\r\n+PING\r\n",
            "-ERR Protocol error: expected '$', got '+'\r\n",
        ),
        (
            b"*1\r\n*1\r\n",
            "-ERR Protocol error: expected '$', got '*'\r\n",
        ),
        (
            b"*1\r\n$-5\r\n",
            "-ERR Protocol error: invalid bulk length\r\n",
        ),
        (
            b"*1\r\n$x\r\n",
            "-ERR Protocol error: invalid bulk length\r\n",
        ),
        (
            b"*1\r\n$99999999999\r\n",
            "-ERR Protocol error: invalid bulk length\r\n",
        ),
        (
            b"SET a \"b\r\n",
            "-ERR Protocol error: unbalanced quotes in request\r\n",
        ),
        (&too_long, "-ERR Protocol error: too big inline request\r\n"),
        (
            b"PING\r\n*x\r\n",
            "+PONG\r\n-ERR Protocol error: invalid multibulk length\r\n",
        ),
    ];
    for (bytes, expected) in cases {
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(40)]);
        assert_eq!(answer_until_closed(&server, bytes), *expected, "{shown:?}");
    }
    assert_alive(&server);
}

#[test]
fn requests_arriving_byte_by_byte_are_answered() {
    let server = Server::start();
    let mut stream = connect(&server);
    stream.set_nodelay(true).expect("an option");
    for byte in b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$2\r\n\r\n\r\nGET a\r\n" {
        stream.write_all(&[*byte]).expect("a byte is taken");
    }
    let mut reply = [0; 13];
    stream.read_exact(&mut reply).expect("two replies");
    assert_eq!(&reply, b"+OK\r\n$2\r\n\r\n\r\n");
}

#[test]
fn announced_but_unsent_bytes_cost_no_memory() {
    let server = Server::start();
    // 64 connections that announce half a gigabyte each, and 64 that announce a million arguments.
    let announced: Vec<TcpStream> = (0..128)
        .map(|n| {
            let mut stream = connect(&server);
            let head: &[u8] = if n % 2 == 0 {
                b"*2\r\n$3\r\nGET\r\n$536870911\r\nx"
            } else {
                b"*1000000\r\n$3\r\nGET\r\n"
            };
            stream.write_all(head).expect("bytes are taken");
            stream
        })
        .collect();
    assert_alive(&server);
    let status =
        std::fs::read_to_string(format!("/proc/{}/status", server.pid())).expect("the process");
    let resident = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .expect("a line VmRSS");
    let kilobytes: u64 = resident
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .expect("a number");
    assert!(kilobytes < 512 << 10, "{kilobytes} kB resident");
    drop(announced);
    assert_alive(&server);
}

#[test]
fn damaged_conversations_leave_the_server_alive() {
    let seed: u64 = environment("RHUMB_TEST_SEED", 0x0dd_b17e5);
    let rounds: u64 = environment("RHUMB_FUZZ_ROUNDS", 1_000);
    println!("seed {seed}, {rounds} rounds");
    let server = Server::start();
    let mut random = Random(seed);
    for round in 0..rounds {
        let bytes = conversation(&mut random);
        let mut stream = connect(&server);
        // The server may close in the middle of what we send.
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let (now, later) = rest.split_at(1 + random.below(rest.len()));
            if stream.write_all(now).is_err() {
                break;
            }
            rest = later;
        }
        let _ = stream.shutdown(Shutdown::Write);
        let closed = stream.read_to_end(&mut Vec::new());
        let hangs = closed.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock);
        assert!(
            !hangs,
            "seed {seed}, round {round}: no end to the conversation {}",
            shown(&bytes)
        );
        if round % 50 == 0 {
            assert_alive(&server);
        }
    }
    assert_alive(&server);
}

fn environment(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().expect("a number"))
}

fn shown(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{}", byte.escape_ascii());
        text
    })
}

/// Words that commands are put together from; what stops or stalls a server is not among them.
const WORDS: &[&[u8]] = &[
    b"SET",
    b"GET",
    b"GETEX",
    b"MSET",
    b"MSETEX",
    b"DELEX",
    b"INCRBY",
    b"SETRANGE",
    b"GETRANGE",
    b"HSET",
    b"HGETALL",
    b"HINCRBY",
    b"HSCAN",
    b"HRANDFIELD",
    b"HEXPIRE",
    b"HPEXPIREAT",
    b"HGETEX",
    b"HSETEX",
    b"HGETDEL",
    b"FIELDS",
    b"FNX",
    b"PXAT",
    b"DEL",
    b"UNLINK",
    b"COPY",
    b"RENAME",
    b"EXPIRE",
    b"PEXPIREAT",
    b"PERSIST",
    b"SCAN",
    b"MATCH",
    b"COUNT",
    b"KEYS",
    b"OBJECT",
    b"ENCODING",
    b"MOVE",
    b"SELECT",
    b"SWAPDB",
    b"MULTI",
    b"EXEC",
    b"DISCARD",
    b"WATCH",
    b"HELLO",
    b"2",
    b"3",
    b"AUTH",
    b"CLIENT",
    b"LIST",
    b"REPLY",
    b"SKIP",
    b"COMMAND",
    b"DOCS",
    b"GETKEYS",
    b"INFO",
    b"CONFIG",
    b"MEMORY",
    b"USAGE",
    b"RESET",
    b"TYPE",
    b"VADD",
    b"VSIM",
    b"VREM",
    b"VCARD",
    b"VDIM",
    b"VEMB",
    b"RAW",
    b"VLINKS",
    b"VINFO",
    b"VSETATTR",
    b"VGETATTR",
    b"VRANDMEMBER",
    b"VISMEMBER",
    b"VRANGE",
    b"VCREATE",
    b"VSEARCH",
    b"DIM",
    b"METRIC",
    b"L2",
    b"IP",
    b"INDEX",
    b"FLAT",
    b"REDUCE",
    b"FP32",
    b"VALUES",
    b"ELE",
    b"CAS",
    b"NOQUANT",
    b"Q8",
    b"BIN",
    b"EF",
    b"M",
    b"SETATTR",
    b"WITHSCORES",
    b"WITHATTRIBS",
    b"EPSILON",
    b"FILTER",
    b"FILTER-EF",
    b"TRUTH",
    b"RADIUS",
    b"OFFSET",
    b"EXACT",
    b"EXPLAIN",
    b".a > 1",
    b"(((((((((((((",
    b".a in [1, \"b\"",
    b"not not not .a",
    b"key",
    b"v",
    b"w",
    b"a",
    b"b",
    b"field",
    b"",
    b"0",
    b"1",
    b"-1",
    b"4",
    b"16",
    b"1.5",
    b"nan",
    b"inf",
    b"1e400",
    b"9223372036854775807",
    b"-9223372036854775808",
    b"18446744073709551616",
    b"{\"a\": 1}",
    b"{\"a\": ",
    b"*",
    b"[a-",
    b"\\",
    b"-",
    b"+",
    b"[a",
    b"(b",
    b"\x00\x00\x80\x3f\x00\x00\x00\x40",
    b"\x00\x00\xc0\x7f\x00\x00\x80\x7f",
    b"\xff\xff\xff\xff",
    b"abc",
];

/// A few requests, most of them whole, some damaged.
fn conversation(random: &mut Random) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..1 + random.below(8) {
        let words: Vec<&[u8]> = (0..1 + random.below(12))
            .map(|_| WORDS[random.below(WORDS.len())])
            .collect();
        let _ = write!(bytes, "*{}\r\n", words.len());
        for word in words {
            let _ = write!(bytes, "${}\r\n", word.len());
            bytes.extend_from_slice(word);
            bytes.extend_from_slice(b"\r\n");
        }
    }
    for _ in 0..random.below(4) {
        damage(random, &mut bytes);
    }
    bytes
}

fn damage(random: &mut Random, bytes: &mut Vec<u8>) {
    if bytes.is_empty() {
        return;
    }
    let at = random.below(bytes.len());
    match random.below(6) {
        0 => bytes[at] ^= 1 << random.below(8),
        1 => bytes.truncate(at),
        2 => bytes.insert(at, b"\r\n$*-\0\"'9"[random.below(9)]),
        3 => drop(bytes.remove(at)),
        4 => {
            let copied = bytes[at..].to_vec();
            bytes.extend(copied);
        }
        _ => bytes[at] = random.below(256) as u8,
    }
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % bound as u64) as usize
    }
}

/// Bytes of a request of some words.
fn request(words: &[&[u8]]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        write!(bytes, "${}\r\n", word.len()).expect("memory takes bytes");
        bytes.extend_from_slice(word);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

/// A field of INFO.
fn info(server: &Server, field: &str) -> u64 {
    let mut stream = connect(server);
    let both = [request(&[b"INFO"]), request(&[b"QUIT"])].concat();
    stream.write_all(&both).expect("bytes are taken");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("a reply");
    let mut lines = text.lines().filter_map(|line| line.split_once(':'));
    let found = lines.find(|(name, _)| *name == field);
    let (_, value) = found.unwrap_or_else(|| panic!("{field} is in {text}"));
    value.parse().expect("a number")
}

/// Stores a string of `LARGE` bytes and asks for it `times` over in one command, without reading the reply.
fn ask_for_much(server: &Server, times: usize) -> TcpStream {
    let mut stream = connect(server);
    let value = vec![b'v'; LARGE];
    stream
        .write_all(&request(&[b"SET", b"large", &value]))
        .expect("bytes are taken");
    let mut reply = [0; 5];
    stream.read_exact(&mut reply).expect("a reply");
    assert_eq!(&reply, b"+OK\r\n");
    let words: Vec<&[u8]> = [&b"MGET"[..]]
        .into_iter()
        .chain(std::iter::repeat_n(&b"large"[..], times))
        .collect();
    stream.write_all(&request(&words)).expect("bytes are taken");
    stream
}

const LARGE: usize = 8 << 20;

#[test]
fn a_reply_of_a_gigabyte_costs_no_memory_and_stops_nobody() {
    const TIMES: usize = 128;
    let server = Server::start();
    let before = info(&server, "used_memory");
    let mut stream = ask_for_much(&server, TIMES);
    let mut head = [0; 6];
    stream.read_exact(&mut head).expect("the reply begins");
    assert_eq!(&head, b"*128\r\n");
    assert_alive(&server);
    let cost = info(&server, "used_memory").saturating_sub(before);
    assert!(cost < 16 * LARGE as u64, "{cost} bytes while a reply waits");
    let mut left = TIMES * (b"$8388608\r\n".len() + LARGE + b"\r\n".len());
    let mut bytes = vec![0; 1 << 20];
    while left > 0 {
        let read = stream.read(&mut bytes).expect("the reply goes on");
        assert!(read > 0, "{left} bytes are missing");
        left -= read.min(left);
    }
    stream
        .write_all(&request(&[b"PING"]))
        .expect("bytes are taken");
    let mut reply = [0; 7];
    stream.read_exact(&mut reply).expect("a reply");
    assert_eq!(&reply, b"+PONG\r\n");
}

#[test]
fn clients_over_the_output_limits_are_closed() {
    let limits = ["normal 1mb 0 0", "normal 0 1mb 1"];
    for (limit, is_set_later) in limits
        .into_iter()
        .flat_map(|limit| [(limit, false), (limit, true)])
    {
        let before = if is_set_later { "normal 0 0 0" } else { limit };
        let server = Server::start_with(&["--client-output-buffer-limit", before]);
        let mut stream = ask_for_much(&server, 32);
        if is_set_later {
            let mut head = [0; 5];
            stream.read_exact(&mut head).expect("the reply begins");
            let set = [
                &b"CONFIG"[..],
                b"SET",
                b"client-output-buffer-limit",
                limit.as_bytes(),
            ];
            connect(&server)
                .write_all(&request(&set))
                .expect("bytes are taken");
        }
        let began = std::time::Instant::now();
        while info(&server, "client_output_buffer_limit_disconnections") == 0 {
            assert!(began.elapsed() < PATIENCE, "{limit}: nobody is closed");
            std::thread::sleep(Duration::from_millis(20));
        }
        let mut rest = Vec::new();
        // Cut off in the middle, by an end or a reset.
        let read = stream.read_to_end(&mut rest);
        assert!(rest.len() < 32 * LARGE, "{limit}: {read:?}");
        assert_alive(&server);
    }
}
