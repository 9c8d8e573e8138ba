//! What a redis.conf may say and Rhumb does not follow: directives without effect, directives that must not be passed over in silence, and
//! values of served options that are not served. Here is decided which of them get a warning and which an error.

use super::table::{Effect, Id, Row};
use super::value::{Kind, Value};

/// What becomes of a value that is valid in Redis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is followed.
    Served,
    /// It is kept and reported, and that is all.
    NoEffect(String),
    /// The default is used in its place; CONFIG SET refuses it.
    NotServed(&'static str),
}

/// Directives of Redis 8, and of older releases whose files are still around, that have no effect here.
#[rustfmt::skip]
static WITHOUT_EFFECT: &[&str] = &[
    // The process.
    "always-show-logo", "crash-log-enabled", "crash-memcheck-enabled", "disable-thp", "dynamic-hz", "enable-module-command",
    "hide-user-data-from-log", "ignore-warnings", "io-threads-do-reads", "jemalloc-bg-thread", "locale-collate", "loadmodule", "lookahead",
    "max-new-connections-per-cycle", "max-new-tls-connections-per-cycle", "oom-score-adj", "oom-score-adj-values",
    "proc-title-template", "socket-mark-id", "syslog-enabled", "syslog-facility", "syslog-ident", "bind-source-addr", "unixsocket", "unixsocketperm",
    "aof-rewrite-cpulist", "aof_rewrite_cpulist", "bgsave-cpulist", "bgsave_cpulist", "bio-cpulist", "bio_cpulist", "server-cpulist", "server_cpulist",
    // Memory and encodings.
    "active-defrag-cycle-max", "active-defrag-cycle-min", "active-defrag-ignore-bytes", "active-defrag-max-scan-fields",
    "active-defrag-threshold-lower", "active-defrag-threshold-upper", "activedefrag", "activerehashing", "hll-sparse-max-bytes",
    "key-memory-histograms", "lfu-decay-time", "lfu-log-factor", "list-compress-depth", "list-max-ziplist-entries",
    "list-max-ziplist-value", "maxmemory-clients", "maxmemory-eviction-tenacity", "maxmemory-samples",
    "stream-idmp-duration", "stream-idmp-maxsize",
    "stream-node-max-bytes", "stream-node-max-entries", "tracking-table-max-keys", 
    // Durability.
    "aof-load-corrupt-tail-max-size", "aof-rewrite-incremental-fsync", "aof-timestamp-enabled", "aof-use-rdb-preamble", "dbfilename",
    "rdb-del-sync-files", "rdb-save-incremental-fsync", "rdbchecksum", "rdbcompression", "sanitize-dump-payload",
    // Security and scripts.
    "acl-pubsub-default", "aclfile", "acllog-max-len", "busy-reply-threshold", "gopher-enabled", "latency-tracking-info-percentiles",
    "lua-replicate-commands", "lua-time-limit",
    // Replication.
    "masterauth", "masteruser", "min-replicas-max-lag", "min-replicas-to-write", "min-slaves-max-lag", "min-slaves-to-write",
    "propagation-error-behavior", "repl-backlog-size", "repl-backlog-ttl", "repl-disable-tcp-nodelay", "repl-diskless-load",
    "repl-diskless-sync", "repl-diskless-sync-delay", "repl-diskless-sync-max-replicas", 
    "repl-ping-replica-period", "repl-ping-slave-period", "repl-timeout", "replica-announce-ip", "replica-announce-port",
    "replica-announced", "replica-full-sync-buffer-limit", "replica-ignore-disk-write-errors", "replica-ignore-maxmemory", "replica-lazy-flush",
    "replica-priority", "replica-read-only", "replica-serve-stale-data", "replicaof", "slave-announce-ip", "slave-announce-port",
    "slave-ignore-maxmemory", "slave-lazy-flush", "slave-priority", "slave-read-only", "slave-serve-stale-data", "slaveof",
    // Cluster.
    "cluster-allow-pubsubshard-when-down", "cluster-allow-reads-when-down", "cluster-allow-replica-migration", "cluster-announce-bus-port",
    "cluster-announce-hostname", "cluster-announce-human-nodename", "cluster-announce-ip", "cluster-announce-port", "cluster-announce-tls-port",
    "cluster-compatibility-sample-ratio", "cluster-config-file", "cluster-enabled", "cluster-link-sendbuf-limit", "cluster-migration-barrier",
    "cluster-node-timeout", "cluster-port", "cluster-preferred-endpoint-type", "cluster-replica-no-failover", "cluster-replica-validity-factor",
    "cluster-require-full-coverage", "cluster-slave-no-failover", "cluster-slave-validity-factor",
    "cluster-slot-migration-handoff-max-lag-bytes", "cluster-slot-migration-write-pause-timeout", "cluster-slot-stats-enabled",
    // TLS.
    "tls-auth-clients", "tls-auth-clients-user", "tls-ca-cert-dir", "tls-ca-cert-file", "tls-cert-file", "tls-ciphers", "tls-ciphersuites",
    "tls-client-cert-file", "tls-client-key-file", "tls-client-key-file-pass", "tls-cluster", "tls-dh-params-file", "tls-key-file",
    "tls-key-file-pass", "tls-port", "tls-prefer-server-ciphers", "tls-protocols", "tls-replication", "tls-session-cache-size",
    "tls-session-cache-timeout", "tls-session-caching",
];

