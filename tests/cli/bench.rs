//! Scorecards and benchmarks as their users meet them.

use crate::run::Folder;

#[test]
fn the_scorecard_scores_and_draws() {
    let folder = Folder::new();
    let arguments =
        "bench accuracy --quick --no-peers --cycles 2 --pairs H8n,r36x18 --methods bilinear,patch,patch+monotone,conservative2";
    let ran = folder.knarr(&format!("{arguments} --json --html page.html -q"));
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let card: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let scores = card["scores"].as_array().expect("scores");
    // Six fields, four methods, at centers and as means.
    assert_eq!(scores.len(), 48);
    let l2 = |method: &str, reference: &str| -> f64 {
        let of = |s: &&serde_json::Value| s["method"] == method && s["reference"] == reference && s["field"] == "two waves";
        scores.iter().find(of).and_then(|s| s["norms"]["l2"].as_f64()).expect("a score")
    };
    assert!(l2("patch", "centers") < 0.1 * l2("bilinear", "centers"));
    // Of sixteen waves on 32 centers, what a cubic makes beyond their range is wrong.
    let of_waves = |method: &str| -> f64 {
        let of = |s: &&serde_json::Value| s["method"] == method && s["reference"] == "centers" && s["field"] == "harmonic";
        scores.iter().find(of).and_then(|s| s["norms"]["misfit"]["mean"].as_f64()).expect("a score")
    };
    assert!(of_waves("patch+monotone") < of_waves("patch"), "{} {}", of_waves("patch+monotone"), of_waves("patch"));
    for score in scores.iter().filter(|s| s["method"] == "conservative2") {
        assert!(score["conservation"].as_f64().expect("a whole sphere") < 1e-14, "{score}");
    }
    let order = |method: &str| {
        let rows = card["convergence"].as_array().expect("orders").iter().filter(|c| c["method"] == method);
        rows.map(|c| c["order"].as_f64().expect("a number")).fold(f64::INFINITY, f64::min)
    };
    assert!(order("bilinear") > 1.9 && order("conservative2") > 1.9 && order("patch") > 2.9, "{}", card["convergence"]);
    let page = std::fs::read_to_string(folder.path("page.html")).expect("the page");
    assert!(page.contains("<svg") && page.contains("conservative2") && page.ends_with("</html>\n"));
    // Nothing is loaded from elsewhere.
    assert!(!page.contains("src=") && !page.contains("href="));
}

#[test]
fn what_is_no_pair_or_no_method_is_refused() {
    let folder = Folder::new();
    for (arguments, expected) in [
        ("bench accuracy --pairs r36x18", "is no pair of grids"),
        ("bench accuracy --methods auto --quick", "`auto` is no method to score"),
        ("bench accuracy --methods patch+caas,patch+tight --quick", "expected monotone or caas"),
        ("bench accuracy --methods patch,bilinar --quick", "expected a method, as `patch` or `patch+monotone`"),
        ("bench accuracy --pairs r36x18,nowhere --quick --no-peers", "nowhere"),
    ] {
        let ran = folder.knarr(arguments);
        assert_eq!(ran.code, Some(2), "{arguments}: {}", ran.stdout);
        assert!(ran.stderr.contains(expected), "{arguments}: {}", ran.stderr);
    }
}

/// A quick run of one case, with its results as JSON.
fn one_case(folder: &Folder, more: &str) -> crate::run::Ran {
    folder.knarr(&format!("bench io --quick --device cpu --only classic {more}"))
}

#[test]
fn a_baseline_tells_slower_from_same() {
    let folder = Folder::new();
    let ran = one_case(&folder, "--out now.json -q");
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stdout.contains("read classic") && ran.stdout.contains("copy GB/s"), "{}", ran.stdout);
    let text = std::fs::read_to_string(folder.path("now.json")).expect("written");
    let results: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    // As if it had been a thousand times as fast, and a thousandth, before: more than any neighbour makes of a run.
    for (name, factor, code, said) in [("fast.json", 1e-3, 1, "slower"), ("slow.json", 1e3, 0, "faster")] {
        let mut before = results.clone();
        for row in before["rows"].as_array_mut().expect("rows") {
            let timing = &mut row["outcome"]["timing"];
            let scaled = |v: &serde_json::Value| v.as_f64().expect("seconds") * factor;
            let samples: Vec<f64> = timing["samples_s"].as_array().expect("samples").iter().map(scaled).collect();
            let median = scaled(&timing["median_s"]);
            timing["median_s"] = median.into();
            timing["samples_s"] = samples.into();
        }
        std::fs::write(folder.path(name), before.to_string()).expect("written");
        let ran = one_case(&folder, &format!("--baseline {name}"));
        assert_eq!(ran.code, Some(code), "{}", ran.stderr);
        assert!(ran.stderr.contains(said), "{}", ran.stderr);
    }
}

