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

use crate::error::EngineError;
use crate::events::{EndReason, GenerationEnd, GenerationId, TextPiece, Timings};
use crate::mailbox::Request;
use crate::model::Step;
use crate::sampler::Sampler;
use crate::stop::StopMatcher;
use crate::tokenizer::{TextStream, Tokenizer};

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
    sampler: Sampler,
    text: TextStream,
    stop: StopMatcher,
    max_tokens: u32,
    min_tokens: u32,
    ignore_eos: bool,
    generated: u32,
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
            sampler: Sampler::new(&request.sampling, &request.prompt),
            text: TextStream::default(),
            stop: StopMatcher::new(request.sampling.stop),
            max_tokens: request.sampling.max_tokens,
            min_tokens: request.sampling.min_tokens,
            ignore_eos: request.sampling.ignore_eos,
            generation: request.generation,
            prompt: request.prompt.len(),
            tokens: request.prompt,
            cached,
            fed: cached,
            generated: 0,
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
        if self.generated < self.min_tokens && !self.ignore_eos {
            for &id in &language.stop_token_ids {
                if let Some(logit) = logits.get_mut(id as usize) {
                    *logit = f32::NEG_INFINITY;
                }
            }
        }
        let Some(token) = self.sampler.sample(logits) else {
            let problem = "it computed no usable number".into();
            return self.ended(
                String::new(),
                EndReason::Failed(EngineError::InferenceFailed(problem)),
            );
        };
        self.first_token.get_or_insert(now);
        if language.stop_token_ids.contains(&token) && !self.ignore_eos {
            let rest = self.remaining_text();
            return self.ended(rest, EndReason::Stop);
        }
        self.tokens.push(token);
        self.generated += 1;
        self.unreported += 1;
        let mut text = String::new();
        self.text.push(&language.tokenizer, token, &mut text);
        let released = self.stop.push(&text);
        if released.stopped {
            return self.ended(released.text, EndReason::Stop);
        }
        if self.generated >= self.max_tokens || self.tokens.len() >= language.context_length {
            let text = released.text + &self.remaining_text();
            return self.ended(text, EndReason::Length);
        }
        Outcome {
            piece: self.piece(released.text),
            end: None,
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
            completion_tokens: self.generated,
            timings: Timings {
                queue: self.started - self.submitted,
                prefill: first_token - self.started,
                decode: now - first_token,
            },
        }
    }

    /// What was held back for a character or a stop string that did not come.
    fn remaining_text(&mut self) -> String {
        let mut text = String::new();
        self.text.finish(&mut text);
        // The replacement of a cut character may still complete a stop string.
        let released = self.stop.push(&text);
        if released.stopped {
            released.text
        } else {
            released.text + &self.stop.finish()
        }
    }

    fn ended(&mut self, text: String, reason: EndReason) -> Outcome {
        Outcome {
            piece: self.piece(text),
            end: Some(reason),
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
mod tests {
    use super::*;
    use crate::sampling::Sampling;
    use crate::tokenizer::testing::byte_tokenizer;
    use std::time::Duration;

    const CHUNK: usize = 4;
    const STOP: u32 = 257;

    fn language(context_length: usize) -> Language {
        Language {
            tokenizer: Arc::new(byte_tokenizer()),
            stop_token_ids: vec![STOP],
            context_length,
        }
    }

    fn sequence(prompt: &[u32], sampling: Sampling) -> Sequence {
        let now = Instant::now();
        let request = Request {
            generation: "g".into(),
            owner: None,
            prompt: prompt.to_vec(),
            sampling,
            cancelled: Arc::default(),
            submitted: now,
        };
        Sequence::new(request, 0, 0, now)
    }

    /// Feeds what is next and makes the model say `token`.
    fn say(sequence: &mut Sequence, token: u32, language: &Language) -> Outcome {
        let mut logits = vec![0.0; 259];
        logits[token as usize] = 1.0;
        let fed = if sequence.is_prefilling() {
            sequence.next_chunk(CHUNK).len()
        } else {
            1
        };
        sequence.accept(fed, &mut logits, language, Instant::now())
    }

    /// All text and the reason, for an answer of these bytes and then a stop token.
    fn answer(bytes: &[u8], sampling: Sampling, context_length: usize) -> (String, EndReason, u32) {
        let language = language(context_length);
        let mut sequence = sequence(&[1], sampling);
        let (mut text, mut tokens) = (String::new(), 0);
        for token in bytes.iter().map(|&byte| u32::from(byte)).chain([STOP]) {
            let outcome = say(&mut sequence, token, &language);
            if let Some(piece) = outcome.piece {
                text.push_str(&piece.text);
                tokens += piece.tokens;
            }
            if let Some(reason) = outcome.end {
                return (text, reason, tokens);
            }
        }
        panic!("a stop token must end it");
    }

    #[test]
    fn a_prompt_is_fed_in_chunks_and_then_the_last_token() {
        let language = language(100);
        let mut sequence = sequence(&[1, 2, 3, 4, 5, 6], Sampling::default());
        assert_eq!(sequence.next_chunk(CHUNK), [1, 2, 3, 4]);
        assert_eq!(say(&mut sequence, 97, &language), Outcome::default());
        assert_eq!(sequence.next_chunk(CHUNK), [5, 6]);
        assert_eq!(say(&mut sequence, 97, &language).piece.unwrap().text, "a");
        assert!(!sequence.is_prefilling());
        let step = Step { past: 6, token: 97 };
        assert_eq!(sequence.next_step(), step);
        assert_eq!(sequence.fed(), [1, 2, 3, 4, 5, 6]);
        say(&mut sequence, 98, &language);
        assert_eq!((sequence.fed().len(), sequence.prefilled()), (7, 6));
    }

    #[test]
    fn what_the_cache_holds_already_is_not_fed() {
        let mut sequence = sequence(&[1, 2, 3, 4, 5, 6], Sampling::default());
        (sequence.fed, sequence.cached) = (4, 4);
        assert_eq!(sequence.next_chunk(CHUNK), [5, 6]);
        let end = sequence.end(EndReason::Cancelled, Instant::now());
        assert_eq!((end.prompt_tokens, end.cached_tokens), (6, 4));
    }

    #[test]
    fn a_stop_token_ends_it_and_is_no_text() {
        let expected = ("hi".into(), EndReason::Stop, 2);
        assert_eq!(answer(b"hi", Sampling::default(), 100), expected);
    }

    #[test]
    fn no_stop_token_is_drawn_before_min_tokens() {
        let language = language(100);
        let two = Sampling {
            min_tokens: 2,
            ..Sampling::default()
        };
        let mut sequence = sequence(&[1], two);
        let mut wants_to_stop = || {
            let mut logits = vec![0.0; 259];
            (logits[STOP as usize], logits[97]) = (9.0, 5.0);
            sequence.accept(1, &mut logits, &language, Instant::now())
        };
        assert_eq!(wants_to_stop().piece.unwrap().text, "a");
        assert_eq!(wants_to_stop().piece.unwrap().text, "a");
        assert_eq!(wants_to_stop().end, Some(EndReason::Stop));
    }

    #[test]
    fn an_ignored_stop_token_is_fed_like_any_other() {
        let ignoring = Sampling {
            max_tokens: 2,
            ignore_eos: true,
            ..Sampling::default()
        };
        let language = language(100);
        let mut sequence = sequence(&[1], ignoring);
        assert_eq!(say(&mut sequence, STOP, &language), Outcome::default());
        assert_eq!(sequence.next_step().token, STOP);
        let end = say(&mut sequence, STOP, &language).end;
        assert_eq!(end, Some(EndReason::Length));
    }

    #[test]
    fn max_tokens_and_the_context_end_it() {
        let three = Sampling {
            max_tokens: 3,
            ..Sampling::default()
        };
        assert_eq!(
            answer(b"hello", three, 100),
            ("hel".into(), EndReason::Length, 3)
        );
        assert_eq!(
            answer(b"hello", Sampling::default(), 5),
            ("hell".into(), EndReason::Length, 4)
        );
    }

    #[test]
    fn characters_come_out_whole_and_tokens_are_counted() {
        let language = language(100);
        let mut sequence = sequence(&[1], Sampling::default());
        let bytes = "🔥".as_bytes();
        for &byte in &bytes[..3] {
            assert_eq!(
                say(&mut sequence, u32::from(byte), &language),
                Outcome::default()
            );
        }
        let piece = say(&mut sequence, u32::from(bytes[3]), &language)
            .piece
            .unwrap();
        assert_eq!((piece.text.as_str(), piece.tokens), ("🔥", 4));
    }

    #[test]
    fn a_cut_character_is_replaced_at_the_end() {
        let (text, ..) = answer(&"a🔥".as_bytes()[..3], Sampling::default(), 100);
        assert_eq!(text, "a\u{FFFD}");
    }

    #[test]
    fn a_stop_string_ends_it_and_is_no_text() {
        let stop = Sampling {
            stop: vec!["lo w".into()],
            ..Sampling::default()
        };
        let (text, reason, _) = answer(b"hello world", stop, 100);
        assert_eq!((text.as_str(), reason), ("hel", EndReason::Stop));
    }

    #[test]
    fn text_held_for_a_stop_string_comes_out_at_the_end() {
        let stop = Sampling {
            stop: vec!["lost".into()],
            ..Sampling::default()
        };
        assert_eq!(answer(b"hello", stop.clone(), 100).0, "hello");
        let short = Sampling {
            max_tokens: 4,
            ..stop
        };
        assert_eq!(answer(b"hello", short, 100).0, "hell");
    }

    #[test]
    fn logits_without_a_number_fail() {
        let mut sequence = sequence(&[1], Sampling::default());
        let outcome = sequence.accept(1, &mut [f32::NAN], &language(100), Instant::now());
        assert!(matches!(outcome.end, Some(EndReason::Failed(_))));
    }

    #[test]
    fn times_are_told_apart() {
        let language = language(100);
        let mut sequence = sequence(&[1], Sampling::default());
        let ms = Duration::from_millis;
        let start = sequence.submitted;
        sequence.started = start + ms(10);
        let mut logits = vec![0.0; 259];
        sequence.accept(1, &mut logits, &language, start + ms(30));
        let end = sequence.end(EndReason::Length, start + ms(60));
        let expected = Timings {
            queue: ms(10),
            prefill: ms(20),
            decode: ms(30),
        };
        assert_eq!(end.timings, expected);
    }
}
