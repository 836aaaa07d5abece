//! From logits to the tokens that may be drawn, and one of them.
//!
//! Ties go to the lower token id, so that the result never depends on how candidates
//! were sorted.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use crate::sampling::Sampling;

/// A token that may still be drawn; ordered by logit, then by lower id.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// Its logit, finite.
    pub logit: f32,
    /// Its id.
    pub id: u32,
}

impl Eq for Candidate {}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> Ordering {
        self.logit
            .total_cmp(&other.logit)
            .then_with(|| other.id.cmp(&self.id))
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Draws from the candidates that temperature, top-k, top-p and min-p leave.
#[derive(Debug)]
pub struct Candidates {
    temperature: f32,
    top_k: usize,
    top_p: f32,
    min_p: f32,
    /// Kept between tokens so that a token allocates nothing.
    kept: Vec<Candidate>,
    sorted: Vec<Candidate>,
}

impl Candidates {
    /// For one generation.
    #[must_use]
    pub fn new(sampling: &Sampling) -> Self {
        Self {
            temperature: sampling.temperature,
            top_k: sampling.top_k as usize,
            top_p: sampling.top_p,
            min_p: sampling.min_p,
            kept: Vec::new(),
            sorted: Vec::new(),
        }
    }

    /// The token that `uniform`, a number in [0, 1), falls on; `None` when no logit is
    /// finite. The likeliest at temperature 0, or when only one is kept, without
    /// asking for the number.
    pub fn draw(&mut self, logits: &[f32], uniform: impl FnOnce() -> f64) -> Option<u32> {
        let best = best(logits)?;
        if self.temperature == 0.0 || self.top_k == 1 {
            return Some(best.id);
        }
        let mut kept = std::mem::take(&mut self.kept);
        kept.clear();
        // A non-finite logit has probability 0 (or is nonsense) and is never drawn.
        kept.extend(
            logits
                .iter()
                .enumerate()
                .filter(|(_, logit)| logit.is_finite())
                .map(|(id, &logit)| Candidate {
                    logit,
                    id: id as u32,
                }),
        );
        if self.top_k > 0 && self.top_k < kept.len() {
            kept.select_nth_unstable_by(self.top_k - 1, |a, b| b.cmp(a));
            kept.truncate(self.top_k);
            // The selection leaves an arbitrary order, and the draw walks it.
            kept.sort_unstable_by_key(|candidate| candidate.id);
        }
        if self.top_p < 1.0 {
            self.keep_nucleus(&mut kept, best.logit);
        }
        if self.min_p > 0.0 {
            let least = f64::from(self.min_p);
            kept.retain(|candidate| self.weight(candidate.logit, best.logit) >= least);
        }
        let id = self.pick(&kept, best, uniform());
        self.kept = kept;
        Some(id)
    }

    /// Leaves the smallest set of likeliest candidates that holds `top_p` of the weight.
    fn keep_nucleus(&mut self, kept: &mut Vec<Candidate>, best: f32) {
        let total: f64 = kept.iter().map(|c| self.weight(c.logit, best)).sum();
        let wanted = total * f64::from(self.top_p);
        // The nucleus is usually a handful of a large vocabulary: a heap gives it
        // up in order without sorting the rest.
        let mut heap = BinaryHeap::from(std::mem::take(kept));
        let mut nucleus = std::mem::take(&mut self.sorted);
        nucleus.clear();
        let mut sum = 0.0;
        while sum < wanted {
            let Some(candidate) = heap.pop() else { break };
            sum += self.weight(candidate.logit, best);
            nucleus.push(candidate);
        }
        self.sorted = heap.into_vec();
        *kept = nucleus;
    }

    /// Probability relative to the likeliest token, in (0, 1].
    fn weight(&self, logit: f32, best: f32) -> f64 {
        (f64::from(logit - best) / f64::from(self.temperature)).exp()
    }

    fn pick(&self, kept: &[Candidate], best: Candidate, uniform: f64) -> u32 {
        let total: f64 = kept.iter().map(|c| self.weight(c.logit, best.logit)).sum();
        let mut left = uniform * total;
        for candidate in kept {
            left -= self.weight(candidate.logit, best.logit);
            if left < 0.0 {
                return candidate.id;
            }
        }
        // Only rounding gets here.
        best.id
    }
}

/// The finite maximum; the lowest id among equals.
fn best(logits: &[f32]) -> Option<Candidate> {
    let mut best: Option<Candidate> = None;
    for (id, &logit) in logits.iter().enumerate() {
        if logit.is_finite() && best.is_none_or(|b| logit > b.logit) {
            best = Some(Candidate {
                logit,
                id: id as u32,
            });
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampler::Sampler;
    use proptest::prelude::*;

    fn sampling() -> Sampling {
        Sampling {
            temperature: 1.0,
            seed: Some(7),
            ..Sampling::default()
        }
    }

    fn draws(sampling: &Sampling, logits: &[f32], count: usize) -> Vec<u32> {
        let mut sampler = Sampler::new(sampling, &[]);
        (0..count)
            .map(|_| sampler.sample(&mut logits.to_vec()).unwrap())
            .collect()
    }

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
        fn only_tokens_of_the_reference_set_are_drawn(
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
        }
    }
}
