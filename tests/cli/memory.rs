//! What a job takes, said before it starts, kept within what is allowed or refused with the figure.

use crate::files;
use crate::run::Folder;

#[test]
fn what_does_not_fit_is_refused() {
    let folder = Folder::new();
    files::lat_lon(&folder.path("field.nc"), |k| k as f32, None);
    folder.fails("weights r720x360 r36x18 -o map.nc --max-memory 10M", "memory_for_weights");
    folder.fails("regrid field.nc -o out.nc --to r360x180 --max-memory 10M", "memory_for_regrid");
    assert_eq!(folder.knarr("weights field.nc:t r720x360 -o map.nc -q").code, Some(0));
    std::fs::rename(folder.path("map.nc"), folder.path("given.nc")).expect("renamed");
    folder.fails("regrid field.nc -o out.nc --to r720x360 --weights given.nc --max-memory 10M", "memory_for_given_weights");
    let ran = folder.knarr("weights r36x18 H4 -o map.nc --max-memory 10");
    assert!(ran.code == Some(2) && ran.stderr.contains("expected a number with a unit: 512M, 4G"), "{}", ran.stderr);
}

#[test]
fn weights_beyond_the_limit_are_made_tile_by_tile() {
    let folder = Folder::new();
    for method in ["conservative", "bilinear"] {
        let pair = "r360x180 H128";
        let whole = folder.knarr(&format!("weights {pair} -o whole.nc -O --method {method} -v"));
        let refused = folder.knarr(&format!("weights {pair} -o tiled.nc -O --method {method} --max-memory 1M"));
        let least = refused.stderr.split('`').nth(1).expect("a hint");
        let tiled = folder.knarr(&format!("weights {pair} -o tiled.nc -O --method {method} {least}"));
        assert_eq!((whole.code, tiled.code), (Some(0), Some(0)), "{}{}", whole.stderr, tiled.stderr);
        assert!(whole.stderr.contains(" of memory\n") && tiled.stderr.contains(" tiles\n"), "{}{}", whole.stderr, tiled.stderr);
        assert_eq!(whole.stdout, tiled.stdout, "links, unmapped cells, smallest and largest weight");
        let checked = ["whole.nc", "tiled.nc"].map(|file| folder.knarr(&format!("weights check {file}")));
        assert!(checked.iter().all(|ran| ran.code == Some(0)), "{}", checked[1].stdout);
        let summary = |text: &str| text.lines().take(2).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(summary(&checked[0].stdout), summary(&checked[1].stdout));
    }
    assert_eq!(folder.names().len(), 2, "{:?}", folder.names());
}

#[test]
fn small_jobs_are_done_without_a_word_and_large_ones_told() {
    let folder = Folder::new();
    let ran = folder.knarr("weights r36x18 H4 -o map.nc");
    assert_eq!(ran.stderr, "wrote map.nc\n");
    let ran = folder.knarr("weights r36x18 H4 -o map.nc -O -v");
    assert!(ran.stderr.starts_with("about ") && ran.stderr.contains(" links, "), "{}", ran.stderr);
    // 12.6 million cells; refused, so that only the estimate is made.
    files::lat_lon(&folder.path("field.nc"), |k| k as f32, None);
    let ran = folder.knarr("regrid field.nc -o out.nc --to r5000x2520 --method nearest --max-memory 100M");
    assert!(ran.code == Some(2) && ran.stderr.starts_with("about 13 million links, "), "{}", ran.stderr);
}
