//! The key/value cache of one sequence, bound in place.
//!
//! One buffer of full capacity is bound as a layer's past and as its present.
//! `GroupQueryAttention` sees that both are the same memory and writes the new
//! positions behind the old ones instead of copying the whole cache for every
//! token. The binding holds each tensor by reference count, so neither side can
//! outlive it; no unsafe code is needed for the aliasing.

use ort::memory::Allocator;
use ort::session::{IoBinding, Session};
use ort::value::Tensor;

use crate::graph::{self, PARTS};
use crate::manifest::Manifest;

/// Cache of one sequence: buffers `[1, kv heads, capacity, head dim]`, a key and a
/// value for each layer, and the binding that holds them.
pub struct Cache {
    pub(crate) binding: IoBinding,
    first_key: Tensor<f32>,
    capacity: usize,
    length: usize,
}

impl Cache {
    /// Allocates zeroed buffers for `capacity` positions and binds them.
    ///
    /// `logits` is bound first: the runtime lists outputs in the order of binding.
    pub(crate) fn new(
        session: &Session,
        manifest: &Manifest,
        logits: &mut Tensor<f32>,
        capacity: usize,
    ) -> ort::Result<Self> {
        let allocator = Allocator::default();
        let shape = [1, manifest.kv_heads, capacity, manifest.head_dim];
        let mut binding = session.create_binding()?;
        binding.bind_output(LOGITS, logits)?;
        let mut first_key = None;
        for layer in 0..manifest.layers {
            for part in PARTS {
                let mut buffer = Tensor::<f32>::new(&allocator, shape)?;
                binding.bind_input(graph::past(layer, part), &buffer)?;
                binding.bind_output(graph::present(layer, part), &mut buffer)?;
                first_key.get_or_insert(buffer);
            }
        }
        Ok(Self {
            binding,
            first_key: first_key.ok_or_else(|| ort::Error::new("a model without layers"))?,
            capacity,
            length: 0,
        })
    }

    /// Positions filled.
    #[must_use]
    pub fn length(&self) -> usize {
        self.length
    }

    /// Positions there are.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Forgets all positions from `length` on; the buffers stay.
    pub fn rewind(&mut self, length: usize) {
        self.length = self.length.min(length);
    }

    pub(crate) fn advance(&mut self, positions: usize) {
        self.length += positions;
    }

    /// The first head's key of the first layer at `position`.
    pub(crate) fn key(&self, position: usize) -> &[f32] {
        let (shape, values) = self.first_key.extract_tensor();
        let width = shape.last().map_or(0, |&width| width as usize);
        &values[position * width..(position + 1) * width]
    }
}

/// Name of the output with the logits.
pub(crate) const LOGITS: &str = "logits";
