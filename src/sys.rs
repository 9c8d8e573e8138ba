//! The few calls to the system that need `unsafe`, each behind a safe function: advice about memory, figures of the
//! allocator and of the process, limits, signals. Nothing here knows what the server does with them.

use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed};

#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Bytes of a cache line on the CPUs that have kernels of their own.
pub const CACHE_LINE: usize = 64;

/// Asks the CPU to bring all cache lines of `bytes` bytes from `start` into its first level. Advice only: the memory is
/// not read, and an address that nothing lies at does no harm.
#[inline]
pub fn prefetch(start: *const u8, bytes: usize) {
    let skipped = start.addr() % CACHE_LINE;
    for line in (0..bytes + skipped).step_by(CACHE_LINE) {
        prefetch_line(start.wrapping_sub(skipped).wrapping_add(line));
    }
}

/// Asks the CPU to bring the cache line that an address lies in into its first level; advice, as above.
#[cfg(target_arch = "x86_64")]
#[inline]
pub fn prefetch_line(line: *const u8) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    // SAFETY: a prefetch never faults; SSE is part of every x86-64.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(line.cast()) };
}

/// Asks the CPU to bring the cache line that an address lies in into its first level; advice, as above.
#[cfg(target_arch = "aarch64")]
#[inline]
pub fn prefetch_line(line: *const u8) {
    // SAFETY: `prfm` never faults and changes neither registers nor memory. (Its intrinsic is not stable in Rust 1.95.)
    unsafe {
        std::arch::asm!("prfm pldl1keep, [{}]", in(reg) line, options(nostack, readonly, preserves_flags));
    }
}

/// Nothing on this CPU.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
#[inline]
pub fn prefetch_line(_line: *const u8) {}

/// Lets this thread run only where no other wants to, as far as the system allows.
pub fn lower_priority() -> io::Result<()> {
    const LOWEST: libc::c_int = 19;
    // SAFETY: sets a number of this thread in the kernel (on Linux 0 names the calling thread), touches no memory.
    check(unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, LOWEST) })
}

/// Puts huge pages under those whole pages of 2 MiB that lie in `bytes` bytes from `start`, or asks for them to be put there some
/// time: advice that the kernel may decline, then pages stay small. Contents do not change, and what was never touched is zero.
pub fn gather_into_huge_pages(start: *const u8, bytes: usize) -> io::Result<()> {
    let from = start.addr().next_multiple_of(HUGE_PAGE);
    let to = (start.addr() + bytes) / HUGE_PAGE * HUGE_PAGE;
    if from >= to {
        return Ok(());
    }
    let start = start.with_addr(from).cast_mut().cast();
    // SAFETY: both change how pages are backed, never what they hold; for addresses that are not mapped they return an error.
    check(unsafe { libc::madvise(start, to - from, libc::MADV_HUGEPAGE) })?;
    // SAFETY: as above. Kernels before 6.1 do not know it, and do the same by and by.
    let _ = check(unsafe { libc::madvise(start, to - from, libc::MADV_COLLAPSE) });
    Ok(())
}

/// Bytes of a huge page.
pub const HUGE_PAGE: usize = 2 << 20;

static MAPPED: AtomicUsize = AtomicUsize::new(0);

/// `bytes` zero bytes straight from the kernel, aligned to a huge page; null if it has none left. For large blocks that live long
/// and fill slowly: an allocator would round 2.03 MiB up to 2.5, and count what was never touched. Tell with [`count_mapped`] what is,
/// and give the range back with [`unmap`].
pub fn map(bytes: usize) -> *mut u8 {
    let (protection, kind) = (
        libc::PROT_READ | libc::PROT_WRITE,
        libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
    );
    let room = whole_pages(bytes) + HUGE_PAGE;
    // SAFETY: an anonymous mapping at an address that the kernel chooses touches nothing that exists.
    let start = unsafe { libc::mmap(std::ptr::null_mut(), room, protection, kind, -1, 0) };
    if start == libc::MAP_FAILED {
        return std::ptr::null_mut();
    }
    let start = start.cast::<u8>();
    let before = start.addr().next_multiple_of(HUGE_PAGE) - start.addr();
    let used = whole_pages(bytes);
    let aligned = start.wrapping_add(before);
    // SAFETY: both ranges lie in the mapping made above, outside the part that is handed out.
    unsafe {
        release(start, before);
        release(aligned.wrapping_add(used), room - before - used);
    }
    aligned
}

