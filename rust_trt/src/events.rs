//! What a generation tells its caller.

use std::sync::Arc;
use std::time::Duration;

use crate::error::EngineError;

/// Identifies a generation; made by the caller.
pub type GenerationId = Arc<str>;

/// Text that became certain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextPiece {
    /// Whose text.
    pub generation: GenerationId,
    /// The text, never empty, never ending within a character.
    pub text: String,
    /// Tokens generated since the last piece.
    pub tokens: u32,
}

/// Why a generation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EndReason {
    /// A stop token or a stop string.
    Stop,
    /// `max_tokens` or the end of the context.
    Length,
    /// Cancelled by the caller, or the engine was closed.
    Cancelled,
    /// Failed.
    Failed(EngineError),
}

impl EndReason {
    /// Its name on the wire.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::Cancelled => "cancelled",
            Self::Failed(_) => "failed",
        }
    }
}

/// The last event of every generation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GenerationEnd {
    /// Which one.
    pub generation: GenerationId,
    /// Why.
    pub reason: EndReason,
    /// Tokens of the prompt, template included.
    pub prompt_tokens: u32,
    /// How many of them an earlier answer's cache spared computing.
    pub cached_tokens: u32,
    /// Tokens generated, less the stop token; text may have been dropped for some.
    pub completion_tokens: u32,
    /// Where the time went.
    pub timings: Timings,
}

/// Monotonic times of one generation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Timings {
    /// From submitting to the first step.
    pub queue: Duration,
    /// From the first step to the first token.
    pub prefill: Duration,
    /// From the first token to the end.
    pub decode: Duration,
}

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// More text.
    Text(TextPiece),
    /// The end.
    End(GenerationEnd),
}
