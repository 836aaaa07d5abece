//! From a JSON Schema to a [`Guide`] for one answer.
//!
//! The work is `llguidance`'s: it makes a grammar of the schema and, for every
//! token, walks a trie of the vocabulary along with its parser. Here are its limits,
//! the vocabulary, and the confinement: a schema comes from whoever asks, and must not be
//! able to hold up the engine, exhaust memory or end the process.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use llguidance::api::{ParserLimits, TopLevelGrammar};
use llguidance::toktrie::{ApproximateTokEnv, InferenceCapabilities, TokEnv, TokRxInfo, TokTrie};
use llguidance::{JsonCompileOptions, Matcher, ParserFactory};
use serde_json::Value;

use crate::confined::{Confined, Lost};
use crate::error::{EngineError, Result};
use crate::guide::Guide;
use crate::json_schema::{self, invalid};
use crate::tokenizer::Tokenizer;

/// Limits of one compilation. Real schemas take milliseconds and a few megabytes.
const COMPILE_TIME: Duration = Duration::from_secs(5);
const COMPILE_BYTES: usize = 256 << 20;
/// The compiler recurses with the schema.
const COMPILE_STACK_BYTES: usize = 32 << 20;
/// Whitespace between two parts of the JSON: what pretty printers write. Without an
/// end a small model may go on with it for ever.
const WHITESPACE: &str = r"[ ]|\n[ ]{0,32}";
/// No text needs a longer token, and a hostile vocabulary could have one of megabytes.
const MAX_TOKEN_BYTES: usize = 512;

/// `llguidance`'s fuel: at its own figures (14,000 units and 20,000 items a
/// millisecond, 2 kB a state) a token costs at most about 17 ms and an answer 40 MB.
fn limits() -> ParserLimits {
    ParserLimits {
        max_lexer_states: 20_000,
        max_grammar_size: 200_000,
        // Errors would quote the answer.
        verbose_errors: false,
        ..ParserLimits::default()
    }
}

/// Compiles schemas for one model's vocabulary.
pub struct Guides {
    tokenizer: Arc<Tokenizer>,
    stop_token_ids: Vec<u32>,
    /// Made for the first schema: a trie of the vocabulary takes time and memory.
    factory: OnceLock<Option<Arc<ParserFactory>>>,
    confined: Confined,
}

impl fmt::Debug for Guides {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guides").finish_non_exhaustive()
    }
}

impl Guides {
    /// For a vocabulary in which `stop_token_ids` end an answer.
    #[must_use]
    pub fn new(tokenizer: Arc<Tokenizer>, stop_token_ids: Vec<u32>) -> Self {
        Self {
            tokenizer,
            stop_token_ids,
            factory: OnceLock::new(),
            confined: Confined::new(COMPILE_BYTES, COMPILE_TIME, COMPILE_STACK_BYTES),
        }
    }

    /// Compiles a schema. Takes milliseconds, seconds for a hostile one.
    ///
    /// # Errors
    /// [`EngineError::InvalidSampling`] for what is no schema, has keywords that
    /// cannot be enforced, or is too costly.
    pub fn compile(&self, schema: &str) -> Result<Guide> {
        let schema = json_schema::parse(schema)?;
        let factory = self
            .factory
            .get_or_init(|| factory(&self.tokenizer, &self.stop_token_ids))
            .clone()
            .ok_or_else(|| {
                EngineError::ModelUnsupported("its vocabulary cannot follow a schema".into())
            })?;
        self.confined
            .run(move || compile(&factory, schema))
            .unwrap_or_else(|lost| {
                Err(invalid(match lost {
                    Lost::Exceeded => "it is too complex to be compiled in 5 seconds",
                    Lost::Panicked => "it cannot be compiled",
                    Lost::NotRun => {
                        "too many were too complex; restart Hearth to use schemas again"
                    }
                }))
            })
    }
}

fn factory(tokenizer: &Tokenizer, stop_token_ids: &[u32]) -> Option<Arc<ParserFactory>> {
    let bytes = tokenizer.token_bytes();
    let words: Vec<Vec<u8>> = (0..bytes.ids())
        .map(|id| {
            let word = bytes.of(id);
            // What ends the answer must never be taken for a part of its text.
            if stop_token_ids.contains(&id) || word.len() > MAX_TOKEN_BYTES {
                Vec::new()
            } else {
                word.to_vec()
            }
        })
        .collect();
    let stops: Vec<u32> = stop_token_ids
        .iter()
        .copied()
        .filter(|&id| (id as usize) < words.len())
        .collect();
    let info = TokRxInfo::new(words.len() as u32, *stops.first()?);
    let trie = TokTrie::from(&info, &words).with_eos_tokens(&stops);
    let environment: TokEnv = Arc::new(ApproximateTokEnv::new(trie));
    let mut factory = ParserFactory::new(
        &environment,
        InferenceCapabilities::default(),
        &llguidance::earley::SlicedBiasComputer::json_slices(),
    )
    .ok()?;
    factory.quiet();
    *factory.limits_mut() = limits();
    Some(Arc::new(factory))
}

fn compile(factory: &ParserFactory, mut schema: Value) -> Result<Guide> {
    JsonCompileOptions {
        whitespace_pattern: Some(WHITESPACE.into()),
        ..JsonCompileOptions::default()
    }
    // Also takes the place of options that the schema itself may bring.
    .apply_to(&mut schema);
    let parser = factory.create_parser(TopLevelGrammar::from_json_schema(schema));
    let matcher = Matcher::new(parser);
    match matcher.get_error() {
        Some(problem) => Err(refused(&problem)),
        None => Guide::new(matcher).map_err(|problem| refused(&problem)),
    }
}

