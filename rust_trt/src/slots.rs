//! The cache as sequences see it: a slot stays theirs while rows change places.
//!
//! Those that decode together must be neighbours, so a row that joins or leaves them
//! may have to move. Only this module knows the row of a slot; whoever has a slot
//! never learns that it moved.

use crate::error::{EngineError, Result};
use crate::model::{LanguageModel, Step};
use crate::prefix::{Prefixes, Taken};
use crate::window::Window;

/// Prompt tokens of one step. Fixed, not fitted to the load: another division of
/// the same prompt may round differently, and a seed would no longer give the same
/// answer. It bounds how long a prompt keeps the answers beside it waiting; twice as
/// many tokens took as long for each.
pub const PREFILL_CHUNK: usize = 32;

/// A model, and who has which row of its cache.
pub struct Slots<M: LanguageModel> {
    model: M,
    /// All slots; the model's last row is none, it is for [`Slots::logits`].
    prefixes: Prefixes,
    /// The rows that decode together.
    window: Window,
    /// The row of each slot, and the slot of each row.
    row_of: Vec<usize>,
    slot_of: Vec<usize>,
    /// Positions that count, slot by slot.
    held: Vec<usize>,
}

impl<M: LanguageModel> Slots<M> {
    /// A slot for each row of the model but one.
    pub fn new(model: M) -> Self {
        let slots = model.rows().saturating_sub(1);
        Self {
            model,
            prefixes: Prefixes::new(slots, PREFILL_CHUNK),
            window: Window::default(),
            row_of: (0..slots).collect(),
            slot_of: (0..slots).collect(),
            held: vec![0; slots],
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.held.len()
    }

    /// There is none.
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// See [`LanguageModel::decodes_together`].
    pub fn decodes_together(&self) -> bool {
        self.model.decodes_together()
    }

    /// A slot for `prompt`, with what is known of its beginning already in it; `None`
    /// when all are taken.
    pub fn take(&mut self, prompt: &[u32]) -> Option<Taken> {
        let taken = self.prefixes.take(prompt)?;
        let (from, to) = (self.row_of[taken.from], self.row_of[taken.slot]);
        self.model.copy(from, to, taken.cached);
        self.held[taken.slot] = taken.cached;
        Some(taken)
    }

    /// Feeds a chunk of a prompt behind `past` positions; the last token's logits.
    ///
    /// # Errors
    /// As [`LanguageModel::prefill`].
    pub fn prefill(&mut self, slot: usize, past: usize, tokens: &[u32]) -> Result<&mut [f32]> {
        let logits = self.model.prefill(self.row_of[slot], past, tokens)?;
        self.held[slot] = past + tokens.len();
        Ok(logits)
    }

    /// From now on the slot decodes with the others.
    pub fn join(&mut self, slot: usize) {
        let (held, slot_of) = (&self.held, &self.slot_of);
        let cost = |row: usize| held[slot_of[row]];
        let row = self.row_of[slot];
        let place = self.window.join(row, held.len(), cost);
        self.exchange(row, place);
    }

    /// The slots that decode together, in the order of [`Slots::decode`].
    pub fn joined(&self) -> impl Iterator<Item = usize> + '_ {
        self.window.rows().map(|row| self.slot_of[row])
    }

    /// One token for each of [`Slots::joined`]; logits `[steps, vocab]`.
    ///
    /// # Errors
    /// As [`LanguageModel::decode`].
    pub fn decode(&mut self, steps: &[Step]) -> Result<&mut [f32]> {
        let rows = self.window.rows();
        debug_assert_eq!(rows.len(), steps.len());
        for (row, step) in rows.clone().zip(steps) {
            self.held[self.slot_of[row]] = step.past + 1;
        }
        self.model.decode(rows.start, steps)
    }

    /// One token for one slot; its logits.
    ///
    /// # Errors
    /// As [`LanguageModel::decode`].
    pub fn decode_alone(&mut self, slot: usize, step: Step) -> Result<&mut [f32]> {
        self.held[slot] = step.past + 1;
        self.model.decode(self.row_of[slot], &[step])
    }

    /// Its sequence ended, having fed `tokens`, the first `prefilled` of them as a
    /// prompt. Both are nothing where nobody knows what the slot holds.
    pub fn release(&mut self, slot: usize, tokens: &[u32], prefilled: usize) {
        let row = self.row_of[slot];
        if self.window.rows().contains(&row) {
            let (held, slot_of) = (&self.held, &self.slot_of);
            let place = self.window.leave(row, |row| held[slot_of[row]]);
            self.exchange(row, place);
        }
        self.prefixes.release(slot, tokens, prefilled);
        self.held[slot] = tokens.len();
    }

    /// Every ended answer is ready for the next turn.
    pub fn is_settled(&self) -> bool {
        self.prefixes.unsettled().is_none()
    }

