//! The growing answer of one generation: which token is drawn from logits, what text
//! it becomes, and whether it is the last.

use crate::answer_text::AnswerText;
use crate::error::{EngineError, Result};
use crate::events::EndReason;
use crate::guide::Guide;
use crate::sampler::Sampler;
use crate::sampling::Sampling;
use crate::tokenizer::Tokenizer;

/// An answer that has not ended.
#[derive(Debug)]
pub struct Answer {
    sampler: Sampler,
    guide: Option<Guide>,
    text: AnswerText,
    max_tokens: u32,
    min_tokens: u32,
    ignore_eos: bool,
    tokens: u32,
}

/// What logits became.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Drawn {
    /// The token that the answer goes on with; none for the one that ends it.
    pub token: Option<u32>,
    /// Text that became certain.
    pub text: String,
    /// The answer ended.
    pub end: Option<EndReason>,
}

impl Answer {
    /// The rest of an answer that began with `begun`, which follows `guide`. `prompt` are
    /// all tokens before it, those of `begun` too.
    #[must_use]
    pub fn new(sampling: Sampling, guide: Option<Guide>, prompt: &[u32], begun: &str) -> Self {
        Self {
            sampler: Sampler::new(&sampling, prompt),
            guide,
            text: AnswerText::new(sampling.stop, begun),
            max_tokens: sampling.max_tokens,
            min_tokens: sampling.min_tokens,
            ignore_eos: sampling.ignore_eos,
            tokens: 0,
        }
    }

    /// Tokens that it has.
    #[must_use]
    pub fn tokens(&self) -> u32 {
        self.tokens
    }

    /// Goes on by one token. `room` says how many more fit into the context, at least
    /// one. After the end it is not to be called again.
    pub fn draw(
        &mut self,
        logits: &mut [f32],
        tokenizer: &Tokenizer,
        stop_token_ids: &[u32],
        room: usize,
    ) -> Drawn {
        let token = match self.choose(logits, stop_token_ids) {
            Ok(token) => token,
            Err(error) => return self.ended(None, String::new(), EndReason::Failed(error)),
        };
        let Some(token) = token else {
            return self.ended(None, String::new(), EndReason::Stop);
        };
        self.tokens += 1;
        let released = self.text.push(tokenizer, token);
        let text = released.text;
        if released.stopped {
            return Drawn {
                token: Some(token),
                text,
                end: Some(EndReason::Stop),
            };
        }
        let guide = self.guide.as_mut();
        match guide.map_or(Ok(false), |guide| guide.take(token)) {
            Ok(true) => self.ended(Some(token), text, EndReason::Stop),
            Ok(false) if self.tokens >= self.max_tokens || room <= 1 => {
                self.ended(Some(token), text, EndReason::Length)
            }
            Ok(false) => Drawn {
                token: Some(token),
                text,
                end: None,
            },
            Err(error) => self.ended(Some(token), text, EndReason::Failed(error)),
        }
    }

    /// The next token; `None` when the answer is to end here.
    fn choose(&mut self, logits: &mut [f32], stop_token_ids: &[u32]) -> Result<Option<u32>> {
        if let Some(guide) = &mut self.guide {
            guide.restrict(logits)?;
        }
        // In a guided answer a stop token is never a token like any other: it is no
        // part of what the schema describes.
        let literal_stops = self.ignore_eos && self.guide.is_none();
        let may_stop = !self.ignore_eos && self.tokens >= self.min_tokens;
        if !may_stop && !literal_stops {
            for &id in stop_token_ids {
                if let Some(logit) = logits.get_mut(id as usize) {
                    *logit = f32::NEG_INFINITY;
                }
            }
        }
        match self.sampler.sample(logits) {
            Some(token) if literal_stops || !stop_token_ids.contains(&token) => Ok(Some(token)),
            Some(_) => Ok(None),
            // The schema leaves nothing but the stop that is not wanted yet.
            None if !may_stop && self.guide.as_mut().is_some_and(Guide::is_whole) => Ok(None),
            None => Err(EngineError::InferenceFailed(
                "it computed no usable number".into(),
            )),
        }
    }

    /// The last token, with all text that was still held back.
    fn ended(&mut self, token: Option<u32>, mut text: String, reason: EndReason) -> Drawn {
        text.push_str(&match reason {
            EndReason::Length => self.text.cut(),
            _ => self.text.finish(),
        });
        Drawn {
            token,
            text,
            end: Some(reason),
        }
    }
}

#[cfg(test)]
mod tests;
