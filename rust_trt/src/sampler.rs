//! From the logits of one position to one token.
//!
//! Order and definitions are those of Hugging Face's generation: bias, repetition
//! penalty, temperature, top-k, top-p, min-p, draw. Ties go to the lower token id,
//! so that the result never depends on how candidates were sorted.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::hash::{BuildHasher, Hasher, RandomState};

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::sampling::Sampling;

/// A token that may still be drawn; ordered by logit, then by lower id.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Candidate {
    logit: f32,
    id: u32,
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

/// The sampler of one generation, with its own random numbers: what other
/// generations draw beside it cannot change what it draws.
#[derive(Debug)]
pub struct Sampler {
    temperature: f32,
    top_k: usize,
    top_p: f32,
    min_p: f32,
    repetition_penalty: f32,
    bias: Vec<(u32, f32)>,
    random: Xoshiro256PlusPlus,
    /// Distinct tokens of the prompt and the answer; empty when there is no penalty.
    seen: Vec<u32>,
    is_seen: Vec<bool>,
    /// Kept between tokens so that a token allocates nothing.
    candidates: Vec<Candidate>,
    sorted: Vec<Candidate>,
}

impl Sampler {
    /// A sampler that has seen `prompt`.
    #[must_use]
    pub fn new(sampling: &Sampling, prompt: &[u32]) -> Self {
        // RandomState is seeded by the operating system; nothing secret hangs on it.
        let seed = sampling
            .seed
            .unwrap_or_else(|| RandomState::new().build_hasher().finish());
        let mut sampler = Self {
            temperature: sampling.temperature,
            top_k: sampling.top_k as usize,
            top_p: sampling.top_p,
            min_p: sampling.min_p,
            repetition_penalty: sampling.repetition_penalty,
            bias: sampling.logit_bias.clone(),
            random: Xoshiro256PlusPlus::seed_from_u64(seed),
            seen: Vec::new(),
            is_seen: Vec::new(),
            candidates: Vec::new(),
            sorted: Vec::new(),
        };
        for &id in prompt {
            sampler.see(id);
        }
        sampler
    }

    /// Chooses the next token from `logits` (shape `[vocab]`), which it may overwrite.
    /// `None` when no logit is finite: the model computed nonsense. A logit of minus
    /// infinity is never drawn.
    pub fn sample(&mut self, logits: &mut [f32]) -> Option<u32> {
        self.favour(logits);
        self.penalise(logits);
        let best = best(logits)?;
        let id = if self.temperature == 0.0 || self.top_k == 1 {
            best.id
        } else {
            self.draw(logits, best)
        };
        self.see(id);
        Some(id)
    }

    fn see(&mut self, id: u32) {
        #[allow(clippy::float_cmp)] // exactly 1 means 'off', nothing was computed
        if self.repetition_penalty == 1.0 {
            return;
        }
        let index = id as usize;
        if index >= self.is_seen.len() {
            self.is_seen.resize(index + 1, false);
        }
        if !self.is_seen[index] {
            self.is_seen[index] = true;
            self.seen.push(id);
        }
    }

    fn favour(&self, logits: &mut [f32]) {
        for &(id, bias) in &self.bias {
            if let Some(logit) = logits.get_mut(id as usize) {
                *logit += bias;
            }
        }
    }

    fn penalise(&self, logits: &mut [f32]) {
        for &id in &self.seen {
            if let Some(logit) = logits.get_mut(id as usize) {
                if *logit > 0.0 {
                    *logit /= self.repetition_penalty;
                } else {
                    *logit *= self.repetition_penalty;
                }
            }
        }
    }