/// So many more bytes of what [`map`] gave are in use: they count as allocated from now on.
pub fn count_mapped(bytes: usize) {
    MAPPED.fetch_add(bytes, Relaxed);
}

/// Bytes of the pages that `bytes` bytes from the start of a page lie in.
pub fn whole_pages(bytes: usize) -> usize {
    bytes.next_multiple_of(page_bytes())
}

/// Gives back what [`map`] gave, of which `counted` bytes were told to [`count_mapped`].
///
/// # Safety
/// `start` came from `map(bytes)`, and nothing uses the range any more.
pub unsafe fn unmap(start: *mut u8, bytes: usize, counted: usize) {
    // SAFETY: the caller's duty; the range is the one that `map` kept.
    unsafe { release(start, whole_pages(bytes)) };
    MAPPED.fetch_sub(counted, Relaxed);
}

/// # Safety
/// The range is a part of a mapping, in whole pages, that nothing uses.
unsafe fn release(start: *mut u8, bytes: usize) {
    if bytes > 0 {
        // SAFETY: the caller's duty.
        let code = unsafe { libc::munmap(start.cast(), bytes) };
        debug_assert_eq!(code, 0, "{}", io::Error::last_os_error());
    }
}

/// What the allocator holds, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AllocatorFigures {
    /// Asked for by the program and not freed, rounded up to the allocator's size classes.
    pub allocated: usize,
    /// In pages that hold at least one allocation.
    pub active: usize,
    /// In pages that the allocator keeps in memory, empty ones included.
    pub resident: usize,
    /// In pages that the allocator got from the kernel.
    pub mapped: usize,
}

/// Calls of [`allocated_bytes`] that one reading of the allocator serves.
pub const ALLOCATED_CALLS_PER_READING: u32 = 256;

static ALLOCATED: AtomicUsize = AtomicUsize::new(0);
static ALLOCATED_CALLS: AtomicU32 = AtomicU32::new(0);

/// Allocated bytes, cheap enough to be asked before each write: two atomic operations, and a reading of the allocator at
/// every [`ALLOCATED_CALLS_PER_READING`]th call (12 us with jemalloc on two cores; it grows with their number). So the
/// answer may be behind by what the calls since the last reading allocated or freed. Who is about to allocate much asks
/// [`allocated_bytes_now`].
pub fn allocated_bytes() -> usize {
    if ALLOCATED_CALLS
        .fetch_add(1, Relaxed)
        .is_multiple_of(ALLOCATED_CALLS_PER_READING)
    {
        return allocated_bytes_now();
    }
    ALLOCATED.load(Relaxed)
}

/// Allocated bytes as of now; what later calls of [`allocated_bytes`] answer. With jemalloc, small blocks that threads
/// keep for reuse count as allocated (some KiB for each thread and size).
pub fn allocated_bytes_now() -> usize {
    let allocated = allocator_figures().allocated;
    ALLOCATED.store(allocated, Relaxed);
    allocated
}

/// All figures of the allocator as of now, and what is in use of what [`map`] gave.
pub fn allocator_figures() -> AllocatorFigures {
    let figures = allocator::figures();
    let beside = MAPPED.load(Relaxed);
    AllocatorFigures {
        allocated: figures.allocated + beside,
        active: figures.active + beside,
        resident: figures.resident + beside,
        mapped: figures.mapped + beside,
    }
}

/// The allocator's name and version as INFO prints them, like `jemalloc-5.3.0`.
pub fn allocator_name() -> String {
    allocator::name()
}

/// Gives back to the kernel what the allocator keeps for reuse.
pub fn purge_allocator() {
    allocator::purge();
}

#[cfg(feature = "jemalloc")]
mod allocator {
    //! jemalloc, through its `mallctl`.

