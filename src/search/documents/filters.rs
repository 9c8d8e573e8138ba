//! Filters of searches for the nearest, as an index knows those that are asked again.

use super::matching::Matcher;
use super::pattern::PartLimits;
use super::run::{NearestQuestion, Question};
use super::sought::Expansion;
use super::tree::Node;
use crate::keyspace::documents::filter_cache::PassingDocuments;
use crate::keyspace::documents::index::DocumentIndex;
use crate::keyspace::documents::text::language::Language;
use std::sync::Arc;

/// What a filter is known by: all that says who passes it, and which of these have a vector.
struct Filter {
    root: Node,
    field: usize,
    language: Language,
    expansion: Expansion,
    parts: PartLimits,
}

impl Filter {
    fn of(question: &Question, field: usize) -> Filter {
        Filter {
            root: question.root.clone(),
            field,
            language: question.language,
            expansion: question.expansion,
            parts: question.parts,
        }
    }

    fn is(&self, question: &Question, field: usize) -> bool {
        self.field == field
            && self.language == question.language
            && self.expansion == question.expansion
            && self.parts == question.parts
            && self.root == *question.root
    }
}

/// Bytes of the greatest filter that is remembered: what comes once must not take much for long.
const BYTES_MAX: usize = 1 << 16;

/// Whether the answer depends on nothing but the filter and the documents, and the filter is none of those that would take much memory.
fn is_lasting(question: &Question) -> bool {
    question.ranges.is_empty() && question.keys.is_none() && question.root.takes_at_most(BYTES_MAX)
}

/// Who passes, and has a vector to be compared.
pub fn passing(
    question: &Question,
    asked: &NearestQuestion,
    matcher: &mut Matcher,
) -> Arc<PassingDocuments> {
    let (index, state, field) = (matcher.index, matcher.state, asked.knn.field);
    let mut find = || {
        let passing = matcher.passing(question);
        let passing = PassingDocuments::new(passing, &state.fields[field].present);
        let is_whole = !matcher.is_cut.get() && !question.patience.is_over();
        (passing, is_whole)
    };
    if !is_lasting(question) {
        return Arc::new(find().0);
    }
    let is = |filter: &Filter| filter.is(question, field);
    let key = || Filter::of(question, field);
    index.filters().passing(index.writes(), is, key, find)
}

/// How many pass, where that need not be found out. The caller holds the postings.
pub fn count_known(index: &DocumentIndex, question: &Question) -> Option<u64> {
    let asked = question.knn.as_ref().filter(|asked| asked.is_filtered)?;
    if !is_lasting(question) {
        return None;
    }
    let is = |filter: &Filter| filter.is(question, asked.knn.field);
    index.filters().count_known(index.writes(), is)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyspace::documents::turns::Turn;
    use crate::search::documents::patience::Patience;
    use crate::search::documents::tree::{Kind, TagValue};

    fn tags(count: usize) -> Node {
        Node::new(Kind::Tag {
            field: 0,
            values: vec![TagValue::Whole("red".to_owned()); count],
        })
    }

    #[test]
    fn short_filters_that_depend_on_documents_alone_are_remembered() {
        let never = || false;
        let patience = Patience::new(&never);
        let is_remembered = |root: &Node, keys: Option<&[Vec<u8>]>| {
            is_lasting(&Question {
                root,
                knn: None,
                ranges: Vec::new(),
                keys,
                language: Language::default(),
                expansion: Expansion::WHOLE,
                parts: PartLimits {
                    bytes_min: 2,
                    expansions_max: 200,
                },
                patience: &patience,
                turn: Turn::AtOnce,
            })
        };
        assert!(is_remembered(&tags(1), None));
        assert!(is_remembered(&tags(100), None));
        assert!(!is_remembered(&tags(1), Some(&[b"d:1".to_vec()])));
        assert!(!is_remembered(&tags(BYTES_MAX / 16), None));
    }
}
