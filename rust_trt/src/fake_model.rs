//! A model without a network: what it says depends on the whole sequence it was
//! fed, so a wrong row, order or chunk shows in the text.

use crate::error::{EngineError, Result};
use crate::model::{LanguageModel, Step};

pub(crate) const STOP: u32 = 257;
/// Feeding this token fails.
pub(crate) const POISON: u32 = 300;
/// Feeding this token panics.
pub(crate) const BOMB: u32 = 301;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ran {
    Prefill(usize),
    Decode(usize),
}

pub(crate) struct FakeModel {
    pub(crate) rows: Vec<Vec<u32>>,
    pub(crate) ran: Vec<Ran>,
    pub(crate) together: bool,
    logits: Vec<f32>,
}

impl FakeModel {
    /// With rows for so many sequences and one more.
    pub(crate) fn new(rows: usize) -> Self {
        Self {
            rows: vec![Vec::new(); rows + 1],
            ran: Vec::new(),
            together: true,
            logits: Vec::new(),
        }
    }

    fn feed(&mut self, row: usize, past: usize, tokens: &[u32]) -> Result<()> {
        assert!(!tokens.contains(&BOMB), "bomb");
        if tokens.contains(&POISON) {
            return Err(EngineError::InferenceFailed("poison".into()));
        }
        let row = &mut self.rows[row];
        assert!(past <= row.len(), "a hole");
        row.truncate(past);
        row.extend_from_slice(tokens);
        let mut logits = [0.0; 259];
        logits[says(row) as usize] = 9.0;
        self.logits.extend(logits);
        Ok(())
    }
}

impl LanguageModel for FakeModel {
    fn rows(&self) -> usize {
        self.rows.len()
    }

    fn context_length(&self) -> usize {
        1000
    }

    fn decodes_together(&self) -> bool {
        self.together
    }

    fn prefill(&mut self, row: usize, past: usize, tokens: &[u32]) -> Result<&mut [f32]> {
        self.ran.push(Ran::Prefill(tokens.len()));
        self.logits.clear();
        self.feed(row, past, tokens)?;
        Ok(&mut self.logits)
    }

    fn decode(&mut self, first: usize, steps: &[Step]) -> Result<&mut [f32]> {
        self.ran.push(Ran::Decode(steps.len()));
        self.logits.clear();
        for (index, step) in steps.iter().enumerate() {
            self.feed(first + index, step.past, &[step.token])?;
        }
        Ok(&mut self.logits)
    }

    fn copy(&mut self, from: usize, to: usize, positions: usize) {
        self.rows[to] = self.rows[from][..positions].to_vec();
    }

    fn exchange(&mut self, one: usize, other: usize, positions: usize) {
        self.rows.swap(one, other);
        // What counts for neither is anything.
        self.rows[one].truncate(positions);
        self.rows[other].truncate(positions);
    }
}

/// The next token after `sequence`: letters by its sum, a stop after twelve.
pub(crate) fn says(sequence: &[u32]) -> u32 {
    if sequence.len().is_multiple_of(13) {
        return STOP;
    }
    97 + sequence.iter().sum::<u32>() % 26
}

/// All that it answers to `prompt`.
pub(crate) fn answer(prompt: &[u32]) -> String {
    let mut sequence = prompt.to_vec();
    loop {
        match says(&sequence) {
            STOP => break,
            token => sequence.push(token),
        }
    }
    sequence[prompt.len()..]
        .iter()
        .filter_map(|&token| char::from_u32(token))
        .collect()
}
