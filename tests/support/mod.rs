//! A server process for tests: the binary of this build on a free port of the loopback, with a directory of its own,
//! killed and removed when dropped. The environment's RHUMB_TEST_BIN names another binary with the same manners (a Redis,
//! say) to compare with.

#![allow(dead_code, reason = "each test binary uses its part")]

pub mod dice;

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a server may take to answer PING.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// A running server.
pub struct Server {
    child: Child,
    /// Its port on 127.0.0.1.
    pub port: u16,
    dir: tempfile::TempDir,
}

impl Server {
    /// Starts a server and waits until it answers.
    pub fn start() -> Server {
        Server::start_with(&[])
    }

    /// Starts a server with more directives (`--name value`) and waits until it answers.
    pub fn start_with(directives: &[&str]) -> Server {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let port = free_port();
        let child = spawn(port, dir.path(), directives);
        let mut server = Server { child, port, dir };
        server.wait_until_ready();
        server
    }

    /// Its data directory.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// `127.0.0.1:port`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Kills it as kill -9 does and starts it again on the same directory and port.
    pub fn kill_and_restart(&mut self, directives: &[&str]) {
        self.kill();
        self.child = spawn(self.port, self.dir.path(), directives);
        self.wait_until_ready();
    }

    /// Starts it again on the same directory and port, after [`Server::kill`] or an end of its own; it may still be loading
    /// when this returns.
    pub fn spawn_again(&mut self, directives: &[&str]) {
        self.child = spawn(self.port, self.dir.path(), directives);
    }

    /// Whether the process is there.
    pub fn is_running(&mut self) -> bool {
        let status = self.child.try_wait();
        status.expect("a child can be asked").is_none()
    }

    /// Waits until the process has ended by itself; how it ended.
    pub fn wait(&mut self) -> std::process::ExitStatus {
        self.child.wait().expect("a child can be waited for")
    }

    /// Kills it as kill -9 does.
    pub fn kill(&mut self) {
        self.child.kill().expect("a child can be killed");
        self.child.wait().expect("a child can be waited for");
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("stdout.log")).unwrap_or_default()
    }

    /// Waits until it answers; a server that is loading does not.
    pub fn wait_until_ready(&mut self) {
        let started = Instant::now();
        while !answers_ping(self.port) {
            if let Some(status) = self.child.try_wait().expect("a child can be asked") {
                panic!("the server ended with {status}:\n{}", self.log());
            }
            assert!(
                started.elapsed() < START_TIMEOUT,
                "the server does not answer:\n{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("the server's log:\n{}", self.log());
        }
    }
}

fn spawn(port: u16, dir: &Path, directives: &[&str]) -> Child {
    let binary = std::env::var_os("RHUMB_TEST_BIN")
        .map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_rhumb")), PathBuf::from);
    let log = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(dir.join("stdout.log"));
    let log = log.expect("a log file");
    Command::new(binary)
        .args(["--port", &port.to_string(), "--dir"])
        .arg(dir)
        .args(directives)
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("a second handle"))
        .stderr(log)
        .spawn()
        .expect("the server's binary runs")
}

/// A port that nobody listens on at this moment.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("an address").port()
}

fn answers_ping(port: u16) -> bool {
    let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else {
        return false;
    };
    let mut reply = [0; 7];
    let asked = stream
        .set_read_timeout(Some(Duration::from_secs(2)))
        .and_then(|()| stream.write_all(b"PING\r\n"));
    asked.and_then(|()| stream.read_exact(&mut reply)).is_ok() && &reply == b"+PONG\r\n"
}

/// The file in the repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}
