//! Finds the published packages, and prepares their tests for this build: see `src/suite.rs`.

#[expect(dead_code, unreachable_pub, reason = "it is a module of the library, too")]
#[path = "src/suite.rs"]
mod suite;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use serde_json::Value;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=src/suite.rs");
    println!("cargo::rerun-if-changed=suites.txt");
    // Where the versions of the packages stand.
    println!("cargo::rerun-if-changed=../../Cargo.lock");

    let suites = suite::read(&fs::read_to_string("suites.txt")?)?;
    let metadata = metadata()?;
    let out = PathBuf::from(variable("OUT_DIR")?);
    for package in suite::packages(&suites) {
        let tests = find(&metadata, package).ok_or_else(|| format!("cargo knows no `{package}` here"))?.join("tests");
        println!("cargo::rerun-if-changed={}", tests.display());
        let copies = out.join(package);
        copy(&tests, &copies, package, &suites)?;
        // The root of a test target: with `#[path]`, not `include!`, the files may begin with `#![allow(..)]` and have
        // modules of their own. Those of which nothing is run need not compile.
        let mut root = String::new();
        for suite in suites.iter().filter(|suite| suite.package == package && suite.n_run > 0) {
            let file = copies.join(&suite.file).with_extension("rs");
            root += &format!("#[allow(warnings, clippy::all)]\n#[path = {file:?}]\nmod {};\n", suite.file);
        }
        fs::write(copies.with_extension("rs"), root)?;
    }
    Ok(())
}

/// Copies the folder `from`: the tests as `suites` say, and what they share as it is.
fn copy(from: &Path, to: &Path, package: &str, suites: &[suite::Suite]) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(to)?;
    let entries =
        fs::read_dir(from).map_err(|error| format!("{package} has no tests in {}: {error}", from.display()))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default();
        if path.is_dir() {
            copy_all(&path, &to.join(name))?;
        } else if let Some(file) = name.to_str().and_then(|name| name.strip_suffix(".rs")) {
            files.push(file.to_owned());
        }
    }
    suite::assert_listed(package, &files, suites)?;
    for suite in suites.iter().filter(|suite| suite.package == package) {
        let name = format!("{}.rs", suite.file);
        fs::write(to.join(&name), suite.prepare(&fs::read_to_string(from.join(&name))?)?)?;
    }
    Ok(())
}

fn copy_all(from: &Path, to: &Path) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let to = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            copy_all(&path, &to)?;
        } else {
            fs::write(to, fs::read(path)?)?;
        }
    }
    Ok(())
}

/// What cargo says about this workspace. It finds the packages wherever they are, in a vendored folder too; and needs
/// no network where all have been fetched.
fn metadata() -> Result<Value, Box<dyn Error>> {
    let output = Command::new(variable("CARGO")?)
        .args(["metadata", "--format-version=1", "--locked", "--filter-platform", &variable("TARGET")?])
        .output()?;
    if !output.status.success() {
        return Err(format!("`cargo metadata`: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// The folder of the package that this one depends on.
fn find(metadata: &Value, package: &str) -> Option<PathBuf> {
    let packages = metadata["packages"].as_array()?;
    let here = packages.iter().find(|package| package["name"] == env!("CARGO_PKG_NAME"))?;
    let node = metadata["resolve"]["nodes"].as_array()?.iter().find(|node| node["id"] == here["id"])?;
    // There may be several versions of it, and this one is called `published_..` here.
    let name = format!("published_{}", package.replace('-', "_"));
    let dependency = node["deps"].as_array()?.iter().find(|dependency| dependency["name"] == name.as_str())?;
    let found = packages.iter().find(|package| package["id"] == dependency["pkg"])?;
    Some(Path::new(found["manifest_path"].as_str()?).parent()?.to_owned())
}

fn variable(name: &str) -> Result<String, String> {
    env::var(name).map_err(|error| format!("`{name}`: {error}"))
}
