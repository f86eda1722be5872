//! The walk over bytes understands the files people have.

use knarr_exchange::structure::inspect;
use std::path::Path;

#[test]
fn zz_all() {
    for dir in ["../../datasets", "../../../shared/ship", "../../../shared/data/atmos", "../../../shared/data/ocean", "../../../shared/data/eccc", "../../../shared/data/healpix", "../../../shared/data/land","../../../shared/data/unstructured"] {
        let Ok(list) = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(dir)) else { continue };
        for e in list {
            let p = e.unwrap().path();
            if p.extension().is_none_or(|e| e != "nc") { continue }
            if std::fs::metadata(&p).unwrap().len() > 100_000_000 { continue }
            let s = inspect(&std::fs::read(&p).unwrap());
            println!("{} {:?} {} objects {} texts", p.file_name().unwrap().to_string_lossy(), s.format, s.objects, s.texts.len());
            for o in s.oddities.iter().take(6) { println!("     {o:?}"); }
        }
    }
}
