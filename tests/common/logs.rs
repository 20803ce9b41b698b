//! Messages as lines of JSON, held against the table of docs/scripting.md.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::assert_harmless;

/// What the page for scripts says of messages.
fn section() -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/scripting.md");
    let page = std::fs::read_to_string(page).expect("the page");
    let section = page.split("\n## Logs\n").nth(1).expect("a section");
    section.split("\n## ").next().expect("its text").to_owned()
}

/// The block in this language there.
pub fn block(language: &str) -> String {
    let section = section();
    let block = section.split(&format!("```{language}\n")).nth(1);
    let block = block.and_then(|text| text.split("```").next());
    block.expect(language).to_owned()
}

/// The fields that the table there has.
pub fn documented() -> BTreeSet<String> {
    let section = section();
    let table = section
        .split("\n| field | type | |\n")
        .nth(1)
        .expect("a table");
    let rows = table.lines().take_while(|line| line.starts_with('|'));
    let cells = rows.filter_map(|row| row.split('|').nth(1));
    let names = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2));
    names.map(ToOwned::to_owned).collect()
}

/// The messages in `text`. Fails if anything else is there: each line is one message, has what all
/// have, nothing that is not documented, and does nothing to a terminal.
pub fn messages(text: &str) -> Vec<Value> {
    assert_harmless(text);
    let documented = documented();
    let lines = text.lines().map(|line| {
        let message: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{text}"));
        let fields = message.as_object().expect(line);
        for name in fields.keys() {
            assert!(
                documented.contains(name),
                "`{name}` is not documented: {line}"
            );
        }
        let text = |name: &str| fields[name].as_str().expect(line);
        let form: String = text("time")
            .chars()
            .map(|c| if c.is_ascii_digit() { '0' } else { c })
            .collect();
        assert_eq!(form, "0000-00-00T00:00:00.000Z", "{line}");
        let levels = ["error", "warn", "info", "debug", "trace"];
        assert!(levels.contains(&text("level")), "{line}");
        assert!(!text("message").is_empty(), "{line}");
        let target = text("target");
        assert!(
            target == "unreel" || target.starts_with("unreel::"),
            "{line}"
        );
        assert_eq!(text("run").len(), 16, "{line}");
        message
    });
    lines.collect()
}

/// The messages with these words.
pub fn with_words<'a>(messages: &'a [Value], words: &str) -> Vec<&'a Value> {
    let found = messages.iter().filter(|it| it["message"] == words);
    found.collect()
}
