//! Experiments that come with Knarr: days of each on real data.

mod common;

use common::shipped;
use knarr_coupling::{Coupler, Plan, Prepared, Quantity, State};

/// Residuals are round-off; a year of steps has them below 1e-12 of the greatest term.
const TOLERANCE: f64 = 1e-13;

fn finish(coupler: &mut Coupler) {
    while !coupler.is_finished() {
        coupler.advance().unwrap_or_else(|e| panic!("{e}"));
    }
}

/// Everything that is exchanged arrives, and every stock changes by what its component exchanged.
fn closes(coupler: &Coupler, plan: &Plan) {
    for k in 0..plan.couplings.len() {
        for zone in 0..coupler.zones() {
            let Some((row, in_flight, residual)) = coupler.account(k, zone) else { continue };
            let scale = row.iter().fold(in_flight.abs(), |a, b| a.max(b.abs()));
            let label = plan.label(&plan.couplings[k]);
            assert!(residual.abs() <= TOLERANCE * scale, "{label} {zone}: {residual} of {scale}");
        }
    }
    for (c, component) in plan.components.iter().enumerate() {
        for zone in 0..coupler.zones() {
            for (quantity, [first, now, flux, moved]) in coupler.stocks(c, zone) {
                let scale = first.abs().max(now.abs()).max(flux.abs()).max(moved.abs());
                let residual = (now - first) - flux - moved;
                let name = &component.name;
                // What goes from basin to basin comes from nowhere else.
                assert!(
                    zone > 0 || moved.abs() <= TOLERANCE * scale,
                    "{name} {quantity:?}: {moved} of {scale} moved from nowhere"
                );
                assert!(residual.abs() <= TOLERANCE * scale, "{name} {quantity:?} {zone}: {residual} of {scale}");
            }
        }
    }
}

fn flux(coupler: &Coupler, plan: &Plan, name: &str, wanted: Quantity) -> f64 {
    let c = plan.components.iter().position(|c| c.name == name).expect("a component");
    coupler.stocks(c, 0).into_iter().find(|(quantity, _)| *quantity == wanted).expect("a stock").1[2]
}

#[test]
fn five_domains_trade_water_and_heat_and_lose_none() {
    let Prepared { plan, components, exports, .. } = shipped("five-domains.yaml", 4);
    let mut coupler = Coupler::new(&plan, components, exports, 2).expect("starts");
    let mut half = None;
    while !coupler.is_finished() {
        coupler.advance().unwrap_or_else(|e| panic!("{e}"));
        if half.is_none() && coupler.reached_s() >= 2 * 86_400 {
            half = Some(coupler.save().expect("it can be kept"));
        }
    }
    closes(&coupler, &plan);
    for (name, quantity) in [
        ("ocean", Quantity::Water),
        ("ocean", Quantity::Heat),
        ("ice", Quantity::Water),
        ("ice", Quantity::Heat),
        ("soil", Quantity::Water),
        ("rivers", Quantity::Water),
    ] {
        assert!(flux(&coupler, &plan, name, quantity) != 0.0, "{name} {quantity:?}");
    }
    let rivers = plan.components.iter().position(|c| c.name == "rivers").expect("a component");
    let moved: Vec<f64> = (1..coupler.zones()).map(|zone| coupler.stocks(rivers, zone)[0].1[3]).collect();
    assert!(moved.iter().any(|kg| *kg > 1e3) && moved.iter().any(|kg| *kg < -1e3), "rivers cross borders: {moved:?} kg");
    let whole: State = coupler.save().expect("it can be kept");
    let half = half.expect("half of it");
    drop(coupler);
    let mut again = shipped("five-domains.yaml", 4);
    let mut coupler = Coupler::of(&mut again, 1).expect("starts");
    coupler.restore(&half).expect("its own state");
    finish(&mut coupler);
    assert!(
        coupler.save().expect("it can be kept") == whole,
        "differs after going on from the middle on another number of threads"
    );
}

#[test]
fn fluxes_of_two_periods_ago_lose_nothing() {
    let Prepared { plan, components, exports, .. } = shipped("eccc-lag2.yaml", 2);
    let mut coupler = Coupler::new(&plan, components, exports, 2).expect("starts");
    finish(&mut coupler);
    closes(&coupler, &plan);
    assert!(flux(&coupler, &plan, "ocean", Quantity::Heat) != 0.0);
}
