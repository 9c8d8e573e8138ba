//! One connection: read, cut requests out of the buffer, execute them in order, wait for the log, write all replies at once; of a
//! pipeline that takes long, those that are there.

use super::Server;
use super::output::Output;
use super::sending::{self, Incoming, Unsent};
use crate::commands::{self, Client, Delay, Outcome, REQUESTS_MIN, Run, Session};
use crate::engine::Patience;
use crate::protocol::{Limits, ProtocolError, Request, RequestParser};
use bytes::BytesMut;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::TcpStream;
use tokio::sync::Notify;

/// Bytes read at once from a connection that is in the middle of nothing large.
const READ_BYTES: usize = 16 * 1024;
/// Replies of a pipeline are sent when they have grown to this, even if requests are left.
const SEND_BYTES: usize = 1 << 20;
/// They are sent as well when commands that run elsewhere have taken so long: beside that, a write to the socket and to the disk is little.
const SEND_AFTER: Duration = Duration::from_millis(10);

/// How often a connection that is paused looks whether it still is.
const PAUSE_LOOK_AGAIN: Duration = Duration::from_millis(5);

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
    /// Read while it was looked for requests that run together; not executed yet.
    waiting: Option<Result<Request, ProtocolError>>,
    /// When the first command after the last send went elsewhere. Pipelines of quick commands look at no clock.
    long_since: Option<Instant>,
    /// Away while a command runs elsewhere.
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
            waiting: None,
            long_since: None,
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
        let read = loop {
            // Whoever is told something need not ask for it.
            let is_asked_nothing = self.client.is_monitor.load(Ordering::Acquire);
            if is_asked_nothing {
                if self.send().await? > 0 {
                    return Ok(());
                }
                // While it was sent to, nobody was woken by what it was told.
                if self.client.is_untold() {
                    continue;
                }
            }
            tokio::select! {
                read = tokio::time::timeout(idle, self.socket.read_buf(&mut self.input)) => match read {
                    Err(_) if is_asked_nothing => {}
                    read => break read,
                },
                () = self.woken.notified() => {
                    if self.client.killed.load(Ordering::Acquire) {
                        return Err(Closed);
                    }
                }
            }
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

    /// Executes every whole request in the buffer and sends the replies; those that come in meanwhile as well, for which `read` would wait in
    /// vain.
    async fn execute_buffered(&mut self) -> Result<(), Closed> {
        loop {
            self.execute_requests().await?;
            let taken = self.send().await?;
            if taken == 0 || self.is_closing() {
                return Ok(());
            }
        }
    }

    /// Executes every whole request in the buffer.
    async fn execute_requests(&mut self) -> Result<(), Closed> {
        while let Some(request) = self.next_request().await? {
            match self.gather(request) {
                Ok(run) => self.execute_together(run).await?,
                Err(request) => self.execute(request).await?,
            }
            let Some(session) = &self.session else {
                return Err(Closed);
            };
            if session.closing || self.client.killed.load(Ordering::Acquire) {
                break;
            }
            if self.output.len() >= SEND_BYTES || self.is_long_under_way() {
                self.send_meanwhile().await?;
            }
        }
        Ok(())
    }

    /// Whether what is answered has waited for long, and would for the rest of the pipeline.
    fn is_long_under_way(&self) -> bool {
        let is_more = !self.input.is_empty() || self.waiting.is_some();
        is_more
            && self
                .long_since
                .is_some_and(|since| since.elapsed() >= SEND_AFTER)
    }

    /// Sends what is answered in the middle of a pipeline. An error if the client is gone, for whom the rest would be executed in vain.
    /// The end of its input does not tell, since it may only have nothing more to say; a socket that is closed refuses what it is sent.
    async fn send_meanwhile(&mut self) -> Result<(), Closed> {
        self.send().await?;
        match self.socket.take_error() {
            Ok(None) => Ok(()),
            _ => Err(Closed),
        }
    }

    /// Cuts the next whole request out of the buffer.
    fn parse(&mut self) -> Result<Option<Request>, ProtocolError> {
        if let Some(waiting) = self.waiting.take() {
            return waiting.map(Some);
        }
        let limits = Limits {
            authenticated: self
                .session
                .as_ref()
                .is_some_and(|session| session.authenticated),
            bulk_bytes_max: self.server.context.config.proto_max_bulk_len_bytes(),
        };
        self.parser.next(&mut self.input, &limits)
    }

    async fn next_request(&mut self) -> Result<Option<Request>, Closed> {
        match self.parse() {
            Ok(request) => Ok(request),
            Err(error) => {
                let Some(session) = &mut self.session else {
                    return Err(Closed);
                };
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

    /// The requests in the buffer that run together with `request`, which was the next; the request, if it runs alone.
    fn gather(&mut self, request: Request) -> Result<Run, Request> {
        let Some(session) = &self.session else {
            return Err(request);
        };
        let is_last = self.input.is_empty() && self.waiting.is_none();
        if is_last {
            return Err(request);
        }
        let mut run = Run::begin(&self.server.context, session, request)?;
        loop {
            match self.parse() {
                Ok(None) => break,
                Ok(Some(next)) => {
                    if let Some(other) = run.take(next) {
                        self.waiting = Some(Ok(other));
                        break;
                    }
                }
                Err(error) => {
                    self.waiting = Some(Err(error));
                    break;
                }
            }
        }
        Ok(run)
    }

    /// Runs requests that change different things elsewhere: on all cores, but on one while others read, who would wait for the
    /// rest. A few of them here.
    async fn execute_together(&mut self, run: Run) -> Result<(), Closed> {
        let requests = run.into_requests();
        if requests.len() < REQUESTS_MIN {
            for request in requests {
                if self.client.killed.load(Ordering::Acquire) {
                    break;
                }
                self.execute(request).await?;
            }
            return Ok(());
        }
        if let Some(first) = requests.first() {
            self.wait_while_paused(first).await?;
        }
        let Some(mut session) = self.session.take() else {
            return Err(Closed);
        };
        if let Some(first) = requests.first() {
            self.server.wait_for_room(first).await;
        }
        let server = Arc::clone(&self.server);
        let delay = match commands::must_wait(&server.context, &session, &requests) {
            true => Delay::Postings,
            false => Delay::Long,
        };
        let mut output = std::mem::take(&mut self.output);
        let run = move || {
            if session.client.killed.load(Ordering::Acquire) {
                return (session, output);
            }
            let now_ms = server.context.engine.now_ms();
            let execute = match server.readers.are_others(session.client.id, now_ms) {
                true => commands::execute_one_by_one,
                false => commands::execute_together,
            };
            let replies = execute(&server.context, &mut session, &requests);
            for (reply, is_write) in &replies {
                output.push(reply, &mut session, *is_write);
            }
            (session, output)
        };
        let (session, output) = self.run_elsewhere(delay, run).await?;
        (self.session, self.output) = (Some(session), output);
        Ok(())
    }

    /// Holds a request back while CLIENT PAUSE asks for it; what is answered is sent first. Of a client that hangs up meanwhile it is not
    /// executed: who is not answered in time comes again with the same request.
    async fn wait_while_paused(&mut self, request: &Request) -> Result<(), Closed> {
        if !self.is_held(request) {
            return Ok(());
        }
        self.send_meanwhile().await?;
        while self.is_held(request) {
            if self.client.killed.load(Ordering::Acquire) {
                return Err(Closed);
            }
            tokio::time::sleep(PAUSE_LOOK_AGAIN).await;
            let readable = self.socket.ready(Interest::READABLE);
            if let Ok(ready) = tokio::time::timeout(Duration::ZERO, readable).await
                && ready.map_or(true, |ready| ready.is_read_closed())
            {
                return Err(Closed);
            }
        }
        Ok(())
    }

    fn is_held(&self, request: &Request) -> bool {
        let context = &self.server.context;
        context.pause.holds(|| context.engine.now_ms(), request)
    }

    /// Runs one request and encodes its reply: here if it is quick, else elsewhere.
    async fn execute(&mut self, request: Request) -> Result<(), Closed> {
        self.wait_while_paused(&request).await?;
        let Some(mut session) = self.session.take() else {
            return Err(Closed);
        };
        self.server.wait_for_room(&request).await;
        let before = session.last_number;
        let context = &self.server.context;
        match commands::execute(context, &mut session, &request, Patience::Try) {
            Outcome::Reply(reply) => {
                let is_write = session.last_number != before;
                self.server.note_read(&session, is_write);
                self.output.push(&reply, &mut session, is_write);
            }
            Outcome::Delayed(delay) => {
                session = self.execute_elsewhere(session, request, delay).await?
            }
        }
        self.session = Some(session);
        Ok(())
    }

    /// Runs one request where it delays nobody: first where it can compute and, if it turns out there that it has to wait for long, where
    /// that keeps no thread from others.
    async fn execute_elsewhere(
        &mut self,
        mut session: Box<Session>,
        mut request: Request,
        mut delay: Delay,
    ) -> Result<Box<Session>, Closed> {
        loop {
            let server = Arc::clone(&self.server);
            let mut output = std::mem::take(&mut self.output);
            let patience = match delay {
                Delay::Brief => Patience::Brief,
                Delay::Long | Delay::Keys => Patience::Work,
                Delay::Postings => Patience::Wait,
            };
            let run = move || {
                // Others may have killed the client while this waited for its turn.
                if session.client.killed.load(Ordering::Acquire) {
                    return (session, output, None);
                }
                let before = session.last_number;
                let context = &server.context;
                let outcome = commands::execute(context, &mut session, &request, patience);
                let next = match outcome {
                    Outcome::Reply(reply) => {
                        let is_write = session.last_number != before;
                        server.note_read(&session, is_write);
                        output.push(&reply, &mut session, is_write);
                        None
                    }
                    Outcome::Delayed(delay) => Some((request, delay)),
                };
                (session, output, next)
            };
            let next;
            (session, self.output, next) = self.run_elsewhere(delay, run).await?;
            match next {
                Some(again) => (request, delay) = again,
                None => return Ok(session),
            }
        }
    }

    async fn run_elsewhere<T: Send + 'static>(
        &mut self,
        delay: Delay,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Closed> {
        self.long_since.get_or_insert_with(Instant::now);
        self.server.pools.run(delay, job).await.ok_or(Closed)
    }

    /// Waits until the log holds what the replies depend on, then writes them with one call. Bytes of requests that came in meanwhile.
    async fn send(&mut self) -> Result<usize, Closed> {
        self.long_since = None;
        if self.client.is_monitor.load(Ordering::Acquire) {
            self.output.push_told(&self.client.take_untold());
        }
        if self.output.is_empty() {
            return Ok(0);
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
        let client = &session.client;
        let bytes = self.output.take();
        let totals = &self.server.context.stats.totals;
        totals.net_output_bytes.add(bytes.len() as u64);
        totals.writes_processed.increment();
        let config = &self.server.context.config;
        let limit = || config.output_limit_normal();
        let note = |left| client.output_bytes.store(left as u64, Ordering::Relaxed);
        let mut incoming = Incoming {
            input: &mut self.input,
            bytes_max: config.client_query_buffer_limit_bytes(),
            taken: 0,
            has_ended: false,
        };
        let sent = tokio::select! {
            sent = sending::send(&self.socket, &mut incoming, &bytes, limit, note) => sent,
            () = killed(&self.woken, client) => Err(Unsent::Gone),
        };
        let taken = incoming.taken;
        client.output_bytes.store(0, Ordering::Relaxed);
        client
            .total_output_bytes
            .fetch_add(bytes.len() as u64, Ordering::Relaxed);
        if sent == Err(Unsent::OverLimit) {
            totals.output_buffer_limit_disconnections.increment();
            tracing::warn!(
                client = client.id,
                "closing a client that has more replies waiting than client-output-buffer-limit allows"
            );
        }
        self.output.give_back(bytes);
        sent.map_err(|_| Closed)?;
        if taken > 0 {
            self.note_input(taken)?;
        }
        Ok(taken)
    }
}

/// Waits until the client is killed.
async fn killed(woken: &Notify, client: &Client) {
    while !client.killed.load(Ordering::Acquire) {
        woken.notified().await;
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.server.context.monitors.remove(&self.client);
        self.server.context.clients.remove(self.client.id);
    }
}
