//! What Redis would call the form of a value: OBJECT ENCODING, and which collections are so small that a scan answers with
//! all of them.

use crate::config::Config;
use crate::keyspace::Value;
use crate::keyspace::hash::{Field, Hash};
use crate::keyspace::list::List;
use crate::keyspace::set::Set;
use crate::keyspace::sorted_set::SortedSet;
use crate::protocol::number;

/// Bytes up to which a string that is no integer is called `embstr`.
const EMBSTR_BYTES_MAX: usize = 44;
/// Longest text of a 64-bit integer.
const INT_BYTES_MAX: usize = 20;

/// The name of a value's form, by the limits that the options set.
pub fn encoding_of(value: &Value, config: &Config) -> &'static str {
    match value {
        Value::String(bytes) if bytes.len() <= INT_BYTES_MAX => match number::parse_i64(bytes) {
            Some(_) => "int",
            None => "embstr",
        },
        Value::String(bytes) if bytes.len() <= EMBSTR_BYTES_MAX => "embstr",
        Value::String(_) => "raw",
        Value::Set(set) if is_intset(set, config) => "intset",
        Value::Set(set) if is_listpack_set(set, config) => "listpack",
        Value::Set(_) => "hashtable",
        Value::SortedSet(set) if is_listpack_sorted_set(set, config) => "listpack",
        Value::SortedSet(_) => "skiplist",
        Value::List(list) if is_listpack_list(list, config) => "listpack",
        Value::List(_) => "quicklist",
        Value::Hash(hash) if !is_listpack(hash, config) => "hashtable",
        Value::Hash(hash) if hash.expiring() > 0 => "listpackex",
        Value::Hash(_) => "listpack",
        Value::Json(_) | Value::Collection(_) => "raw",
    }
}

/// Whether a hash is so small that Redis keeps it as one list; HSCAN then answers with all of it.
pub fn is_listpack(hash: &Hash, config: &Config) -> bool {
    let bytes_max = config.hash_max_listpack_value_bytes();
    hash.len() as u64 <= config.hash_max_listpack_entries()
        && hash.iter().all(|Field { name, value, .. }| {
            name.len() as u64 <= bytes_max && value.len() as u64 <= bytes_max
        })
}

/// Whether a set is so small that Redis keeps it in one piece; SSCAN then answers with all of it.
pub fn is_small_set(set: &Set, config: &Config) -> bool {
    is_intset(set, config) || is_listpack_set(set, config)
}

fn is_intset(set: &Set, config: &Config) -> bool {
    set.len() as u64 <= config.set_max_intset_entries()
        && set
            .iter()
            .all(|member| member.len() <= INT_BYTES_MAX && number::parse_i64(member).is_some())
}

fn is_listpack_set(set: &Set, config: &Config) -> bool {
    let bytes_max = config.set_max_listpack_value_bytes();
    set.len() as u64 <= config.set_max_listpack_entries()
        && set.iter().all(|member| member.len() as u64 <= bytes_max)
}

/// Whether a sorted set is so small that Redis keeps it as one list; ZSCAN then answers with all of it.
pub fn is_listpack_sorted_set(set: &SortedSet, config: &Config) -> bool {
    let bytes_max = config.zset_max_listpack_value_bytes();
    set.len() as u64 <= config.zset_max_listpack_entries()
        && set.iter().all(|item| item.member.len() as u64 <= bytes_max)
}

/// A limit below zero is one of bytes, in steps from 4 to 64 KiB.
fn is_listpack_list(list: &List, config: &Config) -> bool {
    /// Bytes of a listpack around its elements.
    const FIXED: usize = 7;
    /// What a node of Redis' list never exceeds where elements are counted.
    const NODE_BYTES_MAX: usize = 8192;
    let (len_max, bytes_max) = match config.list_max_listpack_size() {
        len @ 0.. => (len.unsigned_abs().max(1), NODE_BYTES_MAX),
        step => (u64::MAX, 4096 << (step.unsigned_abs().min(5) - 1)),
    };
    // Each element takes two bytes at least, so that a long list need not be gone through.
    list.len() as u64 <= len_max
        && list.len() * 2 <= bytes_max
        && FIXED
            + list
                .iter()
                .map(|element| listpack_bytes(element))
                .sum::<usize>()
            <= bytes_max
}

/// Bytes of an element in a listpack: integers are packed, everything carries its length at both ends.
fn listpack_bytes(element: &[u8]) -> usize {
    let integer = Some(element).filter(|element| element.len() <= INT_BYTES_MAX);
    let encoded = match integer.and_then(number::parse_i64) {
        Some(0..=127) => 1,
        Some(-4096..=4095) => 2,
        Some(n) if i16::try_from(n).is_ok() => 3,
        Some(-8_388_608..=8_388_607) => 4,
        Some(n) if i32::try_from(n).is_ok() => 5,
        Some(_) => 9,
        None => {
            let len = element.len();
            len + match len {
                0..64 => 1,
                64..4096 => 2,
                _ => 5,
            }
        }
    };
    encoded
        + match encoded {
            0..128 => 1,
            128..16_384 => 2,
            16_384..2_097_152 => 3,
            2_097_152..268_435_456 => 4,
            _ => 5,
        }
}
