//! Options as the types that the code wants: one getter each, with its unit.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::thread::available_parallelism;

use super::{Config, Id, OutputLimit, SavePoint, Value};

/// When the log is forced to the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Appendfsync {
    /// Each second, in the background.
    Everysec,
    /// Before the replies that depend on it.
    Always,
    /// When the system likes.
    No,
}

/// How much is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Loglevel {
    /// Everything.
    Debug,
    /// Much.
    Verbose,
    /// What production wants to know.
    Notice,
    /// Only what somebody should act upon.
    Warning,
    /// Nothing at all.
    Nothing,
}

/// Who may do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Nobody.
    No,
    /// Everybody.
    Yes,
    /// Clients on this machine.
    Local,
}

/// Which service manager waits for a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Supervised {
    /// None that is served.
    No,
    /// systemd, through NOTIFY_SOCKET.
    Systemd,
    /// systemd when NOTIFY_SOCKET is set.
    Auto,
}

/// What a signal to stop does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OnSignal {
    /// Save (`Some(true)`), do not save, or save when save points are set (`None`).
    pub save: Option<bool>,
    /// Do not wait for anybody.
    pub now: bool,
    /// Exit even when the save failed.
    pub force: bool,
}

/// Network.
impl Config {
    /// Addresses to listen on; one that begins with `-` may be missing on the machine.
    pub fn bind(&self) -> Vec<String> {
        match &*self.shared(Id::Bind) {
            Value::Words(words) => words
                .iter()
                .map(|word| String::from_utf8_lossy(word).into_owned())
                .collect(),
            _ => Vec::new(),
        }
    }

    /// TCP port; 0 is none.
    pub fn port(&self) -> u16 {
        u16::try_from(self.number(Id::Port)).unwrap_or_default()
    }

    /// Whether clients of other machines are refused while no password is set.
    pub fn protected_mode(&self) -> bool {
        self.is_on(Id::ProtectedMode)
    }

    /// Connections that the system may queue.
    pub fn tcp_backlog(&self) -> u32 {
        self.count(Id::TcpBacklog)
    }

    /// Seconds of silence after which a client is closed; 0 is never.
    pub fn timeout_seconds(&self) -> u64 {
        self.unsigned(Id::Timeout)
    }

    /// Seconds of silence after which the system probes a peer; 0 is never.
    pub fn tcp_keepalive_seconds(&self) -> u64 {
        self.unsigned(Id::TcpKeepalive)
    }
}

/// The process.
impl Config {
    /// Number of databases.
    pub fn databases(&self) -> usize {
        self.count(Id::Databases) as usize
    }

    /// How much is logged.
    pub fn loglevel(&self) -> Loglevel {
        match self.number(Id::Loglevel) {
            0 => Loglevel::Debug,
            1 => Loglevel::Verbose,
            2 => Loglevel::Notice,
            3 => Loglevel::Warning,
            _ => Loglevel::Nothing,
        }
    }

    /// File of the log lines for people; none is the standard output.
    pub fn logfile(&self) -> Option<PathBuf> {
        self.path(Id::Logfile)
    }

    /// File of the process number.
    pub fn pidfile(&self) -> Option<PathBuf> {
        self.path(Id::Pidfile)
    }

    /// Which service manager waits for a word.
    pub fn supervised(&self) -> Supervised {
        match self.number(Id::Supervised) {
            1 => Supervised::Systemd,
            2 => Supervised::Auto,
            _ => Supervised::No,
        }
    }

    /// Threads that serve connections, at least 1.
    pub fn io_threads(&self) -> usize {
        self.threads(Id::IoThreads)
    }

    /// Threads that run long commands, at least 1.
    pub fn search_threads(&self) -> usize {
        self.threads(Id::SearchThreads)
    }

    /// Whether searches walk the graph even where a scan is cheaper.
    pub fn search_force_graph(&self) -> bool {
        self.is_on(Id::SearchForceGraph)
    }

    /// Bytes that the columns of fields that filters use may take.
    pub fn search_columns_bytes_max(&self) -> u64 {
        self.unsigned(Id::SearchColumnsMaxMemory)
    }

    /// Whether searches are remembered to calibrate with.
    pub fn calibration_remember_queries(&self) -> bool {
        self.is_on(Id::CalibrationRememberQueries)
    }

    /// Percent of one core that renewing calibrations may take.
    pub fn calibration_cpu_percent(&self) -> u32 {
        self.count(Id::CalibrationCpuPercent)
    }

    /// What SIGTERM does.
    pub fn on_sigterm(&self) -> OnSignal {
        self.on_signal(Id::ShutdownOnSigterm)
    }

    /// What SIGINT does.
    pub fn on_sigint(&self) -> OnSignal {
        self.on_signal(Id::ShutdownOnSigint)
    }
}

/// Search of documents.
impl Config {
    /// How long a query may take, in milliseconds; 0 sets no end.
    pub fn search_timeout_ms(&self) -> u64 {
        self.unsigned(Id::SearchTimeout)
    }

    /// Whether a query whose time is over fails; else it answers with what it found.
    pub fn search_fails_on_timeout(&self) -> bool {
        self.number(Id::SearchOnTimeout) == 1
    }

