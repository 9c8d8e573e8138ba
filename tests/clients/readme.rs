//! The README's snippets, run as they stand.
