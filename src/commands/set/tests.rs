//! Each command against the replies that Redis gives.

use crate::commands::desk::check_examples;

#[test]
fn examples_hold() {
    check_examples(super::COMMANDS);
}