    fn draw(&mut self, logits: &[f32], best: Candidate) -> u32 {
        let mut kept = std::mem::take(&mut self.candidates);
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
        let id = self.pick(&kept, best);
        self.candidates = kept;
        id
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

    fn pick(&mut self, kept: &[Candidate], best: Candidate) -> u32 {
        let total: f64 = kept.iter().map(|c| self.weight(c.logit, best.logit)).sum();
        let mut left = self.uniform() * total;
        for candidate in kept {
            left -= self.weight(candidate.logit, best.logit);
            if left < 0.0 {
                return candidate.id;
            }
        }
        // Only rounding gets here.
        best.id
    }

    /// A number in [0, 1) with 53 random bits.
    fn uniform(&mut self) -> f64 {
        (self.random.next_u64() >> 11) as f64 / (1u64 << 53) as f64
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

    #[test]
    fn greedy_takes_the_first_of_equal_maxima() {
        let mut sampler = Sampler::new(&Sampling::default(), &[]);
        assert_eq!(sampler.sample(&mut [0.5, 2.0, 2.0, 1.0]), Some(1));
    }

    #[test]
    fn nan_is_never_chosen_and_all_nan_is_reported() {
        let mut sampler = Sampler::new(&Sampling::default(), &[]);
        assert_eq!(
            sampler.sample(&mut [f32::NAN, -1.0, f32::INFINITY]),
            Some(1)
        );
        assert_eq!(sampler.sample(&mut [f32::NAN, f32::NEG_INFINITY]), None);
    }

    #[test]
    fn repetition_penalty_divides_positive_and_multiplies_negative_logits() {
        let sampling = Sampling {
            repetition_penalty: 2.0,
            ..Sampling::default()
        };
        let sampler = Sampler::new(&sampling, &[0, 1, 1]);
        let mut logits = [4.0, -4.0, 3.0];
        sampler.penalise(&mut logits);
        assert_eq!(logits, [2.0, -8.0, 3.0]);
    }

    #[test]
    fn a_bias_is_added_before_the_penalty() {
        let sampling = Sampling {
            repetition_penalty: 2.0,
            // The last is no token of this vocabulary.
            logit_bias: vec![(0, -3.0), (2, 1.5), (9, 100.0)],
            ..Sampling::default()
        };
        let mut sampler = Sampler::new(&sampling, &[0]);
        let mut logits = [2.0, 1.0, 0.0];
        assert_eq!(sampler.sample(&mut logits), Some(2));
        assert_eq!(logits, [-2.0, 1.0, 1.5]);
    }

    #[test]
    fn generated_tokens_are_penalised_too() {
        let sampling = Sampling {
            repetition_penalty: 2.0,
            ..Sampling::default()
        };
        let mut sampler = Sampler::new(&sampling, &[]);
        assert_eq!(sampler.sample(&mut [4.0, 3.0]), Some(0));
        assert_eq!(sampler.sample(&mut [4.0, 3.0]), Some(1));
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

    #[test]
    fn the_same_seed_draws_the_same_and_another_does_not() {
        let logits: Vec<f32> = (0..100).map(|i| (i % 7) as f32 / 3.0).collect();
        let other = Sampling {
            seed: Some(8),
            ..sampling()
        };
        assert_eq!(
            draws(&sampling(), &logits, 50),
            draws(&sampling(), &logits, 50)
        );
        assert_ne!(draws(&sampling(), &logits, 50), draws(&other, &logits, 50));
    }

    #[test]
    fn the_draws_of_a_seed_never_change() {
        // A recorded answer must be reproducible after an update, too.
        let logits: Vec<f32> = (0..50).map(|i| ((i * 37) % 11) as f32 / 2.0).collect();
        let nucleus = Sampling {
            top_k: 20,
            top_p: 0.9,
            ..sampling()
        };
        assert_eq!(draws(&nucleus, &logits, 8), PINNED);
    }
    const PINNED: [u32; 8] = [8, 19, 49, 41, 46, 5, 49, 30];

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

        #[test]
        fn hostile_logits_never_panic(
            logits in prop::collection::vec(prop::num::f32::ANY, 0..40),
            top_k in 0u32..50,
            top_p in 0.01f32..1.0,
            repetition_penalty in 0.1f32..10.0,
            prompt in prop::collection::vec(0u32..100, 0..20),
        ) {
            let sampling = Sampling {
                temperature: 0.7, top_k, top_p, repetition_penalty, seed: Some(1), ..Sampling::default()
            };
            let mut sampler = Sampler::new(&sampling, &prompt);
            if let Some(id) = sampler.sample(&mut logits.clone()) {
                prop_assert!((id as usize) < logits.len());
            }
        }
    }
}
