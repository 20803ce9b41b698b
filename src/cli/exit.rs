//! Exit codes, one enum. The help and the manual print them; docs/exit-codes.md and docs/scripting.md have
//! the table too, and the tests compare.

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    Internal,
    Usage,
    Input,
    Metadata,
    Key,
    WrongKey,
    Integrity,
    Output,
    Provider,
    Partial,
    Temporary,
}

impl Code {
    /// Each of them, in the order of their numbers.
    pub(super) const ALL: [Self; 11] = [
        Self::Internal,
        Self::Usage,
        Self::Input,
        Self::Metadata,
        Self::Key,
        Self::WrongKey,
        Self::Integrity,
        Self::Output,
        Self::Provider,
        Self::Partial,
        Self::Temporary,
    ];

    /// The number that the shell sees.
    pub(super) fn exit(self) -> u8 {
        match self {
            Self::Internal => 1,
            Self::Usage => 2,
            Self::Input => 3,
            Self::Metadata => 4,
            Self::Key => 5,
            Self::WrongKey => 6,
            Self::Integrity => 7,
            Self::Output => 8,
            Self::Provider => 9,
            Self::Partial => 10,
            Self::Temporary => 75,
        }
    }

    /// Which of several counts: the lowest number, but for `usage`, which is the least of troubles.
    pub(super) fn rank(self) -> u8 {
        match self {
            Self::Usage => u8::MAX,
            code => code.exit(),
        }
    }

    /// The name in reports.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Internal => "internal",
            Self::Usage => "usage",
            Self::Input => "input",
            Self::Metadata => "metadata",
            Self::Key => "key",
            Self::WrongKey => "wrong_key",
            Self::Integrity => "integrity",
            Self::Output => "output",
            Self::Provider => "provider",
            Self::Partial => "partial",
            Self::Temporary => "temporary",
        }
    }

    /// What it means, for people.
    pub(super) fn meaning(self) -> &'static str {
        match self {
            Self::Internal => "internal error; please report it",
            Self::Usage => "the command line makes no sense",
            Self::Input => {
                "the media cannot be used: missing, empty, cut short, not encrypted, an error page"
            }
            Self::Metadata => {
                "the metadata is missing, malformed, contradictory, or of an unsupported scheme"
            }
            Self::Key => {
                "a private key or passphrase is missing or cannot be used; a key command failed"
            }
            Self::WrongKey => "none of the keys opens this recording",
            Self::Integrity => {
                "tag, padding, length, digest or container is wrong; or --require-integrity cannot be met"
            }
            Self::Output => {
                "the output was refused or failed: it exists, a terminal, permissions, a full disk, a closed pipe"
            }
            Self::Provider => {
                "the provider refused: credentials, an unknown id, deleted media, an untrusted certificate"
            }
            Self::Partial => "some of several inputs failed; the messages and the report say which",
            Self::Temporary => {
                "not now: the network, a busy provider, a recording that is not completed; try again later"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::command;
    use super::*;

    /// The numbers and names of the first table whose head has `code` and `name`.
    fn table(document: &str) -> BTreeMap<u8, String> {
        let rows = document
            .lines()
            .skip_while(|line| !line.starts_with("| code | name |"))
            .skip(2)
            .take_while(|line| line.starts_with('|'));
        rows.map(|row| {
            let cells: Vec<_> = row.split('|').map(str::trim).collect();
            let name = cells[2].trim_matches('`').to_owned();
            (cells[1].parse().unwrap(), name)
        })
        .collect()
    }

    #[test]
    fn the_documents_list_every_code() {
        let source = include_str!("exit.rs");
        let variants = source.split("enum Code {").nth(1).unwrap();
        let variants = variants.split('}').next().unwrap();
        assert_eq!(
            variants.matches(',').count(),
            Code::ALL.len(),
            "ALL is not all"
        );

        let mut expected: BTreeMap<_, _> = Code::ALL
            .iter()
            .map(|code| (code.exit(), code.name().to_owned()))
            .collect();
        assert_eq!(expected.len(), Code::ALL.len(), "two codes have one number");
        expected.insert(0, String::new());
        for document in [
            include_str!("../../docs/exit-codes.md"),
            include_str!("../../docs/scripting.md"),
        ] {
            assert_eq!(table(document), expected);
        }
    }

    #[test]
    fn the_help_lists_every_code() {
        let help = super::super::help::whole(command::all(), "")
            .render_help()
            .to_string();
        let codes = help.split("Exit codes:").nth(1).unwrap();
        let numbers: Vec<u8> = codes
            .split(|c: char| !c.is_ascii_digit())
            .filter_map(|number| number.parse().ok())
            .collect();
        let mut expected = vec![0];
        expected.extend(Code::ALL.map(Code::exit));
        assert_eq!(numbers, expected);
    }
}
