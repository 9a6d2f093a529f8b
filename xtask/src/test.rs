//! `cargo xtask test`: every kind of test, told apart by the sources, and none of them silently empty.

use crate::cargo::Cargo;
use crate::source::{Source, Tree};
use crate::workspace::{Package, Target, TargetKind, Workspace};
use crate::{Error, Result, unknown};

/// What the command line asks for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    /// All of them, if empty.
    kinds: Vec<Kind>,
    /// All of them, if empty.
    packages: Vec<String>,
}

/// A kind of test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Behaviour,
    Property,
    Doc,
    Real,
    Published,
    Loom,
}

/// The cheapest to fail comes first.
const KINDS: [(&str, Kind); 6] = [
    ("behaviour", Kind::Behaviour),
    ("property", Kind::Property),
    ("doc", Kind::Doc),
    ("real", Kind::Real),
    ("published", Kind::Published),
    ("loom", Kind::Loom),
];

impl Options {
    pub(crate) fn parse(args: &[String]) -> Result<Self> {
        let mut options = Self::default();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            if arg == "-p" || arg == "--package" {
                let package = args.next().ok_or_else(|| Error::Usage(format!("`{arg}` takes a package")))?;
                options.packages.push(package.clone());
            } else if let Some((_, kind)) = KINDS.iter().find(|(name, _)| name == arg) {
                options.kinds.push(*kind);
            } else {
                return Err(unknown(arg));
            }
        }
        Ok(options)
    }
}

/// Runs what `options` ask for. A kind that was asked for and has no test is a failure; so is one that the whole
/// workspace does not have. Only "all kinds of this package" may leave kinds out.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let packages = workspace.select(&options.packages)?;
    let tree = workspace.sources()?;
    let may_be_empty = options.kinds.is_empty() && !options.packages.is_empty();
    let mut counts = Vec::new();
    for (name, kind) in KINDS {
        if options.kinds.is_empty() || options.kinds.contains(&kind) {
            let passed = run_kind(workspace, &tree, kind, &packages)?;
            if passed == 0 && !may_be_empty {
                return Err(Error::Failed(format!("no {name} test was run: is it where `cargo xtask` looks for it?")));
            }
            counts.push((name, passed));
        }
    }
    if counts.iter().all(|(_, passed)| *passed == 0) {
        return Err(Error::Failed("no test was run".to_owned()));
    }
    let summary: Vec<String> = counts.iter().map(|(name, passed)| format!("{passed} {name}")).collect();
    eprintln!("passed: {}", summary.join(", "));
    Ok(())
}

fn run_kind(workspace: &Workspace, tree: &Tree, kind: Kind, packages: &[&Package]) -> Result<u64> {
    let mut passed = 0;
    if kind == Kind::Loom {
        // One line for each package, so that none of them can be empty behind another's back.
        for package in packages {
            if package.has_loom_models(tree) {
                let ran = loom(workspace, package).run_tests(workspace)?;
                if ran == 0 {
                    return Err(Error::Failed(format!("`{}` has loom models, but none of them ran", package.name)));
                }
                passed += ran;
            }
        }
    } else if let Some(cargo) = line(tree, kind, packages) {
        passed += cargo.run_tests(workspace)?;
    }
    Ok(passed)
}

fn loom(workspace: &Workspace, package: &Package) -> Cargo {
    let preemptions = std::env::var("LOOM_MAX_PREEMPTIONS").unwrap_or_else(|_| "3".to_owned());
    Cargo::new(&["test", "--release", "--lib"])
        .packages([package.name.as_str()])
        .loom(workspace)
        .env("LOOM_MAX_PREEMPTIONS", preemptions)
}

/// The cargo line for `kind`, loom aside; none, if there can be no such test in `packages`.
fn line(tree: &Tree, kind: Kind, packages: &[&Package]) -> Option<Cargo> {
    let real = |target: &Target| target.name.starts_with("real") || target.name.starts_with("foreign");
    let published = |target: &Target| target.name.starts_with("published");
    let ordinary = |target: &Target| match target.kind {
        TargetKind::Lib | TargetKind::Bin => target.test,
        TargetKind::Test => target.test && !real(target) && !published(target),
        TargetKind::Other => false,
    };
    match kind {
        Kind::Behaviour => {
            let skipped = property_tests(tree, packages).into_iter().flat_map(|name| ["--skip", name]);
            Some(test_line(packages, ordinary)?.args(["--"]).args(skipped))
        }
        Kind::Property => {
            // Of all packages, not only of those with such tests: the names are patterns, and a test elsewhere that
            // matches one of them was skipped above.
            let names = property_tests(tree, packages);
            (!names.is_empty()).then(|| test_line(packages, ordinary).map(|cargo| cargo.args(["--"]).args(names)))?
        }
        Kind::Real => test_line(packages, |target| target.kind == TargetKind::Test && target.test && real(target)),
        Kind::Published => {
            let line =
                test_line(packages, |target| target.kind == TargetKind::Test && target.test && published(target));
            // They sleep more than they work.
            line.map(|cargo| cargo.args(["--", "--test-threads", "8"]))
        }
        Kind::Doc => {
            let documented = packages.iter().filter(|package| package.targets.iter().any(|target| target.doctest));
            let names: Vec<&str> = documented.map(|package| package.name.as_str()).collect();
            (!names.is_empty()).then(|| Cargo::new(&["test", "--doc"]).packages(names))
        }
        Kind::Loom => None,
    }
}

