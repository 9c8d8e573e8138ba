//! What the machine's service manager learns about the process: the file with its number, and when it is ready and when it
//! stops (systemd's notification protocol).

use crate::config::{Config, Supervised};
use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;

/// Where systemd listens for the process's words.
const NOTIFY_SOCKET: &str = "NOTIFY_SOCKET";

/// Writes the process's number to the file of `pidfile`, if one is configured. A server without it is as good: a failure is
/// only logged.
pub fn write_pid_file(config: &Config) {
    let Some(path) = config.pidfile() else { return };
    if let Err(error) = std::fs::write(&path, format!("{}\n", std::process::id())) {
        tracing::warn!("Failed to write PID file {}: {error}", path.display());
    }
}

/// Removes the file again, at an orderly end.
pub fn remove_pid_file(config: &Config) {
    if let Some(path) = config.pidfile() {
        tracing::info!("Removing the pid file.");
        let _ = std::fs::remove_file(path);
    }
}

/// Tells systemd that clients are served.
pub fn tell_ready(config: &Config) {
    tell(config, "STATUS=Ready to accept connections\nREADY=1\n");
}

/// Tells systemd that the process ends by itself.
pub fn tell_stopping(config: &Config) {
    tell(config, "STOPPING=1\n");
}

fn tell(config: &Config, words: &str) {
    let socket = std::env::var_os(NOTIFY_SOCKET).map(PathBuf::from);
    match (config.supervised(), socket) {
        (Supervised::No, _) | (Supervised::Auto, None) => {}
        (Supervised::Systemd, None) => {
            tracing::warn!("supervised by systemd, but {NOTIFY_SOCKET} is not set");
        }
        (Supervised::Systemd | Supervised::Auto, Some(socket)) => {
            if let Err(error) = send(&socket, words) {
                tracing::warn!("systemd at {} cannot be told: {error}", socket.display());
            }
        }
    }
}

/// A name that begins with `@` stands for one outside the file system.
fn send(socket: &std::path::Path, words: &str) -> io::Result<()> {
    let sender = UnixDatagram::unbound()?;
    #[cfg(target_os = "linux")]
    if let [b'@', name @ ..] = socket.as_os_str().as_encoded_bytes() {
        use std::os::linux::net::SocketAddrExt as _;
        let address = std::os::unix::net::SocketAddr::from_abstract_name(name)?;
        return sender.send_to_addr(words.as_bytes(), &address).map(drop);
    }
    sender.send_to(words.as_bytes(), socket).map(drop)
}