    /// The query language of requests that name none, 1 to 4.
    pub fn search_default_dialect(&self) -> u8 {
        self.number(Id::SearchDefaultDialect) as u8
    }

    /// The name of the scorer of requests that name none.
    pub fn search_default_scorer(&self) -> String {
        String::from_utf8_lossy(&self.text(Id::SearchDefaultScorer)).into_owned()
    }

    /// What BM25STD.TANH divides scores by.
    pub fn search_tanh_factor(&self) -> u64 {
        self.unsigned(Id::SearchBm25stdTanhFactor)
    }

    /// The largest LIMIT of a search.
    pub fn search_results_max(&self) -> u64 {
        self.unsigned(Id::SearchMaxSearchResults)
    }

    /// The largest LIMIT of an aggregation.
    pub fn search_aggregate_results_max(&self) -> u64 {
        self.unsigned(Id::SearchMaxAggregateResults)
    }

    /// Bytes of the shortest part of a word that is searched.
    pub fn search_part_bytes_min(&self) -> usize {
        self.unsigned(Id::SearchMinPrefix) as usize
    }

    /// Words that a part of a word may stand for.
    pub fn search_expansions_max(&self) -> usize {
        self.unsigned(Id::SearchMaxPrefixExpansions) as usize
    }

    /// How long a cursor may live unread, in milliseconds.
    pub fn search_cursor_idle_max_ms(&self) -> u32 {
        self.count(Id::SearchCursorMaxIdle)
    }

    /// Cursors of one index.
    pub fn search_cursors_max(&self) -> usize {
        self.unsigned(Id::SearchIndexCursorLimit) as usize
    }
}

/// Security and limits of clients.
impl Config {
    /// The password of the default user; empty asks for none.
    pub fn requirepass(&self) -> Vec<u8> {
        self.bytes(Id::Requirepass)
    }

    /// Whether a password is asked for.
    pub fn asks_password(&self) -> bool {
        !matches!(&*self.shared(Id::Requirepass), Value::Text(text) if text.is_empty())
    }

    /// Who may use DEBUG.
    pub fn debug_command(&self) -> Permission {
        self.permission(Id::EnableDebugCommand)
    }

    /// Who may set protected options.
    pub fn protected_configs(&self) -> Permission {
        self.permission(Id::EnableProtectedConfigs)
    }

    /// Connections served at the same time.
    pub fn maxclients(&self) -> usize {
        self.count(Id::Maxclients) as usize
    }

    /// Bytes of unfinished requests that one client may make the server hold.
    pub fn client_query_buffer_limit_bytes(&self) -> u64 {
        self.unsigned(Id::ClientQueryBufferLimit)
    }

    /// Bytes of the largest single argument.
    pub fn proto_max_bulk_len_bytes(&self) -> u64 {
        self.unsigned(Id::ProtoMaxBulkLen)
    }

    /// Bounds of unread replies of ordinary clients.
    pub fn output_limit_normal(&self) -> OutputLimit {
        match &*self.shared(Id::ClientOutputBufferLimit) {
            Value::OutputLimits([normal, ..]) => *normal,
            _ => OutputLimit::default(),
        }
    }
}

/// Memory.
impl Config {
    /// Bytes above which commands that add data are refused; 0 sets no bound.
    pub fn maxmemory_bytes(&self) -> u64 {
        match self.number(Id::Maxmemory) {
            share @ ..0 => self.memory_bytes / 100 * share.unsigned_abs(),
            bytes => bytes.unsigned_abs(),
        }
    }

    /// Fields up to which a hash is called `listpack`.
    pub fn hash_max_listpack_entries(&self) -> u64 {
        self.unsigned(Id::HashMaxListpackEntries)
    }

    /// Bytes per field or value up to which a hash is called `listpack`.
    pub fn hash_max_listpack_value_bytes(&self) -> u64 {
        self.unsigned(Id::HashMaxListpackValue)
    }
}

/// Limits of small collections, by which OBJECT ENCODING names their forms.
impl Config {
    /// Integers up to which a set is called `intset`.
    pub fn set_max_intset_entries(&self) -> u64 {
        self.unsigned(Id::SetMaxIntsetEntries)
    }

    /// Members up to which a set is called `listpack`.
    pub fn set_max_listpack_entries(&self) -> u64 {
        self.unsigned(Id::SetMaxListpackEntries)
    }

    /// Bytes per member up to which a set is called `listpack`.
    pub fn set_max_listpack_value_bytes(&self) -> u64 {
        self.unsigned(Id::SetMaxListpackValue)
    }

    /// Members up to which a sorted set is called `listpack`.
    pub fn zset_max_listpack_entries(&self) -> u64 {
        self.unsigned(Id::ZsetMaxListpackEntries)
    }

    /// Bytes per member up to which a sorted set is called `listpack`.
    pub fn zset_max_listpack_value_bytes(&self) -> u64 {
        self.unsigned(Id::ZsetMaxListpackValue)
    }

