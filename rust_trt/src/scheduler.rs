//! Who takes the next step.
//!
//! Active sequences take turns: a chunk of a prompt or one token of an answer
//! each. The rest wait in order of arrival. A sequence joins and leaves between
//! steps. For now every sequence is computed by itself, so that its numbers, and
//! with them a seeded answer, cannot depend on what runs beside it.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::time::Instant;

use crate::error::{EngineError, Result};
use crate::events::{EndReason, Event};
use crate::mailbox::Request;
use crate::model::LanguageModel;
use crate::sequence::{Language, Sequence, end_unstarted};

/// Prompt tokens of one step. Fixed, not fitted to the load: another division of
/// the same prompt rounds differently, and a seed would no longer give the same
/// answer. Smaller chunks let others speak sooner, larger ones compute faster.
pub const PREFILL_CHUNK: usize = 64;

/// The sequences of one model.
pub struct Scheduler<M: LanguageModel> {
    model: M,
    language: Language,
    max_active: usize,
    waiting: VecDeque<Request>,
    active: Vec<Sequence<M::Cache>>,
    /// Whose turn it is, an index into `active`.
    turn: usize,
    /// Caches to be used again.
    spare: Vec<M::Cache>,
}

impl<M: LanguageModel> Scheduler<M> {
    /// A scheduler that computes at most `max_active` sequences by turns.
    pub fn new(model: M, language: Language, max_active: usize) -> Self {
        Self {
            model,
            language,
            max_active,
            waiting: VecDeque::new(),
            active: Vec::new(),
            turn: 0,
            spare: Vec::new(),
        }
    }

    /// Nothing is left to do.
    pub fn is_idle(&self) -> bool {
        self.active.is_empty() && self.waiting.is_empty()
    }

    /// Queues a request.
    pub fn submit(&mut self, request: Request) {
        self.waiting.push_back(request);
    }

    /// Lets one sequence take one step and appends what it brought to `events`.
    pub fn step(&mut self, clock: &mut dyn FnMut() -> Instant, events: &mut Vec<Event>) {
        self.drop_cancelled(clock(), events);
        self.admit(clock(), events);
        let Some(sequence) = self.active.get_mut(self.turn) else {
            return;
        };
        let (cache, tokens) = sequence.next_step(PREFILL_CHUNK);
        let stepped = self.model.step(cache, tokens);
        let now = clock();
        // Cancelled while it was computed: not a token more.
        let end = if sequence.is_cancelled() {
            Some(EndReason::Cancelled)
        } else {
            match stepped {
                Ok(logits) => {
                    let outcome = sequence.accept(PREFILL_CHUNK, logits, &self.language, now);
                    events.extend(outcome.piece.map(Event::Text));
                    outcome.end
                }
                Err(error) => Some(EndReason::Failed(error)),
            }
        };
        if let Some(reason) = end {
            self.leave(self.turn, reason, now, events);
        } else {
            self.turn += 1;
        }
        if self.turn >= self.active.len() {
            self.turn = 0;
        }
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

    /// Logits after `tokens` (at least one), fed `chunk` at a time into a cache of
    /// its own.
    ///
    /// # Errors
    /// [`EngineError::ContextFull`] or [`EngineError::InferenceFailed`].
    pub fn logits(&mut self, tokens: &[u32], chunk: usize) -> Result<Vec<f32>> {
        if tokens.len() > self.language.context_length {
            return Err(EngineError::ContextFull {
                tokens: tokens.len(),
                limit: self.language.context_length,
            });
        }
        let mut cache = self.cache()?;
        let mut logits = Ok(Vec::new());
        for tokens in tokens.chunks(chunk.max(1)) {
            logits = self
                .model
                .step(&mut cache, tokens)
                .map(|logits| logits.to_vec());
            if logits.is_err() {
                break;
            }
        }
        self.recycle(cache);
        logits
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
            let Some(request) = self.waiting.pop_front() else {
                return;
            };
            match self.cache() {
                Ok(cache) => self.active.push(Sequence::new(request, cache, now)),
                Err(error) => {
                    events.push(Event::End(end_unstarted(
                        &request,
                        EndReason::Failed(error),
                        now,
                    )));
                }
            }
        }
    }

