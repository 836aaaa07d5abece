use super::*;
use crate::guide_compiler::Guides;
use crate::tokenizer::testing::byte_tokenizer;
use std::sync::Arc;

const STOP: u32 = 257;
const ROOM: usize = 1000;

/// What an answer says.
struct Said {
    text: String,
    end: Option<EndReason>,
    tokens: Vec<u32>,
}

fn guided(schema: &str) -> Option<Guide> {
    let guides = Guides::new(Arc::new(byte_tokenizer()), vec![STOP]);
    Some(guides.compile(schema).unwrap())
}

/// What is said when the model wants these bytes and then to stop.
fn say(sampling: Sampling, guide: Option<Guide>, wanted: &[u8]) -> Said {
    let tokenizer = byte_tokenizer();
    let mut answer = Answer::new(sampling, guide, &[1], "");
    let mut said = Said {
        text: String::new(),
        end: None,
        tokens: Vec::new(),
    };
    for token in wanted.iter().map(|&byte| u32::from(byte)).chain([STOP; 9]) {
        let mut logits = vec![0.0; 259];
        logits[token as usize] = 9.0;
        let drawn = answer.draw(&mut logits, &tokenizer, &[STOP], ROOM);
        said.text.push_str(&drawn.text);
        said.tokens.extend(drawn.token);
        said.end = drawn.end;
        if said.end.is_some() {
            break;
        }
    }
    assert_eq!(answer.tokens() as usize, said.tokens.len());
    said
}

#[test]
fn a_stop_token_ends_it_and_is_no_text() {
    let said = say(Sampling::default(), None, b"hi");
    assert_eq!(
        (said.text.as_str(), said.end),
        ("hi", Some(EndReason::Stop))
    );
    assert_eq!(said.tokens, [104, 105]);
}

#[test]
fn an_answer_cut_within_a_character_ends_before_it() {
    let cut = |max_tokens| Sampling {
        max_tokens,
        stop: vec!["aж!".into()],
        ..Sampling::default()
    };
    let whole = "aж🔥".as_bytes();
    for (max_tokens, text) in [(2, "a"), (3, "aж"), (6, "aж"), (7, "aж🔥")] {
        let said = say(cut(max_tokens), None, whole);
        assert_eq!(
            (said.text.as_str(), said.end),
            (text, Some(EndReason::Length))
        );
    }
}

#[test]
fn no_stop_token_is_drawn_before_min_tokens() {
    let four = Sampling {
        min_tokens: 4,
        ..Sampling::default()
    };
    let said = say(four, None, b"hi");
    // The likeliest token but the stop.
    assert_eq!(said.tokens, [104, 105, 0, 0]);
    assert_eq!(said.end, Some(EndReason::Stop));
}

#[test]
fn a_stop_string_ends_it_and_is_no_text() {
    let stop = Sampling {
        stop: vec!["lo w".into()],
        ..Sampling::default()
    };
    let said = say(stop, None, b"hello world");
    assert_eq!(
        (said.text.as_str(), said.end),
        ("hel", Some(EndReason::Stop))
    );
}

#[test]
fn logits_without_a_number_fail_with_or_without_a_schema() {
    for guide in [None, guided(r#"{"type": "integer"}"#)] {
        let mut answer = Answer::new(Sampling::default(), guide, &[1], "");
        let drawn = answer.draw(&mut [f32::NAN; 259], &byte_tokenizer(), &[STOP], ROOM);
        assert!(matches!(drawn.end, Some(EndReason::Failed(_))));
    }
}

#[test]
fn a_schema_wins_over_what_the_model_wants() {
    let schema = r#"{"type": "object", "properties": {"n": {"type": "boolean"}},
                     "required": ["n"], "additionalProperties": false}"#;
    let said = say(Sampling::default(), guided(schema), b"{\"n\":tell}");
    assert_eq!(said.text, "{\"n\":true}");
    // Without a token for it: nothing could have followed.
    assert_eq!(said.end, Some(EndReason::Stop));
}

#[test]
fn a_schema_wins_over_biases_and_penalties() {
    let against = Sampling {
        logit_bias: vec![(u32::from(b'{'), -100.0), (u32::from(b'x'), 100.0)],
        repetition_penalty: 10.0,
        min_p: 1.0,
        ..Sampling::default()
    };
    let only = r#"{"type": "object", "additionalProperties": false}"#;
    assert_eq!(say(against, guided(only), b"{}").text, "{}");
}

#[test]
fn a_schema_that_is_done_wins_over_min_tokens_and_ignored_stops() {
    let words = r#"{"enum": ["a", "b"]}"#;
    let longer = Sampling {
        min_tokens: 50,
        ..Sampling::default()
    };
    let said = say(longer, guided(words), b"");
    assert_eq!((said.tokens.len(), said.end), (3, Some(EndReason::Stop)));
    let ignoring = Sampling {
        ignore_eos: true,
        ..Sampling::default()
    };
    let said = say(ignoring, guided(words), b"");
    assert_eq!((said.tokens.len(), said.end), (3, Some(EndReason::Stop)));
}

#[test]
fn a_schema_that_the_vocabulary_cannot_follow_further_is_done() {
    // After 1 there could be a 2, but here that is no text.
    let stops = [STOP, u32::from(b'2')];
    let guides = Guides::new(Arc::new(byte_tokenizer()), stops.to_vec());
    let guide = guides.compile(r#"{"enum": [1, 12]}"#).unwrap();
    let longer = Sampling {
        min_tokens: 9,
        ..Sampling::default()
    };
    let mut answer = Answer::new(longer, Some(guide), &[1], "");
    let mut draw = || answer.draw(&mut [0.0; 259], &byte_tokenizer(), &stops, ROOM);
    assert_eq!(draw().text, "1");
    assert_eq!(draw().end, Some(EndReason::Stop));
}

#[test]
fn where_more_may_follow_the_model_or_min_tokens_decide() {
    let number = r#"{"type": "integer", "minimum": 0, "maximum": 9999}"#;
    assert_eq!(say(Sampling::default(), guided(number), b"12").text, "12");
    let longer = Sampling {
        min_tokens: 3,
        ..Sampling::default()
    };
    let said = say(longer, guided(number), b"12");
    assert_eq!((said.tokens.len(), said.end), (3, Some(EndReason::Stop)));
    let ignoring = Sampling {
        ignore_eos: true,
        ..Sampling::default()
    };
    assert_eq!(say(ignoring, guided(number), b"12").tokens.len(), 4);
}

#[test]
fn a_stop_string_and_max_tokens_cut_a_guided_answer() {
    let schema = r#"{"type": "array", "items": {"type": "integer"}}"#;
    let stop = Sampling {
        stop: vec![",2".into()],
        ..Sampling::default()
    };
    let said = say(stop, guided(schema), b"[1,2,3]");
    assert_eq!(
        (said.text.as_str(), said.end),
        ("[1", Some(EndReason::Stop))
    );
    let short = Sampling {
        max_tokens: 4,
        ..Sampling::default()
    };
    let said = say(short.clone(), guided(schema), b"[1,2,3]");
    assert_eq!(
        (said.text.as_str(), said.end),
        ("[1,2", Some(EndReason::Length))
    );
    // Whole with the very last token is whole.
    let said = say(short, guided(schema), b"[12]");
    assert_eq!(
        (said.text.as_str(), said.end),
        ("[12]", Some(EndReason::Stop))
    );
}
