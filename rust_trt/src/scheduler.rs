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
use crate::prefix::Prefixes;
use crate::sequence::{Language, Sequence, end_unstarted};
use crate::window::Window;

/// Prompt tokens of one step. Fixed, not fitted to the load: another division of
/// the same prompt may round differently, and a seed would no longer give the same
/// answer. It bounds how long a prompt keeps the answers beside it waiting; twice as
/// many tokens took as long for each.
pub const PREFILL_CHUNK: usize = 32;

/// What the last step was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Did {
    Prefill,
    Decode,
}

/// The sequences of one model.
pub struct Scheduler<M: LanguageModel> {
    model: M,
    language: Language,
    max_active: usize,
    waiting: VecDeque<Request>,
    /// In order of admission.
    active: Vec<Sequence>,
    /// All rows but the last, which is for [`Scheduler::logits`].
    prefixes: Prefixes,
    window: Window,
    did: Did,
    /// Whose turn it was, positions in `active`.
    prefill_turn: usize,
    decode_turn: usize,
}

impl<M: LanguageModel> Scheduler<M> {
    /// A scheduler with at most `max_active` sequences at a time, and no more than
    /// the model has rows, less one.
    pub fn new(model: M, language: Language, max_active: usize) -> Self {
        let rows = model.rows().saturating_sub(1);
        Self {
            prefixes: Prefixes::new(rows, PREFILL_CHUNK),
            model,
            language,
            max_active: max_active.min(rows),
            waiting: VecDeque::new(),
            active: Vec::new(),
            window: Window::default(),
            did: Did::Decode,
            prefill_turn: 0,
            decode_turn: 0,
        }
    }

    /// Nothing is left to do.
    pub fn is_idle(&self) -> bool {
        self.active.is_empty() && self.waiting.is_empty() && self.prefixes.unsettled().is_none()
    }

    /// Queues a request.
    pub fn submit(&mut self, request: Request) {
        self.waiting.push_back(request);
    }

