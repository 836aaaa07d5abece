//! Memory that tensors are views of: the system's, or a device's.
//!
//! Everything unsafe of this crate is here and in the one call in `cache` that binds a
//! view: the runtime writes through a view of memory that other views show too, which
//! references cannot express, and a device's memory is known by its address only.

pub(crate) mod device;
pub(crate) mod host;
pub(crate) mod place;
#[cfg(test)]
pub(crate) mod testing;

use std::fmt::Debug;
use std::ops::Range;
use std::ptr::NonNull;

use ort::memory::Allocator;
use ort::value::{DynTensor, TensorElementType, Value};

use crate::memory::place::Place;

/// Bytes to copy, and where to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Move {
    pub(crate) from: Range<usize>,
    /// First byte of the target, which is as long and does not overlap.
    pub(crate) to: usize,
}

impl Move {
    fn target(&self) -> Range<usize> {
        self.to..self.to + self.from.len()
    }
}

/// One allocation, zeros at first, that is only touched through this and its tensors.
pub(crate) trait Memory: Debug + Send {
    /// A tensor of `element`s that is the bytes of `range`, which must lie inside.
    ///
    /// # Safety
    /// The tensor and all that it is bound to must be gone before this memory is, and
    /// nothing may run on it during a call of any other method.
    unsafe fn tensor(
        &self,
        range: &Range<usize>,
        element: TensorElementType,
        shape: &[usize],
    ) -> ort::Result<DynTensor>;

    /// Does every one of `moves`; no source may be the target of another.
    ///
    /// # Errors
    /// A device's own. The system's memory has none.
    fn copy(&mut self, moves: &[Move]) -> ort::Result<()>;

    /// What `range` holds.
    ///
    /// # Errors
    /// As [`Memory::copy`].
    fn read(&self, range: &Range<usize>) -> ort::Result<Vec<u8>>;

    /// Puts `bytes` at `start`.
    ///
    /// # Errors
    /// As [`Memory::copy`].
    #[cfg_attr(not(test), allow(dead_code))] // the runtime is who writes
    fn write(&mut self, start: usize, bytes: &[u8]) -> ort::Result<()>;
}

/// A tensor over memory of somebody else.
///
/// # Safety
/// `bytes` bytes from `start` on must be memory of `place`, for as long as the tensor and
/// all that it is bound to live.
unsafe fn tensor_over(
    place: Place,
    start: *mut u8,
    bytes: usize,
    element: TensorElementType,
    shape: &[usize],
) -> ort::Result<DynTensor> {
    let shape: Vec<i64> = shape.iter().map(|&size| size as i64).collect();
    let mut value = std::ptr::null_mut();
    // SAFETY: all pointers are valid for the call, and the memory for as long as the
    // caller promised.
    let status = unsafe {
        (ort::api().CreateTensorWithDataAsOrtValue)(
            place.as_ptr(),
            start.cast(),
            bytes,
            shape.as_ptr(),
            shape.len(),
            element.into(),
            &raw mut value,
        )
    };
    // SAFETY: the status comes from the call above and is used once.
    unsafe { ort::Error::result_from_status(status)? };
    let value = NonNull::new(value).ok_or_else(|| ort::Error::new("no tensor was made"))?;
    // SAFETY: a new tensor that nobody else holds. Its memory is not the allocator's, and
    // the runtime never frees it; the crate asks for one all the same.
    Ok(unsafe { Value::from_ptr(value, Some(&Allocator::default())) })
}
