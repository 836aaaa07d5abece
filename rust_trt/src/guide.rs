//! An answer that follows a JSON Schema: which tokens may come next.

use std::fmt;

use llguidance::Matcher;
use llguidance::toktrie::SimpleVob;

use crate::error::{EngineError, Result};

/// A schema, and how far an answer has followed it.
pub struct Guide {
    /// Large, and moved about with the request.
    matcher: Box<Matcher>,
    /// Of the next token, if it is known already.
    mask: Option<SimpleVob>,
}

impl fmt::Debug for Guide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guide").finish_non_exhaustive()
    }
}

impl Guide {
    /// At the beginning of what `matcher` accepts; the reason when that is nothing.
    pub(crate) fn new(mut matcher: Matcher) -> std::result::Result<Self, String> {
        let mask = matcher.compute_mask().map_err(|error| error.to_string())?;
        Ok(Self {
            matcher: Box::new(matcher),
            mask: Some(mask),
        })
    }

    /// Sets the logit of every token that must not follow to minus infinity. Stop
    /// tokens may follow where the answer is whole. Of 49,152 tokens usually in 0.03 ms,
    /// in 0.1 ms for one of twenty (measured), and within the compiler's limits always.
    ///
    /// # Errors
    /// [`EngineError::InferenceFailed`] when the grammar grew beyond its limits.
    pub fn restrict(&mut self, logits: &mut [f32]) -> Result<()> {
        let mask = match self.mask.take() {
            Some(mask) => mask,
            None => self.matcher.compute_mask().map_err(|_| too_complex())?,
        };
        let mut words = mask.as_slice().iter();
        for logits in logits.chunks_mut(u32::BITS as usize) {
            // Beyond the vocabulary there are only logits that fill up a row.
            let mut word = words.next().copied().unwrap_or(0);
            if word == 0 {
                logits.fill(f32::NEG_INFINITY);
                continue;
            }
            for logit in logits {
                if word & 1 == 0 {
                    *logit = f32::NEG_INFINITY;
                }
                word >>= 1;
            }
        }
        Ok(())
    }

    /// The answer goes on with `token`, which was allowed. Returns whether nothing can
    /// follow any more.
    ///
    /// # Errors
    /// As [`Guide::restrict`].
    pub fn take(&mut self, token: u32) -> Result<bool> {
        self.mask = None;
        self.matcher
            .consume_token(token)
            .map_err(|_| too_complex())?;
        Ok(self.matcher.is_stopped())
    }

    /// The answer is whole as it is, though more may follow.
    pub fn is_whole(&mut self) -> bool {
        self.matcher.is_accepting().unwrap_or(false)
    }
}

