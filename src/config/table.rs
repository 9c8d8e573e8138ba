//! Every option once: name, default, kind, when it may change, help. CONFIG, redis.conf.example and the documentation follow from here.

use super::value::{Kind, Value};

/// When an option takes a new value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changes {
    /// At start only.
    AtStart,
    /// At start and by CONFIG SET.
    WhileRunning,
    /// At start only, and CONFIG SET refuses it as too dangerous for a client first (Redis' protected options).
    Protected,
}

/// What a value does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The server follows it.
    Served,
    /// Kept and reported because clients read or set it, without any effect; a configuration file that names it gets a warning.
    Kept,
}

/// One option.
#[derive(Debug)]
pub struct Row {
    /// How the code names it.
    pub id: Id,
    /// How people name it, lower case.
    pub name: &'static str,
    /// Which part of redis.conf.example it stands in.
    pub section: Section,
    /// The default as it would be written in a file, after the name.
    pub default: &'static str,
    /// What it may hold.
    pub kind: Kind,
    /// When it takes a new value.
    pub changes: Changes,
    /// What a value does.
    pub effect: Effect,
    /// What it is for and what it costs, in whole sentences.
    pub help: &'static str,
}

/// Declares the options: an entry of [`Id`] and a row of [`TABLE`] for each, so that neither can be forgotten.
macro_rules! options {
    ($( $section:ident $title:literal { $( $id:ident: $name:literal = $default:literal, $kind:expr, $changes:ident, $effect:ident, $help:literal; )* } )*) => {
        /// How the code names an option; also its position in [`TABLE`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(usize)]
        pub enum Id { $($( #[doc = $help] $id, )*)* }

        /// A part of redis.conf.example.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Section { $( #[doc = $title] $section, )* }

        impl Section {
            /// The headline of the part.
            pub fn title(self) -> &'static str {
                match self { $( Section::$section => $title, )* }
            }
        }

        /// Every option, in the order of redis.conf.example.
        pub static TABLE: &[Row] = &[ $($( Row {
            id: Id::$id, name: $name, section: Section::$section, default: $default, kind: $kind,
            changes: Changes::$changes, effect: Effect::$effect, help: $help,
        }, )*)* ];
    };
}

const fn integer(min: i64, max: i64, unit: &'static str) -> Kind {
    Kind::Integer { min, max, unit }
}

const fn bytes(min: i64) -> Kind {
    Kind::Bytes {
        min,
        percent: false,
    }
}

/// Other names of options: older ones that files still hold.
pub static ALIASES: &[(&str, Id)] = &[
    ("hash-max-ziplist-entries", Id::HashMaxListpackEntries),
    ("hash-max-ziplist-value", Id::HashMaxListpackValue),
    ("list-max-ziplist-size", Id::ListMaxListpackSize),
    ("zset-max-ziplist-entries", Id::ZsetMaxListpackEntries),
    ("zset-max-ziplist-value", Id::ZsetMaxListpackValue),
];

const YES_NO_LOCAL: Kind = Kind::Choice(&["no", "yes", "local"]);
const SCORERS: &[&str] = &[
    "BM25STD",
    "BM25STD.NORM",
    "BM25STD.TANH",
    "BM25",
    "TFIDF",
    "TFIDF.DOCNORM",
    "DISMAX",
    "DOCSCORE",
    "HAMMING",
];
const SHUTDOWN: Kind = Kind::Flags(&["default", "save", "nosave", "now", "force"]);
const POLICIES: Kind = Kind::Choice(&[
    "volatile-lru",
    "volatile-lfu",
    "volatile-random",
    "volatile-ttl",
    "volatile-lrm",
    "allkeys-lru",
    "allkeys-lfu",
    "allkeys-random",
    "allkeys-lrm",
    "noeviction",
]);
const INT: i64 = i32::MAX as i64;
const MB: i64 = 1 << 20;

options! {
    Network "Network" {
        Bind: "bind" = "127.0.0.1 -::1", Kind::Words, AtStart, Served,
            "Addresses to listen on, parted by spaces; `*` and `::*` mean all of them, and one with a `-` in front is left out when the machine lacks it. The default is reachable from this machine only: open it to a network together with requirepass.";
        Port: "port" = "6379", integer(0, 65_535, ""), AtStart, Served,
            "TCP port for clients. 0 opens none, and a server that listens nowhere does not start.";
        ProtectedMode: "protected-mode" = "yes", Kind::Switch, WhileRunning, Served,
            "Refuses clients from other machines as long as no password is set. Switch it off only where a firewall does the same work.";
        TcpBacklog: "tcp-backlog" = "511", integer(0, INT, "connections"), AtStart, Served,
            "How many connections the system may queue before they are accepted. More survive a burst of clients; the system's own limit (net.core.somaxconn) still holds.";
        Timeout: "timeout" = "0", integer(0, INT, "seconds"), WhileRunning, Served,
            "Closes clients that were silent for so long. 0 never does: pools of idle connections stay, and so do those that were forgotten.";
        TcpKeepalive: "tcp-keepalive" = "300", integer(0, INT, "seconds"), WhileRunning, Served,
            "After so much silence the system asks a client's machine whether it is still there, three times at most, a third of this apart, and closes the connection if it is not. 0 never asks. Holds for connections made from then on.";
    }
    General "General" {
        Databases: "databases" = "16", integer(1, 1024, "databases"), AtStart, Served,
            "How many numbered databases SELECT may choose from. Each costs a little memory even when it is empty.";
        Loglevel: "loglevel" = "notice", Kind::Choice(&["debug", "verbose", "notice", "warning", "nothing"]), WhileRunning, Served,
            "How much is logged. `notice` suits production; `verbose` and `debug` cost time and disk on a busy server.";
        Logfile: "logfile" = "\"\"", Kind::Text, AtStart, Served,
            "File that the log is appended to. Empty means the standard output, which is what service managers and containers collect.";
        Pidfile: "pidfile" = "\"\"", Kind::Text, AtStart, Served,
            "File that the process number is written to, and that goes at an orderly end. Empty writes none; LOCK in the data directory holds the number, too.";
        Daemonize: "daemonize" = "no", Kind::Switch, AtStart, Kept,
            "Always `no`: the server stays in the foreground and leaves the rest to a service manager. `yes` is read with a warning.";
        Supervised: "supervised" = "no", Kind::Choice(&["upstart", "systemd", "auto", "no"]), AtStart, Served,
            "Tells systemd when the server is ready and when it stops, through NOTIFY_SOCKET (for a unit with Type=notify): `systemd`, or `auto` to do so where that is set. `upstart` is not served.";
        SetProcTitle: "set-proc-title" = "yes", Kind::Switch, AtStart, Kept,
            "Kept for tools that read it: the title of the process is left as it is.";
    }
    Threads "Threads" {
        IoThreads: "io-threads" = "0", integer(0, 256, "threads"), AtStart, Served,
            "Threads that serve connections and run quick commands. 0 takes one per core; fewer leave cores to other programs on the machine.";
        SearchThreads: "search-threads" = "0", integer(0, 256, "threads"), AtStart, Served,
            "Threads that run long commands (large searches, scans), so that quick ones do not wait behind them; as many more run those that take a few milliseconds. 0 takes one per core.";
        SearchForceGraph: "search-force-graph" = "no", Kind::Switch, WhileRunning, Served,
            "Walk the graph even where comparing with every vector is cheaper, to measure the graph itself. Searches of small collections become slower and less exact, inserts into them slower.";
        CalibrationRememberQueries: "calibration-remember-queries" = "yes", Kind::Switch, WhileRunning, Served,
            "Keep some of the vectors that clients search with (up to 512 a collection; snapshots keep them where RECALL was asked for), so that RECALL and VRECALL measure with queries that are really asked. Without them queries are made of elements, which fits less well.";
        CalibrationCpuPercent: "calibration-cpu-percent" = "25", integer(0, 100, "percent of one core"), WhileRunning, Served,
            "What renewing the calibrations of collections that are searched with RECALL may take in the background, at the lowest priority. 0 renews none: each is measured once, when it is first needed.";
        VsetForceSingleThreadedExecution: "vset-force-single-threaded-execution" = "no", Kind::Switch, WhileRunning, Kept,
            "Kept for clients that set it: vector commands always use the threads above.";
    }
    Documents "Search of documents" {
        SearchTimeout: "search-timeout" = "500", integer(0, i64::MAX, "milliseconds"), WhileRunning, Served,
            "How long a query of FT.SEARCH or FT.AGGREGATE may take that says nothing of TIMEOUT. 0 sets no end; a query that passes over many documents can then keep a thread for long.";
        SearchOnTimeout: "search-on-timeout" = "return", Kind::Choice(&["return", "fail"]), WhileRunning, Served,
            "What a query does whose time is over: `return` answers with what it found, `fail` with an error. Only clients of RESP3 are told that an answer is not whole.";
        SearchDefaultDialect: "search-default-dialect" = "1", integer(1, 4, ""), WhileRunning, Served,
            "The query language of requests that name no DIALECT. Vectors and parameters need 2 or more; 1 is what clients of old expect.";
        SearchDefaultScorer: "search-default-scorer" = "BM25STD", Kind::Choice(SCORERS), WhileRunning, Served,
            "How documents are scored by requests that name no SCORER.";
        SearchBm25stdTanhFactor: "search-bm25std-tanh-factor" = "4", integer(1, 10_000, ""), WhileRunning, Served,
            "What BM25STD.TANH divides scores by before it squeezes them into 0 to 1. Larger ones tell high scores apart, and low ones less.";
        SearchMaxSearchResults: "search-max-search-results" = "1000000", integer(0, 1 << 31, "documents"), WhileRunning, Served,
            "The largest LIMIT of FT.SEARCH. A larger one lets a client ask for a reply that fills the memory.";
        SearchMaxAggregateResults: "search-max-aggregate-results" = "2147483648", integer(0, 1 << 31, "rows"), WhileRunning, Served,
            "The largest LIMIT of FT.AGGREGATE.";
        SearchMinPrefix: "search-min-prefix" = "2", integer(1, i64::MAX, "bytes"), WhileRunning, Served,
            "Parts of words (`he*`, `*lo`) with fewer bytes find nothing. 1 makes queries for single letters possible, which may stand for very many words.";
        SearchMaxPrefixExpansions: "search-max-prefix-expansions" = "200", integer(1, i64::MAX, "words"), WhileRunning, Served,
            "Words that a part of a word, a pattern or a fuzzy word stands for at most, in their order. More find more and take longer.";
        SearchCursorMaxIdle: "search-cursor-max-idle" = "300000", integer(1, u32::MAX as i64, "milliseconds"), WhileRunning, Served,
            "The largest MAXIDLE of a cursor of FT.AGGREGATE, and what one has that names none. Rows that nobody reads take memory so long.";
        SearchIndexCursorLimit: "search-index-cursor-limit" = "128", integer(0, i64::MAX, "cursors"), WhileRunning, Served,
            "Cursors that one index may have at a time.";
        SearchMinStemLen: "search-min-stem-len" = "4", integer(2, u32::MAX as i64, "bytes"), WhileRunning, Kept,
            "Kept for clients that set it: words of fewer than four bytes are not stemmed in documents.";
        SearchMultiTextSlop: "search-multi-text-slop" = "100", integer(1, u32::MAX as i64, "words"), AtStart, Kept,
            "Kept for clients that read it: the values of a field with several are always a hundred words apart.";
        SearchMinPhoneticTermLen: "search-min-phonetic-term-len" = "3", integer(1, i64::MAX, "bytes"), WhileRunning, Kept,
            "Kept for clients that set it: words of fewer than three bytes never match by their sound.";
        SearchWorkers: "search-workers" = "0", integer(0, 16, "threads"), WhileRunning, Kept,
            "Kept for clients that set it: queries and indexing use the threads of search-threads and all cores.";
        SearchMinOperationWorkers: "search-min-operation-workers" = "4", integer(0, 16, "threads"), WhileRunning, Kept,
            "Kept for clients that set it, as search-workers.";
        SearchWorkersPriorityBiasThreshold: "search-workers-priority-bias-threshold" = "1", integer(0, i64::MAX, "tasks"), AtStart, Kept,
            "Kept for clients that read it, as search-workers.";
        SearchTieredHnswBufferLimit: "search-tiered-hnsw-buffer-limit" = "1024", integer(0, i64::MAX, "vectors"), AtStart, Kept,
            "Kept for clients that read it: vectors are linked by the write that brings them.";
        SearchOnOom: "search-on-oom" = "return", Kind::Choice(&["return", "fail", "ignore"]), WhileRunning, Kept,
            "Kept for clients that set it: a query takes the memory that it needs.";
        SearchMaxAggregateGroups: "search-max-aggregate-groups" = "1000000", integer(1, 1 << 26, "groups"), WhileRunning, Kept,
            "Kept for clients that set it: groups are bounded by the documents that pass.";
        SearchMaxDoctablesize: "search-max-doctablesize" = "1000000", integer(1, 100_000_000, "documents"), AtStart, Kept,
            "Kept for clients that read it: an index holds as many documents as fit the memory.";
        SearchVssMaxResize: "search-vss-max-resize" = "0", integer(0, u32::MAX as i64, "bytes"), WhileRunning, Kept,
            "Kept for clients that set it: vectors are kept in blocks of one size.";
        SearchUnionIteratorHeap: "search-union-iterator-heap" = "20", integer(1, i64::MAX, "conditions"), WhileRunning, Kept,
            "Kept for clients that set it: alternatives are united as bitmaps.";
        SearchForkGcRunInterval: "search-fork-gc-run-interval" = "30", integer(1, i64::MAX, "seconds"), WhileRunning, Kept,
            "Kept for clients that set it: what a document takes is given back when it goes.";
        SearchForkGcRetryInterval: "search-fork-gc-retry-interval" = "5", integer(1, i64::MAX, "seconds"), WhileRunning, Kept,
            "Kept for clients that set it, as search-fork-gc-run-interval.";
        SearchForkGcCleanThreshold: "search-fork-gc-clean-threshold" = "100", integer(1, i64::MAX, "documents"), WhileRunning, Kept,
            "Kept for clients that set it, as search-fork-gc-run-interval.";
        SearchForkGcSleepBeforeExit: "search-fork-gc-sleep-before-exit" = "0", integer(0, i64::MAX, "seconds"), WhileRunning, Kept,
            "Kept for clients that set it, as search-fork-gc-run-interval.";
        SearchGcScanSize: "search-gc-scan-size" = "100", integer(1, i64::MAX, "documents"), AtStart, Kept,
            "Kept for clients that read it, as search-fork-gc-run-interval.";
        SearchNoGc: "search-no-gc" = "no", Kind::Switch, AtStart, Kept,
            "Kept for clients that read it, as search-fork-gc-run-interval.";
        SearchNoMemPools: "search-no-mem-pools" = "no", Kind::Switch, AtStart, Kept,
            "Kept for clients that read it: there are no such pools.";
        SearchPartialIndexedDocs: "search-partial-indexed-docs" = "no", Kind::Switch, AtStart, Kept,
            "Kept for clients that read it: a write to a document indexes it anew.";
        SearchEnableUnstableFeatures: "search-enable-unstable-features" = "no", Kind::Switch, WhileRunning, Kept,
            "Kept for clients that set it: there are no such features.";
        SearchBgIndexSleepGap: "search-bg-index-sleep-gap" = "100", integer(1, u32::MAX as i64, "documents"), AtStart, Kept,
            "Kept for clients that read it: indexing yields to writers by itself.";
    }
    Security "Security" {
        Requirepass: "requirepass" = "\"\"", Kind::Secret, WhileRunning, Served,
            "Password that clients must send with AUTH or HELLO. Choose a long one: a fast server answers many guesses in a second. Empty asks for none.";
        EnableDebugCommand: "enable-debug-command" = "no", YES_NO_LOCAL, AtStart, Served,
            "Whether clients may use DEBUG, which can stall or stop the server: `yes`, `no`, or `local` for those on this machine.";
        EnableProtectedConfigs: "enable-protected-configs" = "no", YES_NO_LOCAL, AtStart, Served,
            "Whether CONFIG SET may touch protected options. They move files about, so a client that is not trusted should never get at them.";
    }
    Limits "Limits of clients" {
        Maxclients: "maxclients" = "10000", integer(1, INT, "clients"), WhileRunning, Served,
            "Connections served at the same time; further ones get an error and are closed. Each needs a file descriptor, so `ulimit -n` may lower it at start.";
        ClientQueryBufferLimit: "client-query-buffer-limit" = "1gb", bytes(MB), WhileRunning, Served,
            "Bytes of unfinished requests that one client may make the server hold before it is closed. It bounds what a broken or hostile client can cost.";
        ProtoMaxBulkLen: "proto-max-bulk-len" = "512mb", bytes(MB), WhileRunning, Served,
            "Largest single argument of a request. Raise it for huge batches of vectors; a client can then ask for that much memory in one go.";
        ClientOutputBufferLimit: "client-output-buffer-limit" = "normal 0 0 0 replica 256mb 64mb 60 pubsub 32mb 8mb 60", Kind::OutputLimits, WhileRunning, Served,
            "A client is closed when more bytes of replies wait for it than the first number, or more than the second for so many seconds. A client that does not read is not read from either, so what waits is one pipeline's megabyte or one larger reply. `replica` and `pubsub` are kept for tools that read them.";
    }
    Memory "Memory" {
        Maxmemory: "maxmemory" = "0", Kind::Bytes { min: 0, percent: true }, WhileRunning, Served,
            "Memory of the server, in bytes or as a share of the machine's (`75%`), above which commands that add data are refused with -OOM. 0 sets no bound: the system may then kill the process. Leave room for saves and for the buffers of clients.";
        MaxmemoryPolicy: "maxmemory-policy" = "noeviction", POLICIES, WhileRunning, Served,
            "What makes room when maxmemory is reached. Only `noeviction` is served: nothing is thrown away, commands that would add data are refused.";
        SearchColumnsMaxMemory: "search-columns-max-memory" = "256mb", bytes(0), WhileRunning, Served,
            "Memory for the columns in which fields are kept that filters use, 8 bytes an element and field, over all keys. Beyond it the column that was not used for the longest time is dropped; filters then read the attributes of each element that they test, which takes some ten times as long. 0 keeps none.";
        HashMaxListpackEntries: "hash-max-listpack-entries" = "512", integer(0, i64::MAX, "fields"), WhileRunning, Served,
            "Up to so many fields OBJECT ENCODING calls a hash `listpack`. Only the name follows it, memory does not.";
        HashMaxListpackValue: "hash-max-listpack-value" = "64", integer(0, i64::MAX, "bytes"), WhileRunning, Served,
            "Up to so many bytes per field or value OBJECT ENCODING calls a hash `listpack`. Only the name follows it, memory does not.";
        SetMaxIntsetEntries: "set-max-intset-entries" = "512", integer(0, i64::MAX, "members"), WhileRunning, Served,
            "Up to so many integers OBJECT ENCODING calls a set `intset`. Only the name follows it, memory does not.";
        SetMaxListpackEntries: "set-max-listpack-entries" = "128", integer(0, i64::MAX, "members"), WhileRunning, Served,
            "Up to so many members OBJECT ENCODING calls a set `listpack`. Only the name follows it, memory does not.";
        SetMaxListpackValue: "set-max-listpack-value" = "64", integer(0, i64::MAX, "bytes"), WhileRunning, Served,
            "Up to so many bytes per member OBJECT ENCODING calls a set `listpack`. Only the name follows it, memory does not.";
        ZsetMaxListpackEntries: "zset-max-listpack-entries" = "128", integer(0, i64::MAX, "members"), WhileRunning, Served,
            "Up to so many members OBJECT ENCODING calls a sorted set `listpack`. Only the name follows it, memory does not.";
        ZsetMaxListpackValue: "zset-max-listpack-value" = "64", integer(0, i64::MAX, "bytes"), WhileRunning, Served,
            "Up to so many bytes per member OBJECT ENCODING calls a sorted set `listpack`. Only the name follows it, memory does not.";
        ListMaxListpackSize: "list-max-listpack-size" = "-2", integer(-5, i32::MAX as i64, "elements"), WhileRunning, Served,
            "Up to so many elements OBJECT ENCODING calls a list `listpack`; below zero up to so many bytes: -1 is 4 KiB, -2 is 8, -5 is 64. Only the name follows it, memory does not.";
        LazyfreeLazyEviction: "lazyfree-lazy-eviction" = "no", Kind::Switch, WhileRunning, Kept,
            "Kept for clients that set it: memory is always given back in the background where that takes long.";
        LazyfreeLazyExpire: "lazyfree-lazy-expire" = "no", Kind::Switch, WhileRunning, Kept,
            "Kept for clients that set it, as lazyfree-lazy-eviction.";
        LazyfreeLazyServerDel: "lazyfree-lazy-server-del" = "no", Kind::Switch, WhileRunning, Kept,
            "Kept for clients that set it, as lazyfree-lazy-eviction.";
        LazyfreeLazyUserDel: "lazyfree-lazy-user-del" = "no", Kind::Switch, WhileRunning, Kept,
            "Kept for clients that set it, as lazyfree-lazy-eviction.";
        LazyfreeLazyUserFlush: "lazyfree-lazy-user-flush" = "no", Kind::Switch, WhileRunning, Kept,
            "Kept for clients that set it, as lazyfree-lazy-eviction.";
    }
    Durability "Durability: the log" {
        Dir: "dir" = "./", Kind::Text, Protected, Served,
            "The data directory: log, snapshots and their catalogue. One process at a time may use it.";
        Appendonly: "appendonly" = "yes", Kind::Switch, AtStart, Served,
            "Whether each change is written to the append-only log. `yes` is our default (Redis: `no`) and loses nothing that was acknowledged when the process dies; `no` keeps only what the last snapshot holds.";
        Appendfsync: "appendfsync" = "everysec", Kind::Choice(&["everysec", "always", "no"]), WhileRunning, Served,
            "When the log is forced to the disk. `always`: before each reply, safest and slowest. `everysec`: a power cut may cost the last second. `no`: the system decides, a power cut may cost half a minute. A killed process costs nothing under any of them.";
        Appendfilename: "appendfilename" = "\"appendonly.aof\"", Kind::Text, AtStart, Served,
            "First part of the names of the log's files.";
        Appenddirname: "appenddirname" = "\"appendonlydir\"", Kind::Text, AtStart, Served,
            "Directory of the log's files, inside of `dir`.";
        NoAppendfsyncOnRewrite: "no-appendfsync-on-rewrite" = "no", Kind::Switch, WhileRunning, Kept,
            "Kept for clients that set it: a save does not hold up the log, so there is nothing to leave out.";
        AutoAofRewritePercentage: "auto-aof-rewrite-percentage" = "100", integer(0, INT, "percent"), WhileRunning, Served,
            "A save that lets the log begin anew starts when the log has grown by so much over its size after the last one. Smaller values restart faster and write more; 0 never starts one.";
        AutoAofRewriteMinSize: "auto-aof-rewrite-min-size" = "64mb", bytes(0), WhileRunning, Served,
            "Below this size the log grows without such a save, whatever the percentage says.";
        AofLoadTruncated: "aof-load-truncated" = "yes", Kind::Switch, AtStart, Served,
            "Whether a start cuts off a last record that a crash left half written, and says so. `no` refuses to start instead and leaves the decision to you.";
        LogUnwrittenBytesMax: "log-unwritten-bytes-max" = "64mb", bytes(MB), AtStart, Served,
            "Bytes of the log that may wait for the disk; above it writers wait. More rides out a slow disk and costs memory.";
    }
    Snapshots "Durability: snapshots" {
        Save: "save" = "3600 1 300 100 60 10000", Kind::SavePoints, WhileRunning, Served,
            "Pairs of seconds and changes: a snapshot is taken in the background when so many changes are so old. Snapshots shorten the restart and, without the log, bound the loss. `save \"\"` takes none by itself.";
        StopWritesOnBgsaveError: "stop-writes-on-bgsave-error" = "yes", Kind::Switch, WhileRunning, Served,
            "Whether writes are refused after a snapshot failed while save points are set, so that somebody notices. `no` goes on without.";
        SnapshotPinnedBytesMax: "snapshot-pinned-bytes-max" = "64mb", bytes(MB), AtStart, Served,
            "Memory that a running snapshot may hold for values that changed meanwhile; at the limit writers wait for the disk. More keeps heavy writers quick during a save.";
    }
    Expiry "Expiry" {
        Hz: "hz" = "10", integer(i32::MIN as i64, INT, "per second"), WhileRunning, Kept,
            "Kept for tools that read it: background work has its own rhythm.";
        ActiveExpireEffort: "active-expire-effort" = "1", integer(1, 10, ""), WhileRunning, Served,
            "Expired keys that nobody asks for are removed ten times a second, a thousand per database at a time, times this. More frees memory sooner and costs processor time.";
    }
    Shutdown "Shutdown" {
        ShutdownTimeout: "shutdown-timeout" = "10", integer(0, INT, "seconds"), WhileRunning, Kept,
            "Kept for tools that read it: there are no replicas that a shutdown would wait for.";
        ShutdownOnSigterm: "shutdown-on-sigterm" = "default", SHUTDOWN, WhileRunning, Served,
            "What SIGTERM does: `default` saves when save points are set, `save` and `nosave` do so or not always, `now` skips waiting, `force` exits even when the save failed.";
        ShutdownOnSigint: "shutdown-on-sigint" = "default", SHUTDOWN, WhileRunning, Served,
            "What SIGINT (Ctrl-C) does, with the same words.";
    }
    Observation "Observation" {
        SlowlogLogSlowerThan: "slowlog-log-slower-than" = "10000", integer(-1, i64::MAX, "microseconds"), WhileRunning, Served,
            "Commands that ran longer enter the slow log. 0 takes every command, -1 none.";
        SlowlogMaxLen: "slowlog-max-len" = "128", integer(0, i64::MAX, "entries"), WhileRunning, Served,
            "How many commands the slow log holds; each costs memory until SLOWLOG RESET.";
        LatencyMonitorThreshold: "latency-monitor-threshold" = "0", integer(0, i64::MAX, "milliseconds"), WhileRunning, Served,
            "Events at least this long are remembered for LATENCY. 0 remembers none.";
        LatencyTracking: "latency-tracking" = "yes", Kind::Switch, WhileRunning, Served,
            "Whether the durations of each command are counted by their size, for INFO latencystats and LATENCY HISTOGRAM.";
        NotifyKeyspaceEvents: "notify-keyspace-events" = "\"\"", Kind::EventClasses, WhileRunning, Kept,
            "Classes of events that are published when keys change. Kept for clients that set it: events are not published yet.";
    }
}

/// Finds an option by its name or an older name of it, in any case.
pub fn find(name: &[u8]) -> Option<&'static Row> {
    let alias = ALIASES
        .iter()
        .find(|(alias, _)| name.eq_ignore_ascii_case(alias.as_bytes()));
    match alias {
        Some((_, id)) => TABLE.get(*id as usize),
        None => TABLE
            .iter()
            .find(|row| name.eq_ignore_ascii_case(row.name.as_bytes())),
    }
}

impl Row {
    /// The default as a value.
    ///
    /// # Panics
    /// When the table holds a default that its own kind refuses, which a test rules out.
    pub fn default_value(&self) -> Value {
        let text = self.default.trim_matches('"');
        match self.kind.parse(&[text.as_bytes()], None) {
            Ok(value) => value,
            Err(why) => panic!("default of {}: {why}", self.name),
        }
    }
}
