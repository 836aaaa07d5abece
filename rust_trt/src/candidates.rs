//! From logits to the tokens that may be drawn, and one of them.
//!
//! Ties go to the lower token id, so that the result never depends on how candidates
//! were sorted.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::ops::RangeInclusive;

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
        collect(logits, self.least(best.logit)..=best.logit, &mut kept);
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

    /// The least logit that is worth a look: of a large vocabulary nearly all tokens are
    /// below it, and are spared their exponential.
    fn least(&self, best: f32) -> f32 {
        // Weights below this change no sum of doubles, however large the vocabulary.
        let mut weight = 1e-24_f64;
        // A nucleus is counted before min-p is applied.
        if self.top_p >= 1.0 {
            weight = weight.max(f64::from(self.min_p));
        }
        let least = f64::from(best) + f64::from(self.temperature) * weight.ln();
        // A little less, because min-p itself is decided by the weight.
        (least - least.abs() * 1e-6 - 1e-6).max(f64::from(f32::MIN)) as f32
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

/// Logits that are looked at together: as many as make loops that the compiler turns
/// into vector instructions.
const LANES: usize = 16;

/// The finite maximum; the lowest id among equals.
fn best(logits: &[f32]) -> Option<Candidate> {
    let (chunks, rest) = logits.as_chunks::<LANES>();
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let highest = |most: &mut f32, logit: f32| {
        // False for what is not a number.
        if logit > *most && logit < f32::INFINITY {
            *most = logit;
        }
    };
    for chunk in chunks {
        for (most, &logit) in lanes.iter_mut().zip(chunk) {
            highest(most, logit);
        }
    }
    let mut most = f32::NEG_INFINITY;
    for &logit in lanes.iter().chain(rest) {
        highest(&mut most, logit);
    }
    #[allow(clippy::float_cmp)] // it is one of them
    let id = logits.iter().position(|&logit| logit == most)?;
    most.is_finite().then_some(Candidate {
        logit: most,
        id: id as u32,
    })
}

/// Appends the candidates whose logit is in `range`, by id.
fn collect(logits: &[f32], range: RangeInclusive<f32>, kept: &mut Vec<Candidate>) {
    for (index, chunk) in logits.chunks(LANES).enumerate() {
        // No branch inside: nearly every chunk has none.
        let any = chunk
            .iter()
            .fold(false, |any, logit| any | range.contains(logit));
        if any {
            let first = index * LANES;
            kept.extend(
                (first..)
                    .zip(chunk)
                    .filter(|(_, logit)| range.contains(logit))
                    .map(|(id, &logit)| Candidate {
                        logit,
                        id: id as u32,
                    }),
            );
        }
    }
}

#[cfg(test)]
mod tests;