    use super::AllocatorFigures;
    use std::ffi::{CStr, c_char};
    use std::ptr::{from_mut, null, null_mut};
    use tikv_jemalloc_sys::mallctl;

    pub fn figures() -> AllocatorFigures {
        refresh();
        AllocatorFigures {
            allocated: read_size(c"stats.allocated"),
            active: read_size(c"stats.active"),
            resident: read_size(c"stats.resident"),
            mapped: read_size(c"stats.mapped"),
        }
    }

    /// Makes the figures current: jemalloc answers from a copy, renewed when its epoch is written.
    fn refresh() {
        let mut epoch = 1_u64;
        let (value, length) = (from_mut(&mut epoch).cast(), size_of::<u64>());
        // SAFETY: the name ends in a zero byte, and `epoch` is the u64 that this name takes, alive during the call.
        unsafe { mallctl(c"epoch".as_ptr(), null_mut(), null_mut(), value, length) };
    }

    /// A figure of type `size_t`, 0 where jemalloc was built without it.
    fn read_size(name: &CStr) -> usize {
        let (mut value, mut length) = (0_usize, size_of::<usize>());
        let place = from_mut(&mut value).cast();
        // SAFETY: the name ends in a zero byte; the place has the length that is named with it, and jemalloc refuses a
        // length that is not that of its figure.
        let code = unsafe { mallctl(name.as_ptr(), place, &mut length, null_mut(), 0) };
        if code == 0 { value } else { 0 }
    }

    pub fn name() -> String {
        let (mut version, mut length) = (null::<c_char>(), size_of::<*const c_char>());
        let place = from_mut(&mut version).cast();
        // SAFETY: the name ends in a zero byte; the figure is a pointer and so is the place.
        let code = unsafe { mallctl(c"version".as_ptr(), place, &mut length, null_mut(), 0) };
        if code != 0 || version.is_null() {
            return String::from("jemalloc");
        }
        // SAFETY: jemalloc gave a constant string of its own, which ends in a zero byte.
        let version = unsafe { CStr::from_ptr(version) }.to_string_lossy();
        format!("jemalloc-{}", version.split('-').next().unwrap_or_default())
    }

    pub fn purge() {
        // 4096 stands for all arenas (MALLCTL_ARENAS_ALL).
        // SAFETY: the name ends in a zero byte; the call takes and gives no value.
        unsafe {
            mallctl(
                c"arena.4096.purge".as_ptr(),
                null_mut(),
                null_mut(),
                null_mut(),
                0,
            )
        };
    }
}

#[cfg(all(not(feature = "jemalloc"), target_os = "linux", target_env = "gnu"))]
mod allocator {
    //! glibc's malloc. What it keeps in memory of its empty pages it does not tell: resident is what it got.

    use super::AllocatorFigures;

    pub fn figures() -> AllocatorFigures {
        // SAFETY: the call takes nothing and returns a struct of numbers.
        let info = unsafe { libc::mallinfo2() };
        let mapped = info.arena + info.hblkhd;
        AllocatorFigures {
            allocated: info.uordblks + info.hblkhd,
            active: mapped,
            resident: mapped,
            mapped,
        }
    }

    pub fn name() -> String {
        String::from("libc")
    }

    pub fn purge() {
        // SAFETY: the call only unmaps pages that hold no allocation.
        unsafe { libc::malloc_trim(0) };
    }
}

#[cfg(all(
    not(feature = "jemalloc"),
    not(all(target_os = "linux", target_env = "gnu"))
))]
mod allocator {
    //! An allocator that tells nothing: the memory of the process stands for every figure.

    use super::AllocatorFigures;

    pub fn figures() -> AllocatorFigures {
        let resident = super::resident_bytes();
        AllocatorFigures {
            allocated: resident,
            active: resident,
            resident,
            mapped: resident,
        }
    }

    pub fn name() -> String {
        String::from("libc")
    }

    pub fn purge() {}
}

/// Memory that the process occupies (RSS) in bytes; 0 where the system does not tell.
pub fn resident_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm
        .split_ascii_whitespace()
        .nth(1)
        .and_then(|word| word.parse::<usize>().ok());
    pages.unwrap_or(0) * page_bytes()
}

