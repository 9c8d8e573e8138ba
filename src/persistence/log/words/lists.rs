//! Words about lists.

use super::read::{Args, Read};
use super::write::{Digits, digits, write, write_with_list};
use crate::keyspace::change::Effect;
use crate::keyspace::list::End;
use crate::protocol::number::parse_u64;
use bytes::Bytes;

pub(super) fn encode_push(key: &[u8], end: End, elements: &[Bytes], out: &mut Vec<u8>) {
    write_with_list(out, &[at_end(end, b"LPUSH", b"RPUSH"), key], elements);
}

pub(super) fn encode_pop(key: &[u8], end: End, count: usize, out: &mut Vec<u8>) {
    let word = at_end(end, b"LPOP", b"RPOP");
    write(out, &[word, key, &digits(count as u64)]);
}

pub(super) fn encode_set(key: &[u8], place: usize, element: &[u8], out: &mut Vec<u8>) {
    write(out, &[b"LSET", key, &digits(place as u64), element]);
}

pub(super) fn encode_insert(
    key: &[u8],
    side: End,
    [pivot, element]: [&[u8]; 2],
    out: &mut Vec<u8>,
) {
    let side = at_end(side, b"BEFORE", b"AFTER");
    write(out, &[b"LINSERT", key, side, pivot, element]);
}

/// The count is below zero where it is counted from the last element.
pub(super) fn encode_remove(key: &[u8], end: End, count: usize, element: &[u8], out: &mut Vec<u8>) {
    let mut signed = Digits::from_slice(at_end(end, b"", b"-"));
    signed.extend_from_slice(&digits(count as u64));
    write(out, &[b"LREM", key, &signed, element]);
}

pub(super) fn encode_trim(key: &[u8], first: usize, last: usize, out: &mut Vec<u8>) {
    let (first, last) = (digits(first as u64), digits(last as u64));
    write(out, &[b"LTRIM", key, &first, &last]);
}

/// The word for one end of a list, or the other.
fn at_end(end: End, front: &'static [u8], back: &'static [u8]) -> &'static [u8] {
    match end {
        End::Front => front,
        End::Back => back,
    }
}

pub(super) fn decode(name: &[u8], args: &mut Args<'_>) -> Read<Option<Effect>> {
    Ok(Some(match name {
        b"LPUSH" => decode_push(End::Front, args),
        b"RPUSH" => decode_push(End::Back, args),
        b"LPOP" => decode_pop(End::Front, args)?,
        b"RPOP" => decode_pop(End::Back, args)?,
        b"LSET" => Effect::ListSet {
            place: args.size()?,
            element: args.next()?,
        },
        b"LINSERT" => decode_insert(args)?,
        b"LREM" => decode_remove(args)?,
        b"LTRIM" => Effect::ListTrim {
            first: args.size()?,
            last: args.size()?,
        },
        _ => return Ok(None),
    }))
}

fn decode_push(end: End, args: &mut Args<'_>) -> Effect {
    let elements = args.rest();
    Effect::ListPush { end, elements }
}

fn decode_pop(end: End, args: &mut Args<'_>) -> Read<Effect> {
    let count = args.size()?;
    Ok(Effect::ListPop { end, count })
}

fn decode_insert(args: &mut Args<'_>) -> Read<Effect> {
    Ok(Effect::ListInsert {
        side: match &args.next()?[..] {
            b"BEFORE" => End::Front,
            b"AFTER" => End::Back,
            _ => return Err("neither BEFORE nor AFTER"),
        },
        pivot: args.next()?,
        element: args.next()?,
    })
}

fn decode_remove(args: &mut Args<'_>) -> Read<Effect> {
    let count = args.next()?;
    let (end, digits) = match count.strip_prefix(b"-") {
        Some(digits) => (End::Back, digits),
        None => (End::Front, &count[..]),
    };
    let count = parse_u64(digits).ok_or("a number is expected")? as usize;
    Ok(Effect::ListRemove {
        end,
        count,
        element: args.next()?,
    })
}
