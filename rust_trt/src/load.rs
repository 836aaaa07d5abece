//! From a model folder to an engine.

use std::path::PathBuf;
use std::sync::Arc;

use crate::device::Device;
use crate::error::{EngineError, Result};
use crate::folder::{self, TEMPLATE_FILE, TOKENIZER_FILE};
use crate::generator::{Engine, ModelInfo};
use crate::onnx_model::{Load, OnnxModel, row_bytes};
use crate::prompt::PromptEncoder;
use crate::proof;
use crate::provider;
use crate::runtime;
use crate::sequence::Language;
use crate::slots::PREFILL_CHUNK;
use crate::template::ChatTemplate;
use crate::tokenizer::Tokenizer;

/// Context in use when nobody asks for another: its cache costs memory.
const DEFAULT_CONTEXT: usize = 4096;

/// Most rows of a cache, unless more are to be active.
const MAX_ROWS: usize = 64;

/// How an engine is to be loaded.
#[derive(Debug, Clone)]
pub struct Options {
    /// The model folder.
    pub folder: PathBuf,
    /// ONNX Runtime's shared library.
    pub library: PathBuf,
    /// See [`Device::named`].
    pub device: String,
    /// What brings the device.
    pub provider: provider::Request,
    /// Threads to compute with; 0 for one each physical core.
    pub threads: usize,
    /// Tokens of prompt and answer together; 0 for 4096. Never beyond the model's.
    pub context_length: usize,
    /// Generations computed at a time; at least 1.
    pub max_active: usize,
    /// Most memory for keys and values, in bytes; 0 for what `max_active` takes. It
    /// is divided into rows of `context_length`; those beyond `max_active` keep ended
    /// chats.
    pub cache_bytes: usize,
    /// Generations that may wait beside them.
    pub max_waiting: usize,
}

impl Engine {
    /// Loads a model folder and starts its engine. Takes seconds.
    ///
    /// # Errors
    /// All that concern models, the runtime and devices.
    pub fn load(options: &Options) -> Result<Self> {
        let device = Device::named(&options.device)?;
        let manifest = folder::read(&options.folder)?;
        let tokenizer = Tokenizer::read(&options.folder.join(TOKENIZER_FILE))?;
        let template =
            std::fs::read_to_string(options.folder.join(TEMPLATE_FILE)).map_err(|error| {
                EngineError::ModelDamaged(format!("{TEMPLATE_FILE} cannot be read ({error})"))
            })?;
        let template =
            ChatTemplate::new(template, manifest.bos_token.as_deref(), &manifest.eos_token)?;
        let wanted = if options.context_length == 0 {
            DEFAULT_CONTEXT
        } else {
            options.context_length
        };
        let mut info = ModelInfo {
            name: manifest.name.clone(),
            architecture: manifest.architecture.clone(),
            context_length: wanted.min(manifest.context_length),
            vocab_size: manifest.vocab_size,
            device: device.name(),
            threads: runtime::threads(options.threads),
            decodes_together: false,
        };
        let language = Language {
            tokenizer: Arc::new(tokenizer),
            stop_token_ids: manifest.stop_token_ids.clone(),
            context_length: info.context_length,
        };
        let max_active = options.max_active.max(1);
        let rows = rows(
            row_bytes(&manifest, info.context_length),
            max_active,
            options.cache_bytes,
        )?;
        let mut model = OnnxModel::open(
            &options.folder,
            manifest,
            &Load {
                library: &options.library,
                device,
                provider: &options.provider,
                threads: info.threads,
                // One more, for logits that somebody asks for between steps.
                rows: rows + 1,
                context_length: info.context_length,
                chunk: PREFILL_CHUNK,
            },
        )?;
        info.decodes_together = proof::prove(&mut model)?;
        Self::start(
            model,
            info,
            language,
            PromptEncoder::new(template),
            max_active,
            options.max_waiting,
        )
    }
}

/// Rows of a cache where each takes `row` bytes.
fn rows(row: usize, max_active: usize, cache_bytes: usize) -> Result<usize> {
    if cache_bytes == 0 {
        return Ok(max_active);
    }
    let rows = cache_bytes / row.max(1);
    if rows < max_active {
        return Err(EngineError::MemoryShort {
            needed: row.saturating_mul(max_active),
            limit: Some(cache_bytes),
        });
    }
    // More could never be told apart in a list that is searched for every prompt.
    Ok(rows.min(max_active.max(MAX_ROWS)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_follow_from_the_memory_allowed() {
        assert_eq!(rows(100, 4, 0), Ok(4));
        assert_eq!(rows(100, 4, 799), Ok(7));
        assert_eq!(rows(1, 4, 1 << 30), Ok(64));
        let short = EngineError::MemoryShort {
            needed: 400,
            limit: Some(399),
        };
        assert_eq!(rows(100, 4, 399), Err(short));
    }
}
