//! What a caller may ask of the sampler, checked once.

use std::sync::Arc;

use crate::error::{EngineError, Result};
use crate::json_schema;

/// Longest answer that may be asked for, in tokens.
pub const MAX_TOKENS_LIMIT: u32 = 1 << 20;
/// Most stop strings of one generation.
pub const MAX_STOP_STRINGS: usize = 16;
/// Longest stop string, in bytes: it bounds how much text is held back.
pub const MAX_STOP_BYTES: usize = 256;

/// Most tokens with a bias.
pub const MAX_BIASED_TOKENS: usize = 1024;

/// Sampling parameters of one generation. Build with [`Sampling::checked`].
#[derive(Debug, Clone, PartialEq)]
pub struct Sampling {
    /// Most tokens to generate, 1 to 2^20; the context may end the answer earlier.
    pub max_tokens: u32,
    /// 0 takes the likeliest token; otherwise logits are divided by it, 0 to 100.
    pub temperature: f32,
    /// Keep only the `top_k` likeliest tokens; 0 keeps all.
    pub top_k: u32,
    /// Keep the smallest set of likeliest tokens with this much probability, over 0 to 1.
    pub top_p: f32,
    /// Keep tokens at least this likely relative to the likeliest, 0 to 1.
    pub min_p: f32,
    /// Divide positive and multiply negative logits of tokens already seen, over 0 to 10.
    pub repetition_penalty: f32,
    /// Seed of the generation's own random numbers; `None` draws one.
    pub seed: Option<u64>,
    /// Strings that end the answer and are not part of it.
    pub stop: Vec<String>,
    /// Added to the logit of a token before all else, -100 to 100.
    pub logit_bias: Vec<(u32, f32)>,
    /// No stop token is drawn before that many tokens, 0 to `max_tokens`. A stop
    /// string ends the answer all the same.
    pub min_tokens: u32,
    /// A stop token is a token like any other. For benches.
    pub ignore_eos: bool,
    /// JSON Schema that the answer follows, as JSON. It wins over every setting that
    /// only moves logits, over `min_tokens` and over `ignore_eos`: the answer ends
    /// where nothing can follow, and stop tokens are drawn only where it is whole. A
    /// stop string, `max_tokens` and the end of the context cut it all the same.
    pub json_schema: Option<Arc<str>>,
}

impl Default for Sampling {
    fn default() -> Self {
        Self {
            max_tokens: 1024,
            temperature: 0.0,
            top_k: 0,
            top_p: 1.0,
            min_p: 0.0,
            repetition_penalty: 1.0,
            seed: None,
            stop: Vec::new(),
            logit_bias: Vec::new(),
            min_tokens: 0,
            ignore_eos: false,
            json_schema: None,
        }
    }
}

impl Sampling {
    /// Checks every field; whether the schema can be enforced is found out with a
    /// model's vocabulary.
    ///
    /// # Errors
    /// [`EngineError::InvalidSampling`] naming the first field out of its range.
    pub fn checked(self) -> Result<Self> {
        let require = |ok: bool, field: &'static str, problem: &str| {
            if ok {
                Ok(())
            } else {
                Err(EngineError::InvalidSampling {
                    field,
                    problem: problem.into(),
                })
            }
        };
        // A comparison with NaN is false, so NaN fails every one of these.
        require(
            (1..=MAX_TOKENS_LIMIT).contains(&self.max_tokens),
            "max_tokens",
            "it must be from 1 to 1048576",
        )?;
        require(
            (0.0..=100.0).contains(&self.temperature),
            "temperature",
            "it must be from 0 to 100",
        )?;
        require(
            self.top_p > 0.0 && self.top_p <= 1.0,
            "top_p",
            "it must be over 0 and at most 1",
        )?;
        require(
            (0.0..=1.0).contains(&self.min_p),
            "min_p",
            "it must be from 0 to 1",
        )?;
        require(
            self.repetition_penalty > 0.0 && self.repetition_penalty <= 10.0,
            "repetition_penalty",
            "it must be over 0 and at most 10",
        )?;
        require(
            self.stop.len() <= MAX_STOP_STRINGS,
            "stop",
            "at most 16 strings are allowed",
        )?;
        require(
            self.stop
                .iter()
                .all(|text| (1..=MAX_STOP_BYTES).contains(&text.len())),
            "stop",
            "each string must have 1 to 256 bytes",
        )?;
        require(
            self.logit_bias.len() <= MAX_BIASED_TOKENS,
            "logit_bias",
            "at most 1024 tokens are allowed",
        )?;
        require(
            self.logit_bias
                .iter()
                .all(|(_, bias)| (-100.0..=100.0).contains(bias)),
            "logit_bias",
            "each must be from -100 to 100",
        )?;
        require(
            self.min_tokens <= self.max_tokens,
            "min_tokens",
            "it must be from 0 to max_tokens",
        )?;
        if let Some(schema) = &self.json_schema {
            json_schema::parse(schema)?;
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused_field(sampling: Sampling) -> &'static str {
        match sampling.checked() {
            Err(EngineError::InvalidSampling { field, .. }) => field,
            other => panic!("expected a refusal, got {other:?}"),
        }
    }

    #[test]
    fn defaults_are_valid() {
        assert_eq!(Sampling::default().checked(), Ok(Sampling::default()));
    }

    #[test]
    fn the_field_out_of_range_is_named() {
        let base = Sampling::default;
        let bad = [
            (
                "max_tokens",
                Sampling {
                    max_tokens: 0,
                    ..base()
                },
            ),
            (
                "temperature",
                Sampling {
                    temperature: -0.1,
                    ..base()
                },
            ),
            (
                "temperature",
                Sampling {
                    temperature: f32::NAN,
                    ..base()
                },
            ),
            (
                "temperature",
                Sampling {
                    temperature: f32::INFINITY,
                    ..base()
                },
            ),
            (
                "top_p",
                Sampling {
                    top_p: 0.0,
                    ..base()
                },
            ),
            (
                "top_p",
                Sampling {
                    top_p: 1.01,
                    ..base()
                },
            ),
            (
                "min_p",
                Sampling {
                    min_p: -1.0,
                    ..base()
                },
            ),
            (
                "repetition_penalty",
                Sampling {
                    repetition_penalty: 0.0,
                    ..base()
                },
            ),
            (
                "stop",
                Sampling {
                    stop: vec![String::new()],
                    ..base()
                },
            ),
            (
                "stop",
                Sampling {
                    stop: vec!["x".into(); 17],
                    ..base()
                },
            ),
            (
                "logit_bias",
                Sampling {
                    logit_bias: vec![(1, 0.0), (2, 100.5)],
                    ..base()
                },
            ),
            (
                "logit_bias",
                Sampling {
                    logit_bias: vec![(1, f32::NAN)],
                    ..base()
                },
            ),
            (
                "logit_bias",
                Sampling {
                    logit_bias: vec![(1, 0.0); 1025],
                    ..base()
                },
            ),
            (
                "min_tokens",
                Sampling {
                    max_tokens: 4,
                    min_tokens: 5,
                    ..base()
                },
            ),
            (
                "json_schema",
                Sampling {
                    json_schema: Some("[".into()),
                    ..base()
                },
            ),
        ];
        for (field, sampling) in bad {
            assert_eq!(refused_field(sampling), field);
        }
    }
}