    /// Runs the model once and appends what that brought to `events`.
    pub fn step(&mut self, clock: &mut dyn FnMut() -> Instant, events: &mut Vec<Event>) {
        self.drop_cancelled(clock(), events);
        self.admit(clock());
        let prefills = self.active.iter().any(Sequence::is_prefilling);
        let decodes = self.active.iter().any(|sequence| !sequence.is_prefilling());
        if prefills && (self.did == Did::Decode || !decodes) {
            self.did = Did::Prefill;
            self.prefill(clock, events);
        } else if decodes {
            self.did = Did::Decode;
            if self.model.decodes_together() {
                self.decode_together(clock, events);
            } else {
                self.decode_by_turns(clock, events);
            }
        } else {
            self.settle();
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
        let end = match self.model.prefill(sequence.row, past, tokens) {
            Ok(logits) => take_step(sequence, fed, logits, &self.language, clock(), events),
            Err(error) => Some(EndReason::Failed(error)),
        };
        if let Some(reason) = end {
            self.leave(index, reason, clock(), events);
        } else if !self.active[index].is_prefilling() && self.model.decodes_together() {
            let row = self.active[index].row;
            let held = self.held();
            let place = self.window.join(row, self.prefixes.rows(), |row| held[row]);
            self.exchange(row, place, &held);
        }
    }

    fn decode_together(&mut self, clock: &mut dyn FnMut() -> Instant, events: &mut Vec<Event>) {
        let rows = self.window.rows();
        let mut order: Vec<usize> = (0..self.active.len())
            .filter(|&index| !self.active[index].is_prefilling())
            .collect();
        order.sort_unstable_by_key(|&index| self.active[index].row);
        let steps: Vec<Step> = order
            .iter()
            .map(|&index| self.active[index].next_step())
            .collect();
        debug_assert_eq!(rows.len(), steps.len());
        let stepped = self.model.decode(rows.start, &steps);
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
        let end = match self.model.decode(sequence.row, &[sequence.next_step()]) {
            Ok(logits) => take_step(sequence, 1, logits, &self.language, clock(), events),
            Err(error) => Some(EndReason::Failed(error)),
        };
        if let Some(reason) = end {
            self.leave(index, reason, clock(), events);
        }
    }

    /// Computes a chunk of an ended answer as the prompt's that it will be in the
    /// next turn: while nobody waits for anything, so that nobody has to then.
    fn settle(&mut self) {
        let Some(chunk) = self.prefixes.unsettled() else {
            return;
        };
        if self
            .model
            .prefill(chunk.row, chunk.past, &chunk.tokens)
            .is_ok()
        {
            self.prefixes.settle(chunk.row);
        } else {
            self.prefixes.release(chunk.row, &[], 0);
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
                let row = self.prefixes.rows();
                let mut all = Vec::new();
                for tokens in sequences {
                    all.extend(feed(&mut self.model, row, tokens, chunk.max(1))?);
                }
                Ok(all)
            }
            Feeding::Together => {
                let count = sequences.len();
                if !self.active.is_empty() || count > self.prefixes.rows() {
                    return Err(EngineError::EngineBusy(self.active.len()));
                }
                let mut steps = Vec::new();
                for (row, tokens) in sequences.iter().enumerate() {
                    // What the row held is gone.
                    self.prefixes.release(row, &[], 0);
                    let (&token, before) = tokens
                        .split_last()
                        .ok_or_else(|| EngineError::InferenceFailed("no token".into()))?;
                    feed(&mut self.model, row, before, PREFILL_CHUNK)?;
                    let past = before.len();
                    steps.push(Step { past, token });
                }
                self.model.decode(0, &steps).map(|logits| logits.to_vec())
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

    fn admit(&mut self, now: Instant) {
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
            let Some(taken) = self.prefixes.take(&request.prompt) else {
                self.waiting.push_front(request);
                return;
            };
            self.model.copy(taken.from, taken.row, taken.cached);
            self.active
                .push(Sequence::new(request, taken.row, taken.cached, now));
        }
    }

    fn leave(&mut self, index: usize, reason: EndReason, now: Instant, events: &mut Vec<Event>) {
        let held = self.held();
        let sequence = self.active.remove(index);
        let failed = matches!(reason, EndReason::Failed(_));
        events.push(Event::End(sequence.end(reason, now)));
        // After a failure nobody knows what the row holds.
        let fed = if failed { &[] } else { sequence.fed() };
        self.prefixes
            .release(sequence.row, fed, sequence.prefilled());
        if self.window.rows().contains(&sequence.row) {
            let place = self.window.leave(sequence.row, |row| held[row]);
            self.exchange(sequence.row, place, &held);
        }
        // The turns stay with the sequences that have them.
        for turn in [&mut self.prefill_turn, &mut self.decode_turn] {
            if index < *turn {
                *turn -= 1;
            }
        }
    }

    /// Positions that count, row by row.
    fn held(&self) -> Vec<usize> {
        let mut held: Vec<usize> = (0..self.prefixes.rows())
            .map(|row| self.prefixes.held(row))
            .collect();
        for sequence in &self.active {
            held[sequence.row] = sequence.fed().len();
        }
        held
    }

    /// Exchanges two rows, whoever has them.
    fn exchange(&mut self, one: usize, other: usize, held: &[usize]) {
        if one == other {
            return;
        }
        self.model.exchange(one, other, held[one].max(held[other]));
        self.prefixes.exchange(one, other);
        for sequence in &mut self.active {
            if sequence.row == one {
                sequence.row = other;
            } else if sequence.row == other {
                sequence.row = one;
            }
        }
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

/// A model without a network: what it says depends on the whole sequence it was
/// fed, so a wrong row, order or chunk shows in the text.
#[cfg(test)]
pub(crate) mod testing {
    use super::{LanguageModel, Step};
    use crate::error::{EngineError, Result};

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
        Scheduler::new(FakeModel::new(max_active), language, max_active)
    }

    fn submit(scheduler: &mut Scheduler<FakeModel>, id: &str, prompt: &[u32]) -> Arc<AtomicBool> {
        let cancelled = Arc::new(AtomicBool::new(false));
        scheduler.submit(Request {
            generation: id.into(),
            owner: None,
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
    }

    #[test]
    fn a_long_prompt_does_not_stall_an_answer() {
        let mut scheduler = scheduler(2);
        submit(&mut scheduler, "short", &[1]);
        submit(&mut scheduler, "long", &[1; 700]);
        for _ in 0..7 {
            step(&mut scheduler);
        }
        let (chunk, token) = (Ran::Prefill(PREFILL_CHUNK), Ran::Decode(1));
        let expected = [Ran::Prefill(1), token, chunk, token, chunk, token, chunk];
        assert_eq!(scheduler.model.ran, expected);
    }

    #[test]
    fn prompts_take_turns() {
        let mut scheduler = scheduler(2);
        submit(&mut scheduler, "a", &[1; PREFILL_CHUNK + 5]);
        submit(&mut scheduler, "b", &[1; PREFILL_CHUNK + 7]);
        for _ in 0..3 {
            step(&mut scheduler);
        }
        let whole = Ran::Prefill(PREFILL_CHUNK);
        assert_eq!(scheduler.model.ran, [whole, whole, Ran::Prefill(5)]);
    }

    #[test]
    fn answers_decode_together_or_by_turns() {
        for (together, expected) in [(true, [2, 2, 2]), (false, [1, 1, 1])] {
            let mut scheduler = scheduler(2);
            scheduler.model.together = together;
            submit(&mut scheduler, "a", &[1]);
            submit(&mut scheduler, "b", &[2]);
            let mut events = Vec::new();
            while !scheduler.is_idle() {
                scheduler.step(&mut Instant::now, &mut events);
            }
            let decodes: Vec<_> = scheduler
                .model
                .ran
                .iter()
                .filter_map(|ran| match ran {
                    Ran::Decode(rows) => Some(*rows),
                    Ran::Prefill(_) => None,
                })
                .skip(1)
                .collect();
            assert_eq!(decodes[..3], expected);
            let texts = texts(&events);
            assert_eq!((&texts["a"], &texts["b"]), (&answer(&[1]), &answer(&[2])));
        }
    }

    #[test]
    fn a_row_that_leaves_the_middle_takes_no_other_with_it() {
        let mut scheduler = scheduler(3);
        // The one in the middle ends first: an answer ends at 13 positions.
        let prompts = [vec![1], vec![2; 9], vec![3]];
        for (index, prompt) in prompts.iter().enumerate() {
            submit(&mut scheduler, &index.to_string(), prompt);
        }
        let mut events = Vec::new();
        while !scheduler.is_idle() {
            scheduler.step(&mut Instant::now, &mut events);
        }
        assert_eq!(ends(&events)[0].0, "1");
        let texts = texts(&events);
        for (index, prompt) in prompts.iter().enumerate() {
            assert_eq!(texts[&index.to_string()], answer(prompt), "{index}");
        }
    }

    #[test]
    fn owners_with_fewer_answers_go_first() {
        let mut scheduler = scheduler(2);
        for (id, owner) in [("a1", "a"), ("a2", "a"), ("a3", "a"), ("b1", "b")] {
            submit(&mut scheduler, id, &[1]);
            scheduler.waiting.back_mut().unwrap().owner = Some(owner.into());
        }
        step(&mut scheduler);
        let owners: Vec<_> = scheduler
            .active
            .iter()
            .map(|sequence| sequence.owner.as_deref().unwrap())
            .collect();
        assert_eq!(owners, ["a", "b"]);
    }

    /// Lets `prompt` be answered to the end, its settling included.
    fn run(scheduler: &mut Scheduler<FakeModel>, id: &str, prompt: &[u32]) -> (String, u32) {
        submit(scheduler, id, prompt);
        let mut events = Vec::new();
        while !scheduler.is_idle() {
            scheduler.step(&mut Instant::now, &mut events);
        }
        let cached = events.iter().find_map(|event| match event {
            Event::End(end) => Some(end.cached_tokens),
            Event::Text(_) => None,
        });
        (texts(&events).remove(id).unwrap(), cached.unwrap())
    }

    #[test]
    fn a_second_turn_feeds_only_what_is_new() {
        let mut scheduler = scheduler(2);
        let first: Vec<u32> = (0..10 * PREFILL_CHUNK as u32 + 1)
            .map(|i| i % 250)
            .collect();
        let (text, cached) = run(&mut scheduler, "first", &first);
        assert_eq!(cached, 0);
        let other: Vec<u32> = (0..50).collect();
        run(&mut scheduler, "other", &other);
        let answered = text.bytes().map(u32::from);
        let second: Vec<u32> = first
            .iter()
            .copied()
            .chain(answered)
            .chain([7; 4])
            .collect();
        scheduler.model.ran.clear();
        let (text, cached) = run(&mut scheduler, "second", &second);
        assert_eq!(text, answer(&second));
        assert_eq!(cached as usize, 10 * PREFILL_CHUNK);
        let rest = second.len() - 10 * PREFILL_CHUNK;
        assert_eq!(scheduler.model.ran[0], Ran::Prefill(rest));
    }

    #[test]
    fn a_settled_answer_is_fed_in_the_same_chunks() {
        let mut scheduler = scheduler(1);
        let prompt = vec![1; PREFILL_CHUNK - 2];
        submit(&mut scheduler, "a", &prompt);
        let mut events = Vec::new();
        while ends(&events).is_empty() {
            scheduler.step(&mut Instant::now, &mut events);
        }
        assert!(!scheduler.is_idle());
        scheduler.model.ran.clear();
        step(&mut scheduler);
        assert!(scheduler.is_idle());
        assert_eq!(scheduler.model.ran, [Ran::Prefill(PREFILL_CHUNK)]);
    }

    #[test]
    fn sequences_together_give_each_its_own_logits() {
        let mut scheduler = scheduler(2);
        let sequences = [vec![5, 6, 7], vec![9; 40]];
        let logits = scheduler.logits(&sequences, Feeding::Together).unwrap();
        for (sequence, logits) in sequences.iter().zip(logits.chunks(259)) {
            assert!(logits[says(sequence) as usize] > 1.0);
        }
        submit(&mut scheduler, "a", &[1]);
        step(&mut scheduler);
        let error = scheduler.logits(&sequences, Feeding::Together).unwrap_err();
        assert_eq!(error.code(), "engine_busy");
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
    fn a_waiting_request_is_cancelled_without_a_row() {
        let mut scheduler = scheduler(1);
        submit(&mut scheduler, "a", &[1]);
        let cancelled = submit(&mut scheduler, "b", &[1]);
        cancelled.store(true, Ordering::Release);
        assert_eq!(ends(&step(&mut scheduler)), [("b".to_owned(), "cancelled")]);
        assert_eq!(scheduler.active.len(), 1);
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
        let logits = scheduler
            .logits(&[vec![5, 6, 7]], Feeding::Chunks(2))
            .unwrap();
        assert!(logits[says(&[5, 6, 7]) as usize] > 1.0);
        assert_eq!(
            scheduler
                .logits(&[vec![1; 1001]], Feeding::Chunks(128))
                .unwrap_err()
                .code(),
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
