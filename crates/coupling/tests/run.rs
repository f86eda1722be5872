//! Runs of small experiments: the ledger closes, a run gone on with is the run itself, threads change nothing.

mod common;

use common::{BOXES, in_pool, prepare, run_whole};
use knarr_coupling::{Coupler, Quantity};

#[test]
fn the_ledger_closes_everywhere_at_every_moment() {
    let mut prepared = prepare(BOXES);
    let count = prepared.plan.couplings.len();
    let mut coupler = Coupler::of(&mut prepared, 2).expect("starts");
    while !coupler.is_finished() {
        coupler.advance().unwrap_or_else(|e| panic!("{e}"));
        for coupling in 0..count {
            for zone in 0..coupler.zones() {
                let (row, in_flight, residual) = coupler.account(coupling, zone).expect("fluxes");
                let scale = row.iter().fold(in_flight.abs(), |a, b| a.max(b.abs()));
                assert!(residual.abs() <= 1e-12 * scale, "{coupling} {zone}: {residual} of {scale}; {row:?}, {in_flight}");
            }
        }
    }
    // Something was there to close, and basins have their part of it.
    let (row, ..) = coupler.account(0, 0).expect("a flux");
    assert!(row[0] > 1e15 && row[9] > 1e15, "{row:?}");
    let zones: f64 = (1..coupler.zones()).map(|zone| coupler.account(0, zone).expect("a flux").0[0]).sum();
    assert!((zones / row[0] - 1.0).abs() < 1e-13);
    let (moved, ..) = coupler.account(0, 1).expect("a flux");
    assert!(moved[6].abs() > 1e-6 * moved[0], "cells lie across the border: {moved:?}");
    for component in 0..3 {
        for zone in 0..coupler.zones() {
            for (quantity, [first, now, flux, _]) in coupler.stocks(component, zone) {
                assert_eq!(quantity, Quantity::Heat);
                assert!(
                    ((now - first) - flux).abs() <= 1e-12 * now.abs().max(first.abs()),
                    "{component} {zone} {first} {now} {flux}"
                );
                assert!(zone > 0 || flux.abs() > 1e-3 * first.abs(), "something was exchanged");
            }
        }
    }
}

#[test]
fn a_run_gone_on_with_is_the_run_itself_at_every_action() {
    let whole = run_whole(BOXES, 1);
    let mut prepared = prepare(BOXES);
    let mut coupler = Coupler::of(&mut prepared, 1).expect("starts");
    let mut kept = Vec::new();
    while !coupler.is_finished() {
        kept.push(coupler.save().expect("it can be kept"));
        coupler.advance().unwrap_or_else(|e| panic!("{e}"));
    }
    // A hyper-period is 12 hours; two days have every phase of every window.
    assert!(kept.len() > 40);
    assert_eq!(coupler.save().expect("it can be kept"), whole);
    for (at, state) in kept.iter().enumerate() {
        let threads = 1 + at % 3;
        let resumed = in_pool(threads, || {
            let mut prepared = prepare(BOXES);
            let mut coupler = Coupler::of(&mut prepared, threads).expect("starts");
            coupler.restore(state).expect("its own state");
            assert_eq!(coupler.save().expect("it can be kept"), *state);
            while !coupler.is_finished() {
                coupler.advance().unwrap_or_else(|e| panic!("{e}"));
            }
            coupler.save().expect("it can be kept")
        });
        assert!(resumed == whole, "differs after going on from action {at} on {threads} threads");
    }
}

/// Two boxes that trade every step, a third beside them.
const ITERATED: &str = r#"
clock: {start: 2000-01-01, stop: PT12H}
components:
  a: {kind: analytic, grid: r12x6, step: PT1H, parameters: {imports: [fb], flux: fa, content: ca, residence: 2 h, initial: 1e5}}
  b: {kind: analytic, grid: r12x6, step: PT1H, parameters: {imports: [fa], flux: fb, content: cb, residence: 3 h, initial: 5e5, amplitude: 3}}
  c: {kind: analytic, grid: H4, step: PT1H, parameters: {imports: [fa], flux: fc, content: cc, residence: 9 h}}
exchanges:
  - {from: a, to: b, fields: [fa], every: PT1H}
  - {from: b, to: a, fields: [fb], every: PT1H, initial: 0}
  - {from: a, to: c, fields: [fa], every: PT1H, lag: PT1H, initial: 0, map: conservative}
run:
  - every: PT1H
    do:
      - parallel:
          - iterate: {members: [a, b], scheme: SCHEME, tolerance: 1e-12, at_most: 60}
          - c
budget: {quantities: [heat]}
"#;

#[test]
fn iterations_converge_and_their_ledger_closes() {
    let mut passes = Vec::new();
    for scheme in ["constant", "aitken", "iqn_ils"] {
        let text = ITERATED.replace("SCHEME", scheme);
        let mut prepared = prepare(&text);
        let mut coupler = Coupler::of(&mut prepared, 2).expect("starts");
        while !coupler.is_finished() {
            coupler.advance().unwrap_or_else(|e| panic!("{scheme}: {e}"));
        }
        let [intervals, total, missed] = coupler.iterations()[0];
        assert_eq!((intervals, missed), (12, 0));
        passes.push(total);
        for k in 0..3 {
            let (row, in_flight, residual) = coupler.account(k, 0).expect("fluxes");
            assert!(residual.abs() <= 1e-12 * row[0].abs().max(in_flight.abs()), "{scheme} {k}: {residual} {row:?}");
        }
        // The boxes explicit in their content give no surprise: a pass more changes nothing.
        assert_eq!(run_whole(&text, 1), coupler.save().expect("it can be kept"), "{scheme}");
    }
    assert!(passes[2] <= passes[0], "{passes:?}");
}
