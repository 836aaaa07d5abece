//! A language model: tokens in, logits out, a cache of several rows between.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;

use ort::memory::{AllocationDevice, AllocatorType, MemoryInfo, MemoryType};
use ort::session::Session;
use ort::value::Tensor;

use crate::cache::{Cache, LOGITS};
use crate::error::{EngineError, Result};
use crate::graph::{self, Graph, PARTS};
use crate::manifest::{MODEL_FILE, Manifest};
use crate::runtime::{self, Device};

/// One token for one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Positions of the row that count: the token comes behind them.
    pub past: usize,
    /// The token.
    pub token: u32,
}

/// What the scheduler needs of a model, and all that another backend has to offer.
///
/// Each sequence has a row of the cache. The model remembers nothing about a row:
/// every call says how many of its positions count, and what is behind them may be
/// anything.
pub trait LanguageModel {
    /// Rows of the cache.
    fn rows(&self) -> usize;

    /// Positions of a row.
    fn context_length(&self) -> usize;

    /// Rows that decode together compute the same numbers as each by itself, bit for
    /// bit.
    fn decodes_together(&self) -> bool;

    /// Writes `tokens` (at least one) behind the first `past` positions of `row` and
    /// computes the logits of the last of them, shape `[vocab]`. The caller may
    /// overwrite them.
    ///
    /// # Errors
    /// [`EngineError::InferenceFailed`]; the first `past` positions are unharmed.
    fn prefill(&mut self, row: usize, past: usize, tokens: &[u32]) -> Result<&mut [f32]>;

    /// One token for each of the rows from `first` on: logits `[steps, vocab]`, which
    /// the caller may overwrite.
    ///
    /// # Errors
    /// As [`LanguageModel::prefill`].
    fn decode(&mut self, first: usize, steps: &[Step]) -> Result<&mut [f32]>;

    /// Copies the first `positions` of one row to another.
    fn copy(&mut self, from: usize, to: usize, positions: usize);

    /// Exchanges the first `positions` of two rows.
    fn exchange(&mut self, one: usize, other: usize, positions: usize);
}

/// A model folder's graph in ONNX Runtime.
pub struct OnnxModel {
    /// Dropped before the session that its bindings belong to.
    cache: Cache,
    session: Session,
    graph: Graph,
    manifest: Manifest,
    rows: usize,
    decodes_together: bool,
}

impl OnnxModel {
    /// Opens the graph in `folder`, with a cache of `rows` (at least 2) rows of `context_length`
    /// positions, and proves with a few tokens that it computes, that its cache works
    /// in place, and whether rows can decode together.
    ///
    /// # Errors
    /// [`EngineError::RuntimeMissing`], [`EngineError::ModelDamaged`],
    /// [`EngineError::ModelUnsupported`] or [`EngineError::MemoryShort`].
    pub fn load(
        folder: &Path,
        manifest: Manifest,
        library: &Path,
        device: Device,
        threads: usize,
        rows: usize,
        context_length: usize,
    ) -> Result<Self> {
        let environment = runtime::environment(library)?;
        let session = runtime::open(&environment, &folder.join(MODEL_FILE), device, threads)?;
        let graph = graph::check(
            &manifest,
            &runtime::ports(session.inputs()),
            &runtime::ports(session.outputs()),
        )?;
        let short = || EngineError::MemoryShort {
            needed: row_bytes(&manifest, context_length).saturating_mul(rows),
            limit: None,
        };
        let proof = Cache::new(&manifest, rows, PROOF_CAPACITY).ok_or_else(short)?;
        let cache = Cache::new(&manifest, rows, context_length).ok_or_else(short)?;
        let mut model = Self {
            cache: proof,
            session,
            graph,
            manifest,
            rows,
            decodes_together: false,
        };
        model.prove_in_place()?;
        model.decodes_together = model.prove_together().map_err(|error| not_run(&error))?;
        model.cache = cache;
        Ok(model)
    }

    fn prove_in_place(&mut self) -> Result<()> {
        let token = self.manifest.stop_token_ids[0];
        let step = |model: &mut Self, past| {
            model
                .run(0..1, &[past], &[token])
                .map(drop)
                .map_err(|error| not_run(&error))
        };
        step(self, 0)?;
        let first = self.cache.key(0, 0);
        step(self, 1)?;
        let written = |position| self.cache.key(0, position).iter().any(|&n| n != 0.0);
        if self.cache.key(0, 0) == first && written(0) && written(1) && !written(2) {
            Ok(())
        } else {
            Err(EngineError::ModelUnsupported(
                "its graph does not keep its cache in one place; export it with GroupQueryAttention"
                    .into(),
            ))
        }
    }

