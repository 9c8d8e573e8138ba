//! The pages under docs/commands/ are what the table of commands says; `RHUMB_UPDATE=1 cargo test --test table` writes them anew.

use rhumb::commands::docs;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

#[test]
fn the_pages_of_the_commands_are_fresh() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/commands");
    let pages = docs::pages();
    if std::env::var_os("RHUMB_UPDATE").is_some() {
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).expect("docs/ can be written");
        for page in &pages {
            fs::write(dir.join(&page.file), &page.text).expect("docs/commands/ can be written");
        }
    }
    let advice = "RHUMB_UPDATE=1 cargo test --test table writes the pages anew";
    let found: BTreeSet<String> = fs::read_dir(&dir)
        .expect("docs/commands/ is there")
        .map(|entry| {
            entry
                .expect("listed")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    let expected: BTreeSet<String> = pages.iter().map(|page| page.file.clone()).collect();
    assert_eq!(found, expected, "{advice}");
    for page in &pages {
        let text = fs::read_to_string(dir.join(&page.file)).expect("readable");
        // A checkout may have other line ends.
        assert_eq!(
            text.replace("\r\n", "\n"),
            page.text,
            "{}: {advice}",
            page.file
        );
    }
}

#[test]
fn the_index_of_the_pages_lists_every_command() {
    let pages = docs::pages();
    let (index, others) = pages.split_first().expect("there are pages");
    for page in others {
        let link = format!("]({})", page.file);
        assert!(index.text.contains(&link), "{}", page.file);
    }
}
