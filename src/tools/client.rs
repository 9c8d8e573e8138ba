//! One blocking connection to a server that speaks RESP, for the subcommands: requests are gathered, sent in one write and
//! answered in order.

use super::ToolError;
use crate::protocol::client::{ReplyDecoder, Value, encode_command};
use bytes::BytesMut;
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes asked for by one read.
const READ_BYTES: usize = 64 << 10;
/// Largest reply that is accepted.
const REPLY_BYTES_MAX: usize = 512 << 20;

/// Which server to speak to.
#[derive(clap::Args, Clone, Debug)]
pub struct ServerArgs {
    /// Host name or address of the server
    #[arg(long, default_value = "127.0.0.1")]
    pub host: String,
    /// Port of the server
    #[arg(short, long, default_value_t = 6379)]
    pub port: u16,
    /// Password to authenticate with; without it the environment's RHUMB_PASSWORD, where that is set
    #[arg(long)]
    pub password: Option<String>,
}

impl ServerArgs {
    /// Host and port of `host:port`, the rest as in `self`.
    pub fn at(&self, address: &str) -> Result<ServerArgs, ToolError> {
        let wrong = || ToolError::Usage(format!("{address} is not of the form host:port"));
        let (host, port) = address.rsplit_once(':').ok_or_else(wrong)?;
        Ok(ServerArgs {
            host: host.to_string(),
            port: port.parse().map_err(|_| wrong())?,
            password: self.password.clone(),
        })
    }
}

/// A connection.
pub struct Connection {
    server: String,
    stream: TcpStream,
    outbox: BytesMut,
    inbox: BytesMut,
    decoder: ReplyDecoder,
}

impl Connection {
    /// Connects, and authenticates where a password is given.
    pub fn open(server: &ServerArgs) -> Result<Connection, ToolError> {
        let name = format!("{}:{}", server.host, server.port);
        let stream =
            connect(&server.host, server.port).map_err(|source| ToolError::Connection {
                server: name.clone(),
                source,
            })?;
        let mut connection = Connection {
            server: name,
            stream,
            outbox: BytesMut::new(),
            inbox: BytesMut::new(),
            decoder: ReplyDecoder::new(REPLY_BYTES_MAX),
        };
        let password = server
            .password
            .clone()
            .or_else(|| std::env::var("RHUMB_PASSWORD").ok());
        if let Some(password) = password {
            connection.call(&[b"AUTH", password.as_bytes()])?;
        }
        Ok(connection)
    }

    /// Sends one command and waits for its reply; an error reply is an error.
    pub fn call(&mut self, args: &[&[u8]]) -> Result<Value, ToolError> {
        let mut request = std::mem::take(&mut self.outbox);
        request.clear();
        encode_command(args, &mut request);
        let sent = self.send(&request);
        self.outbox = request;
        sent?;
        self.receive()?
            .into_result()
            .map_err(|error| self.refused(args[0], &error))
    }

    /// What the server says of itself in one section of INFO.
    pub fn info(&mut self, section: &str) -> Result<Info, ToolError> {
        let reply = self.call(&[b"INFO", section.as_bytes()])?;
        Ok(Info(reply.as_str().unwrap_or_default().to_string()))
    }

    /// Sends commands that are already encoded.
    pub fn send(&mut self, requests: &[u8]) -> Result<(), ToolError> {
        self.stream
            .write_all(requests)
            .map_err(|source| self.broken(source))
    }

    /// The next reply, an error reply included.
    pub fn receive(&mut self) -> Result<Value, ToolError> {
        loop {
            match self.decoder.next(&mut self.inbox) {
                Ok(Some(reply)) => return Ok(reply),
                Ok(None) => self.fill()?,
                Err(error) => {
                    return Err(self.broken(io::Error::new(io::ErrorKind::InvalidData, error)));
                }
            }
        }
    }

    fn fill(&mut self) -> Result<(), ToolError> {
        let filled = self.inbox.len();
        self.inbox.resize(filled + READ_BYTES, 0);
        let read = self.stream.read(&mut self.inbox[filled..]);
        self.inbox.truncate(filled + *read.as_ref().unwrap_or(&0));
        match read {
            Ok(0) => Err(self.broken(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the server closed the connection",
            ))),
            Ok(_) => Ok(()),
            Err(source) => Err(self.broken(source)),
        }
    }

    fn broken(&self, source: io::Error) -> ToolError {
        ToolError::Connection {
            server: self.server.clone(),
            source,
        }
    }

    /// The error of a command that the server answered with `reply`.
    pub fn refused(&self, command: &[u8], reply: &str) -> ToolError {
        ToolError::Reply {
            server: self.server.clone(),
            command: String::from_utf8_lossy(command).into_owned(),
            reply: reply.to_string(),
        }
    }
}

/// A reply of INFO: lines of `field:value`.
pub struct Info(String);

impl Info {
    /// The value of a field.
    pub fn text(&self, field: &str) -> Option<&str> {
        let mut pairs = self.0.lines().filter_map(|line| line.split_once(':'));
        pairs
            .find(|(name, _)| *name == field)
            .map(|(_, value)| value)
    }

    /// The value of a field that is a number.
    pub fn number<T: std::str::FromStr>(&self, field: &str) -> Option<T> {
        self.text(field)?.parse().ok()
    }
}

/// Connects to the first address of the host that answers; requests are small and must not wait for each other.
fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CONNECT_TIMEOUT) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) => failure = error,
        }
    }
    Err(failure)
}
