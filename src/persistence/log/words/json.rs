//! Words about JSON documents: where, and which edit.

use super::read::{Args, Read};
use super::write::{digits, write, write_with_list};
use crate::keyspace::change::Effect;
use crate::keyspace::json::{Edit, Json, Node, Place};
use bytes::Bytes;

pub(super) fn encode(key: &[u8], place: &Place, edit: &Edit, out: &mut Vec<u8>) {
    let place = place.to_string();
    let place = place.as_bytes();
    match edit {
        Edit::Set(value) => write(out, &[b"JSON.SET", key, place, &value.node().to_text()]),
        Edit::Delete => write(out, &[b"JSON.DEL", key, place]),
        Edit::Merge(patch) => write(out, &[b"JSON.MERGE", key, place, &patch.node().to_text()]),
        Edit::Append(suffix) => {
            let suffix = Node::Text(suffix).to_text();
            write(out, &[b"JSON.STRAPPEND", key, place, &suffix]);
        }
        Edit::Insert { at, values } => {
            let values: Vec<Bytes> = values.iter().map(|v| v.node().to_text().into()).collect();
            let head: [&[u8]; 4] = [b"JSON.ARRINSERT", key, place, &digits(*at as u64)];
            write_with_list(out, &head, &values);
        }
        Edit::Pop { at } => write(out, &[b"JSON.ARRPOP", key, place, &digits(*at as u64)]),
        Edit::Trim { start, len } => {
            let [start, stop] = ends(*start, *len).map(|end| digits(end as u64));
            write(out, &[b"JSON.ARRTRIM", key, place, &start, &stop]);
        }
    }
}

/// A trimmed array keeps `start ..= stop`; none of it when stop lies before start.
fn ends(start: usize, len: usize) -> [usize; 2] {
    match len {
        0 => [1, 0],
        len => [start, start + len - 1],
    }
}

pub(super) fn decode(name: &[u8], args: &mut Args<'_>) -> Read<Option<Effect>> {
    if !name.starts_with(b"JSON.") {
        return Ok(None);
    }
    let place = args.place()?;
    let edit = match name {
        b"JSON.SET" => Edit::Set(args.json()?),
        b"JSON.DEL" => Edit::Delete,
        b"JSON.MERGE" => Edit::Merge(args.json()?),
        b"JSON.STRAPPEND" => match args.json()? {
            Json::Text(suffix) => Edit::Append(suffix),
            _ => return Err("a string is expected"),
        },
        b"JSON.ARRINSERT" => decode_insert(args)?,
        b"JSON.ARRPOP" => Edit::Pop { at: args.size()? },
        b"JSON.ARRTRIM" => decode_trim(args)?,
        _ => return Ok(None),
    };
    Ok(Some(Effect::Json { place, edit }))
}

fn decode_insert(args: &mut Args<'_>) -> Read<Edit> {
    let at = args.size()?;
    let mut values = vec![args.json()?];
    while !args.is_empty() {
        values.push(args.json()?);
    }
    Ok(Edit::Insert { at, values })
}

fn decode_trim(args: &mut Args<'_>) -> Read<Edit> {
    let (start, stop) = (args.size()?, args.size()?);
    Ok(match start > stop {
        true => Edit::Trim { start: 0, len: 0 },
        false => Edit::Trim {
            start,
            len: (stop - start).saturating_add(1),
        },
    })
}
