//! Who takes the next step.
//!
//! A sequence joins and leaves between steps. Prompts take turns, a chunk each;
//! between two chunks all sequences that answer decode one token, together in one
//! run. The rest wait: owners with fewer active sequences go first, then order of
//! arrival.
//!
//! What is computed beside a sequence never changes its numbers, and with them a
//! seeded answer: prompts are fed by themselves in chunks that always begin at the
//! same positions, and rows decode together only where the model has proved that
//! each gives the same bits as by itself. Elsewhere they decode by turns.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::time::Instant;

use crate::error::{EngineError, Result};
use crate::events::{EndReason, Event};
use crate::mailbox::{Feeding, Request};
use crate::model::{LanguageModel, Step};
use crate::sequence::{Language, Sequence, end_unstarted};
use crate::slots::{PREFILL_CHUNK, Slots};

/// What the last step was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Did {
    Prefill,
    Decode,
}

/// The sequences of one model.
pub struct Scheduler<M: LanguageModel> {
    slots: Slots<M>,
    language: Language,
    max_active: usize,
    waiting: VecDeque<Request>,
    /// In order of admission.
    active: Vec<Sequence>,
    did: Did,
    /// Whose turn it was, positions in `active`.
    prefill_turn: usize,
    decode_turn: usize,
}

impl<M: LanguageModel> Scheduler<M> {
    /// A scheduler with at most `max_active` sequences at a time, and no more than
    /// the model has rows, less one.
    pub fn new(model: M, language: Language, max_active: usize) -> Self {
        let slots = Slots::new(model);
        Self {
            max_active: max_active.min(slots.len()),
            slots,
            language,
            waiting: VecDeque::new(),
            active: Vec::new(),
            did: Did::Decode,
            prefill_turn: 0,
            decode_turn: 0,
        }
    }

    /// Nothing is left to do.
    pub fn is_idle(&self) -> bool {
        self.active.is_empty() && self.waiting.is_empty() && self.slots.is_settled()
    }

    /// Queues a request.
    pub fn submit(&mut self, request: Request) {
        self.waiting.push_back(request);
    }

    /// Runs the model once and appends what that brought to `events`.
    pub fn step(&mut self, clock: &mut dyn FnMut() -> Instant, events: &mut Vec<Event>) {
        self.drop_cancelled(clock(), events);
        self.admit(clock(), events);
        let prefills = self.active.iter().any(Sequence::is_prefilling);
        let decodes = self.active.iter().any(|sequence| !sequence.is_prefilling());
        if prefills && (self.did == Did::Decode || !decodes) {
            self.did = Did::Prefill;
            self.prefill(clock, events);
        } else if decodes {
            self.did = Did::Decode;
            if self.slots.decodes_together() {
                self.decode_together(clock, events);
            } else {
                self.decode_by_turns(clock, events);
            }
        } else {
            self.slots.settle();
        }
    }

    fn prefill(&mut self, clock: &mut dyn FnMut() -> Instant, events: &mut Vec<Event>) {
        let Some(index) = self.next_turn(self.prefill_turn, Sequence::is_prefilling) else {
            return;
        };
        self.prefill_turn = index + 1;
        let sequence = &mut self.active[index];
        let tokens = sequence.next_chunk(PREFILL_CHUNK);
        let fed = tokens.len();
        let past = sequence.fed().len();
        let end = match self.slots.prefill(sequence.slot, past, tokens) {
            Ok(logits) => take_step(sequence, fed, logits, &self.language, clock(), events),
            Err(error) => Some(EndReason::Failed(error)),
        };
        if let Some(reason) = end {
            self.leave(index, reason, clock(), events);
        } else if !self.active[index].is_prefilling() && self.slots.decodes_together() {
            self.slots.join(self.active[index].slot);
        }
    }

    fn decode_together(&mut self, clock: &mut dyn FnMut() -> Instant, events: &mut Vec<Event>) {
        let of = |slot| {
            self.active
                .iter()
                .position(|sequence| sequence.slot == slot)
        };
        let order: Vec<usize> = self.slots.joined().filter_map(of).collect();
        let steps: Vec<Step> = order
            .iter()
            .map(|&index| self.active[index].next_step())
            .collect();
        let stepped = self.slots.decode(&steps);
        let now = clock();
        let mut ends = Vec::new();
        match stepped {
            Ok(logits) => {
                let vocab = logits.len() / steps.len();
                for (&index, logits) in order.iter().zip(logits.chunks_exact_mut(vocab)) {
                    let sequence = &mut self.active[index];
                    let end = take_step(sequence, 1, logits, &self.language, now, events);
                    ends.extend(end.map(|reason| (index, reason)));
                }
            }
            Err(error) => {
                ends.extend(
                    order
                        .iter()
                        .map(|&index| (index, EndReason::Failed(error.clone()))),
                );
            }
        }
        // From the back, so that the places of the others stay what they are.
        ends.sort_unstable_by_key(|&(index, _)| std::cmp::Reverse(index));
        for (index, reason) in ends {
            self.leave(index, reason, now, events);
        }
    }

