//! `=>{$name: value; ...}` after a condition.

use super::QueryError;
use super::bracket::default_distance_name;
use super::grammar::{Parser, text_of};
use super::token::Kind as Token;
use super::tree::{Kind, Knn, Node, Options};
use crate::commands::ft::numbers::{read_double, read_int};

type Result<T> = std::result::Result<T, QueryError>;

/// What vector conditions take besides; the values are looked at when the search runs.
const VECTOR_ATTRIBUTES: [&str; 4] = ["EF_RUNTIME", "EPSILON", "HYBRID_POLICY", "BATCH_SIZE"];

impl Parser<'_> {
    /// Reads the braces after `=>` and applies what they say, unless there is nothing to apply it to.
    pub(super) fn attributes(&mut self, node: Option<&mut Node>) -> Result<()> {
        let attributes = self.braces()?;
        let Some(node) = node else { return Ok(()) };
        for (name, value) in attributes {
            let is_taken = set_option(&mut node.options, &name, &value)?
                || set_vector_attribute(node, &name, &value)?;
            if !is_taken {
                return Err(QueryError::Attribute(name));
            }
        }
        Ok(())
    }

    /// `=>{..}` after KNN, if there is one.
    pub(super) fn knn_options(&mut self, knn: &mut Knn) -> Result<()> {
        if self.next.kind != Token::Arrow {
            return Ok(());
        }
        self.advance();
        let mut unused = Options::default();
        for (name, value) in self.braces()? {
            if name.eq_ignore_ascii_case("YIELD_DISTANCE_AS") && !value.is_empty() {
                let default = default_distance_name(self.name_of(knn.field));
                if !knn.distance_name.eq_ignore_ascii_case(&default) {
                    let first = std::mem::take(&mut knn.distance_name);
                    return Err(QueryError::DistanceNamedTwice(first, value));
                }
                knn.distance_name = value;
            } else if !set_option(&mut unused, &name, &value)? {
                match is_shard_ratio(&name, &value)? {
                    true => {}
                    false if is_vector_attribute(&name) => {
                        knn.target.attributes.push((name, value));
                    }
                    false => return Err(QueryError::Attribute(name)),
                }
            }
        }
        Ok(())
    }

    /// Names and values between braces. Parameters are looked up at once, as RediSearch does.
    fn braces(&mut self) -> Result<Vec<(String, String)>> {
        let mut attributes = Vec::new();
        self.expect(b'{')?;
        loop {
            match self.next.kind {
                Token::Sign(b';') => {
                    self.advance();
                }
                Token::Attribute { .. } => {
                    attributes.push(self.attribute()?);
                    if !matches!(self.next.kind, Token::Sign(b';' | b'}')) {
                        return Err(self.syntax());
                    }
                }
                _ => break,
            }
        }
        self.expect(b'}')?;
        Ok(attributes)
    }

    fn attribute(&mut self) -> Result<(String, String)> {
        let name = text_of(self.advance().text);
        self.expect(b':')?;
        let token = self.value_token()?;
        let value = match token.kind {
            Token::Attribute { .. } => {
                let value = self.context.params.get(&text_of(token.text))?;
                text_of(value)
            }
            _ => text_of(token.text),
        };
        Ok((name, value))
    }
}

/// Sets what every condition takes; false if `name` is something else.
fn set_option(options: &mut Options, name: &str, value: &str) -> Result<bool> {
    let invalid = || QueryError::AttributeValue {
        value: value.to_owned(),
        name: name.to_owned(),
    };
    if value.is_empty() {
        return Err(invalid());
    }
    match name.to_ascii_uppercase().as_str() {
        "SLOP" => {
            let slop = read_int(value.as_bytes()).filter(|slop| *slop >= -1);
            let slop = slop.ok_or_else(invalid)?;
            // -1 is any number.
            options.slop = (slop >= 0).then(|| u32::try_from(slop).unwrap_or(u32::MAX));
        }
        "INORDER" => options.in_order = Some(parse_bool(value).ok_or_else(invalid)?),
        "PHONETIC" => options.phonetic = Some(parse_bool(value).ok_or_else(invalid)?),
        "WEIGHT" => {
            let weight = read_double(value.as_bytes()).filter(|weight| *weight >= 0.0);
            options.weight = weight.ok_or_else(invalid)?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn parse_bool(value: &str) -> Option<bool> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

/// Sets what a range of vectors takes; false for other conditions and names.
fn set_vector_attribute(node: &mut Node, name: &str, value: &str) -> Result<bool> {
    let Kind::VectorRange(range) = &mut node.kind else {
        return Ok(false);
    };
    if name.eq_ignore_ascii_case("YIELD_DISTANCE_AS") {
        range.distance_name = Some(value.to_owned());
        return Ok(true);
    }
    if is_shard_ratio(name, value)? {
        return Ok(true);
    }
    let is_known = is_vector_attribute(name);
    if is_known {
        let attribute = (name.to_owned(), value.to_owned());
        range.target.attributes.push(attribute);
    }
    Ok(is_known)
}

fn is_vector_attribute(name: &str) -> bool {
    let is_it = |known: &&str| name.eq_ignore_ascii_case(known);
    VECTOR_ATTRIBUTES.iter().any(is_it)
}

/// Whether it is SHARD_K_RATIO with a ratio: of no effect on one server.
fn is_shard_ratio(name: &str, value: &str) -> Result<bool> {
    if !name.eq_ignore_ascii_case("SHARD_K_RATIO") {
        return Ok(false);
    }
    let ratio = read_double(value.as_bytes())
        .ok_or_else(|| QueryError::ShardRatioText(value.to_owned()))?;
    match ratio > 0.0 && ratio <= 1.0 {
        true => Ok(true),
        false => Err(QueryError::ShardRatio(ratio)),
    }
}
