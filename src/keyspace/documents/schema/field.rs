//! One field of a schema: its name, its type with that type's options, and the options of all.

use super::super::words::{Words, text_of};
use super::create::bad;
use super::vector;
use super::*;

/// Reads one field; `schema` has those before it.
pub(super) fn read(schema: &Schema, words: &mut Words) -> Result<Field, SchemaError> {
    let (identifier, name) = read_name(words)?;
    if schema.find(&name).is_some() {
        return Err(SchemaError::Duplicate(name));
    }
    let mut field = Field {
        identifier,
        name,
        kind: FieldKind::Numeric,
        is_sortable: false,
        is_unnormalized: false,
        is_unindexed: false,
        indexes_missing: false,
        indexes_empty: false,
        has_suffixes: false,
    };
    read_kind(schema, &mut field, words)?;
    if matches!(field.kind, FieldKind::Vector(_)) {
        // SORTABLE and NOINDEX do not follow vectors: such a word is read as the next field's name.
        return Ok(field);
    }
    read_sorting(schema, &mut field, words);
    if field.is_unindexed && field.indexes_missing {
        return Err(SchemaError::UnindexedMissing(field.name));
    }
    Ok(field)
}

/// `identifier [AS name]`.
pub(super) fn read_name(words: &mut Words) -> Result<(String, String), SchemaError> {
    let identifier = words.word().map_err(|_| SchemaError::NoFields)?;
    let mut name = identifier;
    if words.accept("AS") {
        name = words.word().map_err(|_| SchemaError::NeedsArgument("AS"))?;
    }
    if name.contains(&0) {
        return Err(SchemaError::NullInName);
    }
    if identifier.contains(&0) {
        return Err(SchemaError::NullInPath);
    }
    Ok((text_of(identifier), text_of(name)))
}

/// The type's word and what belongs to it.
fn read_kind(schema: &Schema, field: &mut Field, words: &mut Words) -> Result<(), SchemaError> {
    if words.is_done() {
        return Err(SchemaError::NoType(field.name.clone()));
    }
    if words.accept("TEXT") {
        read_text(field, words)?;
    } else if words.accept("TAG") {
        read_tag(schema.documents, field, words)?;
    } else if words.accept("GEOSHAPE") {
        let is_flat = words.accept("FLAT");
        if !is_flat {
            words.accept("SPHERICAL");
        }
        field.kind = FieldKind::Geoshape { is_flat };
        field.indexes_missing = words.accept("INDEXMISSING");
    } else if words.accept("VECTOR") {
        field.kind = FieldKind::Vector(vector::read(words).map_err(SchemaError::Vector)?);
        field.indexes_missing = words.accept("INDEXMISSING");
    } else if words.accept("NUMERIC") {
        field.indexes_missing = words.accept("INDEXMISSING");
    } else if words.accept("GEO") {
        field.kind = FieldKind::Geo;
        field.indexes_missing = words.accept("INDEXMISSING");
    } else {
        return Err(SchemaError::Type(field.name.clone()));
    }
    Ok(())
}

/// What TEXT and TAG share.
fn read_word_option(field: &mut Field, words: &mut Words) -> bool {
    let option = match () {
        () if words.accept("WITHSUFFIXTRIE") => &mut field.has_suffixes,
        () if words.accept("INDEXEMPTY") => &mut field.indexes_empty,
        () if words.accept("INDEXMISSING") => &mut field.indexes_missing,
        () => return false,
    };
    *option = true;
    true
}

fn read_text(field: &mut Field, words: &mut Words) -> Result<(), SchemaError> {
    let (mut weight, mut is_unstemmed, mut phonetic) = (1.0, false, None);
    loop {
        if words.accept("NOSTEM") {
            is_unstemmed = true;
        } else if words.accept("WEIGHT") {
            weight = words.double(f64::NEG_INFINITY).map_err(bad("weight"))?;
        } else if words.accept("PHONETIC") {
            let matcher = words
                .word()
                .map_err(|_| SchemaError::NeedsArgument("PHONETIC"))?;
            if !matches!(matcher, b"dm:en" | b"dm:fr" | b"dm:pt" | b"dm:es") {
                return Err(SchemaError::Phonetic);
            }
            phonetic = Some(text_of(matcher));
        } else if !read_word_option(field, words) {
            break;
        }
    }
    field.kind = FieldKind::Text {
        weight,
        is_unstemmed,
        phonetic,
    };
    Ok(())
}

fn read_tag(
    documents: DocumentKind,
    field: &mut Field,
    words: &mut Words,
) -> Result<(), SchemaError> {
    let mut separator = (documents == DocumentKind::Hash).then_some(b',');
    let mut is_case_sensitive = false;
    loop {
        if words.accept("SEPARATOR") {
            let given = words
                .word()
                .map_err(|_| SchemaError::NeedsArgument("SEPARATOR"))?;
            let &[byte] = given else {
                return Err(SchemaError::Separator(text_of(given)));
            };
            separator = Some(byte);
        } else if words.accept("CASESENSITIVE") {
            is_case_sensitive = true;
        } else if !read_word_option(field, words) {
            break;
        }
    }
    field.kind = FieldKind::Tag {
        separator,
        is_case_sensitive,
    };
    Ok(())
}

/// SORTABLE, UNF and NOINDEX, in any order.
fn read_sorting(schema: &Schema, field: &mut Field, words: &mut Words) {
    loop {
        if words.accept("SORTABLE") {
            field.is_sortable = true;
            let is_kept_as_written = match &field.kind {
                FieldKind::Numeric => true,
                FieldKind::Tag {
                    is_case_sensitive, ..
                } => *is_case_sensitive,
                _ => false,
            };
            let is_asked = words.accept("UNF");
            field.is_unnormalized |=
                is_asked || is_kept_as_written || schema.documents == DocumentKind::Json;
        } else if words.accept("NOINDEX") {
            field.is_unindexed = true;
        } else {
            break;
        }
    }
}