    /// Rows of different age and with different tokens, together and each by itself.
    ///
    /// Whether the numbers agree depends on the kernels for this processor and these
    /// weights, so it is found out where it matters. On x86-64 with 8-bit weights
    /// they do.
    fn prove_together(&mut self) -> ort::Result<bool> {
        let vocab = self.manifest.vocab_size;
        let token =
            |row: usize, past: usize| ((row * PROOF_CAPACITY + past + 1) * 7919 % vocab) as u32;
        let pasts: Vec<usize> = (0..self.rows)
            .map(|row| 1 + row % (PROOF_CAPACITY - 2))
            .collect();
        let last: Vec<u32> = pasts
            .iter()
            .enumerate()
            .map(|(row, &past)| token(row, past))
            .collect();
        // Kernels take rows in tiles and have another for what is left over: look at
        // both ends. The rows between only fill.
        let looked_at: BTreeSet<usize> = [0, 1, self.rows - 2, self.rows - 1].into();
        let mut alone = Vec::new();
        for &row in &looked_at {
            let tokens: Vec<u32> = (0..pasts[row]).map(|past| token(row, past)).collect();
            self.run(row..row + 1, &[0], &tokens)?;
            let logits = self.run(row..row + 1, &[pasts[row]], &last[row..=row])?;
            alone.push((row, logits.to_vec()));
        }
        for width in [2, self.rows] {
            let together = self.run(0..width, &pasts[..width], &last[..width])?;
            let same = |row: usize, logits: &[f32]| {
                let theirs = &together[row * vocab..(row + 1) * vocab];
                std::iter::zip(logits, theirs).all(|(a, b)| a.to_bits() == b.to_bits())
            };
            if !alone
                .iter()
                .filter(|(row, _)| *row < width)
                .all(|(row, logits)| same(*row, logits))
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The same number of tokens for each row, behind its `pasts`. Logits of the last
    /// one of each.
    fn run(
        &mut self,
        rows: Range<usize>,
        pasts: &[usize],
        tokens: &[u32],
    ) -> ort::Result<&mut [f32]> {
        let count = rows.len();
        let each = tokens.len() / count;
        let bound = self.cache.bound(&self.session, &self.manifest, &rows)?;
        let binding = &mut bound.binding;
        let ids: Vec<i64> = tokens.iter().map(|&id| i64::from(id)).collect();
        binding.bind_input(INPUT_IDS, &Tensor::from_array(([count, each], ids))?)?;
        if self.graph.position_ids {
            let positions: Vec<i64> = pasts
                .iter()
                .flat_map(|&past| past as i64..(past + each) as i64)
                .collect();
            binding.bind_input(
                POSITION_IDS,
                &Tensor::from_array(([count, each], positions))?,
            )?;
        }
        // How the graph learns the lengths: 8 bytes a position, beside megabytes of
        // weights read.
        let width = pasts.iter().max().map_or(0, |past| past + each);
        let mask: Vec<i64> = pasts
            .iter()
            .flat_map(|&past| (0..width).map(move |at| i64::from(at < past + each)))
            .collect();
        binding.bind_input(ATTENTION_MASK, &Tensor::from_array(([count, width], mask))?)?;
        let fit = self.graph.last_logits_only || each == 1;
        if fit {
            binding.bind_output(LOGITS, &mut bound.logits)?;
        } else {
            let memory = MemoryInfo::new(
                AllocationDevice::CPU,
                0,
                AllocatorType::Device,
                MemoryType::CPUOutput,
            )?;
            binding.bind_output_to_device(LOGITS, &memory)?;
        }
        let outputs = self.session.run_binding(&bound.binding)?;
        if !fit {
            // Only a single row is fed several tokens.
            let (_, all) = outputs[LOGITS].try_extract_tensor::<f32>()?;
            let (_, last) = bound.logits.extract_tensor_mut();
            last.copy_from_slice(&all[all.len() - last.len()..]);
        }
        drop(outputs);
        Ok(bound.logits.extract_tensor_mut().1)
    }

    fn check_room(&self, past: usize, tokens: usize) -> Result<()> {
        let room = self.cache.capacity().saturating_sub(past);
        if (1..=room).contains(&tokens) {
            Ok(())
        } else {
            Err(EngineError::InferenceFailed(format!(
                "a step of {tokens} tokens where {room} fit"
            )))
        }
    }
}

/// Bytes that the keys and values of one sequence take.
#[must_use]
pub fn row_bytes(manifest: &Manifest, context_length: usize) -> usize {
    [
        PARTS.len(),
        manifest.layers,
        manifest.kv_heads,
        manifest.head_dim,
        context_length,
    ]
    .into_iter()
    .fold(size_of::<f32>(), usize::saturating_mul)
}

impl LanguageModel for OnnxModel {
    fn rows(&self) -> usize {
        self.rows
    }

    fn context_length(&self) -> usize {
        self.cache.capacity()
    }

    fn decodes_together(&self) -> bool {
        self.decodes_together
    }

    fn prefill(&mut self, row: usize, past: usize, tokens: &[u32]) -> Result<&mut [f32]> {
        self.check_room(past, tokens.len())?;
        self.run(row..row + 1, &[past], tokens)
            .map_err(|error| failed(&error))
    }

    fn decode(&mut self, first: usize, steps: &[Step]) -> Result<&mut [f32]> {
        let pasts: Vec<usize> = steps.iter().map(|step| step.past).collect();
        for &past in &pasts {
            self.check_room(past, 1)?;
        }
        let tokens: Vec<u32> = steps.iter().map(|step| step.token).collect();
        self.run(first..first + steps.len(), &pasts, &tokens)
            .map_err(|error| failed(&error))
    }

    fn copy(&mut self, from: usize, to: usize, positions: usize) {
        self.cache.copy(from, to, positions);
    }

    fn exchange(&mut self, one: usize, other: usize, positions: usize) {
        self.cache.exchange(one, other, positions);
    }
}

const INPUT_IDS: &str = "input_ids";
const ATTENTION_MASK: &str = "attention_mask";
const POSITION_IDS: &str = "position_ids";
/// Positions of the cache that proves the graph: more than the proof fills.
const PROOF_CAPACITY: usize = 8;

fn failed(error: &ort::Error) -> EngineError {
    EngineError::InferenceFailed(error.message().to_owned())
}

fn not_run(error: &ort::Error) -> EngineError {
    EngineError::ModelUnsupported(format!("its graph does not run here ({})", error.message()))
}
