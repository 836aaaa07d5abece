//! A language model: tokens in, logits out, a cache between.

use std::path::Path;

use ort::memory::{AllocationDevice, Allocator, AllocatorType, MemoryInfo, MemoryType};
use ort::session::Session;
use ort::value::Tensor;

use crate::cache::{Cache, LOGITS};
use crate::error::{EngineError, Result};
use crate::graph::{self, Graph};
use crate::manifest::{MODEL_FILE, Manifest};
use crate::runtime::{self, Device};

/// What the scheduler needs of a model, and all that another backend has to offer.
pub trait LanguageModel {
    /// Cache of one sequence. It may be used again after [`LanguageModel::rewind`].
    type Cache: Send;

    /// A cache for one sequence of up to [`LanguageModel::context_length`] positions.
    ///
    /// # Errors
    /// [`EngineError::InferenceFailed`], without memory.
    fn new_cache(&mut self) -> Result<Self::Cache>;

    /// Forgets all positions from `length` on.
    fn rewind(&self, cache: &mut Self::Cache, length: usize);

    /// Appends `tokens` (at least one) to the sequence in `cache` and computes the
    /// logits of the last of them, shape `[vocab]`. The caller may overwrite them.
    ///
    /// # Errors
    /// [`EngineError::InferenceFailed`]; the cache then has its former length.
    fn step(&mut self, cache: &mut Self::Cache, tokens: &[u32]) -> Result<&mut [f32]>;

    /// Positions that a sequence may have.
    fn context_length(&self) -> usize;
}

/// A model folder's graph in ONNX Runtime.
pub struct OnnxModel {
    session: Session,
    graph: Graph,
    manifest: Manifest,
    context_length: usize,
    /// `[1, 1, vocab]`, shared by all bindings: one step runs at a time.
    logits: Tensor<f32>,
    /// `[1, 1]`, for the steps of one token.
    token: Tensor<i64>,
    position: Tensor<i64>,
}

impl OnnxModel {
    /// Opens the graph in `folder` and proves with two tokens that it computes and
    /// that its cache works in place.
    ///
    /// # Errors
    /// [`EngineError::RuntimeMissing`], [`EngineError::ModelDamaged`] or
    /// [`EngineError::ModelUnsupported`].
    pub fn load(
        folder: &Path,
        manifest: Manifest,
        library: &Path,
        device: Device,
        threads: usize,
        context_length: usize,
    ) -> Result<Self> {
        let environment = runtime::environment(library)?;
        let session = runtime::open(&environment, &folder.join(MODEL_FILE), device, threads)?;
        let graph = graph::check(
            &manifest,
            &runtime::ports(session.inputs()),
            &runtime::ports(session.outputs()),
        )?;
        let allocator = Allocator::default();
        let mut model = Self {
            graph,
            logits: Tensor::new(&allocator, [1, 1, manifest.vocab_size]).map_err(failed)?,
            token: Tensor::new(&allocator, [1_usize, 1]).map_err(failed)?,
            position: Tensor::new(&allocator, [1_usize, 1]).map_err(failed)?,
            session,
            manifest,
            context_length,
        };
        model.prove()?;
        Ok(model)
    }

    fn prove(&mut self) -> Result<()> {
        let refused = |problem: &str| EngineError::ModelUnsupported(format!("its graph {problem}"));
        let token = [self.manifest.stop_token_ids[0]];
        let mut cache = Cache::new(
            &self.session,
            &self.manifest,
            &mut self.logits,
            PROOF_CAPACITY,
        )
        .map_err(failed)?;
        let mut step = |cache: &mut Cache| {
            self.run(cache, &token)
                .map_err(|error| refused(&format!("does not run here ({})", error.message())))?;
            cache.advance(1);
            Ok(())
        };
        step(&mut cache)?;
        let first = cache.key(0).to_vec();
        step(&mut cache)?;
        let written = |key: &[f32]| key.iter().any(|&value| value != 0.0);
        let in_place = cache.key(0) == first
            && written(&first)
            && written(cache.key(1))
            && !written(cache.key(2));
        if in_place {
            Ok(())
        } else {
            Err(refused(
                "does not keep its cache in one place; export it with GroupQueryAttention",
            ))
        }
    }