fn property_tests<'a>(tree: &'a Tree, packages: &[&Package]) -> Vec<&'a str> {
    let sources = packages.iter().flat_map(|package| tree.below(&package.folder));
    let mut names: Vec<&str> = sources.flat_map(Source::property_tests).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// `cargo test` of the targets that `wanted` picks out. One line for all packages, which cargo builds in parallel and
/// with the same features. A name of a test target decides its kind, so one picked out in one package may be in all.
fn test_line(packages: &[&Package], wanted: impl Fn(&Target) -> bool) -> Option<Cargo> {
    let chosen: Vec<&&Package> = packages.iter().filter(|package| package.targets.iter().any(&wanted)).collect();
    let targets: Vec<&Target> =
        chosen.iter().flat_map(|package| &package.targets).filter(|target| wanted(target)).collect();
    let has = |kind| targets.iter().any(|target| target.kind == kind);

    let mut cargo = Cargo::new(&["test"]).packages(chosen.iter().map(|package| package.name.as_str()));
    if has(TargetKind::Lib) {
        cargo = cargo.args(["--lib"]);
    }
    if has(TargetKind::Bin) {
        cargo = cargo.args(["--bins"]);
    }
    let mut names: Vec<&str> =
        targets.iter().filter(|target| target.kind == TargetKind::Test).map(|target| target.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    (!targets.is_empty()).then(|| names.into_iter().fold(cargo, |cargo, name| cargo.args(["--test", name])))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, targets: &[(&str, TargetKind)]) -> Package {
        let target = |&(name, kind): &(&str, TargetKind)| Target {
            name: name.to_owned(),
            kind,
            test: kind != TargetKind::Other,
            doctest: kind == TargetKind::Lib,
        };
        Package { name: name.to_owned(), folder: name.to_owned(), targets: targets.iter().map(target).collect() }
    }

    fn shown(kind: Kind, packages: &[Package]) -> Option<String> {
        let lock = "proptest! {\n    fn lock_is_a_list() {\n    }\n}\n".to_owned();
        let tree = Tree::new(vec![("a/tests/lock.rs".to_owned(), lock)]);
        line(&tree, kind, &packages.iter().collect::<Vec<_>>()).map(|cargo| cargo.to_string())
    }

    #[test]
    fn each_kind_takes_the_targets_that_are_its_own() {
        let packages = [
            package("a", &[("a", TargetKind::Lib), ("lock", TargetKind::Test)]),
            package("b", &[("b", TargetKind::Bin), ("lock", TargetKind::Test), ("foreign_lock", TargetKind::Test)]),
            package("c", &[("demo", TargetKind::Other), ("published_lock", TargetKind::Test)]),
        ];
        let expect = |kind, line: &str| assert_eq!(shown(kind, &packages).as_deref(), Some(line));
        expect(Kind::Behaviour, "cargo test -p a -p b --lib --bins --test lock -- --skip lock_is_a_list");
        expect(Kind::Property, "cargo test -p a -p b --lib --bins --test lock -- lock_is_a_list");
        expect(Kind::Real, "cargo test -p b --test foreign_lock");
        expect(Kind::Published, "cargo test -p c --test published_lock -- --test-threads 8");
        expect(Kind::Doc, "cargo test --doc -p a");
    }

    #[test]
    fn a_kind_without_targets_runs_nothing() {
        let packages = [package("c", &[("demo", TargetKind::Other)])];
        for (name, kind) in KINDS {
            assert_eq!(shown(kind, &packages), None, "{name}");
        }
    }

    #[test]
    fn a_kind_that_ran_no_test_fails() {
        // This package has no test target of the kind `real`, and none of its tests may ever be one.
        let workspace = Workspace::load().unwrap();
        let options = Options { kinds: vec![Kind::Real], packages: vec!["xtask".to_owned()] };
        let Err(Error::Failed(message)) = run(&workspace, &options) else { panic!("it passed") };
        assert!(message.starts_with("no real test was run"), "{message}");
    }

    #[test]
    fn kinds_and_packages_may_come_in_any_order() {
        let args = ["-p", "a", "loom", "--package", "b", "doc"].map(str::to_owned);
        let options = Options::parse(&args).unwrap();
        assert_eq!(options.kinds, [Kind::Loom, Kind::Doc]);
        assert_eq!(options.packages, ["a", "b"]);
        assert!(matches!(Options::parse(&["-p".to_owned()]), Err(Error::Usage(_))));
    }
}
