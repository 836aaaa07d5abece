//! Every error of the core, in one place.
//!
//! ```text
//! EngineError
//! ├── ModelMissing          model_missing          the folder or one of its files is not there
//! ├── ModelDamaged          model_damaged          a file is cut off or contradicts the others
//! ├── ModelUnsupported      model_unsupported      a whole, sane folder that this core cannot run
//! ├── RuntimeMissing        runtime_missing        ONNX Runtime is not there or too old
//! ├── DeviceUnavailable     device_unavailable     the device asked for is not there
//! ├── MemoryShort           memory_short           the caches do not fit into the memory allowed
//! ├── ContextFull           context_full           the prompt does not fit
//! ├── InvalidSampling       invalid_sampling       a sampling parameter is out of its range
//! ├── InvalidMessages       invalid_messages       messages that the chat template refuses
//! ├── DuplicateGeneration   duplicate_generation   the id is already running
//! ├── EngineBusy            engine_busy            the queue is full
//! ├── EngineClosed          engine_closed          closed, or stopped by an internal error
//! └── InferenceFailed       inference_failed       ONNX Runtime failed in the middle of a step
//! ```
//!
//! A message is a sentence that a user can act on. None of them ever holds a word
//! of a conversation.

use thiserror::Error;

/// What can go wrong. [`EngineError::code`] is stable and goes on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EngineError {
    /// The model folder, or a file that it must hold, does not exist.
    #[error("{0}")]
    ModelMissing(String),
    /// A file of the model folder is cut off, altered, or contradicts the others.
    #[error("The model is damaged: {0}. Delete its folder and convert the model again.")]
    ModelDamaged(String),
    /// The folder is whole, but this version cannot run it.
    #[error("This model is not supported: {0}.")]
    ModelUnsupported(String),
    /// ONNX Runtime could not be loaded.
    #[error("{0}")]
    RuntimeMissing(String),
    /// The device that was asked for does not exist or cannot be used.
    #[error("{0}")]
    DeviceUnavailable(String),
    /// The caches do not fit into the memory there is or the memory allowed.
    #[error(
        "The model needs {} MB of memory for conversations and {}. \
         Shorten the context length, or allow fewer answers at a time or more memory.",
        megabytes(*.needed),
        .limit.map_or("there is not that much".into(), |limit| format!("the limit is {} MB", limit >> 20)),
    )]
    MemoryShort {
        /// Bytes wanted.
        needed: usize,
        /// Bytes allowed; `None` when it was the system or the device that refused.
        limit: Option<usize>,
    },
    /// The prompt leaves no room for an answer.
    #[error(
        "The conversation is too long for this model: it has {tokens} tokens and the limit is {limit}. \
         Start a new chat or shorten the message."
    )]
    ContextFull {
        /// Tokens of the prompt, template included.
        tokens: usize,
        /// Context length in use.
        limit: usize,
    },
    /// A sampling parameter is out of its range; the field is named.
    #[error("The sampling setting '{field}' is invalid: {problem}.")]
    InvalidSampling {
        /// Name of the field, as in Python.
        field: &'static str,
        /// What is wrong and what is allowed.
        problem: String,
    },
    /// The chat template refused the messages.
    #[error("These messages cannot be given to the model: {0}.")]
    InvalidMessages(String),
    /// A generation with this id is waiting or running.
    #[error("A generation with this id is already running.")]
    DuplicateGeneration,
    /// More generations wait than are allowed.
    #[error("The model is busy with {0} other answers. Try again in a moment.")]
    EngineBusy(usize),
    /// The engine was closed or has stopped after an internal error.
    #[error("{0}")]
    EngineClosed(String),
    /// ONNX Runtime failed while computing.
    #[error("The model failed while answering: {0}.")]
    InferenceFailed(String),
}

impl EngineError {
    /// The stable code of this kind of error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::ModelMissing(_) => "model_missing",
            Self::ModelDamaged(_) => "model_damaged",
            Self::ModelUnsupported(_) => "model_unsupported",
            Self::RuntimeMissing(_) => "runtime_missing",
            Self::DeviceUnavailable(_) => "device_unavailable",
            Self::MemoryShort { .. } => "memory_short",
            Self::ContextFull { .. } => "context_full",
            Self::InvalidSampling { .. } => "invalid_sampling",
            Self::InvalidMessages(_) => "invalid_messages",
            Self::DuplicateGeneration => "duplicate_generation",
            Self::EngineBusy(_) => "engine_busy",
            Self::EngineClosed(_) => "engine_closed",
            Self::InferenceFailed(_) => "inference_failed",
        }
    }

    /// The engine was closed on purpose.
    #[must_use]
    pub fn closed() -> Self {
        Self::EngineClosed("The model has been closed.".into())
    }

    /// The engine thread panicked.
    #[must_use]
    pub fn crashed() -> Self {
        Self::EngineClosed(
            "The model stopped after an internal error. Restart Hearth to load it again.".into(),
        )
    }
}

/// Whole megabytes, rounded up.
fn megabytes(bytes: usize) -> usize {
    bytes.div_ceil(1 << 20)
}

/// Shorthand for results of this crate.
pub type Result<T, E = EngineError> = std::result::Result<T, E>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn context_full_says_both_numbers() {
        let text = EngineError::ContextFull {
            tokens: 5000,
            limit: 4096,
        }
        .to_string();
        assert!(text.contains("5000") && text.contains("4096"), "{text}");
    }

    #[test]
    fn short_memory_says_what_is_needed_and_what_is_allowed() {
        let short = |limit| EngineError::MemoryShort {
            needed: (188 << 20) - 1,
            limit,
        };
        let text = short(Some(100 << 20)).to_string();
        assert!(text.contains("188 MB") && text.contains("100 MB"), "{text}");
        assert!(short(None).to_string().contains("there is not that much"));
    }

    #[test]
    fn damaged_says_what_to_do() {
        let text = EngineError::ModelDamaged("model.onnx is cut off".into()).to_string();
        assert!(text.contains("convert the model again"), "{text}");
    }
}
