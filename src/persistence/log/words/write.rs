//! How a command is written: its words, as an array of strings.

use bytes::Bytes;

/// A number in decimal, without an allocation.
pub(super) type Digits = smallvec::SmallVec<[u8; 20]>;

/// `n` in decimal.
pub(super) fn digits(n: u64) -> Digits {
    let mut buffer = itoa::Buffer::new();
    Digits::from_slice(buffer.format(n).as_bytes())
}

/// Appends a command of these words.
pub(super) fn write(out: &mut Vec<u8>, words: &[&[u8]]) {
    write_count(out, words.len());
    words.iter().for_each(|word| write_word(out, word));
}

/// Appends a command of the words of `head`, then those of `list`.
pub(super) fn write_with_list(out: &mut Vec<u8>, head: &[&[u8]], list: &[Bytes]) {
    write_count(out, head.len() + list.len());
    head.iter().for_each(|word| write_word(out, word));
    list.iter().for_each(|word| write_word(out, word));
}

/// Begins a command of so many words.
pub(super) fn write_count(out: &mut Vec<u8>, words: usize) {
    out.push(b'*');
    out.extend_from_slice(&digits(words as u64));
    out.extend_from_slice(b"\r\n");
}

/// Appends one word of a command that was begun.
pub(super) fn write_word(out: &mut Vec<u8>, word: &[u8]) {
    out.push(b'$');
    out.extend_from_slice(&digits(word.len() as u64));
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(word);
    out.extend_from_slice(b"\r\n");
}