    /// Computes a chunk of an ended answer as the prompt's that it will be in the
    /// next turn: while nobody waits for anything, so that nobody has to then.
    pub fn settle(&mut self) {
        let Some(chunk) = self.prefixes.unsettled() else {
            return;
        };
        let row = self.row_of[chunk.slot];
        if self.model.prefill(row, chunk.past, &chunk.tokens).is_ok() {
            self.prefixes.settle(chunk.slot);
        } else {
            self.release(chunk.slot, &[], 0);
        }
    }

    /// Logits after `tokens`, fed in chunks into a row that nobody has.
    ///
    /// # Errors
    /// As [`LanguageModel::prefill`].
    pub fn logits(&mut self, tokens: &[u32], chunk: usize) -> Result<Vec<f32>> {
        feed(&mut self.model, self.held.len(), tokens, chunk)
    }

    /// Logits after each of the sequences, whose last tokens are decoded in one step.
    /// No slot may be taken; what some of them held is gone.
    ///
    /// # Errors
    /// As [`LanguageModel::prefill`]; [`EngineError::InferenceFailed`] for no tokens.
    pub fn logits_together(&mut self, sequences: &[Vec<u32>]) -> Result<Vec<f32>> {
        let mut steps = Vec::new();
        for (row, tokens) in sequences.iter().enumerate() {
            self.release(self.slot_of[row], &[], 0);
            let (&token, before) = tokens
                .split_last()
                .ok_or_else(|| EngineError::InferenceFailed("no token".into()))?;
            feed(&mut self.model, row, before, PREFILL_CHUNK)?;
            let past = before.len();
            steps.push(Step { past, token });
        }
        self.model.decode(0, &steps).map(|logits| logits.to_vec())
    }

    /// Exchanges two rows, whoever has them.
    fn exchange(&mut self, one: usize, other: usize) {
        if one == other {
            return;
        }
        let (first, second) = (self.slot_of[one], self.slot_of[other]);
        self.model
            .exchange(one, other, self.held[first].max(self.held[second]));
        self.slot_of.swap(one, other);
        self.row_of.swap(first, second);
    }

    #[cfg(test)]
    pub(crate) fn model(&mut self) -> &mut M {
        &mut self.model
    }
}

/// Feeds whole `tokens` into an empty row; no logits for no tokens.
fn feed<M: LanguageModel>(
    model: &mut M,
    row: usize,
    tokens: &[u32],
    chunk: usize,
) -> Result<Vec<f32>> {
    let mut logits = Vec::new();
    for (index, part) in tokens.chunks(chunk).enumerate() {
        logits = model.prefill(row, index * chunk, part)?.to_vec();
    }
    Ok(logits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake_model::{FakeModel, says};
    use proptest::prelude::*;

    proptest! {
        /// Whoever joins, leaves or moves: each slot goes on with its own tokens.
        #[test]
        fn a_slot_keeps_what_was_fed_into_it(
            actions in prop::collection::vec((0usize..3, 0u32..200), 1..80),
        ) {
            let mut slots = Slots::new(FakeModel::new(4));
            // By slot: what was fed, while it is taken.
            let mut fed: Vec<Option<Vec<u32>>> = vec![None; 4];
            for (action, number) in actions {
                let taken: Vec<usize> = (0..4).filter(|&slot| fed[slot].is_some()).collect();
                match action {
                    0 => {
                        // Different from the first token on, so nothing is kept.
                        let prompt: Vec<u32> = (0..=number % 5).map(|i| number + i).collect();
                        if let Some(new) = slots.take(&prompt) {
                            prop_assert!(fed[new.slot].is_none());
                            slots.prefill(new.slot, 0, &prompt).unwrap();
                            slots.join(new.slot);
                            fed[new.slot] = Some(prompt);
                        } else {
                            prop_assert_eq!(taken.len(), 4);
                        }
                    }
                    1 if !taken.is_empty() => {
                        let slot = taken[number as usize % taken.len()];
                        let tokens = fed[slot].take().unwrap();
                        slots.release(slot, &tokens, tokens.len());
                    }
                    _ if !taken.is_empty() => {
                        let order: Vec<usize> = slots.joined().collect();
                        let steps: Vec<Step> = order
                            .iter()
                            .map(|&slot| Step { past: fed[slot].as_ref().unwrap().len(), token: number })
                            .collect();
                        let logits = slots.decode(&steps).unwrap().to_vec();
                        prop_assert_eq!(order.len(), taken.len());
                        for (slot, logits) in order.into_iter().zip(logits.chunks(259)) {
                            let tokens = fed[slot].as_mut().unwrap();
                            tokens.push(number);
                            prop_assert!(logits[says(tokens) as usize] > 1.0);
                        }
                    }
                    _ => {}
                }
            }
        }
    }
}
