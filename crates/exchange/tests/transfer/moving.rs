//! Push and pull, stopped at every block.

use crate::{http, s3};
use knarr_exchange::transfer::{Listing, Moved, Place, Progress, TransferError, pull, push};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::Ordering;

const BLOCK: u64 = 1000;

/// A release with files of no, one, exactly two and several blocks.
fn release(folder: &Path) -> std::path::PathBuf {
    let release = folder.join("release-1");
    std::fs::create_dir_all(release.join("data/t")).expect("a folder");
    for (name, len) in [("bagit.txt", 55), ("data/t/a.nc", 2000), ("data/t/b.nc", 4321), ("data/empty", 0), ("release.json", 999)]
    {
        let bytes: Vec<u8> = (0..len).map(|i| (i * 31 + len * 7 + i / 251) as u8).collect();
        std::fs::write(release.join(name), bytes).expect("written");
    }
    release
}

const BLOCKS: usize = 1 + 2 + 5 + 1;

fn content(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let listing = Listing::of_folder(folder, BLOCK).unwrap_or_else(|e| panic!("{e}"));
    listing.files.iter().map(|f| (f.path.clone(), std::fs::read(folder.join(&f.path)).expect("readable"))).collect()
}

fn go_on(_: &Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// Stops after `k` blocks that were not there before.
fn stop_after(k: usize) -> impl FnMut(&Progress) -> ControlFlow<()> {
    let mut new = 0;
    move |progress: &Progress| {
        new += usize::from(!progress.resumed);
        if new == k { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

fn whole(moved: &Moved) {
    assert_eq!((moved.files, moved.blocks, moved.bytes), (5, BLOCKS, 55 + 2000 + 4321 + 999));
}

/// Pushes stopped after every number of blocks, then pulled while stopped after every number of blocks.
fn every_boundary(place_for: &dyn Fn(usize) -> Place) {
    let folder = tempfile::tempdir().expect("a folder");
    let release = release(folder.path());
    let expected = content(&release);
    for k in 1..=BLOCKS {
        let place = place_for(k);
        let stopped = push(&release, &place, Some(BLOCK), &mut stop_after(k)).expect_err("stopped");
        assert!(matches!(stopped, TransferError::Stopped { blocks_done, .. } if blocks_done == k), "{stopped}");
        let early = tempfile::tempdir().expect("a folder");
        let none = pull(&place, "release-1", early.path(), &mut go_on).expect_err("no listing yet");
        assert!(matches!(none, TransferError::NoRelease { .. }), "{none}");
        let moved = push(&release, &place, Some(BLOCK), &mut go_on).unwrap_or_else(|e| panic!("after {k}: {e}"));
        whole(&moved);
        // A bucket learns of whole parts only; a folder of every block.
        assert_eq!(moved.resumed, k, "what was moved is not moved again");
        let again = push(&release, &place, Some(BLOCK), &mut go_on).expect_err("it is there");
        assert!(matches!(again, TransferError::Exists { same: true, .. }), "{again}");
        let here = tempfile::tempdir().expect("a folder");
        let stopped = pull(&place, "release-1", here.path(), &mut stop_after(k)).expect_err("stopped");
        assert!(matches!(stopped, TransferError::Stopped { .. }), "{stopped}");
        assert!(!here.path().join("release-1").exists(), "half a release has no name");
        let moved = pull(&place, "release-1", here.path(), &mut go_on).unwrap_or_else(|e| panic!("after {k}: {e}"));
        whole(&moved);
        assert_eq!(moved.resumed, k);
        assert_eq!(content(&here.path().join("release-1")), expected);
        let left: Vec<_> = std::fs::read_dir(here.path()).expect("readable").collect();
        assert_eq!(left.len(), 1, "nothing else is left");
    }
    assert!(!folder.path().join("release-1.push.json").exists());
}

#[test]
fn folders_resume_at_every_block() {
    let root = tempfile::tempdir().expect("a folder");
    every_boundary(&|k| {
        let place = root.path().join(format!("place{k}"));
        std::fs::create_dir(&place).expect("a folder");
        Place::parse(&place.display().to_string()).unwrap_or_else(|e| panic!("{e}"))
    });
}

#[test]
fn buckets_resume_at_every_block() {
    let root = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(root.path().join("bucket")).expect("a folder");
    let port = s3::start(root.path());
    every_boundary(&|k| s3::place(port, "bucket", &format!("to/destine/{k}")));
}

#[test]
fn servers_resume_at_every_block() {
    let root = tempfile::tempdir().expect("a folder");
    let server = http::Server::start(root.path().to_owned());
    every_boundary(&|k| Place::parse(&format!("http://127.0.0.1:{}/to/{k}", server.port)).unwrap_or_else(|e| panic!("{e}")));
    // Of each release every block once, the empty file once or twice, and the listing.
    let puts = server.puts.load(Ordering::SeqCst);
    assert!((BLOCKS * (BLOCKS + 2)..=BLOCKS * (BLOCKS + 3)).contains(&puts), "{puts}");
}

#[test]
fn a_block_that_arrived_damaged_at_a_server_is_not_taken() {
    let folder = tempfile::tempdir().expect("a folder");
    let release = release(folder.path());
    let root = tempfile::tempdir().expect("a folder");
    let server = http::Server::start(root.path().to_owned());
    let place = Place::parse(&format!("http://127.0.0.1:{}", server.port)).unwrap_or_else(|e| panic!("{e}"));
    push(&release, &place, Some(BLOCK), &mut stop_after(4)).expect_err("stopped");
    let blocks: Vec<_> = std::fs::read_dir(root.path().join("release-1.blocks")).expect("blocks").flatten().collect();
    // One is cut off: it is sent again. One is changed: its length does not tell, whoever pulls does.
    std::fs::write(blocks[0].path(), b"cut off").expect("written");
    let moved = push(&release, &place, Some(BLOCK), &mut go_on).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(moved.resumed, 3);
    let here = tempfile::tempdir().expect("a folder");
    let mut bytes = std::fs::read(blocks[1].path()).expect("readable");
    bytes[7] ^= 1;
    std::fs::write(blocks[1].path(), &bytes).expect("written");
    let error = pull(&place, "release-1", here.path(), &mut go_on).expect_err("changed");
    assert!(matches!(error, TransferError::Hash { .. }), "{error}");
    assert!(!here.path().join("release-1").exists());
}

#[test]
fn servers_are_read_by_block_and_damage_on_the_way_is_repaired() {
    let folder = tempfile::tempdir().expect("a folder");
    let release = release(folder.path());
    let root = tempfile::tempdir().expect("a folder");
    let place = Place::parse(&root.path().display().to_string()).unwrap_or_else(|e| panic!("{e}"));
    push(&release, &place, Some(BLOCK), &mut go_on).unwrap_or_else(|e| panic!("{e}"));
    let server = http::Server::start(root.path().to_owned());
    let from = Place::parse(&format!("http://127.0.0.1:{}", server.port)).unwrap_or_else(|e| panic!("{e}"));
    for k in 1..=BLOCKS {
        let here = tempfile::tempdir().expect("a folder");
        pull(&from, "release-1", here.path(), &mut stop_after(k)).expect_err("stopped");
        let before = server.answers.load(Ordering::SeqCst);
        let moved = pull(&from, "release-1", here.path(), &mut go_on).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(moved.resumed, k);
        assert_eq!(server.answers.load(Ordering::SeqCst) - before, 1 + BLOCKS - k, "the listing and what was missing");
        assert_eq!(content(&here.path().join("release-1")), content(&release));
    }
    // Twice damaged, the third time right. (The listing comes undamaged: the damage begins with the first block.)
    let here = tempfile::tempdir().expect("a folder");
    let mut blocks = 0;
    let moved = pull(&from, "release-1", here.path(), &mut |_| {
        blocks += 1;
        if blocks == 1 {
            server.damaged.store(2, Ordering::SeqCst);
        }
        ControlFlow::Continue(())
    });
    whole(&moved.unwrap_or_else(|e| panic!("{e}")));
    assert_eq!(content(&here.path().join("release-1")), content(&release));
}

#[test]
fn what_was_changed_at_the_place_is_not_taken() {
    let folder = tempfile::tempdir().expect("a folder");
    let release = release(folder.path());
    let root = tempfile::tempdir().expect("a folder");
    let place = Place::parse(&root.path().display().to_string()).unwrap_or_else(|e| panic!("{e}"));
    push(&release, &place, Some(BLOCK), &mut go_on).unwrap_or_else(|e| panic!("{e}"));
    let victim = root.path().join("release-1/data/t/b.nc");
    let mut bytes = std::fs::read(&victim).expect("readable");
    bytes[3500] ^= 0x10;
    std::fs::write(&victim, &bytes).expect("written");
    let here = tempfile::tempdir().expect("a folder");
    let error = pull(&place, "release-1", here.path(), &mut go_on).expect_err("damaged");
    assert!(matches!(&error, TransferError::Hash { path, block: 3, .. } if path == "data/t/b.nc"), "{error}");
    assert!(!here.path().join("release-1").exists());
    // Repaired there, the pull goes on here.
    bytes[3500] ^= 0x10;
    std::fs::write(&victim, &bytes).expect("written");
    let moved = pull(&place, "release-1", here.path(), &mut go_on).unwrap_or_else(|e| panic!("{e}"));
    assert!(moved.resumed >= 3);
    assert_eq!(content(&here.path().join("release-1")), content(&release));
}

/// What lies about in the folder of an interrupted pull is not trusted: damaged blocks, files of others, links.
#[test]
fn a_pull_that_goes_on_checks_what_it_finds() {
    let folder = tempfile::tempdir().expect("a folder");
    let release = release(folder.path());
    let root = tempfile::tempdir().expect("a folder");
    let place = Place::parse(&root.path().display().to_string()).unwrap_or_else(|e| panic!("{e}"));
    push(&release, &place, Some(BLOCK), &mut go_on).unwrap_or_else(|e| panic!("{e}"));
    let here = tempfile::tempdir().expect("a folder");
    pull(&place, "release-1", here.path(), &mut stop_after(5)).expect_err("stopped");
    let part = here.path().join(".release-1.part");
    std::fs::write(part.join("data/t/a.nc"), b"something else").expect("written");
    std::fs::write(part.join("stranger"), b"x").expect("written");
    #[cfg(unix)]
    {
        let outside = here.path().join("outside");
        std::fs::write(&outside, b"precious").expect("written");
        std::os::unix::fs::symlink(&outside, part.join("release.json")).expect("a link");
        pull(&place, "release-1", here.path(), &mut go_on).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(std::fs::read(&outside).expect("readable"), b"precious", "links are not followed");
    }
    assert_eq!(content(&here.path().join("release-1")), content(&release));
}

#[test]
fn a_release_is_not_replaced() {
    let folder = tempfile::tempdir().expect("a folder");
    let release = release(folder.path());
    let root = tempfile::tempdir().expect("a folder");
    let place = Place::parse(&root.path().display().to_string()).unwrap_or_else(|e| panic!("{e}"));
    push(&release, &place, Some(BLOCK), &mut go_on).unwrap_or_else(|e| panic!("{e}"));
    std::fs::write(release.join("bagit.txt"), b"other").expect("written");
    let other = push(&release, &place, Some(BLOCK), &mut go_on).expect_err("other content");
    assert!(matches!(other, TransferError::Exists { same: false, .. }), "{other}");
    let here = tempfile::tempdir().expect("a folder");
    pull(&place, "release-1", here.path(), &mut go_on).unwrap_or_else(|e| panic!("{e}"));
    let again = pull(&place, "release-1", here.path(), &mut go_on).expect_err("it is there");
    assert!(matches!(again, TransferError::Exists { same: true, .. }), "{again}");
}
