//! FT.CREATE and FT.ALTER: the index's options in any order, then SCHEMA and the fields.

use super::super::text::language::Language;
use super::super::words::{ArgumentError, Words, is_word, text_of};
use super::*;

/// Options as they were written; they are checked once all are read, as the module does, so that the first error reported is
/// the same.
#[derive(Default)]
struct Written<'a> {
    kind: Option<&'a [u8]>,
    score: Option<&'a [u8]>,
    language: Option<&'a [u8]>,
    index_all: Option<&'a [u8]>,
    prefixes: Option<Words<'a>>,
    filter: Option<&'a [u8]>,
    stop_words: Option<Words<'a>>,
}

/// Reads the words of FT.CREATE after the index's name.
pub fn create(words: &mut Words) -> Result<Schema, SchemaError> {
    let mut schema = Schema::default();
    let mut written = Written::default();
    while let Some(keyword) = words.peek() {
        if !read_option(keyword, words, &mut schema, &mut written)? {
            break;
        }
    }
    if schema.options.max_text_fields && schema.options.no_fields {
        return Err(SchemaError::WideWithoutFields);
    }
    check(&written, &mut schema)?;
    if !words.accept("SCHEMA") {
        return Err(match words.peek() {
            Some(word) => SchemaError::UnknownArgument(text_of(word)),
            None => SchemaError::NoSchema,
        });
    }
    add_fields(&mut schema, words)?;
    Ok(schema)
}

/// FT.ALTER: reads the words after the index's name and adds the fields to a copy of `schema`.
/// The second part of the answer: whether existing keys are scanned again.
pub fn alter(schema: &Schema, words: &mut Words) -> Result<(Schema, bool), SchemaError> {
    let scans = !words.accept("SKIPINITIALSCAN");
    if !words.accept("SCHEMA") {
        return Err(SchemaError::AlterNeedsSchema);
    }
    if !words.accept("ADD") {
        return Err(SchemaError::AlterNeedsAdd);
    }
    if words.is_done() {
        return Err(SchemaError::AlterNeedsFields);
    }
    let mut schema = schema.clone();
    let before = schema.text_fields().count();
    let is_wide = before > NARROW_TEXT_FIELDS_MAX || schema.options.max_text_fields;
    add_fields(&mut schema, words)?;
    let after = schema.text_fields().count();
    if !is_wide && !schema.options.no_fields && after > before && after > NARROW_TEXT_FIELDS_MAX {
        return Err(SchemaError::Narrow);
    }
    Ok((schema, scans))
}

/// Whether the first field that the words of FT.ALTER add is in the schema already.
pub fn first_added_is_known(schema: &Schema, words: &[&[u8]]) -> bool {
    let mut words = Words::new(words);
    words.accept("SKIPINITIALSCAN");
    let names_a_field = words.accept("SCHEMA") && words.accept("ADD");
    let name = field::read_name(&mut words);
    names_a_field && name.is_ok_and(|(_, name)| schema.find(&name).is_some())
}

