//! What `cargo metadata` and the file system say about the workspace.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::source::{Source, Tree};
use crate::{Error, Result};

#[derive(Debug)]
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    /// The target folder, wherever configuration and environment have put it.
    pub(crate) target: PathBuf,
    /// The members, by name.
    pub(crate) packages: Vec<Package>,
}

#[derive(Debug)]
pub(crate) struct Package {
    pub(crate) name: String,
    /// Where it is, relative to the root of the workspace.
    pub(crate) folder: String,
    pub(crate) targets: Vec<Target>,
}

#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) kind: TargetKind,
    /// Whether `cargo test` runs it: `test = false` in the manifest opts out.
    pub(crate) test: bool,
    pub(crate) doctest: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TargetKind {
    Lib,
    Bin,
    Test,
    /// An example, a benchmark, a build script.
    Other,
}

impl Workspace {
    pub(crate) fn load() -> Result<Self> {
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.args(["metadata", "--format-version", "1", "--no-deps"]);
        let output =
            command.output().map_err(|error| Error::Failed(format!("failed to run `cargo metadata`: {error}")))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(Error::Failed(format!("`cargo metadata`: {}\n{said}", output.status)));
        }
        serde_json::from_slice(&output.stdout)
            .ok()
            .and_then(|metadata| Self::read(&metadata))
            .ok_or_else(|| Error::Failed("`cargo metadata` printed something unexpected".to_owned()))
    }

    fn read(metadata: &Value) -> Option<Self> {
        let root = Path::new(metadata["workspace_root"].as_str()?);
        let packages = metadata["packages"].as_array()?.iter().map(|package| Package::read(package, root));
        let mut packages = packages.collect::<Option<Vec<Package>>>()?;
        packages.sort_by(|a, b| a.name.cmp(&b.name));
        Some(Self { root: root.to_owned(), target: metadata["target_directory"].as_str()?.into(), packages })
    }

    /// The packages of these names; all of them if there are none.
    pub(crate) fn select(&self, names: &[String]) -> Result<Vec<&Package>> {
        if names.is_empty() {
            return Ok(self.packages.iter().collect());
        }
        let find = |name: &String| {
            let found = self.packages.iter().find(|package| package.name == *name);
            found.ok_or_else(|| Error::Usage(format!("the workspace has no package `{name}`")))
        };
        names.iter().map(find).collect()
    }

    /// All sources, manifests and documents.
    pub(crate) fn sources(&self) -> Result<Tree> {
        let mut texts = Vec::new();
        for path in files(&self.root, &["rs", "toml", "md", "txt"])? {
            let text = fs::read_to_string(&path)
                .map_err(|error| Error::Failed(format!("failed to read `{}`: {error}", path.display())))?;
            texts.push((relative(&path, &self.root), text));
        }
        Ok(Tree::new(texts))
    }
}

impl Package {
    fn read(package: &Value, root: &Path) -> Option<Self> {
        Some(Self {
            name: package["name"].as_str()?.to_owned(),
            folder: relative(Path::new(package["manifest_path"].as_str()?).parent()?, root),
            targets: package["targets"].as_array()?.iter().map(Target::read).collect::<Option<_>>()?,
        })
    }

    /// Whether its library holds loom models.
    pub(crate) fn has_loom_models(&self, tree: &Tree) -> bool {
        let has_library = self.targets.iter().any(|target| matches!(target.kind, TargetKind::Lib));
        has_library && tree.below(&format!("{}/src", self.folder)).any(Source::has_loom_models)
    }
}

impl Target {
    fn read(target: &Value) -> Option<Self> {
        Some(Self {
            name: target["name"].as_str()?.to_owned(),
            kind: match target["kind"][0].as_str()? {
                "bin" => TargetKind::Bin,
                "test" => TargetKind::Test,
                "lib" | "rlib" | "proc-macro" => TargetKind::Lib,
                _ => TargetKind::Other,
            },
            test: target["test"].as_bool()?,
            doctest: target["doctest"].as_bool()?,
        })
    }
}

/// `path` as it is written in messages and lists: relative to the root, with slashes.
fn relative(path: &Path, root: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).to_string_lossy().replace('\\', "/")
}

/// The files below `folder` with one of `extensions`, sorted; none if there is no such folder. Target folders and
/// hidden ones are left out.
fn files(folder: &Path, extensions: &[&str]) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        if !folder.is_dir() {
            continue;
        }
        let failed = |error| Error::Failed(format!("failed to list `{}`: {error}", folder.display()));
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if path.is_dir() {
                if name != "target" && !name.starts_with('.') {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|is| extensions.iter().any(|extension| is == *extension)) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workspace_knows_its_own_xtask() {
        let workspace = Workspace::load().unwrap();
        let [package] = workspace.select(&["xtask".to_owned()]).unwrap()[..] else { panic!("one package") };
        assert_eq!(package.folder, "xtask");
        assert!(workspace.sources().unwrap().find("xtask/src/workspace.rs").is_some());
        assert!(package.targets.iter().any(|target| target.kind == TargetKind::Bin && target.test));
        assert!(matches!(workspace.select(&["nonsense".to_owned()]), Err(Error::Usage(_))));
    }
}