    /// Binds what changes from step to step; the cache stays bound.
    fn bind(&mut self, cache: &mut Cache, tokens: &[u32]) -> ort::Result<()> {
        let past = cache.length();
        let total = past + tokens.len();
        let binding = &mut cache.binding;
        if let [token] = tokens {
            self.token.extract_tensor_mut().1[0] = i64::from(*token);
            binding.bind_input(INPUT_IDS, &self.token)?;
        } else {
            let ids: Vec<i64> = tokens.iter().map(|&id| i64::from(id)).collect();
            binding.bind_input(INPUT_IDS, &Tensor::from_array(([1, ids.len()], ids))?)?;
        }
        if self.graph.position_ids {
            if tokens.len() == 1 {
                self.position.extract_tensor_mut().1[0] = past as i64;
                binding.bind_input(POSITION_IDS, &self.position)?;
            } else {
                let positions: Vec<i64> = (past as i64..total as i64).collect();
                binding.bind_input(
                    POSITION_IDS,
                    &Tensor::from_array(([1, tokens.len()], positions))?,
                )?;
            }
        }
        // Its shape is how the graph learns the length, so it is new for every
        // token: 8 bytes a position, beside megabytes of weights read.
        let mask = Tensor::from_array(([1, total], vec![1i64; total]))?;
        binding.bind_input(ATTENTION_MASK, &mask)?;
        if self.logits_fit(tokens.len()) {
            binding.bind_output(LOGITS, &mut self.logits)
        } else {
            let memory = MemoryInfo::new(
                AllocationDevice::CPU,
                0,
                AllocatorType::Device,
                MemoryType::CPUOutput,
            )?;
            binding.bind_output_to_device(LOGITS, &memory)
        }
    }

    /// The logits of a step of that many tokens fit into the shared buffer.
    fn logits_fit(&self, tokens: usize) -> bool {
        self.graph.last_logits_only || tokens == 1
    }

    fn run(&mut self, cache: &mut Cache, tokens: &[u32]) -> ort::Result<()> {
        self.bind(cache, tokens)?;
        let fit = self.logits_fit(tokens.len());
        let outputs = self.session.run_binding(&cache.binding)?;
        if !fit {
            let (_, all) = outputs[LOGITS].try_extract_tensor::<f32>()?;
            let (_, last) = self.logits.extract_tensor_mut();
            last.copy_from_slice(&all[all.len() - last.len()..]);
        }
        Ok(())
    }
}

impl LanguageModel for OnnxModel {
    type Cache = Cache;

    fn new_cache(&mut self) -> Result<Cache> {
        Cache::new(
            &self.session,
            &self.manifest,
            &mut self.logits,
            self.context_length,
        )
        .map_err(failed)
    }

    fn rewind(&self, cache: &mut Cache, length: usize) {
        cache.rewind(length);
    }

    fn step(&mut self, cache: &mut Cache, tokens: &[u32]) -> Result<&mut [f32]> {
        let room = cache.capacity() - cache.length();
        if tokens.is_empty() || tokens.len() > room {
            return Err(EngineError::InferenceFailed(format!(
                "a step of {} tokens where {room} fit",
                tokens.len()
            )));
        }
        self.run(cache, tokens).map_err(failed)?;
        cache.advance(tokens.len());
        Ok(self.logits.extract_tensor_mut().1)
    }

    fn context_length(&self) -> usize {
        self.context_length
    }
}

const INPUT_IDS: &str = "input_ids";
const ATTENTION_MASK: &str = "attention_mask";
const POSITION_IDS: &str = "position_ids";
/// Positions of the cache that proves the graph: more than the proof fills.
const PROOF_CAPACITY: usize = 8;

#[allow(clippy::needless_pass_by_value)] // as `map_err` gives it
fn failed(error: ort::Error) -> EngineError {
    EngineError::InferenceFailed(error.message().to_owned())
}
