//! From the logits of one position to one token.
//!
//! Order and definitions are those of Hugging Face's generation: bias, repetition
//! penalty, temperature, top-k, top-p, min-p, draw.

use std::hash::{BuildHasher, Hasher, RandomState};

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::candidates::Candidates;
use crate::sampling::Sampling;

/// The sampler of one generation, with its own random numbers: what other
/// generations draw beside it cannot change what it draws.
#[derive(Debug)]
pub struct Sampler {
    repetition_penalty: f32,
    bias: Vec<(u32, f32)>,
    random: Xoshiro256PlusPlus,
    /// Distinct tokens of the prompt and the answer; empty when there is no penalty.
    seen: Vec<u32>,
    is_seen: Vec<bool>,
    candidates: Candidates,
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
            repetition_penalty: sampling.repetition_penalty,
            bias: sampling.logit_bias.clone(),
            random: Xoshiro256PlusPlus::seed_from_u64(seed),
            seen: Vec::new(),
            is_seen: Vec::new(),
            candidates: Candidates::new(sampling),
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
        let random = &mut self.random;
        let id = self.candidates.draw(logits, || uniform(random))?;
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
                let penalised = if *logit > 0.0 {
                    *logit / self.repetition_penalty
                } else {
                    *logit * self.repetition_penalty
                };
                // A penalty near 0 favours, and must not favour out of all numbers.
                if logit.is_finite() {
                    *logit = penalised.clamp(f32::MIN, f32::MAX);
                }
            }
        }
    }
}

/// A number in [0, 1) with 53 random bits.
fn uniform(random: &mut impl Rng) -> f64 {
    (random.next_u64() >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
pub(crate) mod testing {
    use super::Sampler;
    use crate::sampling::Sampling;

    pub(crate) fn sampling() -> Sampling {
        Sampling {
            temperature: 1.0,
            seed: Some(7),
            ..Sampling::default()
        }
    }

    pub(crate) fn draws(sampling: &Sampling, logits: &[f32], count: usize) -> Vec<u32> {
        let mut sampler = Sampler::new(sampling, &[]);
        (0..count)
            .map(|_| sampler.sample(&mut logits.to_vec()).unwrap())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::testing::*;
    use super::*;
    use proptest::prelude::*;

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

    proptest! {
        #[test]
        fn any_logits_and_any_options_draw_what_may_be_drawn(
            mut logits in hostile_logits(),
            sampling in any_sampling(),
            prompt in prop::collection::vec(0u32..60, 0..20),
            banned in prop::collection::vec(0usize..40, 0..40),
        ) {
            for &id in &banned {
                if let Some(logit) = logits.get_mut(id) {
                    *logit = f32::NEG_INFINITY;
                }
            }
            let drawn = |seed| {
                let seeded = Sampling { seed: Some(seed), ..sampling.clone() };
                let mut sampler = Sampler::new(&seeded, &prompt);
                (0..4).map(|_| sampler.sample(&mut logits.clone())).collect::<Vec<_>>()
            };
            let ids = drawn(5);
            prop_assert_eq!(&ids, &drawn(5));
            let usable = logits.iter().any(|logit| logit.is_finite());
            for id in ids {
                prop_assert_eq!(id.is_some(), usable);
                if let Some(id) = id {
                    prop_assert!(logits[id as usize].is_finite(), "{}", id);
                }
            }
        }

        #[test]
        fn a_token_biased_away_is_not_drawn_while_another_is_near(
            logits in prop::collection::vec(-5.0f32..5.0, 2..30),
            sampling in any_sampling(),
            away in any::<prop::sample::Index>(),
        ) {
            let away = away.index(logits.len()) as u32;
            let sampling = Sampling {
                // At the usual temperatures 90 is nothing less than a ban.
                temperature: sampling.temperature.min(1.0),
                repetition_penalty: 1.0,
                logit_bias: vec![(away, -100.0)],
                ..sampling
            };
            let mut sampler = Sampler::new(&sampling, &[]);
            for _ in 0..4 {
                prop_assert_ne!(sampler.sample(&mut logits.clone()), Some(away));
            }
        }
    }

    fn hostile_logits() -> impl Strategy<Value = Vec<f32>> {
        let number = prop_oneof![
            prop::num::f32::ANY,
            -20.0f32..20.0,
            prop::sample::select(vec![
                0.0,
                f32::MAX,
                f32::MIN,
                f32::NAN,
                f32::INFINITY,
                f32::NEG_INFINITY,
            ]),
        ];
        prop_oneof![
            prop::collection::vec(number.clone(), 0..40),
            (number, 0usize..40).prop_map(|(logit, count)| vec![logit; count]),
        ]
    }

    /// Whatever passes the checks.
    fn any_sampling() -> impl Strategy<Value = Sampling> {
        let to = |most: f32| prop_oneof![Just(0.0), Just(1.0), Just(f32::MIN_POSITIVE), 0.0..=most];
        let biases = prop::collection::vec((0u32..60, -100.0f32..=100.0), 0..5);
        (to(100.0), 0u32..50, to(1.0), to(1.0), to(10.0), biases).prop_filter_map(
            "not allowed",
            |(temperature, top_k, top_p, min_p, repetition_penalty, logit_bias)| {
                let sampling = Sampling {
                    temperature,
                    top_k,
                    top_p,
                    min_p,
                    repetition_penalty,
                    logit_bias,
                    seed: Some(3),
                    ..Sampling::default()
                };
                sampling.checked().ok()
            },
        )
    }
}
