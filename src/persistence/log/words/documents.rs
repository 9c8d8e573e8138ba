//! Words about indexes over documents, and their aliases. The options of an index are the schema's own words.

use super::read::{Args, Read};
use super::write::write_with_list;
use crate::keyspace::change::Effect;
use crate::keyspace::documents::schema::{self, Schema};
use crate::keyspace::documents::words::Words;
use bytes::Bytes;
use std::sync::Arc;

pub(super) fn encode_create(key: &[u8], schema: &Schema, out: &mut Vec<u8>) {
    let words: Vec<Bytes> = schema.to_words().into_iter().map(Bytes::from).collect();
    write_with_list(out, &[b"FT.CREATE", key], &words);
}

pub(super) fn decode(name: &[u8], args: &mut Args<'_>) -> Read<Option<Effect>> {
    Ok(Some(match name {
        b"FT.CREATE" => decode_create(args)?,
        b"FT.DROPINDEX" => Effect::DropIndex,
        b"FT.ALIASUPDATE" => Effect::SetAlias { index: args.key()? },
        b"FT.ALIASDEL" => Effect::DropAlias,
        _ => return Ok(None),
    }))
}

fn decode_create(args: &mut Args<'_>) -> Read<Effect> {
    let words = args.rest();
    let words: Vec<&[u8]> = words.iter().map(|word| &word[..]).collect();
    let schema =
        schema::create(&mut Words::new(&words)).map_err(|_| "not the words of an index")?;
    Ok(Effect::CreateIndex {
        schema: Arc::new(schema),
    })
}
