//! The files of the aws CLI: sections of names and values.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

/// The sections of a file, each with its names and values. Lines that are none are passed over, as
/// botocore does with comments; what is indented belongs to the name above it, and is left out.
///
/// "Each profile … `[profile-name]`", "`key = value`", "lines starting with a `#` character are
/// comments" (AWS CLI, Configuration and credential file settings).
pub(super) fn sections(text: &str) -> BTreeMap<String, BTreeMap<String, Zeroizing<String>>> {
    let mut sections: BTreeMap<String, BTreeMap<_, _>> = BTreeMap::new();
    let mut current = None;
    for line in text.lines() {
        if line.starts_with([' ', '\t', '#', ';']) {
            continue;
        }
        let line = line.trim_end();
        if let Some(name) = line.strip_prefix('[') {
            let name = name.split(']').next().unwrap_or_default();
            let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
            sections.entry(name.clone()).or_default();
            current = Some(name);
        } else if let (Some(section), Some((name, value))) = (&current, line.split_once('=')) {
            let value = Zeroizing::new(value.trim().to_owned());
            let section = sections.entry(section.clone()).or_default();
            section.insert(name.trim().to_ascii_lowercase(), value);
        }
    }
    sections
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_as_the_aws_cli_reads_it() {
        let text = "# c\n[default]\naws_access_key_id=AKIA1\naws_secret_access_key = a=b/c+d \n\
            s3 =\n  endpoint_url = https://no\n\n[profile  two]\r\nregion = eu-west-1\r\n; c\nodd\n\
            [empty]\n";
        let sections = sections(text);
        let value =
            |section: &str, name: &str| sections.get(section)?.get(name).map(|it| it.as_str());
        assert_eq!(value("default", "aws_access_key_id"), Some("AKIA1"));
        assert_eq!(value("default", "aws_secret_access_key"), Some("a=b/c+d"));
        assert_eq!(value("default", "endpoint_url"), None);
        assert_eq!(value("profile two", "region"), Some("eu-west-1"));
        assert!(sections.contains_key("empty"));
        assert_eq!(sections.len(), 3);
    }
}
