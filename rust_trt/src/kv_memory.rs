//! The memory of all rows' keys and values, and the views that the runtime binds.
//!
//! ```text
//! [layer · part][row][kv head][position][head dim]     f32, one allocation
//! ```
//!
//! Within a layer's part the rows lie one after another, so that any range of
//! neighbouring rows is one tensor `[rows, kv heads, capacity, head dim]`. The
//! system maps a page when it is first written: a row that nobody uses costs
//! address space and no memory.
//!
//! Unsafe, as is the one call in `cache` that binds a view: the runtime writes through a view of memory that
//! other views show too, which references cannot express.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ops::Range;
use std::ptr::NonNull;

use ort::AsPointer;
use ort::memory::{Allocator, MemoryInfo};
use ort::value::{Shape, Tensor, Value};

/// Alignment that the system's allocator gives by itself: for a larger one it would
/// fetch memory first and write zeros into it.
const ALIGNMENT: usize = 16;

/// Zeroed memory that is only touched through pointers.
#[derive(Debug)]
struct Zeroed {
    start: NonNull<f32>,
    layout: Layout,
}

// SAFETY: it owns its memory, as a `Vec<f32>` does; no thread has any part in it.
unsafe impl Send for Zeroed {}

impl Zeroed {
    fn new(numbers: usize) -> Option<Self> {
        let bytes = numbers.max(1).checked_mul(size_of::<f32>())?;
        let layout = Layout::from_size_align(bytes, ALIGNMENT).ok()?;
        // SAFETY: the layout's size is not zero.
        let start = NonNull::new(unsafe { alloc_zeroed(layout) })?.cast();
        Some(Self { start, layout })
    }

    fn numbers(&self) -> usize {
        self.layout.size() / size_of::<f32>()
    }

    /// A pointer to `range`, which must lie inside.
    fn at(&self, range: &Range<usize>) -> *mut f32 {
        assert!(range.start <= range.end && range.end <= self.numbers());
        // SAFETY: checked to lie in the allocation.
        unsafe { self.start.as_ptr().add(range.start) }
    }

    /// A tensor that is `range`.
    ///
    /// # Safety
    /// This memory must outlive the tensor and all that it is bound to.
    unsafe fn tensor(&self, range: &Range<usize>, shape: [usize; 4]) -> ort::Result<Tensor<f32>> {
        assert_eq!(shape.iter().product::<usize>(), range.len());
        let memory = MemoryInfo::default();
        let shape = Shape::new(shape.map(|size| size as i64));
        let mut value = std::ptr::null_mut();
        // SAFETY: all pointers are valid for the call, and the memory for as long as
        // the caller promised.
        let status = unsafe {
            (ort::api().CreateTensorWithDataAsOrtValue)(
                memory.ptr(),
                self.at(range).cast(),
                range.len() * size_of::<f32>(),
                shape.as_ptr(),
                shape.len(),
                ort::sys::ONNXTensorElementDataType::ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT,
                &raw mut value,
            )
        };
        // SAFETY: the status comes from the call above and is used once.
        unsafe { ort::Error::result_from_status(status)? };
        let value = NonNull::new(value).ok_or_else(|| ort::Error::new("no tensor was made"))?;
        // SAFETY: a new tensor that nobody else holds.
        Ok(unsafe { Value::from_ptr(value, Some(&Allocator::default())) })
    }
}

impl Drop for Zeroed {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout, and nothing uses it any more.
        unsafe { dealloc(self.start.as_ptr().cast(), self.layout) }
    }
}

/// How the memory is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Division {
    /// Keys and values of all layers, counted one by one.
    pub(crate) parts: usize,
    /// Rows, each for one sequence.
    pub(crate) rows: usize,
    /// Key/value heads of a row.
    pub(crate) heads: usize,
    /// Positions of a head.
    pub(crate) capacity: usize,
    /// Numbers of a position.
    pub(crate) width: usize,
}

impl Division {
    fn row(&self) -> usize {
        self.heads * self.capacity * self.width
    }

    fn total(&self) -> Option<usize> {
        [self.parts, self.rows, self.heads, self.capacity, self.width]
            .into_iter()
            .try_fold(1usize, usize::checked_mul)
    }

    /// The first `positions` of one head.
    fn head(&self, part: usize, row: usize, head: usize, positions: usize) -> Range<usize> {
        assert!(row < self.rows && head < self.heads && positions <= self.capacity);
        let start = ((part * self.rows + row) * self.heads + head) * self.capacity * self.width;
        start..start + positions * self.width
    }

    fn heads(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let heads = self.heads;
        (0..self.parts).flat_map(move |part| (0..heads).map(move |head| (part, head)))
    }
}

/// See the module's documentation.
#[derive(Debug)]
pub(crate) struct KvMemory {
    memory: Zeroed,
    division: Division,
}

impl KvMemory {
    /// `None` when the system has not that much address space.
    pub(crate) fn new(division: Division) -> Option<Self> {
        let memory = Zeroed::new(division.total()?)?;
        Some(Self { memory, division })
    }

