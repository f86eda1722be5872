//! Python programs that do their work in memory, run by run, when they are told to.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Seek, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

const SERVED: &str = include_str!("served.py");

/// A program that is ready.
pub struct Served {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    talk: std::fs::File,
    /// As it says.
    pub version: String,
}

impl Served {
    /// Starts `script` on one thread and waits until it is ready.
    ///
    /// # Errors
    /// The last it said.
    pub fn start<A: AsRef<OsStr>>(script: &str, arguments: &[A]) -> Result<Self, String> {
        let talk = tempfile::tempfile().map_err(|e| e.to_string())?;
        let stderr = talk.try_clone().map_err(|e| e.to_string())?;
        let mut command = Command::new("python3");
        command.arg("-c").arg(format!("{script}\n\n{SERVED}")).args(arguments);
        for variable in ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"] {
            command.env(variable, "1");
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(stderr);
        let mut child = command.spawn().map_err(|e| format!("python3: {e}"))?;
        let (input, output) = (child.stdin.take(), child.stdout.take().ok_or("python3 has no output")?);
        let mut served = Self { child, input, output: BufReader::new(output), talk, version: String::new() };
        served.version = served.answer("ready")?;
        Ok(served)
    }

    /// Does the work once; gives seconds, as it measured them itself.
    ///
    /// # Errors
    /// The last it said.
    pub fn run(&mut self) -> Result<f64, String> {
        self.tell("run")?;
        self.answer("")?.parse().map_err(|e| format!("it gives no seconds: {e}"))
    }

    /// The result of the last run.
    ///
    /// # Errors
    /// The last it said.
    pub fn result(&mut self, file: &Path) -> Result<Vec<f64>, String> {
        self.tell(&format!("result {}", file.display()))?;
        self.answer("written")?;
        let bytes = std::fs::read(file).map_err(|e| e.to_string())?;
        Ok(bytes.as_chunks::<8>().0.iter().map(|b| f64::from_ne_bytes(*b)).collect())
    }

    fn tell(&mut self, text: &str) -> Result<(), String> {
        let input = self.input.as_mut().ok_or("it has ended")?;
        let told = writeln!(input, "{text}").and_then(|()| input.flush());
        told.map_err(|_| self.last_words())
    }

    /// What follows `word` in the next line that begins with it; programs say other things as well.
    fn answer(&mut self, word: &str) -> Result<String, String> {
        let mut line = String::new();
        loop {
            line.clear();
            match self.output.read_line(&mut line) {
                Ok(0) | Err(_) => return Err(self.last_words()),
                Ok(_) => {}
            }
            let text = line.trim();
            if let Some(rest) = text.strip_prefix(word)
                && (!word.is_empty() || text.parse::<f64>().is_ok())
            {
                return Ok(rest.trim().to_owned());
            }
        }
    }

    fn last_words(&mut self) -> String {
        let mut text = String::new();
        let read = self.talk.rewind().and_then(|()| self.talk.read_to_string(&mut text));
        let line = text.lines().map(str::trim).rfind(|l| !l.is_empty()).unwrap_or_default();
        if read.is_err() || line.is_empty() { "it ended without a word".to_owned() } else { line.to_owned() }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // At the end of its input it ends; one that hangs is ended.
        self.input = None;
        for _ in 0..50 {
            match self.child.try_wait() {
                Ok(None) => std::thread::sleep(std::time::Duration::from_millis(20)),
                _ => return,
            }
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has_python() -> bool {
        Command::new("python3").arg("--version").output().is_ok_and(|o| o.status.success())
    }

    /// In place of numpy: what `served.py` needs of it.
    const NUMBERS: &str = "
import array, sys
class numpy:
    @staticmethod
    def ascontiguousarray(values, kind):
        class Raw:
            def tofile(self, path):
                open(path, 'wb').write(array.array('d', values).tobytes())
        return Raw()
version, result = '1.2', [None]
def once():
    print('talk besides')
    result[0] = [1.5, -2.0]
    return 0.25
";

    #[test]
    fn a_program_runs_when_told_and_gives_its_result() {
        if !has_python() {
            println!("skipped: no python3");
            return;
        }
        let folder = tempfile::tempdir().expect("a folder");
        let mut served = Served::start::<&str>(NUMBERS, &[]).expect("it starts");
        assert_eq!(served.version, "1.2");
        assert_eq!((served.run(), served.run()), (Ok(0.25), Ok(0.25)));
        assert_eq!(served.result(&folder.path().join("result")), Ok(vec![1.5, -2.0]));
    }

    #[test]
    fn the_last_words_of_one_that_fails_are_told() {
        if !has_python() {
            println!("skipped: no python3");
            return;
        }
        let failed = Served::start::<&str>("import no_such_module", &[]).err().expect("it cannot start");
        assert!(failed.contains("no_such_module"), "{failed}");
    }
}
