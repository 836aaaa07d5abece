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
        begun: "".into(),
        sampling,
        guide: None,
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
