//! Each command against the replies that RedisJSON gives.

use crate::commands::desk::{Desk, check_examples, check_lines};

/// Runs lines on an empty server.
fn check(lines: &[(&str, &str)]) {
    check_lines(&mut Desk::new().seat(), lines);
}

#[test]
fn examples_hold() {
    check_examples(super::COMMANDS);
}
