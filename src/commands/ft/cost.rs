//! What a search will take, as far as its words tell: quick ones run on the connection's own thread.

use super::schema::{Algorithm, FieldKind};
use crate::commands::table::INLINE_US_MAX;
use crate::commands::{Context, Session};
use crate::keyspace::documents::index::DocumentIndex;
use crate::protocol::{Request, number};
use crate::search::documents::effort::FieldVectors;

/// A small index answers anything soon. In a large one a KNN without filter is a walk through one graph; with few candidates it takes
/// less than two switches of threads, unless nothing is known yet of how many it needs. How long anything else takes is not told
/// by the words.
pub fn cost_us(context: &Context, _: &Session, request: &Request) -> u64 {
    const QUICK_US: u64 = 100;
    const SMALL: i64 = 200;
    const FEW_DOCUMENTS: usize = 1000;
    let indexes = context.engine.keyspace().indexes();
    let Some(index) = indexes.get(request.get(1).unwrap_or_default()) else {
        return QUICK_US;
    };
    if index.len() <= FEW_DOCUMENTS {
        return QUICK_US;
    }
    let query = request.get(2).unwrap_or_default().trim_ascii();
    let knn = query.strip_prefix(b"*").map(<[u8]>::trim_ascii_start);
    let Some(knn) = knn.filter(|rest| rest.starts_with(b"=>")) else {
        return INLINE_US_MAX + 1;
    };
    // Every number of the query and of its parameters: k and EF_RUNTIME are among them.
    let words = knn.split(|byte| !byte.is_ascii_alphanumeric());
    let params = (3..request.len()).filter_map(|at| request.get(at));
    let numbers = words.chain(params).filter_map(number::parse_i64);
    let is_small = numbers.max().unwrap_or(0) <= SMALL;
    match is_small && !would_measure(&index, knn, request) {
        true => QUICK_US,
        false => INLINE_US_MAX + 1,
    }
}

/// Whether a KNN (`=>[KNN k @field ...`) may have to measure first how many candidates it needs.
fn would_measure(index: &DocumentIndex, knn: &[u8], request: &Request) -> bool {
    let words = knn.split(|byte| byte.is_ascii_whitespace() || b"=>[]{}".contains(byte));
    let words: Vec<&[u8]> = words.filter(|word| !word.is_empty()).collect();
    let is_given = |word: &&[u8]| word.eq_ignore_ascii_case(b"EF_RUNTIME");
    let (Some(k), Some(field)) = (words.get(1), words.get(2)) else {
        return false;
    };
    let field = field.strip_prefix(b"@").unwrap_or(field);
    let field = std::str::from_utf8(field).ok();
    let field = field.and_then(|name| index.schema().find(name));
    let Some(field) = field.filter(|field| given_ef(index, *field).is_none()) else {
        return false;
    };
    let vectors = FieldVectors::of(index, field);
    // The number itself, or a parameter, whose value follows its name.
    let number = |word: &[u8]| number::parse_i64(word);
    let k = number(k).or_else(|| {
        let name = k.strip_prefix(b"$")?;
        let at = (3..request.len()).find(|at| request.get(*at) == Some(name))?;
        number(request.get(at + 1)?)
    });
    let k = usize::try_from(k.unwrap_or(1)).unwrap_or(1).max(1);
    !words.iter().any(is_given) && vectors.is_some_and(|vectors| vectors.would_measure(k))
}

/// The candidates of a walk that the field's definition names.
pub fn given_ef(index: &DocumentIndex, field: usize) -> Option<usize> {
    let FieldKind::Vector(attributes) = &index.schema().fields[field].kind else {
        return None;
    };
    match &attributes.algorithm {
        Algorithm::Hnsw(hnsw) => hnsw.ef_runtime,
        Algorithm::Svs(svs) => svs.search_window_size,
        Algorithm::Flat => None,
    }
}
