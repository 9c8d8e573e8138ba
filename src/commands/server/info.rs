//! INFO: what the server knows about itself, in sections. A field whose value would be a guess is left out; a constant stands
//! only where it is true (this server never forks, has no replicas, blocks no client).

use super::memory::{Split, percent, ratio};
use super::{REDIS_VERSION, module};
use crate::commands::error::Result;
use crate::commands::table::{Arg, COMMAND, Command, Flags, Group, Table, flags};
use crate::commands::{Call, Client, Context};
use crate::config::Id;
use crate::engine::Health;
use crate::protocol::Reply;
use crate::stats::Snapshot;
use std::fmt::{Display, Write};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// INFO.
pub const COMMANDS: &[Command] = &[Command {
    name: "INFO",
    summary: "Answers what the server knows about itself.",
    group: Group::Server,
    args: &[Arg::Optional(&Arg::Multiple(&Arg::Str("section")))],
    flags: flags(&[Flags::LOADING, Flags::STALE, Flags::DANGEROUS]),
    examples: &[("INFO cluster", "# Cluster\r\ncluster_enabled:0\r\n")],
    run: info,
    ..COMMAND
}];

/// A section: its title, whether plain INFO shows it, and what writes it.
struct Section {
    title: &'static str,
    is_default: bool,
    write: fn(&Facts, &mut Page),
}

const SECTIONS: &[Section] = &[
    shown("Server", server),
    shown("Clients", clients),
    shown("Memory", memory),
    shown("Persistence", persistence),
    shown("Stats", statistics),
    shown("Replication", replication),
    shown("CPU", processor),
    shown("Modules", modules),
    asked_for("Search", search),
    asked_for("Commandstats", commands),
    shown("Errorstats", errors),
    asked_for("Latencystats", latencies),
    shown("Cluster", cluster),
    shown("Keyspace", keyspace),
];

const fn shown(title: &'static str, write: fn(&Facts, &mut Page)) -> Section {
    Section {
        title,
        is_default: true,
        write,
    }
}

const fn asked_for(title: &'static str, write: fn(&Facts, &mut Page)) -> Section {
    Section {
        title,
        is_default: false,
        write,
    }
}

impl Section {
    /// Whether a word of the request asks for it. Modules are part of the server here, but `all` leaves them out as in Redis,
    /// and `modules` asks for what the search module tells as well.
    fn is_wanted(&self, word: &[u8]) -> bool {
        match word.to_ascii_lowercase().as_slice() {
            b"default" => self.is_default,
            b"all" => !["Modules", "Search"].contains(&self.title),
            b"everything" => true,
            b"modules" => ["Modules", "Search"].contains(&self.title),
            word => word.eq_ignore_ascii_case(self.title.as_bytes()),
        }
    }
}

/// What the sections are made of, read once.
struct Facts<'a> {
    context: &'a Context,
    clients: Vec<Arc<Client>>,
    stats: Snapshot,
    now_ms: u64,
}

/// The text of INFO.
#[derive(Default)]
struct Page(String);

impl Page {
    fn title(&mut self, title: &str) {
        if !self.0.is_empty() {
            self.0.push_str("\r\n");
        }
        let _ = write!(self.0, "# {title}\r\n");
    }

    fn line(&mut self, name: &str, value: impl Display) {
        let _ = write!(self.0, "{name}:{value}\r\n");
    }

    fn lines(&mut self, lines: &[(&str, &dyn Display)]) {
        lines
            .iter()
            .for_each(|(name, value)| self.line(name, value));
    }

    /// A number of bytes, and again as people read it.
    fn bytes(&mut self, name: &str, bytes: u64) {
        self.line(name, bytes);
        self.line(&format!("{name}_human"), human(bytes));
    }
}

/// `1.50M`.
fn human(bytes: u64) -> String {
    let units = [
        (1u64 << 40, 'T'),
        (1 << 30, 'G'),
        (1 << 20, 'M'),
        (1 << 10, 'K'),
    ];
    match units.iter().find(|(unit, _)| bytes >= *unit) {
        Some((unit, letter)) => format!("{:.2}{letter}", bytes as f64 / *unit as f64),
        None => format!("{bytes}B"),
    }
}

fn info(call: &mut Call) -> Result {
    let mut words: Vec<&[u8]> = call.args.rest_words().collect();
    if words.is_empty() {
        words.push(b"default");
    }
    let facts = Facts {
        context: call.context,
        clients: call.context.clients.list(),
        stats: call.context.stats.snapshot(),
        now_ms: call.now_ms(),
    };
    let mut page = Page::default();
    let is_wanted = |section: &&Section| words.iter().any(|word| section.is_wanted(word));
    for section in SECTIONS.iter().filter(is_wanted) {
        page.title(section.title);
        (section.write)(&facts, &mut page);
    }
    Ok(Reply::Verbatim(page.0))
}

