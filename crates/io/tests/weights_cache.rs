//! Weights kept between runs: found for their grids and options alone, whole or not at all.

use knarr_grid::{Grid, Mask};
use knarr_io::{Cached, WeightsCache};
use knarr_regrid::{Method, Options, Weights};
use std::fs;
use std::path::{Path, PathBuf};

fn grid(spec: &str) -> Grid {
    Grid::from_spec(spec).unwrap_or_else(|e| panic!("{spec}: {e}"))
}

struct Kept {
    folder: tempfile::TempDir,
    source: Grid,
    destination: Grid,
    options: Options,
    weights: Weights,
}

impl Kept {
    fn new() -> Self {
        let (source, destination, options) = (grid("r36x18"), grid("r12x6"), Options::new(Method::Conservative));
        let weights = Weights::build(&source, &destination, &options).expect("weights");
        let kept = Self { folder: tempfile::tempdir().expect("a folder"), source, destination, options, weights };
        kept.cache().keep(&kept.weights).expect("kept");
        kept
    }

    /// As another run of the program would open it.
    fn cache(&self) -> WeightsCache {
        WeightsCache::open(self.folder.path()).expect("a cache")
    }

    fn find(&self) -> Cached {
        self.cache().find(&self.source, &self.destination, &self.options)
    }

    fn entry(&self) -> PathBuf {
        let entries = names(self.folder.path());
        assert_eq!(entries.len(), 1, "{entries:?}");
        self.folder.path().join(&entries[0])
    }
}

fn names(folder: &Path) -> Vec<String> {
    fs::read_dir(folder).expect("it is there").map(|e| e.expect("readable").file_name().to_string_lossy().into_owned()).collect()
}

fn why(cached: Cached) -> String {
    match cached {
        Cached::Unusable(why) => why,
        other => panic!("{other:?} is not unusable"),
    }
}

#[test]
fn weights_return_bit_for_bit() {
    let kept = Kept::new();
    assert_eq!(kept.find(), Cached::Found(Box::new(kept.weights.clone())));
    // More links than one block holds.
    let (source, destination, options) = (grid("r360x180"), grid("H64"), Options::new(Method::Bilinear));
    let weights = Weights::build(&source, &destination, &options).expect("weights");
    assert!(8 * weights.len() > 1 << 20);
    kept.cache().keep(&weights).expect("kept");
    assert_eq!(kept.cache().find(&source, &destination, &options), Cached::Found(Box::new(weights)));
}

#[test]
fn other_grids_masks_and_options_are_absent() {
    let kept = Kept::new();
    let cache = kept.cache();
    let masked = kept.source.clone().masked_by(&Mask::from_active((0..kept.source.len()).map(|c| c != 5).collect()));
    assert_eq!(cache.find(&masked, &kept.destination, &kept.options), Cached::Absent);
    assert_eq!(cache.find(&kept.source, &grid("r12x7"), &kept.options), Cached::Absent);
    assert_eq!(cache.find(&kept.destination, &kept.source, &kept.options), Cached::Absent);
    assert_eq!(cache.find(&kept.source, &kept.destination, &Options::new(Method::Nearest)), Cached::Absent);
}

#[test]
fn an_entry_with_one_wrong_byte_is_not_used() {
    let kept = Kept::new();
    let whole = fs::read(kept.entry()).expect("the entry");
    // Every byte of head and text, some of the sections; zeros between them do not count.
    let places = (0..88).chain(128..300).chain((1024..whole.len()).step_by(97));
    let mut unused = 0;
    for place in places {
        let mut wrong = whole.clone();
        wrong[place] ^= 0x10;
        fs::write(kept.entry(), &wrong).expect("written");
        match kept.find() {
            Cached::Unusable(_) => unused += 1,
            // Between sections nothing is kept.
            Cached::Found(weights) => assert!(whole[place] == 0 && *weights == kept.weights, "byte {place}"),
            Cached::Absent => panic!("byte {place}: the entry is there"),
        }
    }
    assert!(unused > 300, "{unused}");
}

#[test]
fn truncated_foreign_and_misnamed_entries_are_told_and_replaced() {
    let kept = Kept::new();
    let (entry, whole) = (kept.entry(), fs::read(kept.entry()).expect("the entry"));
    let other = Kept::new();
    let options = Options::new(Method::Bilinear);
    let foreign = Weights::build(&other.source, &other.destination, &options).expect("weights");
    fs::remove_file(other.entry()).expect("removed");
    other.cache().keep(&foreign).expect("kept");
    for (bytes, words) in [
        (&whole[..whole.len() / 2], "bytes, its head asks for another number"),
        (&whole[..20], "not all of it"),
        (&b""[..], "not all of it"),
        (&[7u8; 5000][..], "no weights entry of this version and machine"),
        (&fs::read(other.entry()).expect("the entry")[..], "it belongs to other grids or options"),
    ] {
        fs::write(&entry, bytes).expect("written");
        let told = why(kept.find());
        assert!(told.contains(words) && told.contains(".weights: "), "`{words}` is not in `{told}`");
        kept.cache().keep(&kept.weights).expect("kept");
        assert_eq!(fs::read(&entry).expect("the entry"), whole, "{words}");
    }
}

#[test]
fn what_is_sound_is_not_written_again() {
    let kept = Kept::new();
    let cache = kept.cache();
    assert!(matches!(cache.find(&kept.source, &kept.destination, &kept.options), Cached::Found(_)));
    // An entry removed by somebody else stays removed: it was not written.
    fs::remove_file(kept.entry()).expect("removed");
    cache.keep(&kept.weights).expect("nothing to do");
    assert!(names(kept.folder.path()).is_empty());
}

#[test]
fn many_at_once_leave_one_whole_entry() {
    let kept = Kept::new();
    fs::remove_file(kept.entry()).expect("removed");
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..20 {
                    kept.cache().keep(&kept.weights).expect("kept");
                    assert_eq!(kept.find(), Cached::Found(Box::new(kept.weights.clone())));
                }
            });
        }
    });
    assert_eq!(names(kept.folder.path()).len(), 1);
}

#[test]
fn a_cache_needs_a_folder() {
    let kept = Kept::new();
    let error = WeightsCache::open(&kept.entry()).expect_err("a file is there").to_string();
    assert!(error.contains("cannot make the cache folder"), "{error}");
}
