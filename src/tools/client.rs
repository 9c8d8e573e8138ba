//! One blocking connection to a server that speaks RESP, for the subcommands: requests are gathered, sent in one write and
//! answered in order.

use super::ToolError;
use bytes::BytesMut;
use redis_protocol::resp2::decode::decode_bytes_mut;
pub use redis_protocol::resp2::types::BytesFrame as Value;
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes asked for by one read.
const READ_BYTES: usize = 64 << 10;

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
    outbox: Vec<u8>,
    inbox: BytesMut,
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
            outbox: Vec::new(),
            inbox: BytesMut::new(),
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
        let reply = self.receive()?;
        match reply {
            Value::Error(text) => Err(self.refused(args[0], &text)),
            reply => Ok(reply),
        }
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
            match decode_bytes_mut(&mut self.inbox) {
                Ok(Some((reply, _, _))) => return Ok(reply),
                Ok(None) => self.fill()?,
                Err(error) => {
                    return Err(self.broken(io::Error::new(
                        io::ErrorKind::InvalidData,
                        error.to_string(),
                    )));
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

/// Appends a command as an array of bulk strings.
pub fn encode_command(args: &[&[u8]], out: &mut Vec<u8>) {
    let mut digits = itoa::Buffer::new();
    out.push(b'*');
    out.extend_from_slice(digits.format(args.len()).as_bytes());
    for arg in args {
        out.extend_from_slice(b"\r\n$");
        out.extend_from_slice(digits.format(arg.len()).as_bytes());
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(arg);
    }
    out.extend_from_slice(b"\r\n");
}