fn server(facts: &Facts, page: &mut Page) {
    let context = facts.context;
    let config = &context.config;
    let text = |id| String::from_utf8_lossy(&config.text(id)).into_owned();
    let uptime_s = context.uptime_s();
    let executable = std::env::current_exe().unwrap_or_default();
    page.lines(&[
        ("redis_version", &REDIS_VERSION),
        ("redis_mode", &"standalone"),
        ("server_name", &"rhumb"),
        ("rhumb_version", &env!("CARGO_PKG_VERSION")),
        (
            "os",
            &format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        ),
        ("arch_bits", &usize::BITS),
        ("process_id", &std::process::id()),
        ("process_supervised", &text(Id::Supervised)),
        ("run_id", &context.run_id),
        ("tcp_port", &config.port()),
        ("server_time_usec", &(facts.now_ms * 1000)),
        ("uptime_in_seconds", &uptime_s),
        ("uptime_in_days", &(uptime_s / 86_400)),
        ("hz", &text(Id::Hz)),
        ("configured_hz", &text(Id::Hz)),
        ("lru_clock", &((facts.now_ms / 1000) & 0xff_ffff)),
        ("executable", &executable.display()),
        (
            "config_file",
            &config.file().unwrap_or("".as_ref()).display(),
        ),
        ("io_threads_active", &u8::from(config.io_threads() > 1)),
    ]);
    for (i, address) in config.bind().iter().enumerate() {
        let value = format!("name=tcp,bind={address},port={}", config.port());
        page.line(&format!("listener{i}"), value);
    }
}

fn clients(facts: &Facts, page: &mut Page) {
    let all = &facts.clients;
    let largest = |of: fn(&Client) -> u64| all.iter().map(|client| of(client)).max().unwrap_or(0);
    let input =
        |client: &Client| client.query_bytes.load(Relaxed) + client.query_free_bytes.load(Relaxed);
    let watched = |client: &Arc<Client>| client.watched.load(Relaxed);
    page.lines(&[
        ("connected_clients", &all.len()),
        ("cluster_connections", &0),
        ("maxclients", &facts.context.config.maxclients()),
        ("client_recent_max_input_buffer", &largest(input)),
        (
            "client_recent_max_output_buffer",
            &largest(|client| client.output_bytes.load(Relaxed)),
        ),
        ("blocked_clients", &0),
        ("tracking_clients", &0),
        ("pubsub_clients", &0),
        (
            "watching_clients",
            &all.iter().filter(|client| watched(client) > 0).count(),
        ),
        ("clients_in_timeout_table", &0),
        ("total_watched_keys", &all.iter().map(watched).sum::<u64>()),
        ("total_blocking_keys", &0),
        ("total_blocking_keys_on_nokey", &0),
    ]);
}

fn memory(facts: &Facts, page: &mut Page) {
    let config = &facts.context.config;
    let split = Split::now(facts.context);
    memory_used(&split, page);
    page.bytes("total_system_memory", split.memory.machine);
    page.lines(&[("used_memory_lua", &0), ("number_of_cached_scripts", &0)]);
    page.bytes("maxmemory", config.maxmemory_bytes());
    let policy = config.text(Id::MaxmemoryPolicy);
    page.lines(&[("maxmemory_policy", &String::from_utf8_lossy(&policy))]);
    let memory = &split.memory;
    lost_memory(&split, page);
    page.lines(&[
        ("mem_not_counted_for_evict", &0),
        ("mem_replication_backlog", &0),
        ("mem_clients_slaves", &0),
        ("mem_clients_normal", &split.clients),
        ("mem_aof_buffer", &memory.log),
        ("mem_save_pinned", &memory.pinned),
        ("mem_allocator", &memory.allocator),
        ("active_defrag_running", &0),
        ("lazyfree_pending_objects", &0),
    ]);
}

fn memory_used(split: &Split, page: &mut Page) {
    let memory = &split.memory;
    page.bytes("used_memory", memory.allocated);
    page.bytes("used_memory_rss", memory.process);
    page.bytes("used_memory_peak", memory.peak);
    let of_peak = format!("{:.2}%", percent(memory.allocated, memory.peak));
    let of_all = format!("{:.2}%", split.dataset_percent());
    page.lines(&[
        ("used_memory_peak_perc", &of_peak),
        ("used_memory_overhead", &split.overhead()),
        ("used_memory_startup", &memory.at_start),
        ("used_memory_dataset", &split.dataset()),
        ("used_memory_dataset_perc", &of_all),
        ("allocator_allocated", &memory.allocated),
        ("allocator_active", &memory.active),
        ("allocator_resident", &memory.resident),
    ]);
}

