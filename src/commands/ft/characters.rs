//! Chinese in queries: documents in Chinese have its characters one by one, so a word stands for its characters side by side.

use super::query::tree::{Affix, Kind, Node, Options};
use super::schema::Schema;
use super::text::characters::{is_character, parts};
use super::text::language::Language;
use super::text::stop_words::StopWords;

/// Whether a query in a language may be about documents in Chinese.
pub fn may_be_parted(language: Language, schema: &Schema) -> bool {
    language.is_cut_by_characters()
        || schema.language.is_cut_by_characters()
        || schema.language_field.is_some()
}

/// Makes words, phrases and beginnings of words a choice: as they are, which is how documents in other languages have them, or as a phrase
/// of their characters.
pub fn part_words(node: &mut Node, stop_words: &StopWords) {
    let kept = |text: &str| {
        let kept = parts(text).filter(|part| !stop_words.contains(part));
        kept.map(str::to_owned).collect::<Vec<String>>()
    };
    let parts = match &node.kind {
        Kind::Word(word) if kept(&word.text) != [word.text.as_str()] => kept(&word.text),
        Kind::Phrase(words) => {
            let parts: Vec<String> = words.iter().flat_map(|word| kept(word)).collect();
            if parts == *words { Vec::new() } else { parts }
        }
        // Where it is a single character it finds that.
        Kind::Affix(affix) if is_open_at_characters(affix) && affix.text.chars().count() > 1 => {
            kept(&affix.text.to_lowercase())
        }
        _ => Vec::new(),
    };
    if parts.is_empty() {
        let children = node.children_mut().iter_mut();
        return children.for_each(|child| part_words(child, stop_words));
    }
    let whole = node.clone();
    let parts = Node {
        kind: Kind::Phrase(parts),
        ..whole.clone()
    };
    node.options = Options::default();
    node.kind = Kind::Or(vec![whole, parts]);
}

/// Whether anything follows or precedes Chinese characters alone: there it says nothing.
fn is_open_at_characters(affix: &Affix) -> bool {
    let is_character = |c: Option<char>| c.is_some_and(is_character);
    let mut chars = affix.text.chars();
    (!affix.is_suffix || is_character(chars.clone().next()))
        && (!affix.is_prefix || is_character(chars.next_back()))
}

#[cfg(test)]
mod tests {
    use super::super::query::tree::Word;
    use super::*;

    /// What a condition becomes.
    fn parted(kind: Kind) -> Kind {
        let mut node = Node::new(kind);
        part_words(&mut node, &StopWords::new(["的"]));
        node.kind
    }

    fn phrase(text: &str) -> Kind {
        Kind::Phrase(text.split(' ').map(str::to_owned).collect())
    }

    fn word(text: &str) -> Kind {
        Kind::Word(Word {
            text: text.to_owned(),
            is_verbatim: false,
        })
    }

    fn affix(text: &str, is_suffix: bool, is_prefix: bool) -> Kind {
        Kind::Affix(Affix {
            text: text.to_owned(),
            is_prefix,
            is_suffix,
        })
    }

    #[test]
    fn what_has_characters_is_itself_or_a_phrase_of_them() {
        for (kind, parts) in [
            (word("编程"), "编 程"),
            (word("编。"), "编"),
            (word("我的python书"), "我 python 书"),
            (phrase("学习 编程"), "学 习 编 程"),
            (affix("编程", false, true), "编 程"),
            (affix("编程", true, false), "编 程"),
            (affix("Python编", false, true), "python 编"),
        ] {
            let both = vec![Node::new(kind.clone()), Node::new(phrase(parts))];
            assert_eq!(parted(kind.clone()), Kind::Or(both), "{kind:?}");
        }
    }

    #[test]
    fn everything_else_stays_as_it_is() {
        for kind in [
            word("编"),
            word("python3"),
            word("，"),
            word("的"),
            phrase("hello world"),
            phrase("编 程"),
            affix("编", true, true),
            affix("py", false, true),
            affix("编py", false, true),
            affix("py编", true, true),
        ] {
            assert_eq!(parted(kind.clone()), kind);
        }
    }

    #[test]
    fn conditions_within_conditions_are_parted() {
        let inner = Node::new(word("编程"));
        let Kind::Not(inner) = parted(Kind::Not(Box::new(inner))) else {
            panic!("still a Not");
        };
        assert!(matches!(inner.kind, Kind::Or(_)));
    }
}
