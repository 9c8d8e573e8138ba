//! How Chinese is cut, which has no blanks between its words: into characters.
//!
//! Where one word ends only a list of all words tells, and what it does not know is not found. So a document has its characters, each at
//! a place of its own, and a word of a query stands for its characters side by side (docs/decisions/014-chinese.md).

/// The parts of a word between blanks: each Chinese character, and what stands between them as it is, without Chinese punctuation.
pub fn parts(word: &str) -> impl Iterator<Item = &str> {
    let mut rest = word;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches(is_mark);
        let first = rest.chars().next()?;
        let end = match is_character(first) {
            true => first.len_utf8(),
            false => rest
                .find(|c| is_character(c) || is_mark(c))
                .unwrap_or(rest.len()),
        };
        let (part, after) = rest.split_at(end);
        rest = after;
        Some(part)
    })
}

/// Whether it is one of those that Chinese is written with: Unicode's ideographs, the sign of repetition and the round zero.
pub fn is_character(c: char) -> bool {
    matches!(
        c,
        '々' | '〇'
            | '\u{3400}'..='\u{4dbf}'
            | '\u{4e00}'..='\u{9fff}'
            | '\u{f900}'..='\u{faff}'
            | '\u{20000}'..='\u{3fffd}'
    )
}

/// Whether it stands between words: the wide blank, and punctuation that is not ASCII's.
fn is_mark(c: char) -> bool {
    matches!(
        c,
        '·' | '\u{2010}'..='\u{2027}'
            | '\u{2030}'..='\u{205e}'
            | '\u{3000}'..='\u{3004}'
            | '\u{3008}'..='\u{3020}'
            | '\u{fe30}'..='\u{fe6b}'
            | '\u{ff01}'..='\u{ff0f}'
            | '\u{ff1a}'..='\u{ff20}'
            | '\u{ff3b}'..='\u{ff40}'
            | '\u{ff5b}'..='\u{ff65}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_is_a_part() {
        let cases: &[(&str, &[&str])] = &[
            ("编程", &["编", "程"]),
            ("用python编程", &["用", "python", "编", "程"]),
            ("python3", &["python3"]),
            ("你好，世界。", &["你", "好", "世", "界"]),
            ("「２０２４」年", &["２０２４", "年"]),
            ("人々〇𠮷", &["人", "々", "〇", "𠮷"]),
            ("，。", &[]),
            ("", &[]),
        ];
        for (word, expected) in cases {
            assert_eq!(&parts(word).collect::<Vec<_>>(), expected, "{word}");
        }
    }
}
