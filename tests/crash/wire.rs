//! A connection that sends and receives at its own pace, so that a test knows what was sent and what was answered.

use bytes::BytesMut;
use rhumb::protocol::client::{ReplyDecoder, Value, encode_command};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

/// How long a reply may take before the test gives up.
const REPLY_TIMEOUT: Duration = Duration::from_secs(120);
/// Requests sent before their replies are read.
const BATCH: usize = 128;

/// Words of a request.
pub type Words = Vec<Vec<u8>>;

/// A request of text words.
pub fn words<const N: usize>(words: [&str; N]) -> Words {
    words.iter().map(|word| word.as_bytes().to_vec()).collect()
}

/// One connection.
pub struct Wire {
    stream: TcpStream,
    inbox: BytesMut,
    decoder: ReplyDecoder,
}

impl Wire {
    /// Connects, and selects a database.
    pub fn open(port: u16, db: usize) -> io::Result<Wire> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(REPLY_TIMEOUT))?;
        let mut wire = Wire {
            stream,
            inbox: BytesMut::new(),
            decoder: ReplyDecoder::new(64 << 20),
        };
        wire.call(&words(["SELECT", &db.to_string()]))?;
        Ok(wire)
    }

    /// Sends requests without waiting for their replies.
    pub fn send<'w>(&mut self, requests: impl IntoIterator<Item = &'w Words>) -> io::Result<()> {
        let mut bytes = BytesMut::new();
        for request in requests {
            encode_command(request, &mut bytes);
        }
        self.stream.write_all(&bytes)
    }

    /// The next reply.
    pub fn receive(&mut self) -> io::Result<Value> {
        loop {
            let next = self.decoder.next(&mut self.inbox);
            if let Some(value) = next.map_err(io::Error::other)? {
                return Ok(value);
            }
            let mut bytes = [0; 16 << 10];
            match self.stream.read(&mut bytes)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => self.inbox.extend_from_slice(&bytes[..read]),
            }
        }
    }

    /// One request and its reply.
    pub fn call(&mut self, request: &Words) -> io::Result<Value> {
        self.send([request])?;
        self.receive()
    }

    /// Many requests, pipelined, and their replies.
    pub fn call_all(&mut self, requests: &[Words]) -> io::Result<Vec<Value>> {
        let mut replies = Vec::with_capacity(requests.len());
        for batch in requests.chunks(BATCH) {
            self.send(batch)?;
            for _ in batch {
                replies.push(self.receive()?);
            }
        }
        Ok(replies)
    }

    /// A field of INFO.
    pub fn info(&mut self, section: &str, field: &str) -> io::Result<String> {
        let reply = self.call(&words(["INFO", section]))?;
        let text = reply.as_str().unwrap_or_default();
        let mut lines = text.lines().filter_map(|line| line.split_once(':'));
        let found = lines.find(|(name, _)| *name == field);
        Ok(found.map_or_else(String::new, |(_, value)| value.trim().to_owned()))
    }
}