/// What the allocator and the process hold beyond what was asked for, each as a ratio and in bytes.
fn lost_memory(split: &Split, page: &mut Page) {
    let memory = &split.memory;
    let pairs = [
        ("allocator_frag", memory.active, memory.allocated),
        ("allocator_rss", memory.resident, memory.active),
        ("rss_overhead", memory.process, memory.resident),
        ("mem_fragmentation", memory.process, memory.allocated),
    ];
    for (name, held, asked) in pairs {
        page.line(&format!("{name}_ratio"), two(ratio(held, asked)));
        page.line(&format!("{name}_bytes"), held as i64 - asked as i64);
    }
}

fn two(ratio: f64) -> String {
    format!("{ratio:.2}")
}

fn persistence(facts: &Facts, page: &mut Page) {
    let engine = &facts.context.engine;
    page.lines(&[
        ("loading", &u8::from(engine.is_loading())),
        ("async_loading", &0),
    ]);
    if engine.is_loading() {
        return;
    }
    let status = engine.save_status();
    let log = engine.log();
    let is_saving = status.running_since_ms.is_some();
    let last_took_s = status.last_took_ms.map_or(-1, |ms| (ms / 1000) as i64);
    let current_s = status.running_since_ms.map_or(-1, |since| {
        (facts.now_ms.saturating_sub(since) / 1000) as i64
    });
    let verdict = |is_good: bool| if is_good { "ok" } else { "err" };
    let saved_well = verdict(status.last_failure.is_none());
    // A save is also what rewrites the log.
    let is_rewriting = is_saving && log.is_enabled();
    page.lines(&[
        ("rdb_changes_since_last_save", &engine.changes_since_save()),
        ("rdb_bgsave_in_progress", &u8::from(is_saving)),
        ("rdb_last_save_time", &(status.last_good_ms / 1000)),
        ("rdb_last_bgsave_status", &saved_well),
        ("rdb_last_bgsave_time_sec", &last_took_s),
        ("rdb_current_bgsave_time_sec", &current_s),
        ("rdb_saves", &status.count),
        ("rdb_last_cow_size", &0),
        ("aof_enabled", &u8::from(log.is_enabled())),
        ("aof_rewrite_in_progress", &u8::from(is_rewriting)),
        ("aof_rewrite_scheduled", &0),
        ("aof_last_rewrite_time_sec", &last_took_s),
        (
            "aof_current_rewrite_time_sec",
            &if is_rewriting { current_s } else { -1 },
        ),
        ("aof_last_bgrewrite_status", &saved_well),
        (
            "aof_last_write_status",
            &verdict(engine.health() == Health::Good),
        ),
        ("aof_last_cow_size", &0),
    ]);
    if log.is_enabled() {
        page.lines(&[
            ("aof_current_size", &log.size_bytes()),
            ("aof_base_size", &status.snapshot_bytes),
            ("aof_pending_rewrite", &0),
            ("aof_buffer_length", &log.unwritten_bytes()),
            ("aof_delayed_fsync", &facts.stats.totals.delayed_fsyncs),
        ]);
    }
}

fn statistics(facts: &Facts, page: &mut Page) {
    let totals = &facts.stats.totals;
    let rates = &facts.stats.rates;
    page.lines(&[
        ("total_connections_received", &totals.connections_received),
        ("total_commands_processed", &totals.commands_processed),
        ("instantaneous_ops_per_sec", &rates.commands),
        ("total_net_input_bytes", &totals.net_input_bytes),
        ("total_net_output_bytes", &totals.net_output_bytes),
        (
            "instantaneous_input_kbps",
            &two(rates.input_bytes as f64 / 1024.0),
        ),
        (
            "instantaneous_output_kbps",
            &two(rates.output_bytes as f64 / 1024.0),
        ),
        ("rejected_connections", &totals.connections_rejected),
        ("sync_full", &0),
        ("sync_partial_ok", &0),
        ("sync_partial_err", &0),
        ("expired_subkeys", &totals.expired_fields),
        ("expired_keys", &totals.expired_keys),
        ("evicted_keys", &totals.evicted_keys),
        ("evicted_clients", &totals.evicted_clients),
        ("keyspace_hits", &totals.keyspace_hits),
        ("keyspace_misses", &totals.keyspace_misses),
        ("pubsub_channels", &0),
        ("pubsub_patterns", &0),
        ("pubsubshard_channels", &0),
        ("latest_fork_usec", &0),
        ("total_forks", &0),
        ("tracking_total_keys", &0),
        ("tracking_total_items", &0),
        ("tracking_total_prefixes", &0),
        ("unexpected_error_replies", &totals.unexpected_error_replies),
        ("total_error_replies", &totals.error_replies),
        ("total_reads_processed", &totals.reads_processed),
        ("total_writes_processed", &totals.writes_processed),
        (
            "client_query_buffer_limit_disconnections",
            &totals.query_buffer_limit_disconnections,
        ),
        (
            "client_output_buffer_limit_disconnections",
            &totals.output_buffer_limit_disconnections,
        ),
        ("acl_access_denied_auth", &totals.access_denied_auth),
        ("acl_access_denied_cmd", &totals.access_denied_command),
        ("acl_access_denied_key", &totals.access_denied_key),
        ("acl_access_denied_channel", &totals.access_denied_channel),
    ]);
}

