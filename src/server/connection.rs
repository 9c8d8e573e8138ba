//! One connection: read, cut requests out of the buffer, execute them in order, wait for the log, write all replies at once.

use super::Server;
use super::output::Output;
use crate::commands::{self, Client, Outcome, Session};
use crate::engine::Patience;
use crate::protocol::{Limits, Reply, Request, RequestParser};
use bytes::BytesMut;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;

/// Bytes read at once from a connection that is in the middle of nothing large.
const READ_BYTES: usize = 16 * 1024;
/// Replies of a pipeline are sent when they have grown to this, even if requests are left.
const SEND_BYTES: usize = 1 << 20;

/// Why a connection ends; nobody needs the details.
struct Closed;

/// A client's socket, buffers and session.
pub struct Connection {
    server: Arc<Server>,
    socket: TcpStream,
    input: BytesMut,
    parser: RequestParser,
    output: Output,
    client: Arc<Client>,
    /// Away while a command runs in the pool.
    session: Option<Box<Session>>,
    woken: Arc<Notify>,
}

impl Connection {
    /// Takes over a socket; `client` is already in the list of clients.
    pub fn new(
        server: Arc<Server>,
        socket: TcpStream,
        client: Arc<Client>,
        woken: Arc<Notify>,
    ) -> Connection {
        let authenticated = !server.context.config.asks_password();
        Connection {
            server,
            socket,
            input: BytesMut::new(),
            parser: RequestParser::new(),
            output: Output::default(),
            session: Some(Box::new(Session::new(Arc::clone(&client), authenticated))),
            client,
            woken,
        }
    }

    /// Serves the client until it leaves, errs, or is told to go.
    pub async fn serve(mut self) {
        while self.read().await.is_ok() {
            if self.execute_buffered().await.is_err() || self.is_closing() {
                break;
            }
        }
        let _ = self.socket.shutdown().await;
    }

    fn is_closing(&self) -> bool {
        self.session
            .as_ref()
            .is_none_or(|session| session.closing || session.client.killed.load(Ordering::Acquire))
    }

    /// Waits for bytes; an error at the end of the stream, when the client is killed, or idle for too long.
    async fn read(&mut self) -> Result<(), Closed> {
        // What is announced is believed as far as it has come: the buffer doubles.
        let believed = READ_BYTES.max(self.input.len());
        self.input
            .reserve(self.parser.missing().clamp(READ_BYTES, believed));
        let idle = match self.server.context.config.timeout_seconds() {
            0 => Duration::from_secs(u32::MAX.into()),
            seconds => Duration::from_secs(seconds),
        };
        let read = tokio::select! {
            read = tokio::time::timeout(idle, self.socket.read_buf(&mut self.input)) => read,
            () = self.woken.notified() => return Err(Closed),
        };
        match read {
            Ok(Ok(n)) if n > 0 => self.note_input(n),
            _ => Err(Closed),
        }
    }

    fn note_input(&mut self, bytes: usize) -> Result<(), Closed> {
        let context = &self.server.context;
        context.stats.totals.net_input_bytes.add(bytes as u64);
        context.stats.totals.reads_processed.increment();
        let is_too_long =
            self.input.len() as u64 > context.config.client_query_buffer_limit_bytes();
        if let Some(session) = &self.session {
            let client = &session.client;
            let (held, room) = (self.input.len(), self.input.capacity() - self.input.len());
            client.query_bytes.store(held as u64, Ordering::Relaxed);
            client
                .query_free_bytes
                .store(room as u64, Ordering::Relaxed);
            client
                .total_input_bytes
                .fetch_add(bytes as u64, Ordering::Relaxed);
            if is_too_long {
                context
                    .stats
                    .totals
                    .query_buffer_limit_disconnections
                    .increment();
                tracing::warn!(
                    client = client.id,
                    "closing a client whose query buffer is over the limit"
                );
            }
        }
        if is_too_long { Err(Closed) } else { Ok(()) }
    }

    /// Executes every whole request in the buffer and sends the replies.
    async fn execute_buffered(&mut self) -> Result<(), Closed> {
        while let Some(request) = self.next_request().await? {
            let (is_write, reply) = self.execute(request).await?;
            let Some(session) = &mut self.session else {
                return Err(Closed);
            };
            self.output.push(&reply, session, is_write);
            if session.closing {
                break;
            }
            if self.output.len() >= SEND_BYTES {
                self.send().await?;
            }
        }
        self.send().await
    }

    async fn next_request(&mut self) -> Result<Option<Request>, Closed> {
        let Some(session) = &mut self.session else {
            return Err(Closed);
        };
        let limits = Limits {
            authenticated: session.authenticated,
            bulk_bytes_max: self.server.context.config.proto_max_bulk_len_bytes(),
        };
        match self.parser.next(&mut self.input, &limits) {
            Ok(request) => Ok(request),
            Err(error) => {
                match error.reply() {
                    Some(reply) => self.output.push(&reply, session, false),
                    None => tracing::warn!(
                        "possible SECURITY ATTACK: a client sent POST or Host: to the Redis port"
                    ),
                }
                let _ = self.send().await;
                Err(Closed)
            }
        }
    }

    /// Runs one request here if it is quick, else in the pool; the reply, and whether it depends on the log.
    async fn execute(&mut self, request: Request) -> Result<(bool, Reply), Closed> {
        let Some(mut session) = self.session.take() else {
            return Err(Closed);
        };
        self.server.wait_for_room(&request).await;
        let before = session.last_number;
        let outcome =
            commands::execute(&self.server.context, &mut session, &request, Patience::Try);
        let reply = match outcome {
            Outcome::Reply(reply) => reply,
            Outcome::Pool => {
                let server = Arc::clone(&self.server);
                let run = move || {
                    let outcome =
                        commands::execute(&server.context, &mut session, &request, Patience::Wait);
                    (session, outcome)
                };
                match self.server.pool.run(run).await {
                    Some((back, Outcome::Reply(reply))) => {
                        session = back;
                        reply
                    }
                    _ => return Err(Closed),
                }
            }
        };
        let is_write = session.last_number != before;
        self.session = Some(session);
        Ok((is_write, reply))
    }

    /// Waits until the log holds what the replies depend on, then writes them with one call.
    async fn send(&mut self) -> Result<(), Closed> {
        if self.output.is_empty() {
            return Ok(());
        }
        let Some(session) = &mut self.session else {
            return Err(Closed);
        };
        let number = std::mem::take(&mut session.last_number);
        if number > 0
            && let Err(error) = self.server.wait_durable(number).await
        {
            self.output.refuse_writes(&error, session.version);
        }
        let bytes = self.output.take();
        let totals = &self.server.context.stats.totals;
        totals.net_output_bytes.add(bytes.len() as u64);
        totals.writes_processed.increment();
        let client = &session.client;
        client
            .output_bytes
            .store(bytes.len() as u64, Ordering::Relaxed);
        let write = self.socket.write_all(&bytes);
        let written = tokio::select! {
            written = write => written.is_ok(),
            () = self.woken.notified() => false,
        };
        client.output_bytes.store(0, Ordering::Relaxed);
        client
            .total_output_bytes
            .fetch_add(bytes.len() as u64, Ordering::Relaxed);
        self.output.give_back(bytes);
        if written { Ok(()) } else { Err(Closed) }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.server.context.clients.remove(self.client.id);
    }
}
