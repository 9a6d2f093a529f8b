//! Counting with `valgrind --tool=callgrind`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::thread;

use super::record::Count;
use crate::workspace::Workspace;
use crate::{Error, Result};

/// The function of the program that runs a path. Nothing else is counted: the start of a process is not the same each
/// time.
const COUNTED: &str = "aio_instructions::counted*";

/// A path is run with that many operations and with that many. The difference is that of operations alone, without the
/// start of the loop and without the first batches, which find no memory to use again.
const N_OPERATIONS: [u64; 2] = [4_000, 12_000];

/// `memcpy` and its like choose among variants for processors; with these features away there is one for all. Nothing
/// else of the environment is passed on, as it moves the stack.
const TUNABLES: &str = "glibc.cpu.hwcaps=-AVX512F,-AVX512VL,-AVX2,-AVX,-ERMS,-FSRM,-BMI2,-RTM,\
                        -AVX_Fast_Unaligned_Load,-Prefer_No_VZEROUPPER";

/// An installed `valgrind`.
#[derive(Debug)]
pub(super) struct Callgrind {
    /// Where its output goes, for `callgrind_annotate`.
    folder: PathBuf,
}

impl Callgrind {
    /// `None` if it cannot be run.
    pub(super) fn find(workspace: &Workspace) -> Option<Self> {
        let output = Command::new("valgrind").arg("--version").output().ok()?;
        output.status.success().then(|| Self { folder: workspace.target.join("callgrind") })
    }

    /// Counts all `paths`, several at a time, and returns them in the order given.
    pub(super) fn count(&self, program: &Path, paths: Vec<String>) -> Result<Vec<(String, Count)>> {
        fs::create_dir_all(&self.folder)
            .map_err(|error| Error::Failed(format!("failed to make `{}`: {error}", self.folder.display())))?;
        let n_threads = thread::available_parallelism().map_or(1, usize::from).min(paths.len());
        let todo = Mutex::new(paths.into_iter().enumerate());
        let count_some = || {
            let mut counts = Vec::new();
            loop {
                let Some((index, path)) = todo.lock().expect("nobody panics with it").next() else { break };
                let count = self.count_one(program, &path)?;
                counts.push((index, path, count));
            }
            Ok(counts)
        };
        let mut counts = thread::scope(|scope| {
            let threads: Vec<_> = (0..n_threads).map(|_| scope.spawn(count_some)).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().expect("it does not panic"))
                .collect::<Result<Vec<_>>>()
                .map(|counts| counts.concat())
        })?;
        counts.sort_by_key(|(index, ..)| *index);
        Ok(counts.into_iter().map(|(_, path, count)| (path, count)).collect())
    }

    fn count_one(&self, program: &Path, path: &str) -> Result<Count> {
        let [few, many] = N_OPERATIONS;
        let total = |n| self.total(program, path, n);
        let difference = (total(many)?).checked_sub(total(few)?);
        let difference = difference.ok_or_else(|| Error::Failed(format!("`{path}` takes less for more operations")))?;
        Ok(Count::of(difference, many - few))
    }

    /// All instructions of a run with `n` operations.
    fn total(&self, program: &Path, path: &str, n: u64) -> Result<u64> {
        let file = self.folder.join(format!("{path}.{n}.out"));
        let failed = |why: &str| Error::Failed(format!("failed to count {n} operations of `{path}`: {why}"));
        let output = Command::new("valgrind")
            .arg("--tool=callgrind")
            .arg(format!("--toggle-collect={COUNTED}"))
            .arg(format!("--callgrind-out-file={}", file.display()))
            .arg(program)
            .args([path, &n.to_string()])
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .env("GLIBC_TUNABLES", TUNABLES)
            .output()
            .map_err(|error| failed(&error.to_string()))?;
        if !output.status.success() {
            return Err(failed(&format!("{}\n{}", output.status, String::from_utf8_lossy(&output.stderr))));
        }
        let text = fs::read_to_string(&file).map_err(|error| failed(&error.to_string()))?;
        // Zero, if no function is called so.
        summary(&text).filter(|sum| *sum > 0).ok_or_else(|| failed(&format!("`{}` has no sum", file.display())))
    }
}

/// The sum in the output of callgrind: `summary: 1114108`.
fn summary(output: &str) -> Option<u64> {
    output.lines().find_map(|line| line.strip_prefix("summary:"))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_stands_in_a_line_of_its_own() {
        assert_eq!(summary("version: 1\nevents: Ir\nsummary: 1114108\n\nfn=(1) main\n1 2\n"), Some(1_114_108));
        assert_eq!(summary("events: Ir\nfn=(1) summary: 5\n"), None);
        assert_eq!(summary("summary: many\n"), None);
    }
}
