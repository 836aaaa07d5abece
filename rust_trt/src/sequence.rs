//! One generation that has a slot of the cache: what it feeds next, what it makes of
//! logits.
//!
//! ```text
//! Prefill ──last chunk fed──► Decode ──stop, length, failure──► ended
//!    └──────────── cancelled, at any time ──────────────────────►
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use crate::answer::Answer;
use crate::events::{EndReason, GenerationEnd, GenerationId, TextPiece, Timings};
use crate::mailbox::Request;
use crate::model::Step;
use crate::tokenizer::Tokenizer;

/// What every sequence of a model needs to know.
#[derive(Debug)]
pub struct Language {
    /// Turns tokens into text.
    pub tokenizer: Arc<Tokenizer>,
    /// Tokens that end an answer.
    pub stop_token_ids: Vec<u32>,
    /// Positions that a sequence may have.
    pub context_length: usize,
}

/// What a step brought.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Text that became certain.
    pub piece: Option<TextPiece>,
    /// The sequence ended.
    pub end: Option<EndReason>,
}

/// A generation with its slot.
#[derive(Debug)]
pub struct Sequence {
    /// Its slot of the cache.
    pub slot: usize,
    /// For whom it is.
    pub owner: Option<Arc<str>>,
    generation: GenerationId,
    /// The prompt, then what was drawn.
    tokens: Vec<u32>,
    prompt: usize,
    /// Of the prompt, what was there already.
    cached: usize,
    /// Tokens that are in the cache.
    fed: usize,
    answer: Answer,
    /// Tokens whose text has not been given out.
    unreported: u32,
    cancelled: Arc<AtomicBool>,
    submitted: Instant,
    started: Instant,
    first_token: Option<Instant>,
}

impl Sequence {
    /// A sequence about to prefill into `slot`, which holds the first `cached` tokens
    /// of the prompt.
    pub fn new(request: Request, slot: usize, cached: usize, now: Instant) -> Self {
        Self {
            slot,
            owner: request.owner,
            answer: Answer::new(
                request.sampling,
                request.guide,
                &request.prompt,
                &request.begun,
            ),
            generation: request.generation,
            prompt: request.prompt.len(),
            tokens: request.prompt,
            cached,
            fed: cached,
            unreported: 0,
            cancelled: request.cancelled,
            submitted: request.submitted,
            started: now,
            first_token: None,
        }
    }

    /// The caller wants it to end.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    /// A part of the prompt is still to be fed.
    pub fn is_prefilling(&self) -> bool {
        self.fed < self.prompt
    }

    /// Tokens that are in the cache.
    pub fn fed(&self) -> &[u32] {
        &self.tokens[..self.fed]
    }

    /// How many of them were fed in chunks of the prompt.
    pub fn prefilled(&self) -> usize {
        self.fed.min(self.prompt)
    }

    /// The next of the prompt's tokens, at most `chunk`.
    pub fn next_chunk(&self, chunk: usize) -> &[u32] {
        &self.tokens[self.fed..self.prompt.min(self.fed + chunk)]
    }

    /// The token drawn last.
    pub fn next_step(&self) -> Step {
        Step {
            past: self.fed,
            token: self.tokens[self.fed],
        }
    }

    /// Its next `tokens` were fed and gave these logits for the last of them.
    pub fn accept(
        &mut self,
        tokens: usize,
        logits: &mut [f32],
        language: &Language,
        now: Instant,
    ) -> Outcome {
        self.fed += tokens;
        if self.is_prefilling() {
            return Outcome::default();
        }
        let room = language.context_length.saturating_sub(self.tokens.len());
        let stops = &language.stop_token_ids;
        let drawn = self.answer.draw(logits, &language.tokenizer, stops, room);
        self.first_token.get_or_insert(now);
        self.unreported += u32::from(drawn.token.is_some());
        self.tokens.extend(drawn.token);
        Outcome {
            piece: self.piece(drawn.text),
            end: drawn.end,
        }
    }

    /// Its last event.
    pub fn end(&self, reason: EndReason, now: Instant) -> GenerationEnd {
        let first_token = self.first_token.unwrap_or(now);
        GenerationEnd {
            generation: self.generation.clone(),
            reason,
            prompt_tokens: self.prompt as u32,
            cached_tokens: self.cached as u32,
            completion_tokens: self.answer.tokens(),
            timings: Timings {
                queue: self.started - self.submitted,
                prefill: first_token - self.started,
                decode: now - first_token,
            },
        }
    }

    fn piece(&mut self, text: String) -> Option<TextPiece> {
        (!text.is_empty()).then(|| TextPiece {
            generation: self.generation.clone(),
            text,
            tokens: std::mem::take(&mut self.unreported),
        })
    }
}

/// The end of a request that never got a slot.
#[must_use]
pub fn end_unstarted(request: &Request, reason: EndReason, now: Instant) -> GenerationEnd {
    GenerationEnd {
        generation: request.generation.clone(),
        reason,
        prompt_tokens: request.prompt.len() as u32,
        cached_tokens: 0,
        completion_tokens: 0,
        timings: Timings {
            queue: now - request.submitted,
            ..Timings::default()
        },
    }
}

#[cfg(test)]
mod tests;
