//! Which files of the crate import each other in a circle.
//!
//! File A needs file B if A's code, its unit tests aside, names an item that is defined in B. A
//! name is followed through what re-exports it to where it is defined; A needs those files too, but
//! for the modules that it is in. A module that re-exports what its own children define needs them
//! not: `mod.rs` may be the face of its folder. What is needed by a method call alone is not seen.

use std::collections::{BTreeMap, BTreeSet};

use super::{lexed, spell_out, use_tree, without_tests};

/// A module of the crate: its names from the root.
type Path = Vec<String>;

/// How often a re-export is followed. Circles of those end here.
const DEPTH: usize = 16;

#[derive(Default)]
struct Module {
    file: String,
    /// What its `use` statements call by a name of one word.
    uses: BTreeMap<String, Path>,
    /// The paths that need what they name.
    needs: Vec<Path>,
    /// Those of `pub use`.
    offers: Vec<Path>,
}

/// The groups of files each of which needs all others, by way of any.
pub(super) fn circles(files: &[(String, String)]) -> Vec<Vec<String>> {
    let modules: BTreeMap<Path, Module> = files
        .iter()
        .filter(|(file, _)| file != "main.rs")
        .map(|(file, text)| (place(file), Module::of(file, text)))
        .collect();
    let mut needs: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (at, module) in &modules {
        let mut all = BTreeSet::new();
        for path in &module.needs {
            let mut through = BTreeSet::new();
            all.extend(defined(&modules, at, path, &mut through, DEPTH));
            all.append(&mut through);
        }
        for path in &module.offers {
            let to = defined(&modules, at, path, &mut BTreeSet::new(), DEPTH);
            all.extend(to.filter(|to| !to.starts_with(at)));
        }
        all.remove(at);
        let all = all.iter().filter_map(|to| modules.get(to));
        needs.insert(&module.file, all.map(|to| to.file.as_str()).collect());
    }
    let reached: BTreeMap<&str, BTreeSet<&str>> = needs
        .keys()
        .map(|file| (*file, reached(&needs, file)))
        .collect();
    let groups: BTreeSet<Vec<String>> = reached
        .iter()
        .filter(|(file, to)| to.contains(*file))
        .map(|(file, to)| {
            let back = to.iter().filter(|other| reached[*other].contains(file));
            back.map(ToString::to_string).collect()
        })
        .collect();
    groups.into_iter().collect()
}

/// All files that a file needs, in one step or more.
fn reached<'a>(needs: &BTreeMap<&'a str, BTreeSet<&'a str>>, file: &str) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut open: Vec<&str> = needs[file].iter().copied().collect();
    while let Some(next) = open.pop() {
        if found.insert(next) {
            open.extend(&needs[next]);
        }
    }
    found
}

/// The module that a file is.
fn place(file: &str) -> Path {
    let path = file.trim_end_matches(".rs").trim_end_matches("/mod");
    let names = path.split('/').filter(|name| *name != "lib");
    names.map(ToOwned::to_owned).collect()
}

impl Module {
    fn of(file: &str, text: &str) -> Self {
        let mut module = Self {
            file: file.to_owned(),
            ..Self::default()
        };
        let code = lexed(without_tests(text).unwrap_or(text), false);
        for statement in code.split(';') {
            let Some(tree) = use_tree(statement) else {
                module.needs.extend(paths(statement));
                continue;
            };
            let before = statement[..statement.len() - tree.len()]
                .trim_end_matches("use ")
                .trim_end();
            module.needs.extend(paths(before));
            let public = before.ends_with("pub") || before.ends_with(')');
            let mut spelled = Vec::new();
            spell_out("", &tree, &mut spelled);
            for path in spelled {
                let (path, name) = path.split_once(" as ").unwrap_or((&path, ""));
                let path = path.trim_end_matches("::self").trim_start_matches("::");
                let path: Path = path.split("::").map(ToOwned::to_owned).collect();
                let name = match (name, path.last()) {
                    ("", Some(last)) => last,
                    (name, _) => name,
                };
                module.uses.insert(name.to_owned(), path.clone());
                let side = if public {
                    &mut module.offers
                } else {
                    &mut module.needs
                };
                side.push(path);
            }
        }
        module
    }
}

/// The paths of several names in code that is no `use`.
fn paths(code: &str) -> impl Iterator<Item = Path> {
    code.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'))
        .filter_map(|run| {
            let mut path: Path = run.split("::").map(ToOwned::to_owned).collect();
            // `field:path::to`
            let first = path.first_mut()?;
            *first = first.rsplit(':').next()?.to_owned();
            path.retain(|name| !name.is_empty());
            (path.len() > 1).then_some(path)
        })
}