/// The compiler's reason, as the end of a sentence.
fn refused(problem: &str) -> EngineError {
    let first = problem.lines().next().unwrap_or_default();
    // What comes after the first sentence is about its own options.
    let first = first.split(". ").next().unwrap_or_default();
    let reason = match first.trim_end_matches([':', '.']) {
        "NoExtensionBias" => "nothing follows it",
        "" => "it is too complex",
        reason if reason.starts_with("panic") => "it is too complex",
        reason => reason,
    };
    let short: String = reason.chars().take(200).collect();
    invalid(&format!("it cannot be enforced ({short})"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokenizer::testing::byte_tokenizer;
    use serde_json::json;
    use std::time::Instant;

    const STOP: u32 = 257;

    fn guides() -> Guides {
        Guides::new(Arc::new(byte_tokenizer()), vec![STOP])
    }

    #[test]
    fn the_text_of_a_stop_token_is_no_text_of_an_answer() {
        // In some vocabularies a stop token is no special one and would spell something.
        let guides = Guides::new(Arc::new(byte_tokenizer()), vec![STOP, 258]);
        let mut guide = guides.compile(r#"{"type": "string"}"#).unwrap();
        guide.take(u32::from(b'"')).unwrap();
        let mut logits = [0.0; 259];
        guide.restrict(&mut logits).unwrap();
        assert!(logits[usize::from(b'<')].is_finite());
        assert!(!logits[258].is_finite());
    }

    #[test]
    fn what_cannot_be_enforced_is_refused_with_the_reason() {
        let unicode = format!(r#"{{"$ref": ["{}я"]}}"#, "я".repeat(49));
        for (schema, reason) in [
            (r#"{"not": {}}"#, "\"not\""),
            (r#"{"type": "text"}"#, "Invalid type: text"),
            (
                r#"{"oneOf": [{"type": "string"}, {"maxLength": 3}]}"#,
                "oneOf constraints are not supported)",
            ),
            (r#"{"allOf": [false]}"#, "Unsatisfiable"),
            (r##"{"$ref": "#"}"##, "nothing follows it"),
            (r##"{"$ref": "#/$defs/x"}"##, "not found"),
            (r#"{"$ref": "http://127.0.0.1:1/"}"#, "Only absolute"),
            (
                r#"{"type": "string", "pattern": "("}"#,
                "regex parse error)",
            ),
            (r#"{"x-guidance": {"lenient": true}, "not": {}}"#, "\"not\""),
            (unicode.as_str(), "cannot be enforced"),
        ] {
            let error = guides().compile(schema).unwrap_err();
            assert_eq!(error.code(), "invalid_sampling");
            let text = error.to_string();
            assert!(
                text.contains(reason) && !text.contains('\n'),
                "{schema}: {text}"
            );
        }
    }

    /// Each would take minutes or gigabytes, or end the process, without a limit.
    #[test]
    fn hostile_schemas_end_soon() {
        let nested = |open: &str, inner: &str, close: &str, count: usize| {
            open.repeat(count) + inner + &close.repeat(count)
        };
        let definitions = |count: usize, of: &dyn Fn(usize) -> Value| {
            let all: serde_json::Map<_, _> = (0..count).map(|i| (format!("a{i}"), of(i))).collect();
            json!({"$ref": "#/$defs/a0", "$defs": all}).to_string()
        };
        let either = |i: usize| {
            json!({"anyOf": [{"properties": {format!("a{i}"): {"type": "null"}}},
                                                 {"properties": {format!("b{i}"): {"type": "null"}}}]})
        };
        let product: Vec<Value> = (0..200).map(either).collect();
        let names: serde_json::Map<_, _> = (0..16)
            .map(|i| (format!(".*{i}.{{300}}$"), json!({})))
            .collect();
        let hostile = [
            json!({"pattern": "(((a{1000}){1000}){1000}){1000}"}).to_string(),
            json!({"pattern": ".*a.{40}.*b.{40}.*c.{40}$"}).to_string(),
            json!({"pattern": "(".repeat(255) + "a" + &")".repeat(255)}).to_string(),
            json!({"patternProperties": names}).to_string(),
            json!({"type": "integer", "multipleOf": 99991}).to_string(),
            json!({"type": "object", "allOf": product}).to_string(),
            nested(
                r#"{"type":"array","minItems":10000,"items":"#,
                "{}",
                "}",
                15,
            ),
            nested(r#"{"anyOf":[true,"#, "true", "]}", 15),
            definitions(
                1500,
                &|i| json!({"$ref": format!("#/$defs/a{}", (i + 1) % 1500)}),
            ),
            definitions(
                1000,
                &|i| json!({"allOf": [{"$ref": format!("#/$defs/a{}", i + 1)}, {}]}),
            ),
        ];
        for schema in hostile {
            let began = Instant::now();
            // Most are refused; the rest are enforced, which is as good.
            let guide = guides().compile(&schema);
            let took = began.elapsed();
            assert!(took < COMPILE_TIME * 2, "{took:?}: {schema:.80}");
            if let Ok(mut guide) = guide {
                guide.restrict(&mut [0.0; 259]).unwrap();
            }
        }
    }
}
