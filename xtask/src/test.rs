//! `cargo xtask test`: every kind of test, told apart by where it stands, and none of them silently empty.

use crate::cargo::Cargo;
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
    Loom,
}

/// The cheapest to fail comes first.
const KINDS: [(&str, Kind); 5] = [
    ("behaviour", Kind::Behaviour),
    ("property", Kind::Property),
    ("doc", Kind::Doc),
    ("real", Kind::Real),
    ("loom", Kind::Loom),
];

/// The module whose tests are property tests, wherever it stands.
const PROPERTY_MODULE: &str = "property::";

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
    let may_be_empty = options.kinds.is_empty() && !options.packages.is_empty();
    let mut counts = Vec::new();
    for (name, kind) in KINDS {
        if options.kinds.is_empty() || options.kinds.contains(&kind) {
            let passed = run_kind(workspace, kind, &packages)?;
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

fn run_kind(workspace: &Workspace, kind: Kind, packages: &[&Package]) -> Result<u64> {
    let mut passed = 0;
    if kind == Kind::Loom {
        // One line for each package, so that none of them can be empty behind another's back.
        for package in packages {
            if package.has_loom_models()? {
                let ran = loom(workspace, package).run_tests(workspace)?;
                if ran == 0 {
                    return Err(Error::Failed(format!("`{}` has loom models, but none of them ran", package.name)));
                }
                passed += ran;
            }
        }
    } else {
        for cargo in lines(kind, packages) {
            passed += cargo.run_tests(workspace)?;
        }
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

/// The cargo lines for `kind`, loom aside; none, if no target can hold a test of that kind.
fn lines(kind: Kind, packages: &[&Package]) -> Vec<Cargo> {
    let ordinary = |target: &Target| match target.kind {
        TargetKind::Lib | TargetKind::Bin => target.test,
        TargetKind::Test => target.test && kind_of_test_target(&target.name) == Kind::Behaviour,
        TargetKind::Other => false,
    };
    let named =
        |target: &Target| target.kind == TargetKind::Test && target.test && kind_of_test_target(&target.name) == kind;
    let lines = match kind {
        Kind::Behaviour => {
            vec![test_line(packages, ordinary).map(|cargo| cargo.args(["--", "--skip", PROPERTY_MODULE]))]
        }
        Kind::Property => vec![
            test_line(packages, ordinary).map(|cargo| cargo.args(["--", PROPERTY_MODULE])),
            test_line(packages, named),
        ],
        Kind::Doc => {
            let documented = packages.iter().filter(|package| package.targets.iter().any(|target| target.doctest));
            let names: Vec<&str> = documented.map(|package| package.name.as_str()).collect();
            vec![(!names.is_empty()).then(|| Cargo::new(&["test", "--doc"]).packages(names))]
        }
        Kind::Real => vec![test_line(packages, named)],
        Kind::Loom => Vec::new(),
    };
    lines.into_iter().flatten().collect()
}

/// `cargo test` of the targets that `wanted` picks out. One line for all packages: cargo then builds them in parallel
/// and with the same features. The name of a test target decides its kind, so that a name picked out in one package may
/// be picked out in all.
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

fn kind_of_test_target(name: &str) -> Kind {
    if name.starts_with("property") {
        Kind::Property
    } else if name.starts_with("real") || name.starts_with("foreign") {
        Kind::Real
    } else {
        Kind::Behaviour
    }
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
        Package { name: name.to_owned(), root: "/nowhere".into(), targets: targets.iter().map(target).collect() }
    }

    fn shown(kind: Kind, packages: &[Package]) -> Vec<String> {
        lines(kind, &packages.iter().collect::<Vec<_>>()).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn each_kind_takes_the_targets_that_are_its_own() {
        let packages = [
            package("a", &[("a", TargetKind::Lib), ("lock", TargetKind::Test), ("property_lock", TargetKind::Test)]),
            package("b", &[("b", TargetKind::Bin), ("lock", TargetKind::Test), ("foreign_lock", TargetKind::Test)]),
            package("c", &[("demo", TargetKind::Other)]),
        ];
        assert_eq!(
            shown(Kind::Behaviour, &packages),
            ["cargo test -p a -p b --lib --bins --test lock -- --skip property::"]
        );
        assert_eq!(
            shown(Kind::Property, &packages),
            ["cargo test -p a -p b --lib --bins --test lock -- property::", "cargo test -p a --test property_lock"]
        );
        assert_eq!(shown(Kind::Real, &packages), ["cargo test -p b --test foreign_lock"]);
        assert_eq!(shown(Kind::Doc, &packages), ["cargo test --doc -p a"]);
    }

    #[test]
    fn a_kind_without_targets_runs_nothing() {
        let packages = [package("c", &[("demo", TargetKind::Other)])];
        for (name, kind) in KINDS {
            assert_eq!(shown(kind, &packages), [""; 0], "{name}");
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