/// The module that defines what `path` names in the module `at`. `None` for what is not the
/// crate's, and for modules: what is wanted of those is named elsewhere. `through` are the modules
/// that re-export it and of which `at` is no part.
fn defined(
    modules: &BTreeMap<Path, Module>,
    at: &[String],
    path: &[String],
    through: &mut BTreeSet<Path>,
    depth: usize,
) -> Option<Path> {
    let depth = depth.checked_sub(1)?;
    let (first, rest) = path.split_first()?;
    let mut here = at.to_vec();
    match first.as_str() {
        "crate" => here.clear(),
        "self" => {}
        "super" => {
            here.pop()?;
        }
        "*" => return Some(here),
        name => {
            here.push(name.to_owned());
            if !modules.contains_key(&here) {
                let of_use = modules.get(at)?.uses.get(name)?;
                let whole = [of_use, rest].concat();
                return defined(modules, at, &whole, through, depth);
            }
        }
    }
    let (next, _) = rest.split_first()?;
    let mut child = here.clone();
    child.push(next.clone());
    let further = matches!(next.as_str(), "super" | "*") || modules.contains_key(&child);
    let passed_on = modules
        .get(&here)
        .is_some_and(|module| module.uses.contains_key(next));
    if !further && !passed_on {
        return Some(here);
    }
    let mut behind = BTreeSet::new();
    let found = defined(modules, &here, rest, &mut behind, depth);
    // A name of another crate that is passed on is this module's.
    let found = found.or_else(|| passed_on.then(|| here.clone()).filter(|_| !further));
    through.append(&mut behind);
    if passed_on && !further {
        through.insert(here);
    }
    through.retain(|module| !at.starts_with(module));
    found
}

#[test]
fn circles_are_found() {
    let found = |files: &[(&str, &str)]| {
        let files: Vec<_> = files
            .iter()
            .map(|(file, text)| ((*file).to_owned(), (*text).to_owned()))
            .collect();
        circles(&files)
    };
    let face = (
        "a/mod.rs",
        "mod x; mod y; pub use self::x::X; pub use y::{Y, z};",
    );
    for (what, x, y) in [
        ("use", "use super::y::Y;", "use super::x::X;"),
        ("by the face", "use crate::a::Y;", "use super::X;"),
        (
            "in a group",
            "use crate::{a::{Y as _, z}};",
            "use super::{X};",
        ),
        (
            "by path",
            "fn f() { super::y::z() }",
            "struct Y(crate::a::X);",
        ),
        (
            "by the module",
            "use super::y; fn f() { y::z() }",
            "use crate::a; type T = a::X;",
        ),
        ("all", "use super::y::*;", "use super::x::*;"),
        (
            "renamed",
            "use crate::a as b; fn f(y: b::Y) {}",
            "use super::X as Z;",
        ),
    ] {
        let circle = found(&[face, ("a/x.rs", x), ("a/y.rs", y)]);
        assert_eq!(circle, [["a/x.rs", "a/y.rs"]], "{what}");
    }
    // By way of a third, and of another folder.
    let circle = found(&[
        ("lib.rs", "pub mod a; mod b;"),
        ("a.rs", "mod c; fn f() { c::g() }"),
        ("a/c.rs", "use crate::b::B;"),
        ("b.rs", "pub struct B(crate::a::A);"),
    ]);
    assert_eq!(circle, [["a.rs", "a/c.rs", "b.rs"]]);
    // Through a file that has more to say than what it re-exports.
    let circle = found(&[
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "mod c; pub use c::C; fn f() { crate::b::g() }"),
        ("a/c.rs", "pub struct C;"),
        ("b.rs", "use crate::a::C;"),
    ]);
    assert_eq!(circle, [["a.rs", "b.rs"]]);
    // A face that has something to say of its own.
    let circle = found(&[
        ("a/mod.rs", "mod x; fn f() { x::g() }"),
        ("a/x.rs", "super::f()"),
    ]);
    assert_eq!(circle, [["a/mod.rs", "a/x.rs"]]);
}

#[test]
fn what_is_no_circle_is_not_found() {
    for (what, files) in [
        (
            "the face of a folder",
            [
                (
                    "a/mod.rs",
                    "mod x; mod y; pub use self::x::X; pub(crate) use y::Y;",
                ),
                ("a/x.rs", "use super::Y; use crate::a::Y as Z;"),
                ("a/y.rs", "pub struct Y;"),
            ],
        ),
        (
            "one direction",
            [
                ("a.rs", "use crate::b::B; use crate::c::C;"),
                ("b.rs", "use crate::c::C; // crate::a::A"),
                (
                    "c.rs",
                    "pub struct C(\"crate::a::A\", std::a::A, other::b::B);",
                ),
            ],
        ),
        (
            "tests",
            [
                ("a.rs", "use crate::b::B;"),
                (
                    "b.rs",
                    "fn f() {}\n\n#[cfg(test)]\nmod tests {\n    use crate::a::A;\n}\n",
                ),
                ("c.rs", "use c::c; use d; fn g() { c::f(); d::e() }"),
            ],
        ),
    ] {
        let files = files.map(|(file, text)| (file.to_owned(), text.to_owned()));
        assert_eq!(circles(&files), [[""; 0]; 0], "{what}");
    }
}
