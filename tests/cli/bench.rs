//! The accuracy scorecard as its users meet it.

use crate::run::Folder;

#[test]
fn the_scorecard_scores_and_draws() {
    let folder = Folder::new();
    let arguments = "bench accuracy --quick --no-peers --cycles 2 --pairs H8n,r36x18 --methods bilinear,patch,conservative2";
    let ran = folder.knarr(&format!("{arguments} --json --html page.html -q"));
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let card: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let scores = card["scores"].as_array().expect("scores");
    // Six fields, three methods, at centers and as means.
    assert_eq!(scores.len(), 36);
    let l2 = |method: &str, reference: &str| -> f64 {
        let of = |s: &&serde_json::Value| s["method"] == method && s["reference"] == reference && s["field"] == "two waves";
        scores.iter().find(of).and_then(|s| s["norms"]["l2"].as_f64()).expect("a score")
    };
    assert!(l2("patch", "centers") < 0.1 * l2("bilinear", "centers"));
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
        ("bench accuracy --pairs r36x18,nowhere --quick --no-peers", "nowhere"),
    ] {
        let ran = folder.knarr(arguments);
        assert_eq!(ran.code, Some(2), "{arguments}: {}", ran.stdout);
        assert!(ran.stderr.contains(expected), "{arguments}: {}", ran.stderr);
    }
}
