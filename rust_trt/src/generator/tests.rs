use super::*;
use crate::fake_model::{BOMB, FakeModel, STOP, answer};
use crate::template::ChatTemplate;
use crate::tokenizer::testing::byte_tokenizer;

/// An engine whose prompts are just the bytes of the messages.
fn engine(max_active: usize, max_waiting: usize) -> Engine {
    let language = Language {
        tokenizer: Arc::new(byte_tokenizer()),
        stop_token_ids: vec![STOP],
        context_length: 1000,
    };
    let info = ModelInfo {
        name: "fake".into(),
        architecture: "fake".into(),
        context_length: 1000,
        vocab_size: 400,
        device: "cpu",
        threads: 1,
        decodes_together: true,
    };
    let template = "{% for message in messages %}{{ message.content }}{% endfor %}";
    let prompt = PromptEncoder::new(ChatTemplate::new(template.into(), None, "").unwrap());
    Engine::start(
        FakeModel::new(max_active),
        info,
        language,
        prompt,
        max_active,
        max_waiting,
    )
    .unwrap()
}

fn user(content: &str) -> [Message; 1] {
    [Message {
        role: "user".into(),
        content: content.into(),
    }]
}

/// All text of `generation` and the name of its end.
fn wait(engine: &Engine, generation: &str) -> (String, &'static str) {
    let mut text = String::new();
    loop {
        for event in engine.next_events(Duration::from_secs(60)).unwrap() {
            match event {
                Event::Text(piece) if &*piece.generation == generation => {
                    text.push_str(&piece.text);
                }
                Event::End(end) if &*end.generation == generation => {
                    return (text, end.reason.name());
                }
                _ => {}
            }
        }
    }
}

#[test]
fn an_answer_comes_through_the_thread() {
    let engine = engine(1, 1);
    assert_eq!(
        engine.submit("a", None, &user("hello"), "", Sampling::default()),
        Ok(5)
    );
    let expected = answer(&"hello".bytes().map(u32::from).collect::<Vec<_>>());
    assert_eq!(wait(&engine, "a"), (expected, "stop"));
}

#[test]
fn an_answer_goes_on_from_where_it_was_cut() {
    let engine = engine(1, 1);
    let whole = answer(&"hello".bytes().map(u32::from).collect::<Vec<_>>());
    for cut in 1..whole.len() {
        let (begun, rest) = whole.split_at(cut);
        let tokens = engine.submit("a", None, &user("hello"), begun, Sampling::default());
        assert_eq!(tokens, Ok(5 + cut));
        assert_eq!(wait(&engine, "a"), (rest.to_owned(), "stop"));
    }
}

#[test]
fn a_stop_string_may_have_begun_before_the_cut() {
    let engine = engine(1, 1);
    let whole = answer(&"hello".bytes().map(u32::from).collect::<Vec<_>>());
    let stop = Sampling {
        stop: vec![whole[2..5].to_owned()],
        ..Sampling::default()
    };
    engine
        .submit("a", None, &user("hello"), &whole[..3], stop)
        .unwrap();
    assert_eq!(wait(&engine, "a"), (String::new(), "stop"));
}

#[test]
fn an_answer_that_fills_the_context_ends_at_once() {
    let engine = engine(1, 1);
    for begun in [995, 5000] {
        let begun = "x".repeat(begun);
        engine
            .submit("a", None, &user("hello"), &begun, Sampling::default())
            .unwrap();
        assert_eq!(wait(&engine, "a"), (String::new(), "length"));
    }
    let begun = "x".repeat(994);
    engine
        .submit("a", None, &user("hello"), &begun, Sampling::default())
        .unwrap();
    assert_eq!(wait(&engine, "a").0.len(), 1);
}

#[test]
fn a_schema_is_no_way_to_go_on() {
    let guided = Sampling {
        json_schema: Some(r#"{"const": 7}"#.into()),
        ..Sampling::default()
    };
    let refused = engine(1, 1).submit("a", None, &user("x"), "{", guided);
    assert_eq!(refused.unwrap_err().code(), "invalid_sampling");
}

#[test]
fn a_prompt_that_fills_the_context_is_refused_with_both_numbers() {
    let error = engine(1, 1).submit("a", None, &user(&"x".repeat(1000)), "", Sampling::default());
    assert_eq!(
        error,
        Err(EngineError::ContextFull {
            tokens: 1000,
            limit: 1000
        })
    );
}

#[test]
fn a_schema_is_compiled_before_anything_is_queued() {
    let engine = engine(1, 0);
    let guided = |schema: &str| Sampling {
        json_schema: Some(schema.into()),
        ..Sampling::default()
    };
    let refused = engine.submit("a", None, &user("x"), "", guided(r#"{"not": {}}"#));
    assert_eq!(refused.unwrap_err().code(), "invalid_sampling");
    engine
        .submit("a", None, &user("x"), "", guided(r#"{"const": 7}"#))
        .unwrap();
    assert_eq!(wait(&engine, "a"), ("7".to_owned(), "stop"));
}

#[test]
fn a_panic_ends_all_generations_and_closes_with_an_error() {
    let engine = engine(1, 1);
    let error = engine
        .logits(vec![vec![BOMB]], Feeding::Chunks(1))
        .unwrap_err();
    assert_eq!(error.code(), "engine_closed");
    while engine.next_events(Duration::from_secs(60)).is_ok() {}
    let error = engine
        .submit("a", None, &user("x"), "", Sampling::default())
        .unwrap_err();
    assert_eq!(error, EngineError::crashed());
}

#[test]
fn closing_twice_is_closing_once() {
    let engine = engine(1, 1);
    engine.close();
    engine.close();
    assert_eq!(
        engine.next_events(Duration::MAX),
        Err(EngineError::closed())
    );
    assert_eq!(
        engine.logits(vec![vec![1]], Feeding::Chunks(1)),
        Err(EngineError::closed())
    );
    assert!(!engine.cancel("a"));
}

#[test]
fn unknown_tokens_are_refused_before_the_model() {
    let engine = engine(1, 1);
    for tokens in [vec![], vec![vec![]], vec![vec![1], vec![400]]] {
        assert_eq!(
            engine.logits(tokens, Feeding::Together).unwrap_err().code(),
            "invalid_messages"
        );
    }
}