/// Takes one option with its words; false if `keyword` begins none.
fn read_option<'a>(
    keyword: &'a [u8],
    words: &mut Words<'a>,
    schema: &mut Schema,
    written: &mut Written<'a>,
) -> Result<bool, SchemaError> {
    let name = keyword.to_ascii_uppercase();
    let mut rest = *words;
    rest.next();
    let options = &mut schema.options;
    match name.as_slice() {
        b"ON" => written.kind = Some(value("ON", &mut rest)?),
        b"PREFIX" => written.prefixes = Some(list("PREFIX", &mut rest)?),
        b"FILTER" => written.filter = Some(value("FILTER", &mut rest)?),
        b"SCORE" => written.score = Some(value("SCORE", &mut rest)?),
        b"SCORE_FIELD" => schema.score_field = Some(text("SCORE_FIELD", &mut rest)?),
        b"LANGUAGE" => written.language = Some(value("LANGUAGE", &mut rest)?),
        b"LANGUAGE_FIELD" => schema.language_field = Some(text("LANGUAGE_FIELD", &mut rest)?),
        b"PAYLOAD_FIELD" => schema.payload_field = Some(text("PAYLOAD_FIELD", &mut rest)?),
        b"INDEXALL" => written.index_all = Some(value("INDEXALL", &mut rest)?),
        b"TEMPORARY" => {
            let seconds = rest.int(i64::MIN).map_err(bad("TEMPORARY"))?;
            schema.temporary_s = (seconds != -1).then_some(seconds);
        }
        b"STOPWORDS" => written.stop_words = Some(list("STOPWORDS", &mut rest)?),
        b"MAXTEXTFIELDS" => options.max_text_fields = true,
        b"NOOFFSETS" => {
            options.no_offsets = true;
            options.no_highlights = true;
        }
        b"NOHL" => options.no_highlights = true,
        b"NOFIELDS" => options.no_fields = true,
        b"NOFREQS" => options.no_frequencies = true,
        b"SKIPINITIALSCAN" => schema.skips_initial_scan = true,
        // Options of versions long gone, accepted without effect.
        b"ASYNC" | b"NOSCOREIDX" => {}
        _ => return Ok(false),
    }
    *words = rest;
    Ok(true)
}

/// Names what was being read when an argument was refused.
pub(super) fn bad(what: &'static str) -> impl Fn(ArgumentError) -> SchemaError {
    move |why| SchemaError::Argument { what, why }
}

fn value<'a>(what: &'static str, words: &mut Words<'a>) -> Result<&'a [u8], SchemaError> {
    words.word().map_err(bad(what))
}

fn text(what: &'static str, words: &mut Words) -> Result<String, SchemaError> {
    words.text().map_err(bad(what))
}

fn list<'a>(what: &'static str, words: &mut Words<'a>) -> Result<Words<'a>, SchemaError> {
    words.counted().map_err(bad(what))
}

/// Checks what was written in the search module's order.
fn check(written: &Written, schema: &mut Schema) -> Result<(), SchemaError> {
    if let Some(kind) = written.kind {
        schema.documents = match kind {
            kind if is_word(kind, "HASH") => DocumentKind::Hash,
            kind if is_word(kind, "JSON") => DocumentKind::Json,
            _ => return Err(SchemaError::DocumentKind(text_of(kind))),
        };
    }
    if let Some(score) = written.score {
        schema.score = crate::protocol::number::parse_double(score.trim_ascii_start())
            .filter(|score| (0.0..=1.0).contains(score))
            .ok_or(SchemaError::Score)?;
    }
    if let Some(name) = written.language {
        schema.language = Language::parse(name).ok_or(SchemaError::Language)?;
    }
    if let Some(prefixes) = written.prefixes
        && prefixes.left() > 0
    {
        if prefixes.left() > PREFIXES_MAX {
            return Err(SchemaError::Prefixes(prefixes.left()));
        }
        schema.prefixes = prefixes.map(<[u8]>::to_vec).collect();
    }
    if let Some(filter) = written.filter {
        schema.filter = Some(DocumentFilter::parse(text_of(filter)).map_err(SchemaError::Filter)?);
    }
    if let Some(word) = written.index_all {
        schema.indexes_all = is_word(word, "ENABLE");
        if !schema.indexes_all && !is_word(word, "DISABLE") {
            return Err(SchemaError::IndexAll);
        }
    }
    let own = |words: Words| words.take(STOP_WORDS_MAX).map(text_of).collect();
    schema.stop_words = written.stop_words.map(own);
    Ok(())
}

/// Reads the fields to the end of the words.
fn add_fields(schema: &mut Schema, words: &mut Words) -> Result<(), SchemaError> {
    if words.is_done() {
        return Err(SchemaError::NoFields);
    }
    while !words.is_done() {
        if schema.fields.len() == FIELDS_MAX {
            return Err(SchemaError::Fields);
        }
        let field = field::read(schema, words)?;
        schema.fields.push(field);
        if schema
            .fields
            .iter()
            .filter(|f| f.kind.is_text() && !f.is_unindexed)
            .count()
            > TEXT_FIELDS_MAX
        {
            return Err(SchemaError::TextFields);
        }
    }
    Ok(())
}
