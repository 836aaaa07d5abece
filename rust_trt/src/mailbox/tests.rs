use super::*;
use crate::events::TextPiece;

fn text(generation: &str, text: &str) -> Event {
    Event::Text(TextPiece {
        generation: generation.into(),
        text: text.into(),
        tokens: 1,
    })
}

fn end(generation: &str) -> Event {
    Event::End(GenerationEnd {
        generation: generation.into(),
        reason: EndReason::Stop,
        prompt_tokens: 1,
        cached_tokens: 0,
        completion_tokens: 1,
        timings: Timings::default(),
    })
}

fn submit(mailbox: &Mailbox, generation: &str) -> Result<()> {
    mailbox.submit(Request {
        generation: generation.into(),
        owner: None,
        prompt: vec![1],
        begun: "".into(),
        sampling: Sampling::default(),
        guide: None,
        cancelled: Arc::default(),
        submitted: Instant::now(),
    })
}

#[test]
fn text_of_one_generation_is_joined_until_taken() {
    let mailbox = Mailbox::new(4);
    mailbox.publish(&mut vec![
        text("a", "1"),
        text("b", "x"),
        text("a", "2"),
        end("b"),
    ]);
    let events = mailbox.next_events(Duration::ZERO).unwrap();
    assert_eq!(events.len(), 3);
    assert!(matches!(&events[0], Event::Text(piece) if piece.text == "12" && piece.tokens == 2));
    assert_eq!(mailbox.next_events(Duration::ZERO), Ok(vec![]));
}

#[test]
fn ids_are_free_again_after_the_end() {
    let mailbox = Mailbox::new(4);
    submit(&mailbox, "a").unwrap();
    assert_eq!(submit(&mailbox, "a"), Err(EngineError::DuplicateGeneration));
    mailbox.publish(&mut vec![end("a")]);
    assert_eq!(submit(&mailbox, "a"), Ok(()));
}

#[test]
fn beyond_the_limit_is_busy() {
    let mailbox = Mailbox::new(2);
    submit(&mailbox, "a").unwrap();
    submit(&mailbox, "b").unwrap();
    assert_eq!(submit(&mailbox, "c"), Err(EngineError::EngineBusy(2)));
}

#[test]
fn only_live_generations_can_be_cancelled() {
    let mailbox = Mailbox::new(2);
    assert!(!mailbox.cancel("a"));
    submit(&mailbox, "a").unwrap();
    assert!(mailbox.cancel("a"));
    let Next::Work(commands) = mailbox.next(false) else {
        panic!("not closing")
    };
    let [Command::Generate(request)] = commands.as_slice() else {
        panic!("one request")
    };
    assert!(request.cancelled.load(Ordering::Acquire));
}

#[test]
fn events_before_the_close_are_delivered_first() {
    let mailbox = Mailbox::new(2);
    mailbox.publish(&mut vec![text("a", "1")]);
    mailbox.finish(EngineError::closed(), &EndReason::Cancelled);
    assert_eq!(mailbox.next_events(Duration::MAX).unwrap().len(), 1);
    assert_eq!(
        mailbox.next_events(Duration::MAX),
        Err(EngineError::closed())
    );
    assert_eq!(submit(&mailbox, "a"), Err(EngineError::closed()));
}

#[test]
fn what_never_started_ends_with_the_engine() {
    let mailbox = Mailbox::new(2);
    submit(&mailbox, "a").unwrap();
    mailbox.finish(
        EngineError::crashed(),
        &EndReason::Failed(EngineError::crashed()),
    );
    let events = mailbox.next_events(Duration::ZERO).unwrap();
    assert!(matches!(&events[..], [Event::End(end)] if end.reason.name() == "failed"));
}

#[test]
fn a_waiting_caller_is_woken() {
    let mailbox = Arc::new(Mailbox::new(2));
    let other = mailbox.clone();
    let waiting = std::thread::spawn(move || other.next_events(Duration::from_secs(60)));
    mailbox.publish(&mut vec![text("a", "1")]);
    assert_eq!(waiting.join().unwrap().unwrap().len(), 1);
}