    /// Neighbouring `rows` of a part as `[rows, heads, capacity, width]`.
    ///
    /// # Safety
    /// The tensor and all that it is bound to must be gone before this memory is, and
    /// nothing may run on it during a call of any method of this memory.
    pub(crate) unsafe fn view(&self, part: usize, rows: Range<usize>) -> ort::Result<Tensor<f32>> {
        let Division {
            parts,
            rows: all,
            heads,
            capacity,
            width,
        } = self.division;
        assert!(part < parts && rows.start < rows.end && rows.end <= all);
        let start = (part * all + rows.start) * self.division.row();
        let range = start..start + rows.len() * self.division.row();
        // SAFETY: as the caller promised.
        unsafe {
            self.memory
                .tensor(&range, [rows.len(), heads, capacity, width])
        }
    }

    /// Copies the first `positions` of one row to another.
    pub(crate) fn copy(&mut self, from: usize, to: usize, positions: usize) {
        if from == to {
            return;
        }
        for (part, head) in self.division.heads() {
            let from = self.division.head(part, from, head, positions);
            let to = self.division.head(part, to, head, positions);
            // SAFETY: both lie in the allocation, in different rows, and `&mut self`
            // with the promise made for views means that nobody else uses them.
            unsafe {
                std::ptr::copy_nonoverlapping(
                    self.memory.at(&from),
                    self.memory.at(&to),
                    from.len(),
                );
            }
        }
    }

    /// Exchanges the first `positions` of two rows.
    pub(crate) fn exchange(&mut self, one: usize, other: usize, positions: usize) {
        if one == other {
            return;
        }
        for (part, head) in self.division.heads() {
            let one = self.division.head(part, one, head, positions);
            let other = self.division.head(part, other, head, positions);
            // SAFETY: as in `copy`.
            unsafe {
                std::ptr::swap_nonoverlapping(
                    self.memory.at(&one),
                    self.memory.at(&other),
                    one.len(),
                );
            }
        }
    }

    /// What a row's first head holds at `position`, of the first part.
    pub(crate) fn read(&self, row: usize, position: usize) -> Vec<f32> {
        let upto = self.division.head(0, row, 0, position + 1);
        let range = upto.end - self.division.width..upto.end;
        // SAFETY: it lies in the allocation, is initialised, and nobody writes.
        unsafe { std::slice::from_raw_parts(self.memory.at(&range), range.len()) }.to_vec()
    }

    #[cfg(test)]
    fn write(&mut self, part: usize, row: usize, head: usize, position: usize, number: f32) {
        let range = self.division.head(part, row, head, position + 1);
        let last = range.end - 1..range.end;
        // SAFETY: it lies in the allocation.
        unsafe { self.memory.at(&last).write(number) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIVISION: Division = Division {
        parts: 2,
        rows: 3,
        heads: 2,
        capacity: 4,
        width: 1,
    };

    /// Rows whose every number says where it was written.
    fn filled() -> KvMemory {
        let mut memory = KvMemory::new(DIVISION).unwrap();
        for part in 0..2 {
            for row in 0..3 {
                for head in 0..2 {
                    for position in 0..4 {
                        let number = part * 1000 + row * 100 + head * 10 + position;
                        memory.write(part, row, head, position, number as f32);
                    }
                }
            }
        }
        memory
    }

    fn numbers(memory: &KvMemory) -> Vec<f32> {
        let all = 0..memory.memory.numbers();
        // SAFETY: the whole allocation.
        unsafe { std::slice::from_raw_parts(memory.memory.at(&all), all.len()) }.to_vec()
    }

    #[test]
    fn it_begins_with_zeros_and_reads_what_was_written() {
        let memory = KvMemory::new(DIVISION).unwrap();
        assert_eq!(numbers(&memory), [0.0; 48]);
        assert_eq!(filled().read(2, 3), [203.0]);
    }

    #[test]
    fn a_copy_is_of_every_head_of_every_part_and_only_so_long() {
        let mut memory = filled();
        memory.copy(0, 2, 2);
        for (index, &number) in numbers(&memory).iter().enumerate() {
            let (part, row) = (index / 24, index / 8 % 3);
            let (head, position) = (index / 4 % 2, index % 4);
            let row = if row == 2 && position < 2 { 0 } else { row };
            assert_eq!(
                number,
                (part * 1000 + row * 100 + head * 10 + position) as f32
            );
        }
    }

    #[test]
    fn an_exchange_and_back_changes_nothing() {
        let mut memory = filled();
        memory.exchange(1, 2, 4);
        assert_eq!(memory.read(1, 0), [200.0]);
        assert_eq!(memory.read(2, 0), [100.0]);
        memory.exchange(2, 1, 4);
        assert_eq!(numbers(&memory), numbers(&filled()));
    }

    #[test]
    fn more_than_can_be_counted_is_no_memory() {
        let division = Division {
            capacity: usize::MAX / 2,
            ..DIVISION
        };
        assert!(KvMemory::new(division).is_none());
    }
}