    fn leave(&mut self, index: usize, reason: EndReason, now: Instant, events: &mut Vec<Event>) {
        let sequence = self.active.remove(index);
        events.push(Event::End(sequence.end(reason, now)));
        self.recycle(sequence.cache);
        // The turn stays with the sequence that had it.
        if index < self.turn {
            self.turn -= 1;
        }
        if self.turn >= self.active.len() {
            self.turn = 0;
        }
    }

    fn cache(&mut self) -> Result<M::Cache> {
        self.spare.pop().map_or_else(|| self.model.new_cache(), Ok)
    }

    fn recycle(&mut self, mut cache: M::Cache) {
        self.model.rewind(&mut cache, 0);
        self.spare.push(cache);
    }
}

/// A model without a network: what it says depends on the whole sequence it was
/// fed, so a wrong cache, order or chunk shows in the text.
#[cfg(test)]
pub(crate) mod testing {
    use super::LanguageModel;
    use crate::error::{EngineError, Result};

    pub(crate) const STOP: u32 = 257;
    /// Feeding this token fails.
    pub(crate) const POISON: u32 = 300;
    /// Feeding this token panics.
    pub(crate) const BOMB: u32 = 301;

    #[derive(Default)]
    pub(crate) struct FakeModel {
        pub(crate) caches: usize,
        pub(crate) steps: Vec<usize>,
        logits: Vec<f32>,
    }

    impl LanguageModel for FakeModel {
        type Cache = Vec<u32>;

        fn new_cache(&mut self) -> Result<Vec<u32>> {
            self.caches += 1;
            Ok(Vec::new())
        }

        fn rewind(&self, cache: &mut Vec<u32>, length: usize) {
            cache.truncate(length);
        }

        fn step(&mut self, cache: &mut Vec<u32>, tokens: &[u32]) -> Result<&mut [f32]> {
            self.steps.push(tokens.len());
            assert!(!tokens.contains(&BOMB), "bomb");
            if tokens.contains(&POISON) {
                return Err(EngineError::InferenceFailed("poison".into()));
            }
            cache.extend_from_slice(tokens);
            self.logits = vec![0.0; 259];
            self.logits[says(cache) as usize] = 9.0;
            Ok(&mut self.logits)
        }

        fn context_length(&self) -> usize {
            1000
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
}

#[cfg(test)]
mod tests {
    use super::testing::*;
    use super::*;
    use crate::sampling::Sampling;
    use crate::tokenizer::testing::byte_tokenizer;
    use std::collections::HashMap;
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    fn scheduler(max_active: usize) -> Scheduler<FakeModel> {
        let language = Language {
            tokenizer: Arc::new(byte_tokenizer()),
            stop_token_ids: vec![STOP],
            context_length: 1000,
        };
        Scheduler::new(FakeModel::default(), language, max_active)
    }

    fn submit(scheduler: &mut Scheduler<FakeModel>, id: &str, prompt: &[u32]) -> Arc<AtomicBool> {
        let cancelled = Arc::new(AtomicBool::new(false));
        scheduler.submit(Request {
            generation: id.into(),
            prompt: prompt.to_vec(),
            sampling: Sampling::default(),
            cancelled: cancelled.clone(),
            submitted: Instant::now(),
        });
        cancelled
    }

    fn step(scheduler: &mut Scheduler<FakeModel>) -> Vec<Event> {
        let mut events = Vec::new();
        scheduler.step(&mut Instant::now, &mut events);
        events
    }

    fn texts(events: &[Event]) -> HashMap<String, String> {
        let mut texts: HashMap<String, String> = HashMap::new();
        for event in events {
            if let Event::Text(piece) = event {
                texts
                    .entry(piece.generation.to_string())
                    .or_default()
                    .push_str(&piece.text);
            }
        }
        texts
    }

    fn ends(events: &[Event]) -> Vec<(String, &'static str)> {
        events
            .iter()
            .filter_map(|event| match event {
                Event::End(end) => Some((end.generation.to_string(), end.reason.name())),
                Event::Text(_) => None,
            })
            .collect()
    }

