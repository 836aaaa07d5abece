//! A device's memory, taken once through the session's own allocator.
//!
//! The processor cannot reach it: all that is done with it is done by the runtime, with
//! tensors that are views of it.

use std::ops::Range;
use std::ptr::NonNull;

use ort::AsPointer;
use ort::environment::Environment;
use ort::session::Session;
use ort::sys::OrtAllocator;
use ort::value::{DynTensor, TensorElementType};

use crate::memory::place::Place;
use crate::memory::{Memory, Move, tensor_over};

/// Zeros that are sent at a time.
const ZEROS: usize = 16 << 20;

/// See the module's documentation.
#[derive(Debug)]
pub(crate) struct DeviceMemory {
    environment: Environment,
    place: Place,
    allocator: NonNull<OrtAllocator>,
    start: NonNull<u8>,
    bytes: usize,
}

// SAFETY: it owns its memory and its handle of the allocator, and uses both on one
// thread at a time.
unsafe impl Send for DeviceMemory {}

impl DeviceMemory {
    /// Takes `bytes` of `place` and fills them with zeros: a kernel may multiply what it
    /// then leaves out, and what was there before could be no number. `None` when there is
    /// not that much.
    ///
    /// # Errors
    /// The place is none of the session's, or the device's own.
    pub(crate) fn new(
        environment: &Environment,
        session: &Session,
        place: Place,
        bytes: usize,
    ) -> ort::Result<Option<Self>> {
        let api = ort::api();
        let mut allocator = std::ptr::null_mut();
        // SAFETY: all pointers are valid for the call; the status is used once.
        unsafe {
            let status = (api.CreateAllocator)(session.ptr(), place.as_ptr(), &raw mut allocator);
            ort::Error::result_from_status(status)?;
        }
        let allocator =
            NonNull::new(allocator).ok_or_else(|| ort::Error::new("no allocator was made"))?;
        let mut start = std::ptr::null_mut();
        // SAFETY: as above.
        let taken = unsafe {
            let status = (api.AllocatorAlloc)(allocator.as_ptr(), bytes.max(1), &raw mut start);
            ort::Error::result_from_status(status)
        };
        let (Ok(()), Some(start)) = (taken, NonNull::new(start.cast())) else {
            // SAFETY: made above, and nothing was taken from it.
            unsafe { (api.ReleaseAllocator)(allocator.as_ptr()) };
            return Ok(None);
        };
        let mut memory = Self {
            environment: environment.clone(),
            place,
            allocator,
            start,
            bytes,
        };
        let zeros = vec![0; ZEROS.min(bytes)];
        for start in (0..bytes).step_by(ZEROS) {
            memory.write(start, &zeros[..ZEROS.min(bytes - start)])?;
        }
        Ok(Some(memory))
    }

    /// The bytes of `range`, which must lie inside, as a tensor.
    fn raw(&self, range: &Range<usize>) -> ort::Result<DynTensor> {
        // SAFETY: the callers let go of it at once, while they hold this memory.
        unsafe { self.tensor(range, TensorElementType::Uint8, &[range.len()]) }
    }

    /// Copies tensors between whichever memories they are in, and waits for it.
    fn copy_tensors(&self, from: &[DynTensor], to: &[DynTensor]) -> ort::Result<()> {
        assert_eq!(from.len(), to.len());
        if self.place.is_host()? {
            return copy_on_host(from, to);
        }
        let sources: Vec<_> = from.iter().map(AsPointer::ptr).collect();
        let mut targets: Vec<_> = to.iter().map(AsPointer::ptr).collect();
        // SAFETY: as many of the one as of the other, all alive. Without a stream it
        // returns when the bytes are there.
        unsafe {
            let status = (ort::api().CopyTensors)(
                self.environment.ptr().cast_mut(),
                sources.as_ptr(),
                targets.as_mut_ptr(),
                std::ptr::null_mut(),
                sources.len(),
            );
            ort::Error::result_from_status(status)
        }
    }
}

