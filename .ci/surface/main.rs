//! Holds the crate's public surface against `unreel.txt`, which is beside this file:
//!
//! ```text
//! RUSTDOC=$PWD/.ci/surface/rustdoc cargo rustdoc --lib --all-features
//! cargo run --manifest-path .ci/surface/Cargo.toml -- target/doc/unreel.json .ci/surface/unreel.txt [--bless]
//! ```
//!
//! Each line is something that users of the library can name. A line that went, or is another now, breaks
//! their code; so may a new one in a trait. With `--bless` the file is written anew; what changed goes
//! into CHANGELOG.md, and decides the next version. Exit code 77: this rustdoc writes another format.
#![allow(clippy::print_stdout, reason = "it is a program")]

use std::collections::BTreeSet;
use std::error::Error;
use std::fs;
use std::process::ExitCode;

use public_api::Builder;
use serde_json::Value;

/// What the pinned version of `public-api` reads, of Rust 1.93 and later.
const FORMAT: u64 = 57;

/// What the compiler derives unasked, and nobody's code asks for.
const UNASKED: [&str; 5] = [
    "core::marker::Freeze",
    "core::marker::StructuralPartialEq",
    "core::marker::Unpin",
    "core::panic::unwind_safe::RefUnwindSafe",
    "core::panic::unwind_safe::UnwindSafe",
];

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [json, text, bless @ ..] = arguments.as_slice() else {
        return Err("give rustdoc's JSON, and the file of the surface".into());
    };
    let document: Value = serde_json::from_slice(&fs::read(json)?)?;
    let format = &document["format_version"];
    if *format != FORMAT {
        println!("NOT TESTED: this rustdoc writes format {format}, and {FORMAT} is what is read");
        return Ok(ExitCode::from(77));
    }
    let surface = Builder::from_rustdoc_json(json).omit_blanket_impls(true);
    let surface = surface.build()?;
    let lines = surface.items().map(|item| format!("{item}\n"));
    let now: String = lines
        .filter(|line| !UNASKED.iter().any(|name| line.contains(name)))
        .collect();
    if bless == ["--bless"] {
        fs::write(text, &now)?;
    }
    let kept = fs::read_to_string(text)?;
    if kept == now {
        println!("{} lines, as in {text}", now.lines().count());
        return Ok(ExitCode::SUCCESS);
    }
    let [of_now, of_kept] = [&now, &kept].map(|text| text.lines().collect::<BTreeSet<_>>());
    for gone in of_kept.difference(&of_now) {
        println!("- {gone}");
    }
    for new in of_now.difference(&of_kept) {
        println!("+ {new}");
    }
    println!("the public surface is not that of {text}; with --bless it becomes that");
    Ok(ExitCode::FAILURE)
}
