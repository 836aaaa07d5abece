//! A model folder's graph in ONNX Runtime.

use std::ops::Range;
use std::path::Path;

use ort::memory::{AllocationDevice, AllocatorType, MemoryInfo, MemoryType};
use ort::session::Session;
use ort::value::Tensor;

use crate::cache::Cache;
use crate::device::Device;
use crate::error::{EngineError, Result};
use crate::folder::MODEL_FILE;
use crate::graph::{self, ATTENTION_MASK, Graph, INPUT_IDS, LOGITS, PARTS, POSITION_IDS};
use crate::manifest::Manifest;
use crate::memory::place::Place;
use crate::model::{LanguageModel, Step};
use crate::profile::Bounds;
use crate::provider;
use crate::runtime;

/// Where and how large a model is to be opened.
#[derive(Debug, Clone, Copy)]
pub struct Load<'a> {
    /// ONNX Runtime's shared library.
    pub library: &'a Path,
    /// What computes.
    pub device: Device,
    /// What brings the device.
    pub provider: &'a provider::Request,
    /// Threads of the processor.
    pub threads: usize,
    /// Rows of the cache, at least 2.
    pub rows: usize,
    /// Positions of a row.
    pub context_length: usize,
    /// Most tokens that are prefilled in a step.
    pub chunk: usize,
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
    /// The mask is always as long as the cache: what a card compiles for one length of it
    /// serves every step, and TensorRT finds the end of a shared cache by it.
    whole_mask: bool,
    /// A copy within the cache failed: what rows hold is not known any more.
    broken: Option<EngineError>,
}

impl OnnxModel {
    /// Opens the graph in `folder` and takes the memory of its cache. What it computes is
    /// for `proof` to find out.
    ///
    /// # Errors
    /// [`EngineError::RuntimeMissing`], [`EngineError::ModelDamaged`],
    /// [`EngineError::ModelUnsupported`], [`EngineError::DeviceUnavailable`] or
    /// [`EngineError::MemoryShort`].
    pub fn open(folder: &Path, manifest: Manifest, load: &Load<'_>) -> Result<Self> {
        let environment = runtime::environment(load.library)?;
        let card = provider::find(&environment, load.library, load.device, load.provider)?;
        let place = place(load.device, card.as_ref()).map_err(|error| unusable(&error))?;
        let rows = load.rows;
        let context_length = load.context_length.max(LEAST_POSITIONS);
        let bounds = Bounds {
            rows,
            context_length,
            chunk: load.chunk,
        };
        if let (Some(_), Some(cache)) = (&card, &load.provider.cache) {
            // Without it the next start is only slower.
            let _ = std::fs::create_dir_all(cache);
        }
        let options = provider::options(load.device, load.provider, bounds.options(&manifest));
        let session = runtime::open(
            &environment,
            &folder.join(MODEL_FILE),
            card.map(|card| (card, options.as_slice())),
            load.threads,
        )?;
        let graph = graph::check(
            &manifest,
            &runtime::ports(session.inputs()),
            &runtime::ports(session.outputs()),
        )?;
        let short = || EngineError::MemoryShort {
            needed: row_bytes(&manifest, context_length).saturating_mul(rows),
            limit: None,
        };
        let cache = match place {
            None => Cache::on_host(&manifest, rows, context_length),
            Some(place) => {
                check_place(place, &session)?;
                Cache::on_device(
                    &environment,
                    &session,
                    place,
                    &manifest,
                    rows,
                    context_length,
                )
                .map_err(|error| unusable(&error))?
            }
        }
        .ok_or_else(short)?;
        Ok(Self {
            cache,
            session,
            graph,
            manifest,
            rows,
            decodes_together: false,
            whole_mask: place.is_some(),
            broken: None,
        })
    }

    /// Puts another cache in the place of the present one, and returns that.
    pub(crate) fn exchange_cache(&mut self, cache: Cache) -> Cache {
        std::mem::replace(&mut self.cache, cache)
    }

    pub(crate) fn set_decodes_together(&mut self, together: bool) {
        self.decodes_together = together;
    }

    pub(crate) fn cache(&self) -> &Cache {
        &self.cache
    }

    pub(crate) fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    pub(crate) fn is_on_device(&self) -> bool {
        self.whole_mask
    }

    /// The same number of tokens for each row, behind its `pasts`. Logits of the last
    /// one of each.
    pub(crate) fn run(
        &mut self,
        rows: Range<usize>,
        pasts: &[usize],
        tokens: &[u32],
    ) -> ort::Result<&mut [f32]> {
        let count = rows.len();
        let each = tokens.len() / count;
        // How the graph learns the lengths: 8 bytes a position, beside megabytes of
        // weights read.
        let width = if self.whole_mask {
            self.cache.capacity()
        } else {
            pasts.iter().max().map_or(0, |past| past + each)
        };
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
        if let Some(error) = &self.broken {
            return Err(error.clone());
        }
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

/// The memory of the device, where it is another than the system's.
fn place(device: Device, card: Option<&ort::device::Device<'_>>) -> ort::Result<Option<Place>> {
    match (device, card) {
        (Device::Cpu, _) | (Device::Cuda | Device::TensorRt, None) => Ok(None),
        (Device::Emulated, _) => Place::host().map(Some),
        (Device::Cuda | Device::TensorRt, Some(card)) => Place::of(card).map(Some),
    }
}

/// Attention must run where the cache is: else all of it would travel for every token.
fn check_place(place: Place, session: &Session) -> Result<()> {
    let here = place
        .is_wanted(session, |input| input.starts_with("past_key_values."))
        .map_err(|error| unusable(&error))?;
    if here {
        return Ok(());
    }
    Err(EngineError::DeviceUnavailable(
        "The card cannot compute this model's attention. Convert it with --dtype f16, \
         choose another model, or set the device to 'cpu'."
            .into(),
    ))
}

/// Positions of the shortest cache: what a proof needs.
pub(crate) const LEAST_POSITIONS: usize = 8;

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
    .fold(manifest.kv_dtype.bytes(), usize::saturating_mul)
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
        if let Err(error) = self.cache.copy(from, to, positions) {
            self.broken = Some(failed(&error));
        }
    }

    fn exchange(&mut self, one: usize, other: usize, positions: usize) {
        if let Err(error) = self.cache.exchange(one, other, positions) {
            self.broken = Some(failed(&error));
        }
    }
}

fn failed(error: &ort::Error) -> EngineError {
    EngineError::InferenceFailed(error.message().to_owned())
}

fn unusable(error: &ort::Error) -> EngineError {
    EngineError::DeviceUnavailable(format!(
        "The card's memory cannot be used ({}). Set the device to 'cpu'.",
        error.message()
    ))
}