/// Memory of the machine in bytes.
pub fn system_memory_bytes() -> usize {
    // SAFETY: the call takes a name and returns a number.
    let pages = unsafe { libc::sysconf(libc::_SC_PHYS_PAGES) };
    usize::try_from(pages).unwrap_or(0) * page_bytes()
}

fn page_bytes() -> usize {
    // SAFETY: the call takes a name and returns a number.
    let bytes = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(bytes).unwrap_or(4096)
}

/// CPU time in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CpuTimes {
    /// Spent in the program.
    pub user_s: f64,
    /// Spent in the kernel on its behalf.
    pub system_s: f64,
}

/// CPU time that this process has used so far, all threads together.
pub fn cpu_times() -> CpuTimes {
    // SAFETY: a rusage is numbers only, so zeros are one.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: the call fills the struct, which is alive and of its type.
    unsafe { libc::getrusage(libc::RUSAGE_SELF, &mut usage) };
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    CpuTimes {
        user_s: seconds(usage.ru_utime),
        system_s: seconds(usage.ru_stime),
    }
}

/// How many files and sockets this process may have open (the soft limit).
pub fn open_files_limit() -> io::Result<u64> {
    Ok(open_files_limits()?.rlim_cur)
}

/// Raises the number of files and sockets that may be open to `wanted`, or as far towards it as the system allows; never
/// lowers it. Returns the number that holds now.
pub fn raise_open_files_limit(wanted: u64) -> io::Result<u64> {
    let limits = open_files_limits()?;
    if limits.rlim_cur >= wanted {
        return Ok(limits.rlim_cur);
    }
    let raised = libc::rlimit {
        rlim_cur: wanted,
        rlim_max: limits.rlim_max.max(wanted),
    };
    if set_open_files_limits(raised).is_err() {
        // Without privileges the hard limit is the end.
        set_open_files_limits(libc::rlimit {
            rlim_cur: limits.rlim_max.min(wanted),
            ..limits
        })?;
    }
    open_files_limit()
}

fn open_files_limits() -> io::Result<libc::rlimit> {
    let mut limits = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: the call fills the struct, which is alive and of its type.
    check(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limits) })?;
    Ok(limits)
}

fn set_open_files_limits(limits: libc::rlimit) -> io::Result<()> {
    // SAFETY: the call reads the struct, which is alive and of its type.
    check(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &limits) })
}

/// Ignores the signals that would end the process for what a write already reports as an error, or for a terminal that
/// went away: SIGXFSZ (file size limit), SIGPIPE (peer gone), SIGHUP. Called once at start.
pub fn ignore_signals() {
    for signal in [libc::SIGXFSZ, libc::SIGPIPE, libc::SIGHUP] {
        // SAFETY: SIG_IGN installs no code of ours, so nothing can run at a wrong moment.
        unsafe { libc::signal(signal, libc::SIG_IGN) };
    }
}

/// Has the system probe the peer of a TCP socket that was silent for `seconds`, three times at most and a third of that time
/// apart, and end the connection when it does not answer. Where the system is not Linux, its own times hold.
pub fn keep_alive(socket: &impl AsFd, seconds: u64) -> io::Result<()> {
    set_option(socket, libc::SOL_SOCKET, libc::SO_KEEPALIVE, 1)?;
    #[cfg(target_os = "linux")]
    {
        // The most that Linux takes.
        let idle = seconds.min(32_767) as libc::c_int;
        set_option(socket, libc::IPPROTO_TCP, libc::TCP_KEEPIDLE, idle)?;
        let between = (idle / 3).max(1);
        set_option(socket, libc::IPPROTO_TCP, libc::TCP_KEEPINTVL, between)?;
        set_option(socket, libc::IPPROTO_TCP, libc::TCP_KEEPCNT, 3)?;
    }
    #[cfg(not(target_os = "linux"))]
    let _ = seconds;
    Ok(())
}