#[test]
fn results_become_a_page_that_a_browser_shows_and_tables_in_a_file() {
    let folder = Folder::new();
    assert_eq!(one_case(&folder, "--out a.json -q").code, Some(0));
    std::fs::write(folder.path("notes.md"), "# Notes\n\n<!-- figures -->\nold\n<!-- end of figures -->\n\nAfter.\n")
        .expect("written");
    // Twice: what it writes between the marks it finds and replaces again.
    for _ in 0..2 {
        let ran = folder.knarr("bench report a.json --markdown notes.md -q");
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        let notes = std::fs::read_to_string(folder.path("notes.md")).expect("written");
        assert!(notes.starts_with("# Notes\n") && notes.ends_with("\nAfter.\n") && !notes.contains("old"), "{notes}");
        assert_eq!(notes.matches("### Limits of the machine").count(), 1, "{notes}");
        assert!(notes.contains("read classic") && notes.contains("### Scaling"), "{notes}");
    }
    std::fs::write(folder.path("unmarked.md"), "# Notes\n").expect("written");
    assert_eq!(folder.knarr("bench report a.json --markdown unmarked.md").code, Some(2), "only with --force");
    let ran = folder.knarr("bench report a.json a.json --html page.html -q");
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let page = std::fs::read_to_string(folder.path("page.html")).expect("written");
    assert!(!page.contains("src=") && !page.contains("href="), "nothing is loaded from elsewhere");
    let browser = ["chromium", "chromium-browser", "google-chrome"]
        .into_iter()
        .find(|b| std::process::Command::new(b).arg("--version").output().is_ok_and(|o| o.status.success()));
    let Some(browser) = browser else {
        println!("skipped: no Chromium to show the page");
        return;
    };
    let file = format!("file://{}", folder.path("page.html").display());
    let profile = format!("--user-data-dir={}", folder.path("profile").display());
    let shot = format!("--screenshot={}", folder.path("page.png").display());
    let arguments =
        ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1000,1400", &profile, &shot, &file];
    let ran = folder.finish(std::process::Command::new(browser).args(arguments));
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let shot = std::fs::metadata(folder.path("page.png")).expect("a picture").len();
    assert!(shot > 20_000, "a page with text and tables is more than {shot} bytes");
}

#[test]
fn results_of_others_are_refused() {
    let folder = Folder::new();
    std::fs::write(folder.path("other.json"), "{\"schema\": \"other/1\"}").expect("written");
    for arguments in ["bench report other.json", "bench report none.json", "bench io --quick --baseline other.json"] {
        let ran = folder.knarr(arguments);
        assert_eq!(ran.code, Some(2), "{arguments}: {}", ran.stdout);
        assert!(ran.stderr.contains("cannot read results"), "{arguments}: {}", ran.stderr);
    }
}

#[test]
fn coupled_cases_tell_what_is_not_in_components() {
    let folder = Folder::new();
    let ran = folder.knarr("bench coupling --quick --device cpu --only boxes --out a.json -q");
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stdout.contains("outside of components"), "{}", ran.stdout);
    let text = std::fs::read_to_string(folder.path("a.json")).expect("written");
    let results: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    for row in results["rows"].as_array().expect("rows") {
        let figure = &row["outcome"]["figures"][0];
        assert_eq!((&figure["name"], &figure["unit"]), (&"outside of components".into(), &"%".into()), "{row}");
        let share = figure["value"].as_f64().expect("a number");
        assert!(share > 0.0 && share < 100.0, "{row}");
    }
}

#[test]
fn devices_are_named_by_the_option_of_all_verbs() {
    let folder = Folder::new();
    // No machine has that many: its rows say so, and nothing fails.
    let ran = folder.knarr("bench speed --quick --no-peers --device gpu:99 --only GDPS -q");
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stdout.contains("no adapter") && !ran.stdout.contains("| cpu |"), "{}", ran.stdout);
    let ran = folder.knarr("weights r36x18 H4n -o map.nc --device cpu,gpu");
    assert_eq!(ran.code, Some(2), "{}", ran.stdout);
    assert!(ran.stderr.contains("takes one device"), "{}", ran.stderr);
    let ran = folder.knarr("bench accuracy --device gpu");
    assert_eq!(ran.code, Some(2), "{}", ran.stdout);
}

#[test]
fn a_case_is_called_alone() {
    let folder = Folder::new();
    let ran = folder.knarr("bench calls nothing");
    assert_eq!(ran.code, Some(2), "{}", ran.stdout);
    assert!(ran.stderr.contains("no case `nothing`"), "{}", ran.stderr);
    let id = "cpu/read classic/GDPS levels -> H128n, in files/s";
    let arguments = ["bench", "calls", id, "--calls", "3"];
    let ran = folder.finish(std::process::Command::new(env!("CARGO_BIN_EXE_knarr")).args(arguments));
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stderr.contains("3 calls"), "{}", ran.stderr);
}
