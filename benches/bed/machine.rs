//! The machine's cores, and sums over several runs.

use std::process::{Command, Stdio};

/// Keeps the calling thread on one core, by util-linux' taskset; where that is missing, or the core is, says so and goes on.
pub fn pin(core: usize) {
    let Ok(thread) = std::fs::read_link("/proc/thread-self") else {
        return eprintln!("not pinned: /proc is not there");
    };
    let thread = thread.file_name().unwrap_or_default().to_os_string();
    let pinned = Command::new("taskset")
        .args(["-p", "-c", &core.to_string()])
        .arg(thread)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if !pinned.is_ok_and(|status| status.success()) {
        eprintln!("not pinned to core {core}: taskset refused, or is not installed");
    }
}

/// Cores that this process may use.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// CPU seconds of this process so far, all threads together.
pub fn cpu_seconds() -> f64 {
    let times = rhumb::sys::cpu_times();
    times.user_s + times.system_s
}

/// The middle one of several values; of an even number the upper one.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// The smallest of the values that at least `share` of them do not exceed.
pub fn percentile(values: &[u64], share: f64) -> u64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let rank = (sorted.len() as f64 * share).ceil() as usize;
    sorted[rank.saturating_sub(1)]
}