    fn decode_by_turns(&mut self, clock: &mut dyn FnMut() -> Instant, events: &mut Vec<Event>) {
        let decoding = |sequence: &Sequence| !sequence.is_prefilling();
        let Some(index) = self.next_turn(self.decode_turn, decoding) else {
            return;
        };
        self.decode_turn = index + 1;
        let sequence = &mut self.active[index];
        let end = match self.slots.decode_alone(sequence.slot, sequence.next_step()) {
            Ok(logits) => take_step(sequence, 1, logits, &self.language, clock(), events),
            Err(error) => Some(EndReason::Failed(error)),
        };
        if let Some(reason) = end {
            self.leave(index, reason, clock(), events);
        }
    }

    /// The next active sequence of that kind, from `turn` on.
    fn next_turn(&self, turn: usize, kind: impl Fn(&Sequence) -> bool) -> Option<usize> {
        let count = self.active.len();
        (turn..turn + count)
            .map(|index| index % count)
            .find(|&index| kind(&self.active[index]))
    }

    /// Ends everything, for a close.
    pub fn cancel_all(&mut self, now: Instant, events: &mut Vec<Event>) {
        while !self.active.is_empty() {
            self.leave(0, EndReason::Cancelled, now, events);
        }
        for request in self.waiting.drain(..) {
            events.push(Event::End(end_unstarted(
                &request,
                EndReason::Cancelled,
                now,
            )));
        }
    }

    /// Logits after each of the sequences (at least one, of at least one token), one
    /// after the other.
    ///
    /// # Errors
    /// [`EngineError::ContextFull`] or [`EngineError::InferenceFailed`]; for sequences
    /// together [`EngineError::EngineBusy`] while answers run, or when there are too many.
    pub fn logits(&mut self, sequences: &[Vec<u32>], feeding: Feeding) -> Result<Vec<f32>> {
        for tokens in sequences {
            if tokens.len() > self.language.context_length {
                return Err(EngineError::ContextFull {
                    tokens: tokens.len(),
                    limit: self.language.context_length,
                });
            }
        }
        match feeding {
            Feeding::Chunks(chunk) => {
                let mut all = Vec::new();
                for tokens in sequences {
                    all.extend(self.slots.logits(tokens, chunk.max(1))?);
                }
                Ok(all)
            }
            Feeding::Together => {
                if !self.active.is_empty() || sequences.len() > self.slots.len() {
                    return Err(EngineError::EngineBusy(self.active.len()));
                }
                self.slots.logits_together(sequences)
            }
        }
    }

    fn drop_cancelled(&mut self, now: Instant, events: &mut Vec<Event>) {
        self.waiting.retain(|request| {
            let cancelled = request.cancelled.load(Ordering::Acquire);
            if cancelled {
                events.push(Event::End(end_unstarted(
                    request,
                    EndReason::Cancelled,
                    now,
                )));
            }
            !cancelled
        });
        while let Some(index) = self.active.iter().position(Sequence::is_cancelled) {
            self.leave(index, EndReason::Cancelled, now, events);
        }
    }

    fn admit(&mut self, now: Instant, events: &mut Vec<Event>) {
        while self.active.len() < self.max_active {
            let owned = |request: &Request| {
                self.active
                    .iter()
                    .filter(|sequence| sequence.owner == request.owner)
                    .count()
            };
            // The first of those with the fewest.
            let next = (0..self.waiting.len()).min_by_key(|&index| owned(&self.waiting[index]));
            let Some(request) = next.and_then(|index| self.waiting.remove(index)) else {
                return;
            };
            // The answer's own beginning has taken what room there was.
            if request.prompt.len() >= self.language.context_length {
                let end = end_unstarted(&request, EndReason::Length, now);
                events.push(Event::End(end));
                continue;
            }
            let Some(taken) = self.slots.take(&request.prompt) else {
                self.waiting.push_front(request);
                return;
            };
            self.active
                .push(Sequence::new(request, taken.slot, taken.cached, now));
        }
    }

    fn leave(&mut self, index: usize, reason: EndReason, now: Instant, events: &mut Vec<Event>) {
        let sequence = self.active.remove(index);
        let failed = matches!(reason, EndReason::Failed(_));
        events.push(Event::End(sequence.end(reason, now)));
        // After a failure nobody knows what the slot holds.
        let fed = if failed { &[] } else { sequence.fed() };
        self.slots.release(sequence.slot, fed, sequence.prefilled());
        // The turns stay with the sequences that have them.
        for turn in [&mut self.prefill_turn, &mut self.decode_turn] {
            if index < *turn {
                *turn -= 1;
            }
        }
    }
}

/// A sequence takes the logits of its `fed` tokens. Returns why it ends, if it does.
fn take_step(
    sequence: &mut Sequence,
    fed: usize,
    logits: &mut [f32],
    language: &Language,
    now: Instant,
    events: &mut Vec<Event>,
) -> Option<EndReason> {
    // Cancelled while it was computed: not a token more.
    if sequence.is_cancelled() {
        return Some(EndReason::Cancelled);
    }
    let outcome = sequence.accept(fed, logits, language, now);
    events.extend(outcome.piece.map(Event::Text));
    outcome.end
}

#[cfg(test)]
mod tests;
