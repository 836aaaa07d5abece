use super::*;
use crate::sampler::testing::*;
use proptest::prelude::*;

fn greedy(logits: &[f32]) -> Option<u32> {
    Candidates::new(&Sampling::default()).draw(logits, || unreachable!("no chance in it"))
}

#[test]
fn greedy_takes_the_first_of_equal_maxima() {
    assert_eq!(greedy(&[0.5, 2.0, 2.0, 1.0]), Some(1));
}

#[test]
fn nan_is_never_chosen_and_all_nan_is_reported() {
    assert_eq!(greedy(&[f32::NAN, -1.0, f32::INFINITY]), Some(1));
    assert_eq!(greedy(&[f32::NAN, f32::NEG_INFINITY]), None);
}

#[test]
fn draws_follow_the_softmax() {
    let logits = [0.0, (3.0f32).ln()];
    let ones = draws(&sampling(), &logits, 20_000)
        .iter()
        .filter(|&&id| id == 1)
        .count();
    // 0.75 expected, standard deviation 0.003.
    assert!((14_700..15_300).contains(&ones), "{ones}");
}

#[test]
fn temperature_flattens() {
    let hot = Sampling {
        temperature: 2.0,
        ..sampling()
    };
    // (9/1)^(1/2) = 3: three quarters again.
    let ones = draws(&hot, &[0.0, (9.0f32).ln()], 20_000)
        .iter()
        .filter(|&&id| id == 1)
        .count();
    assert!((14_700..15_300).contains(&ones), "{ones}");
}

/// The set that must survive, written as plainly as possible.
fn reference_set(sampling: &Sampling, logits: &[f32]) -> Vec<u32> {
    let mut order: Vec<usize> = (0..logits.len()).collect();
    order.sort_by(|&a, &b| logits[b].total_cmp(&logits[a]).then(a.cmp(&b)));
    if sampling.top_k > 0 {
        order.truncate(sampling.top_k as usize);
    }
    let weight = |i: usize| {
        (f64::from(logits[i] - logits[order[0]]) / f64::from(sampling.temperature)).exp()
    };
    let total: f64 = order.iter().map(|&i| weight(i)).sum();
    let mut sum = 0.0;
    let mut kept = Vec::new();
    for &i in &order {
        if sampling.top_p < 1.0 && sum >= total * f64::from(sampling.top_p) {
            break;
        }
        sum += weight(i);
        if weight(i) >= f64::from(sampling.min_p) {
            kept.push(i as u32);
        }
    }
    kept
}

proptest! {
    #[test]
    fn the_best_is_the_first_of_the_highest_that_are_numbers(
        logits in prop::collection::vec(
            prop_oneof![(-3i8..3).prop_map(f32::from), Just(f32::NAN), Just(f32::INFINITY)],
            0..60,
        ),
    ) {
        let plain = (0..logits.len())
            .filter(|&id| logits[id].is_finite())
            .min_by(|&a, &b| logits[b].total_cmp(&logits[a]));
        prop_assert_eq!(best(&logits).map(|best| best.id as usize), plain);
    }

    #[test]
    fn what_may_be_drawn_is_the_reference_set(
        logits in prop::collection::vec(-20.0f32..20.0, 1..60),
        top_k in 0u32..70,
        top_p in 0.01f32..1.2,
        min_p in 0.0f32..0.9,
        temperature in 0.1f32..5.0,
        seed: u64,
    ) {
        let sampling = Sampling {
            temperature, top_k, top_p: top_p.min(1.0), min_p, seed: Some(seed), ..Sampling::default()
        };
        // A tie at the nucleus' border may fall either way by rounding: skip those.
        let allowed = reference_set(&sampling, &logits);
        let near = Sampling { top_p: (sampling.top_p + 1e-5).min(1.0), ..sampling.clone() };
        prop_assume!(allowed == reference_set(&near, &logits));
        for id in draws(&sampling, &logits, 20) {
            prop_assert!(allowed.contains(&id), "{} not in {:?}", id, allowed);
        }
        let mut candidates = Candidates::new(&sampling);
        candidates.draw(&logits, || 0.5);
        if top_k != 1 {
            let kept: Vec<u32> = candidates.kept.iter().map(|kept| kept.id).collect();
            let best = best(&logits).unwrap().logit;
            for id in allowed {
                // Less than this is never drawn, and may or may not be kept.
                let counts = candidates.weight(logits[id as usize], best) > 1e-20;
                prop_assert!(!counts || kept.contains(&id), "{} not in {:?}", id, kept);
            }
        }
    }
}