fn set_option(
    socket: &impl AsFd,
    level: libc::c_int,
    name: libc::c_int,
    value: libc::c_int,
) -> io::Result<()> {
    let (value, bytes) = (&raw const value, size_of::<libc::c_int>());
    // SAFETY: the descriptor is borrowed and so open, the value is alive and has the length that is named with it.
    check(unsafe {
        libc::setsockopt(
            socket.as_fd().as_raw_fd(),
            level,
            name,
            value.cast(),
            bytes as libc::socklen_t,
        )
    })
}

fn check(code: libc::c_int) -> io::Result<()> {
    if code == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefetch_takes_any_address_and_length() {
        let bytes = [0_u8; 300];
        for (start, length) in [(0, 300), (1, 64), (63, 2), (5, 0)] {
            prefetch(&bytes[start], length);
        }
        prefetch(std::ptr::null(), 4096);
    }

    #[test]
    fn what_is_gathered_into_huge_pages_stays_what_it_is() {
        let memory = vec![1_u8; 8 << 20];
        // A kernel without huge pages answers EINVAL.
        if let Err(error) = gather_into_huge_pages(memory.as_ptr(), memory.len()) {
            assert_eq!(error.raw_os_error(), Some(libc::EINVAL));
        }
        assert!(memory.iter().all(|&byte| byte == 1));
        gather_into_huge_pages(memory.as_ptr(), 4096).expect("less than a huge page is left alone");
    }

    /// One test for all figures, because blocks of this size in two tests would disturb each other.
    #[test]
    fn what_is_mapped_is_zero_aligned_and_counted_until_it_is_given_back() {
        let bytes = HUGE_PAGE + 12_345;
        let before = MAPPED.load(Relaxed);
        let start = map(bytes);
        assert!(!start.is_null() && start.addr().is_multiple_of(HUGE_PAGE));
        // SAFETY: the range was just mapped, and nobody else has it.
        let range = unsafe { std::slice::from_raw_parts_mut(start, bytes) };
        assert!(range.iter().all(|byte| *byte == 0));
        range.fill(1);
        count_mapped(bytes);
        assert!(MAPPED.load(Relaxed) >= before + bytes);
        // SAFETY: mapped above with this length; `range` is not used any more.
        unsafe { unmap(start, bytes, bytes) };
    }

    #[test]
    fn what_is_allocated_is_counted() {
        const MIB: usize = 1 << 20;
        let before = allocated_bytes_now();
        let block = vec![1_u8; 256 * MIB];
        // Other tests allocate and free meanwhile, but not half as much.
        let renewed =
            (0..=ALLOCATED_CALLS_PER_READING).any(|_| allocated_bytes() > before + 128 * MIB);
        assert!(renewed, "before {before}, now {}", allocated_bytes());
        let figures = allocator_figures();
        assert!(
            figures.allocated > before + 128 * MIB,
            "{before} -> {figures:?}"
        );
        assert!(
            figures.active >= figures.allocated && figures.mapped >= figures.active,
            "{figures:?}"
        );
        assert!(resident_bytes() > 128 * MIB);
        drop(block);
        purge_allocator();
        assert!(allocated_bytes_now() < figures.allocated - 128 * MIB);
    }

    #[test]
    fn the_limit_of_open_files_never_falls() {
        let before = open_files_limit().expect("readable");
        assert_eq!(raise_open_files_limit(1).expect("nothing to do"), before);
        assert!(raise_open_files_limit(before + 1).expect("at most the hard limit") >= before);
    }

    #[test]
    fn the_process_and_its_machine_have_figures() {
        assert!(system_memory_bytes() >= resident_bytes());
        assert!(resident_bytes() > 0);
        let before = cpu_times();
        let sum = (0..20_000_000_u64).fold(0, |sum, i| std::hint::black_box(sum ^ i));
        assert!(sum < u64::MAX && cpu_times().user_s >= before.user_s);
        assert!(!allocator_name().is_empty());
    }

    #[test]
    fn ignored_signals_do_not_end_the_process() {
        ignore_signals();
        for signal in [libc::SIGXFSZ, libc::SIGPIPE, libc::SIGHUP] {
            // SAFETY: the signal is ignored, so raising it runs nothing.
            assert_eq!(unsafe { libc::raise(signal) }, 0);
        }
    }
}
