//! The kernels for x86-64, and which of them this CPU can run.

mod avx2;
mod avx512;

use super::Kernels;
use std::arch::is_x86_feature_detected as has;

/// The versions that this CPU can run, the best one last.
///
/// AVX-512 comes in three steps, as the CPUs did: without VNNI and VPOPCNTDQ (Skylake-X), with VNNI (Cascade Lake), with
/// both (Ice Lake, Zen 4 and later). What a step lacks it takes from AVX2. AVX-VNNI is for CPUs that have no AVX-512 (Alder
/// Lake and later).
pub fn detected() -> Vec<Kernels> {
    let mut versions = Vec::new();
    if !(has!("avx2") && has!("fma") && has!("f16c") && has!("popcnt")) {
        return versions;
    }
    // SAFETY: AVX2, FMA, F16C and POPCNT were detected above.
    let avx2 = unsafe { avx2::kernels() };
    versions.push(avx2);
    if has!("avxvnni") {
        // SAFETY: AVX2 was detected above, and now AVX-VNNI.
        versions.push(unsafe { avx2::with_vnni_kernels(avx2) });
    }
    if !(has!("avx512f") && has!("avx512bw") && has!("avx512vl")) {
        return versions;
    }
    // SAFETY: AVX-512 F, BW and VL were detected above.
    let floats = unsafe { avx512::with_float_kernels(avx2) };
    versions.push(floats);
    if !has!("avx512vnni") {
        return versions;
    }
    // SAFETY: F, BW and VL were detected above, and now VNNI.
    let integers = unsafe { avx512::with_int8_kernels(floats) };
    versions.push(integers);
    if has!("avx512vpopcntdq") {
        // SAFETY: F, BW and VL were detected above, and now VPOPCNTDQ.
        versions.push(unsafe { avx512::with_hamming_kernels(integers) });
    }
    versions
}