/// First parts of the names of options that belong to modules of Redis 8.
static MODULE_PREFIXES: &[&str] = &["search-", "ts-", "bf-", "cf-", "topk-", "tdigest-", "cms-"];

/// Whether Redis knows the directive and nothing here follows it.
pub(super) fn has_no_effect(name: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    let is_of_module = MODULE_PREFIXES
        .iter()
        .any(|prefix| name.starts_with(prefix.as_bytes()));
    is_of_module || WITHOUT_EFFECT.iter().any(|known| name == known.as_bytes())
}

/// Why a start must not go on with a directive that is not followed: to pass it over would leave the server open or wrong.
pub(super) fn refusal(name: &[u8], words: &[Vec<u8>]) -> Option<&'static str> {
    let first = words.first().map_or(&b""[..], Vec::as_slice);
    match name.to_ascii_lowercase().as_slice() {
        b"user" => Some(
            "ACL users are not served yet: passing this line over would let everybody in. Use requirepass",
        ),
        b"aclfile" if !first.is_empty() => Some(
            "ACL users are not served yet: passing this line over would let everybody in. Use requirepass",
        ),
        b"rename-command" => Some(
            "commands can not be renamed here: passing this line over would leave the command open",
        ),
        b"replicaof" | b"slaveof" if !first.is_empty() && !first.eq_ignore_ascii_case(b"no") => {
            Some("replication is not served yet: this server would answer with data of its own")
        }
        b"cluster-enabled" if first.eq_ignore_ascii_case(b"yes") => {
            Some("cluster mode is not served")
        }
        b"tls-port" if first != b"0" => {
            Some("TLS is not served yet: clients would find no encrypted port")
        }
        b"sentinel" => Some("sentinel directive while not in sentinel mode"),
        _ => None,
    }
}

/// Whether a line with this directive may hold a password, so that it is never printed.
pub fn is_secret(name: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    let known: [&[u8]; 5] = [
        b"masterauth",
        b"tls-key-file-pass",
        b"tls-client-key-file-pass",
        b"user",
        b"sentinel",
    ];
    known.contains(&name.as_slice())
        || super::table::find(&name).is_some_and(|row| row.kind == Kind::Secret)
}

/// Refuses values that are well formed and make no sense.
pub(super) fn check(id: Id, value: &Value) -> Result<(), String> {
    let refuse = |why: &str| Err(why.to_string());
    match (id, value) {
        // Bits of `save` and `nosave`.
        (Id::ShutdownOnSigterm | Id::ShutdownOnSigint, Value::Number(bits)) if bits & 3 == 3 => {
            refuse("shutdown options SAVE and NOSAVE can't be used simultaneously")
        }
        (Id::Dir, Value::Text(text)) if text.is_empty() => refuse("No such file or directory"),
        (Id::Appendfilename, Value::Text(text)) if text.is_empty() => {
            refuse("appendfilename can't be empty")
        }
        (Id::Appendfilename, Value::Text(text)) if text.contains(&b'/') => {
            refuse("appendfilename can't be a path, just a filename")
        }
        (Id::Appenddirname, Value::Text(text)) if text.is_empty() => {
            refuse("appenddirname can't be empty")
        }
        (Id::Appenddirname, Value::Text(text)) if text.contains(&b'/') => {
            refuse("appenddirname can't be a path, just a dirname")
        }
        _ => Ok(()),
    }
}

/// What becomes of a valid value of an option.
pub(super) fn judge(row: &Row, value: &Value) -> Verdict {
    let is_default = *value == row.default_value();
    match row.id {
        _ if is_default => Verdict::Served,
        Id::MaxmemoryPolicy => Verdict::NotServed("only noeviction is served: nothing is evicted"),
        Id::Daemonize => Verdict::NotServed(
            "the server stays in the foreground; leave the background to a service manager",
        ),
        Id::Supervised if row.kind.write(value) == b"upstart" => {
            Verdict::NotServed("only systemd is served")
        }
        Id::NotifyKeyspaceEvents => {
            Verdict::NoEffect("keyspace events are not published yet".to_string())
        }
        _ if row.effect == Effect::Kept => {
            Verdict::NoEffect(format!("'{}' has no effect here", row.name))
        }
        _ => Verdict::Served,
    }
}
