//! The key/value cache of all sequences, bound in place.
//!
//! Each sequence has a row. A range of neighbouring rows is bound as a layer's past
//! and as its present: `GroupQueryAttention` sees that both are the same memory and
//! writes the new positions behind the old ones, instead of copying the whole cache
//! for every token. How much of a row counts is said with every step, so a rewind
//! is nothing but a smaller number.

use std::collections::HashMap;
use std::ops::Range;

use ort::environment::Environment;
use ort::memory::Allocator;
use ort::session::{IoBinding, Session};
use ort::value::Tensor;

use crate::graph::{self, LOGITS, PARTS};
use crate::kv_memory::{Division, KvMemory};
use crate::manifest::Manifest;
use crate::memory::Memory;
use crate::memory::device::DeviceMemory;
use crate::memory::host::HostMemory;
use crate::memory::place::Place;

/// A range of rows, bound.
pub(crate) struct BoundRows {
    pub(crate) binding: IoBinding,
    /// `[rows, 1, vocab]`.
    pub(crate) logits: Tensor<f32>,
}

/// Rows of keys and values, and the bindings that were made for them.
pub(crate) struct Cache {
    /// By first row and number of rows. Declared before the memory, so dropped before it.
    bound: HashMap<(usize, usize), BoundRows>,
    memory: KvMemory,
    capacity: usize,
}

impl Cache {
    /// A cache in the system's memory; `None` when there is not that much.
    pub(crate) fn on_host(manifest: &Manifest, rows: usize, capacity: usize) -> Option<Self> {
        let division = divide(manifest, rows, capacity);
        let memory = HostMemory::new(division.total()?)?;
        Some(Self::new(Box::new(memory), division))
    }

    /// A cache in `place`, which is the own memory of the device that `session` runs on;
    /// `None` when there is not that much.
    ///
    /// # Errors
    /// The device's own.
    pub(crate) fn on_device(
        environment: &Environment,
        session: &Session,
        place: Place,
        manifest: &Manifest,
        rows: usize,
        capacity: usize,
    ) -> ort::Result<Option<Self>> {
        let division = divide(manifest, rows, capacity);
        let Some(bytes) = division.total() else {
            return Ok(None);
        };
        let memory = DeviceMemory::new(environment, session, place, bytes)?;
        Ok(memory.map(|memory| Self::new(Box::new(memory), division)))
    }

    fn new(memory: Box<dyn Memory>, division: Division) -> Self {
        Self {
            bound: HashMap::new(),
            memory: KvMemory::new(memory, division),
            capacity: division.capacity,
        }
    }

    /// Positions of a row.
    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    /// The binding of these rows. It is kept: making one takes longer than binding
    /// what changes from step to step.
    pub(crate) fn bound(
        &mut self,
        session: &Session,
        manifest: &Manifest,
        rows: &Range<usize>,
    ) -> ort::Result<&mut BoundRows> {
        let key = (rows.start, rows.len());
        if !self.bound.contains_key(&key) {
            let bound = self.bind(session, manifest, rows)?;
            self.bound.insert(key, bound);
        }
        self.bound
            .get_mut(&key)
            .ok_or_else(|| ort::Error::new("a binding was lost"))
    }

    #[allow(unsafe_code)] // the views of one memory overlap; see `memory`
    fn bind(
        &self,
        session: &Session,
        manifest: &Manifest,
        rows: &Range<usize>,
    ) -> ort::Result<BoundRows> {
        let mut logits =
            Tensor::<f32>::new(&Allocator::default(), [rows.len(), 1, manifest.vocab_size])?;
        let mut binding = session.create_binding()?;
        // First, because the runtime lists outputs in the order of binding.
        binding.bind_output(LOGITS, &mut logits)?;
        for layer in 0..manifest.layers {
            for (index, part) in PARTS.into_iter().enumerate() {
                // SAFETY: the binding is the only holder of the view, lives in `bound`
                // and so is dropped before the memory; a run needs `&mut self`.
                let mut view = unsafe {
                    self.memory
                        .view(layer * PARTS.len() + index, rows.clone())?
                };
                binding.bind_input(graph::past(layer, part), &view)?;
                binding.bind_output(graph::present(layer, part), &mut view)?;
            }
        }
        Ok(BoundRows { binding, logits })
    }

    /// Copies the first `positions` of one row to another.
    pub(crate) fn copy(&mut self, from: usize, to: usize, positions: usize) -> ort::Result<()> {
        self.memory.copy(from, to, positions)
    }

    /// Exchanges the first `positions` of two rows.
    pub(crate) fn exchange(
        &mut self,
        one: usize,
        other: usize,
        positions: usize,
    ) -> ort::Result<()> {
        self.memory.exchange(one, other, positions)
    }

    /// The bytes of the first head's key of the first layer at `position`.
    pub(crate) fn key(&self, row: usize, position: usize) -> ort::Result<Vec<u8>> {
        self.memory.read(row, position)
    }
}

fn divide(manifest: &Manifest, rows: usize, capacity: usize) -> Division {
    Division {
        parts: manifest.layers * PARTS.len(),
        rows,
        heads: manifest.kv_heads,
        capacity,
        width: manifest.head_dim,
        dtype: manifest.kv_dtype,
    }
}
