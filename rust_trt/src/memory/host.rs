//! The system's memory.
//!
//! The system maps a page when it is first written: what nobody uses costs address
//! space and no memory.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ops::Range;
use std::ptr::NonNull;

use ort::value::{DynTensor, TensorElementType};

use crate::memory::place::Place;
use crate::memory::{Memory, Move, tensor_over};

/// Alignment that the system's allocator gives by itself: for a larger one it would
/// fetch memory first and write zeros into it.
const ALIGNMENT: usize = 16;

/// See the module's documentation.
#[derive(Debug)]
pub(crate) struct HostMemory {
    start: NonNull<u8>,
    layout: Layout,
}

// SAFETY: it owns its memory, as a `Vec` does; no thread has any part in it.
unsafe impl Send for HostMemory {}

impl HostMemory {
    /// `None` when the system has not that much address space.
    pub(crate) fn new(bytes: usize) -> Option<Self> {
        let layout = Layout::from_size_align(bytes.max(1), ALIGNMENT).ok()?;
        // SAFETY: the layout's size is not zero.
        let start = NonNull::new(unsafe { alloc_zeroed(layout) })?;
        Some(Self { start, layout })
    }

    /// A pointer to `range`, which must lie inside.
    fn at(&self, range: &Range<usize>) -> *mut u8 {
        assert!(range.start <= range.end && range.end <= self.layout.size());
        // SAFETY: checked to lie in the allocation.
        unsafe { self.start.as_ptr().add(range.start) }
    }
}

impl Memory for HostMemory {
    unsafe fn tensor(
        &self,
        range: &Range<usize>,
        element: TensorElementType,
        shape: &[usize],
    ) -> ort::Result<DynTensor> {
        let place = Place::host()?;
        // SAFETY: it lies in the allocation, which lives as long as the caller promised.
        unsafe { tensor_over(place, self.at(range), range.len(), element, shape) }
    }

    fn copy(&mut self, moves: &[Move]) -> ort::Result<()> {
        for step in moves {
            // SAFETY: both lie in the allocation, and `&mut self` with the promise made
            // for tensors means that nobody else uses them; `copy` allows an overlap.
            unsafe {
                std::ptr::copy(
                    self.at(&step.from),
                    self.at(&step.target()),
                    step.from.len(),
                );
            }
        }
        Ok(())
    }

    fn read(&self, range: &Range<usize>) -> ort::Result<Vec<u8>> {
        // SAFETY: it lies in the allocation, is initialised, and nobody writes.
        Ok(unsafe { std::slice::from_raw_parts(self.at(range), range.len()) }.to_vec())
    }

    fn write(&mut self, start: usize, bytes: &[u8]) -> ort::Result<()> {
        let range = start..start + bytes.len();
        // SAFETY: it lies in the allocation, and `bytes` is no part of it.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), self.at(&range), bytes.len()) };
        Ok(())
    }
}

impl Drop for HostMemory {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout, and nothing uses it any more.
        unsafe { dealloc(self.start.as_ptr(), self.layout) }
    }
}