fn too_complex() -> EngineError {
    EngineError::InferenceFailed("its JSON schema became too complex to follow".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::Answer;
    use crate::events::EndReason;
    use crate::guide_compiler::Guides;
    use crate::sampling::Sampling;
    use crate::tokenizer::testing::byte_tokenizer;
    use proptest::prelude::*;
    use serde_json::{Value, json};
    use std::sync::Arc;

    const STOP: u32 = 257;

    fn guides() -> Guides {
        Guides::new(Arc::new(byte_tokenizer()), vec![STOP])
    }

    fn allowed(guide: &mut Guide) -> Vec<u32> {
        let mut logits = [0.0; 300];
        guide.restrict(&mut logits).unwrap();
        (0..300)
            .filter(|&id| logits[id as usize].is_finite())
            .collect()
    }

    #[test]
    fn only_what_may_follow_is_left() {
        let mut guide = guides().compile(r#"{"enum": [1, 23]}"#).unwrap();
        assert_eq!(allowed(&mut guide), [u32::from(b'1'), u32::from(b'2')]);
        assert!(!guide.is_whole());
        assert_eq!(guide.take(u32::from(b'2')), Ok(false));
        assert_eq!(allowed(&mut guide), [u32::from(b'3')]);
        assert_eq!(guide.take(u32::from(b'3')), Ok(true));
        assert!(guide.is_whole());
    }

    #[test]
    fn a_stop_token_may_follow_where_the_answer_is_whole() {
        let mut guide = guides().compile(r#"{"enum": [1, 12]}"#).unwrap();
        guide.take(u32::from(b'1')).unwrap();
        assert_eq!(allowed(&mut guide), [u32::from(b'2'), STOP]);
    }

    #[test]
    fn whitespace_comes_to_an_end() {
        let mut guide = guides().compile(r#"{"type": "array"}"#).unwrap();
        guide.take(u32::from(b'[')).unwrap();
        guide.take(u32::from(b'\n')).unwrap();
        for _ in 0..32 {
            assert!(allowed(&mut guide).contains(&u32::from(b' ')));
            guide.take(u32::from(b' ')).unwrap();
        }
        let next = allowed(&mut guide);
        assert!(!next.contains(&u32::from(b' ')) && !next.contains(&u32::from(b'\n')));
    }

    /// Schemas whose answers come to an end.
    fn schemas() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            (-300i64..300, 0i64..300).prop_map(|(least, more)| {
                json!({"type": "integer", "minimum": least, "maximum": least + more})
            }),
            (0u32..6, 0u32..6).prop_map(|(least, more)| {
                json!({"type": "string", "minLength": least, "maxLength": least + more})
            }),
            Just(json!({"type": "boolean"})),
            prop::collection::vec("[a-zё\"\\\\]{0,4}", 1..4)
                .prop_map(|texts| json!({"enum": texts})),
        ];
        leaf.prop_recursive(3, 12, 3, |inner| {
            prop_oneof![
                (inner.clone(), 0u32..3, 0u32..3).prop_map(|(items, least, more)| {
                    json!({"type": "array", "items": items, "minItems": least, "maxItems": least + more})
                }),
                (
                    prop::collection::btree_map("[a-zё \"]{0,3}", inner, 0..4),
                    any::<bool>()
                )
                    .prop_map(|(properties, all)| {
                        let required: Vec<String> =
                            properties.keys().filter(|_| all).cloned().collect();
                        json!({"type": "object", "properties": properties,
                               "required": required, "additionalProperties": false})
                    }),
            ]
        })
    }

    /// Whether `value` is what `schema`, one of [`schemas`], describes.
    fn describes(schema: &Value, value: &Value) -> bool {
        let count = |field: &str| schema[field].as_u64().unwrap() as usize;
        match schema["type"].as_str() {
            // As a number: -0 is an integer, and is read as a float.
            Some("integer") => value.as_f64().is_some_and(|number| {
                let bound = |field: &str| schema[field].as_f64().unwrap();
                number.fract() == 0.0 && (bound("minimum")..=bound("maximum")).contains(&number)
            }),
            Some("string") => value.as_str().is_some_and(|text| {
                (count("minLength")..=count("maxLength")).contains(&text.chars().count())
            }),
            Some("boolean") => value.is_boolean(),
            Some("array") => value.as_array().is_some_and(|items| {
                (count("minItems")..=count("maxItems")).contains(&items.len())
                    && items.iter().all(|item| describes(&schema["items"], item))
            }),
            Some("object") => value.as_object().is_some_and(|members| {
                let known = schema["properties"].as_object().unwrap();
                let required = schema["required"].as_array().unwrap();
                members
                    .iter()
                    .all(|(key, member)| known.get(key).is_some_and(|s| describes(s, member)))
                    && required
                        .iter()
                        .all(|key| members.contains_key(key.as_str().unwrap()))
            }),
            _ => schema["enum"].as_array().unwrap().contains(value),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn whatever_the_logits_say_the_answer_follows_the_schema(
            schema in schemas(),
            noise in prop::collection::vec(-30.0f32..30.0, 259 * 3),
            temperature in prop_oneof![Just(0.0f32), 0.1f32..20.0],
            min_p in prop_oneof![Just(0.0f32), Just(0.5)],
            seed: u64,
        ) {
            let guides = guides();
            let tokenizer = byte_tokenizer();
            let sampling = Sampling {
                temperature,
                min_p,
                seed: Some(seed),
                repetition_penalty: 1.3,
                ..Sampling::default()
            };
            let answer = || {
                let guide = guides.compile(&schema.to_string()).unwrap();
                let mut answer = Answer::new(sampling.clone(), Some(guide), &[1], "");
                let mut text = String::new();
                for step in 0.. {
                    let start = step * 7 % (259 * 2);
                    let mut logits = noise[start..start + 259].to_vec();
                    let drawn = answer.draw(&mut logits, &tokenizer, &[STOP], 10_000);
                    text.push_str(&drawn.text);
                    if let Some(end) = drawn.end {
                        return (text, end);
                    }
                }
                unreachable!()
            };
            let (text, end) = answer();
            prop_assert_eq!(&end, &EndReason::Stop, "{}", &text);
            let value: Value = serde_json::from_str(&text).unwrap();
            prop_assert!(describes(&schema, &value), "{} is not {}", text, schema);
            prop_assert_eq!(answer(), (text, end));
        }
    }
}
