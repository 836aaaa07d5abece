//! A language model: tokens in, logits out, a cache of several rows between.

use crate::error::Result;

/// One token for one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Positions of the row that count: the token comes behind them.
    pub past: usize,
    /// The token.
    pub token: u32,
}

/// What the scheduler needs of a model, and all that another backend has to offer.
///
/// Each sequence has a row of the cache. The model remembers nothing about a row:
/// every call says how many of its positions count, and what is behind them may be
/// anything.
pub trait LanguageModel {
    /// Rows of the cache.
    fn rows(&self) -> usize;

    /// Positions of a row.
    fn context_length(&self) -> usize;

    /// Rows that decode together compute the same numbers as each by itself, bit for
    /// bit.
    fn decodes_together(&self) -> bool;

    /// Writes `tokens` (at least one) behind the first `past` positions of `row` and
    /// computes the logits of the last of them, shape `[vocab]`. The caller may
    /// overwrite them.
    ///
    /// # Errors
    /// [`crate::error::EngineError::InferenceFailed`]; the first `past` positions are unharmed.
    fn prefill(&mut self, row: usize, past: usize, tokens: &[u32]) -> Result<&mut [f32]>;

    /// One token for each of the rows from `first` on: logits `[steps, vocab]`, which
    /// the caller may overwrite.
    ///
    /// # Errors
    /// As [`LanguageModel::prefill`].
    fn decode(&mut self, first: usize, steps: &[Step]) -> Result<&mut [f32]>;

    /// Copies the first `positions` of one row to another.
    fn copy(&mut self, from: usize, to: usize, positions: usize);

    /// Exchanges the first `positions` of two rows.
    fn exchange(&mut self, one: usize, other: usize, positions: usize);
}