fn replication(facts: &Facts, page: &mut Page) {
    page.lines(&[
        ("role", &"master"),
        ("connected_slaves", &0),
        ("master_failover_state", &"no-failover"),
        ("master_replid", &facts.context.run_id),
        ("master_replid2", &"0".repeat(40)),
        ("master_repl_offset", &0),
        ("second_repl_offset", &-1),
        ("repl_backlog_active", &0),
        ("repl_backlog_size", &0),
        ("repl_backlog_first_byte_offset", &0),
        ("repl_backlog_histlen", &0),
    ]);
}

fn processor(facts: &Facts, page: &mut Page) {
    let (user_s, system_s) = facts.context.engine.processor_seconds();
    let six = |seconds: f64| format!("{seconds:.6}");
    page.lines(&[
        ("used_cpu_sys", &six(system_s)),
        ("used_cpu_user", &six(user_s)),
        ("used_cpu_sys_children", &six(0.0)),
        ("used_cpu_user_children", &six(0.0)),
    ]);
}

fn modules(_: &Facts, page: &mut Page) {
    for (name, version) in module::MODULES {
        let value =
            format!("name={name},ver={version},api=1,filters=0,usedby=[],using=[],options=[]");
        page.line("module", value);
    }
}

/// The version of the search module whose words and shapes are followed, and how much there is to search.
fn search(facts: &Facts, page: &mut Page) {
    let indexes = facts.context.engine.keyspace().indexes().all();
    page.line("search_version", module::SEARCH_VERSION);
    page.line("search_number_of_indexes", indexes.len());
    let documents: usize = indexes.iter().map(|index| index.len()).sum();
    page.line("search_total_num_docs_in_indexes", documents);
}

fn commands(facts: &Facts, page: &mut Page) {
    for (command, counts) in Table::all().commands().iter().zip(&facts.stats.commands) {
        if counts.calls + counts.rejected == 0 {
            continue;
        }
        let value = format!(
            "calls={},usec={},usec_per_call={:.2},rejected_calls={},failed_calls={}",
            counts.calls,
            counts.us,
            ratio(counts.us, counts.calls),
            counts.rejected,
            counts.failed
        );
        page.line(&format!("cmdstat_{}", command.shown_name()), value);
    }
}

fn errors(facts: &Facts, page: &mut Page) {
    for (word, count) in &facts.stats.errors.by_word {
        page.line(&format!("errorstat_{word}"), format_args!("count={count}"));
    }
}

fn latencies(facts: &Facts, page: &mut Page) {
    if !facts.context.config.latency_tracking() {
        return;
    }
    for (command, counts) in Table::all().commands().iter().zip(&facts.stats.commands) {
        if counts.tracked() == 0 {
            continue;
        }
        let [p50, p99, p999] = [50.0, 99.0, 99.9].map(|percent| counts.percentile_us(percent));
        page.line(
            &format!("latency_percentiles_usec_{}", command.shown_name()),
            format_args!("p50={p50}.000,p99={p99}.000,p99.9={p999}.000"),
        );
    }
}

fn cluster(_: &Facts, page: &mut Page) {
    page.line("cluster_enabled", 0);
}

fn keyspace(facts: &Facts, page: &mut Page) {
    let engine = &facts.context.engine;
    if engine.is_loading() {
        return;
    }
    for db in 0..engine.keyspace().databases() {
        let database = engine.keyspace().database(db);
        if !database.is_empty() {
            let (keys, expires) = (database.len(), database.expiring());
            page.line(
                &format!("db{db}"),
                format_args!("keys={keys},expires={expires}"),
            );
        }
    }
}