    /// Elements up to which a list is called `listpack`; below zero a step of bytes: -1 is 4 KiB, -5 is 64 KiB.
    pub fn list_max_listpack_size(&self) -> i64 {
        self.number(Id::ListMaxListpackSize)
    }
}

/// Durability.
impl Config {
    /// The data directory.
    pub fn dir(&self) -> PathBuf {
        self.path(Id::Dir).unwrap_or_else(|| PathBuf::from("."))
    }

    /// Whether changes are logged.
    pub fn appendonly(&self) -> bool {
        self.is_on(Id::Appendonly)
    }

    /// When the log is forced to the disk.
    pub fn appendfsync(&self) -> Appendfsync {
        match self.number(Id::Appendfsync) {
            0 => Appendfsync::Everysec,
            1 => Appendfsync::Always,
            _ => Appendfsync::No,
        }
    }

    /// First part of the names of the log's files.
    pub fn appendfilename(&self) -> String {
        String::from_utf8_lossy(&self.bytes(Id::Appendfilename)).into_owned()
    }

    /// Directory of the log's files inside of [`Config::dir`].
    pub fn appenddirname(&self) -> String {
        String::from_utf8_lossy(&self.bytes(Id::Appenddirname)).into_owned()
    }

    /// Growth of the log, in percent, at which a save starts; 0 is never.
    pub fn auto_aof_rewrite_percentage(&self) -> u64 {
        self.unsigned(Id::AutoAofRewritePercentage)
    }

    /// Size of the log below which growth starts no save.
    pub fn auto_aof_rewrite_min_bytes(&self) -> u64 {
        self.unsigned(Id::AutoAofRewriteMinSize)
    }

    /// Whether a torn tail is cut instead of refused.
    pub fn aof_load_truncated(&self) -> bool {
        self.is_on(Id::AofLoadTruncated)
    }

    /// Bytes of the log that may wait for the disk.
    pub fn log_unwritten_bytes_max(&self) -> u64 {
        self.unsigned(Id::LogUnwrittenBytesMax)
    }

    /// When snapshots start by themselves; empty is never.
    pub fn save_points(&self) -> Vec<SavePoint> {
        match &*self.shared(Id::Save) {
            Value::SavePoints(points) => points.clone(),
            _ => Vec::new(),
        }
    }

    /// Whether writes are refused after a failed snapshot.
    pub fn stop_writes_on_bgsave_error(&self) -> bool {
        self.is_on(Id::StopWritesOnBgsaveError)
    }

    /// Bytes that a running snapshot may pin.
    pub fn snapshot_pinned_bytes_max(&self) -> u64 {
        self.unsigned(Id::SnapshotPinnedBytesMax)
    }

    /// How eagerly expired keys are looked for, 1 to 10.
    pub fn active_expire_effort(&self) -> u32 {
        self.count(Id::ActiveExpireEffort)
    }
}

/// Observation.
impl Config {
    /// Microseconds above which a command enters the slow log; `None` is never.
    pub fn slowlog_slower_than_us(&self) -> Option<u64> {
        u64::try_from(self.number(Id::SlowlogLogSlowerThan)).ok()
    }

    /// Entries of the slow log.
    pub fn slowlog_len_max(&self) -> usize {
        usize::try_from(self.number(Id::SlowlogMaxLen)).unwrap_or(usize::MAX)
    }

    /// Milliseconds from which events are remembered; 0 is never.
    pub fn latency_monitor_threshold_ms(&self) -> u64 {
        self.unsigned(Id::LatencyMonitorThreshold)
    }

    /// Whether durations of commands are counted.
    pub fn latency_tracking(&self) -> bool {
        self.is_on(Id::LatencyTracking)
    }
}

impl Config {
    fn is_on(&self, id: Id) -> bool {
        self.number(id) != 0
    }

    /// A number whose bounds fit into 32 bits.
    fn count(&self, id: Id) -> u32 {
        u32::try_from(self.number(id)).unwrap_or_default()
    }

    fn unsigned(&self, id: Id) -> u64 {
        u64::try_from(self.number(id)).unwrap_or_default()
    }

    fn bytes(&self, id: Id) -> Vec<u8> {
        match &*self.shared(id) {
            Value::Text(text) => text.clone(),
            _ => Vec::new(),
        }
    }

    fn path(&self, id: Id) -> Option<PathBuf> {
        let bytes = self.bytes(id);
        (!bytes.is_empty()).then(|| PathBuf::from(OsString::from_vec(bytes)))
    }

    fn threads(&self, id: Id) -> usize {
        match self.count(id) {
            0 => available_parallelism().map_or(1, |cores| cores.get()),
            threads => threads as usize,
        }
    }

    fn permission(&self, id: Id) -> Permission {
        match self.number(id) {
            0 => Permission::No,
            1 => Permission::Yes,
            _ => Permission::Local,
        }
    }

    fn on_signal(&self, id: Id) -> OnSignal {
        let bits = self.number(id);
        let save = match bits & 3 {
            1 => Some(true),
            2 => Some(false),
            _ => None,
        };
        OnSignal {
            save,
            now: bits & 4 != 0,
            force: bits & 8 != 0,
        }
    }
}
