use super::*;
use crate::fake_model::*;
use crate::guide_compiler::Guides;
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
        begun: "".into(),
        sampling: Sampling::default(),
        guide: None,
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
    assert_eq!(scheduler.slots.model().ran, expected);
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
    assert_eq!(scheduler.slots.model().ran, [whole, whole, Ran::Prefill(5)]);
}

#[test]
fn answers_decode_together_or_by_turns() {
    for (together, expected) in [(true, [2, 2, 2]), (false, [1, 1, 1])] {
        let mut scheduler = scheduler(2);
        scheduler.slots.model().together = together;
        submit(&mut scheduler, "a", &[1]);
        submit(&mut scheduler, "b", &[2]);
        let mut events = Vec::new();
        while !scheduler.is_idle() {
            scheduler.step(&mut Instant::now, &mut events);
        }
        let decodes: Vec<_> = scheduler
            .slots
            .model()
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
    scheduler.slots.model().ran.clear();
    let (text, cached) = run(&mut scheduler, "second", &second);
    assert_eq!(text, answer(&second));
    assert_eq!(cached as usize, 10 * PREFILL_CHUNK);
    let rest = second.len() - 10 * PREFILL_CHUNK;
    assert_eq!(scheduler.slots.model().ran[0], Ran::Prefill(rest));
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
    scheduler.slots.model().ran.clear();
    step(&mut scheduler);
    assert!(scheduler.is_idle());
    assert_eq!(scheduler.slots.model().ran, [Ran::Prefill(PREFILL_CHUNK)]);
}

#[test]
fn a_second_turn_finds_what_was_settled_of_the_answer() {
    let mut scheduler = scheduler(1);
    let first = vec![1; PREFILL_CHUNK - 2];
    let (text, _) = run(&mut scheduler, "first", &first);
    assert!(text.len() > 2);
    let answered = text.bytes().map(u32::from);
    let second: Vec<u32> = first.into_iter().chain(answered).chain([7; 4]).collect();
    let (text, cached) = run(&mut scheduler, "second", &second);
    assert_eq!(text, answer(&second));
    assert_eq!(cached as usize, PREFILL_CHUNK);
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
fn a_guided_answer_follows_its_schema_and_others_do_not_notice() {
    let mut scheduler = scheduler(3);
    let guides = Guides::new(scheduler.language.tokenizer.clone(), vec![STOP]);
    submit(&mut scheduler, "plain", &[1]);
    for id in ["guided", "again"] {
        submit(&mut scheduler, id, &[2]);
        let guide = guides
            .compile(r#"{"enum": ["abcd", [true, null]]}"#)
            .unwrap();
        scheduler.waiting.back_mut().unwrap().guide = Some(guide);
    }
    let mut events = Vec::new();
    while !scheduler.is_idle() {
        scheduler.step(&mut Instant::now, &mut events);
    }
    let texts = texts(&events);
    let value: serde_json::Value = serde_json::from_str(&texts["guided"]).unwrap();
    assert!(value == "abcd" || value == serde_json::json!([true, null]));
    assert_eq!(texts["again"], texts["guided"]);
    assert_eq!(texts["plain"], answer(&[1]));
    assert!(ends(&events).iter().all(|(_, reason)| *reason == "stop"));
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