    #[test]
    fn many_answers_by_turns_equal_each_by_itself() {
        let mut scheduler = scheduler(3);
        let prompts: Vec<Vec<u32>> = (1..=7u32)
            .map(|n| (0..n * 30).map(|i| i * n % 256).collect())
            .collect();
        for (index, prompt) in prompts.iter().enumerate() {
            submit(&mut scheduler, &index.to_string(), prompt);
        }
        let mut events = Vec::new();
        while !scheduler.is_idle() {
            scheduler.step(&mut Instant::now, &mut events);
        }
        let texts = texts(&events);
        for (index, prompt) in prompts.iter().enumerate() {
            let text = texts.get(&index.to_string()).cloned().unwrap_or_default();
            assert_eq!(text, answer(prompt), "{index}");
        }
        assert_eq!(ends(&events).len(), 7);
        assert_eq!(scheduler.model.caches, 3, "caches are used again");
    }

    #[test]
    fn a_long_prompt_does_not_stall_an_answer() {
        let mut scheduler = scheduler(2);
        submit(&mut scheduler, "short", &[1]);
        submit(&mut scheduler, "long", &[1; 700]);
        for _ in 0..8 {
            step(&mut scheduler);
        }
        assert_eq!(scheduler.model.steps, [1, 64, 1, 64, 1, 64, 1, 64]);
    }

    #[test]
    fn a_cancelled_answer_says_nothing_more() {
        let mut scheduler = scheduler(2);
        let cancelled = submit(&mut scheduler, "a", &[1]);
        submit(&mut scheduler, "b", &[2]);
        assert_eq!(texts(&step(&mut scheduler)).len(), 1);
        cancelled.store(true, Ordering::Release);
        let events = step(&mut scheduler);
        assert_eq!(ends(&events), [("a".to_owned(), "cancelled")]);
        assert_eq!(texts(&events).get("a"), None);
        assert_eq!(texts(&events)["b"], answer(&[2])[..1]);
    }

    #[test]
    fn a_waiting_request_is_cancelled_without_a_cache() {
        let mut scheduler = scheduler(1);
        submit(&mut scheduler, "a", &[1]);
        let cancelled = submit(&mut scheduler, "b", &[1]);
        cancelled.store(true, Ordering::Release);
        assert_eq!(ends(&step(&mut scheduler)), [("b".to_owned(), "cancelled")]);
        assert_eq!(scheduler.model.caches, 1);
    }

    #[test]
    fn a_failed_step_ends_only_its_own_answer() {
        let mut scheduler = scheduler(2);
        submit(&mut scheduler, "bad", &[POISON]);
        submit(&mut scheduler, "good", &[1]);
        let mut events = Vec::new();
        while !scheduler.is_idle() {
            scheduler.step(&mut Instant::now, &mut events);
        }
        assert_eq!(
            ends(&events),
            [("bad".to_owned(), "failed"), ("good".to_owned(), "stop")]
        );
        assert_eq!(texts(&events)["good"], answer(&[1]));
    }

    #[test]
    fn logits_leave_running_answers_alone() {
        let mut scheduler = scheduler(1);
        submit(&mut scheduler, "a", &[1]);
        let mut events = step(&mut scheduler);
        let logits = scheduler.logits(&[5, 6, 7], 2).unwrap();
        assert!(logits[says(&[5, 6, 7]) as usize] > 1.0);
        assert_eq!(
            scheduler.logits(&[1; 1001], 128).unwrap_err().code(),
            "context_full"
        );
        while !scheduler.is_idle() {
            scheduler.step(&mut Instant::now, &mut events);
        }
        assert_eq!(texts(&events)["a"], answer(&[1]));
    }

    #[test]
    fn closing_ends_what_runs_and_what_waits() {
        let mut scheduler = scheduler(1);
        submit(&mut scheduler, "a", &[1]);
        submit(&mut scheduler, "b", &[1]);
        step(&mut scheduler);
        let mut events = Vec::new();
        scheduler.cancel_all(Instant::now(), &mut events);
        assert_eq!(
            ends(&events),
            [("a".to_owned(), "cancelled"), ("b".to_owned(), "cancelled")]
        );
        assert!(scheduler.is_idle());
    }
}