/// The runtime has no transfer from the system's memory to itself.
fn copy_on_host(from: &[DynTensor], to: &[DynTensor]) -> ort::Result<()> {
    for (source, target) in std::iter::zip(from, to) {
        let bytes = source.shape().num_elements();
        assert_eq!(bytes, target.shape().num_elements());
        // SAFETY: both are tensors of that many bytes. The target is a view, written as
        // the runtime writes it; it may not overlap, and `copy` does not mind.
        unsafe {
            let target = target.data_ptr().cast_mut().cast::<u8>();
            std::ptr::copy(source.data_ptr().cast::<u8>(), target, bytes);
        }
    }
    Ok(())
}

/// Bytes of the processor as a tensor.
///
/// # Safety
/// The bytes must outlive the tensor.
unsafe fn bytes_as_tensor(start: *mut u8, count: usize) -> ort::Result<DynTensor> {
    let place = Place::host()?;
    // SAFETY: as the caller promised.
    unsafe { tensor_over(place, start, count, TensorElementType::Uint8, &[count]) }
}

impl Memory for DeviceMemory {
    unsafe fn tensor(
        &self,
        range: &Range<usize>,
        element: TensorElementType,
        shape: &[usize],
    ) -> ort::Result<DynTensor> {
        assert!(range.start <= range.end && range.end <= self.bytes);
        // An address that only the device can follow.
        let start = self.start.as_ptr().wrapping_add(range.start);
        // SAFETY: it lies in the allocation, which lives as long as the caller promised.
        unsafe { tensor_over(self.place, start, range.len(), element, shape) }
    }

    fn copy(&mut self, moves: &[Move]) -> ort::Result<()> {
        let tensors = |range: fn(&Move) -> Range<usize>| {
            moves
                .iter()
                .map(|step| self.raw(&range(step)))
                .collect::<ort::Result<Vec<_>>>()
        };
        self.copy_tensors(&tensors(|step| step.from.clone())?, &tensors(Move::target)?)
    }

    fn read(&self, range: &Range<usize>) -> ort::Result<Vec<u8>> {
        let mut bytes = vec![0u8; range.len()];
        // SAFETY: dropped at the end of this function, before the bytes are given away.
        let target = unsafe { bytes_as_tensor(bytes.as_mut_ptr(), bytes.len())? };
        self.copy_tensors(&[self.raw(range)?], &[target])?;
        Ok(bytes)
    }

    fn write(&mut self, start: usize, bytes: &[u8]) -> ort::Result<()> {
        let target = self.raw(&(start..start + bytes.len()))?;
        // SAFETY: dropped at the end of this function, and only read.
        let source = unsafe { bytes_as_tensor(bytes.as_ptr().cast_mut(), bytes.len())? };
        self.copy_tensors(&[source], &[target])
    }
}

impl Drop for DeviceMemory {
    fn drop(&mut self) {
        let api = ort::api();
        // SAFETY: allocated by this allocator, and nothing uses it any more.
        let status =
            unsafe { (api.AllocatorFree)(self.allocator.as_ptr(), self.start.as_ptr().cast()) };
        // A memory that cannot be given back is lost: there is nobody to tell.
        // SAFETY: the status comes from the call above and is used once.
        let _ = unsafe { ort::Error::result_from_status(status) };
        // SAFETY: made by `new`, and used for the last time above.
        unsafe { (api.ReleaseAllocator)(self.allocator.as_ptr()) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::testing::session;

    #[test]
    fn more_than_there_is_is_none() {
        let (environment, session) = session();
        let place = Place::host().unwrap();
        let memory = DeviceMemory::new(environment, session, place, 1 << 60).unwrap();
        assert!(memory.is_none());
    }

    #[test]
    fn it_begins_with_zeros_where_something_else_was() {
        let (environment, session) = session();
        let place = Place::host().unwrap();
        let bytes = ZEROS + 3;
        for _ in 0..2 {
            let memory = DeviceMemory::new(environment, session, place, bytes).unwrap();
            let mut memory = memory.unwrap();
            assert!(
                memory
                    .read(&(0..bytes))
                    .unwrap()
                    .iter()
                    .all(|&byte| byte == 0)
            );
            memory.write(0, &vec![7; bytes]).unwrap();
        }
    }
}
