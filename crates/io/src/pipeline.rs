//! Reading, working and writing at the same time, batch by batch and in order.

use crate::IoError;
use std::ops::Range;
use std::sync::mpsc::{channel, sync_channel};

/// Takes each of `batches` through `read`, `work` and `write`, and tells `done` the end of what is written.
///
/// Overlapped, a batch is read and another written while one is worked on: two of each kind are held. Each function gets
/// what it made before, to use its memory again. The first failure ends all; it is that of the earliest batch.
///
/// # Errors
/// Those of the functions.
pub(crate) fn run<R: Send, W: Send>(
    batches: &[Range<usize>],
    overlapped: bool,
    read: impl Fn(Range<usize>, Option<R>) -> Result<R, IoError> + Send,
    mut work: impl FnMut(Range<usize>, &R, Option<W>) -> Result<W, IoError>,
    mut write: impl FnMut(Range<usize>, &W) -> Result<(), IoError> + Send,
    mut done: impl FnMut(usize),
) -> Result<(), IoError> {
    if !overlapped || batches.len() < 2 {
        let (mut input, mut output) = (None, None);
        for batch in batches {
            let given = read(batch.clone(), input.take())?;
            let made = work(batch.clone(), &given, output.take())?;
            write(batch.clone(), &made)?;
            (input, output) = (Some(given), Some(made));
            done(batch.end);
        }
        return Ok(());
    }
    std::thread::scope(|scope| {
        // Nothing waits in the channels of batches, so that no more than two are held.
        let (given, inputs) = sync_channel::<Result<R, IoError>>(0);
        let (used, free_inputs) = channel::<R>();
        let (made, outputs) = sync_channel::<(Range<usize>, W)>(0);
        let (written, free_outputs) = channel::<(usize, W)>();
        scope.spawn(move || {
            for batch in batches {
                let input = read(batch.clone(), free_inputs.try_recv().ok());
                let failed = input.is_err();
                if given.send(input).is_err() || failed {
                    return;
                }
            }
        });
        let writer = scope.spawn(move || {
            for (batch, output) in outputs {
                write(batch.clone(), &output)?;
                // Nobody takes it back after the last batch.
                let _ = written.send((batch.end, output));
            }
            Ok(())
        });
        let mut worked = Ok(());
        for batch in batches {
            // A channel that closes early has a failure or a panic behind it, which is met below.
            let Ok(input) = inputs.recv() else { break };
            let mut free = None;
            for (end, output) in free_outputs.try_iter() {
                done(end);
                free = Some(output);
            }
            match input.and_then(|input| Ok((work(batch.clone(), &input, free)?, input))) {
                Ok((output, input)) => {
                    let _ = used.send(input);
                    if made.send((batch.clone(), output)).is_err() {
                        break;
                    }
                }
                Err(error) => {
                    worked = Err(error);
                    break;
                }
            }
        }
        drop((inputs, made));
        let wrote = writer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        free_outputs.iter().for_each(|(end, _)| done(end));
        wrote.and(worked)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn failure(problem: &str) -> IoError {
        IoError::Write { path: "out.nc".into(), problem: problem.to_owned() }
    }

    fn batches(n: usize) -> Vec<Range<usize>> {
        (0..n).map(|k| 3 * k..3 * k + 3).collect()
    }

    #[test]
    fn batches_come_out_in_order_and_few_are_held() {
        for (overlapped, n) in [(false, 9), (true, 0), (true, 1), (true, 2), (true, 100)] {
            let (mut out, mut ends) = (Vec::new(), Vec::new());
            let made = AtomicUsize::new(0);
            let read = |batch: Range<usize>, free: Option<Vec<usize>>| {
                let mut input = free.unwrap_or_else(|| {
                    made.fetch_add(1, Ordering::Relaxed);
                    Vec::new()
                });
                input.clear();
                input.extend(batch);
                Ok(input)
            };
            let mut seen = 0;
            let work = |batch: Range<usize>, input: &Vec<usize>, free: Option<Vec<usize>>| {
                assert_eq!(batch.clone().collect::<Vec<_>>(), *input);
                seen += 1;
                let mut output = free.unwrap_or_default();
                output.clear();
                output.extend(input.iter().map(|i| i * 2));
                Ok(output)
            };
            let write = |_, output: &Vec<usize>| {
                out.extend_from_slice(output);
                Ok(())
            };
            run(&batches(n), overlapped, read, work, write, |end| ends.push(end)).expect("nothing fails");
            assert_eq!(out, (0..3 * n).map(|i| i * 2).collect::<Vec<_>>());
            assert_eq!(ends, (1..=n).map(|k| 3 * k).collect::<Vec<_>>());
            assert_eq!(seen, n);
            assert!(made.into_inner() <= if overlapped { 3 } else { 1 });
        }
    }

    #[test]
    fn the_earliest_failure_ends_all() {
        for overlapped in [false, true] {
            let run = |read_fails: usize, write_fails: usize| {
                let read = |batch: Range<usize>, _| if batch.start == read_fails { Err(failure("read")) } else { Ok(batch) };
                let write = |batch: Range<usize>, _: &()| if batch.start == write_fails { Err(failure("write")) } else { Ok(()) };
                let error = run(&batches(10), overlapped, read, |_, _, _| Ok(()), write, |_| {}).expect_err("it fails");
                error.to_string()
            };
            assert!(run(6, 99).contains("read"));
            assert!(run(99, 6).contains("write"));
            assert!(run(9, 6).contains("write"));
            assert!(run(6, 9).contains("read"));
        }
    }
}
