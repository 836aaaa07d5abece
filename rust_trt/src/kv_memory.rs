//! The memory of all rows' keys and values, and the views that the runtime binds.
//!
//! ```text
//! [layer · part][row][kv head][position][head dim]     f32 or f16, one allocation
//! one row of one part                                  what an exchange puts aside
//! ```
//!
//! Within a layer's part the rows lie one after another, so that any range of
//! neighbouring rows is one tensor `[rows, kv heads, capacity, head dim]`.

use std::ops::Range;

use ort::value::{DynTensor, TensorElementType};

use crate::manifest::KvDtype;
use crate::memory::{Memory, Move};

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
    /// Type of the numbers.
    pub(crate) dtype: KvDtype,
}

impl Division {
    /// Bytes of one position of one head.
    fn position(&self) -> usize {
        self.width * self.dtype.bytes()
    }

    /// Bytes of one row of one part.
    fn row(&self) -> usize {
        self.heads * self.capacity * self.position()
    }

    /// Bytes to allocate; `None` when they cannot be counted.
    pub(crate) fn total(&self) -> Option<usize> {
        let row = [self.heads, self.capacity, self.width]
            .into_iter()
            .try_fold(self.dtype.bytes(), usize::checked_mul)?;
        let rows = self.parts.checked_mul(self.rows)?.checked_add(1)?;
        row.checked_mul(rows)
    }

    /// The first `positions` of one head.
    fn head(&self, part: usize, row: usize, head: usize, positions: usize) -> Range<usize> {
        assert!(row < self.rows && head < self.heads && positions <= self.capacity);
        let heads = (part * self.rows + row) * self.heads + head;
        let start = heads * self.capacity * self.position();
        start..start + positions * self.position()
    }
}

/// See the module's documentation.
#[derive(Debug)]
pub(crate) struct KvMemory {
    memory: Box<dyn Memory>,
    division: Division,
}

impl KvMemory {
    /// `memory` has as many bytes as `division` needs.
    pub(crate) fn new(memory: Box<dyn Memory>, division: Division) -> Self {
        Self { memory, division }
    }

    /// Neighbouring `rows` of a part as `[rows, heads, capacity, width]`.
    ///
    /// # Safety
    /// The tensor and all that it is bound to must be gone before this memory is, and
    /// nothing may run on it during a call of any method of this memory.
    #[allow(unsafe_code)] // see `memory`
    pub(crate) unsafe fn view(&self, part: usize, rows: Range<usize>) -> ort::Result<DynTensor> {
        let Division {
            parts,
            rows: all,
            heads,
            capacity,
            width,
            dtype,
        } = self.division;
        assert!(part < parts && rows.start < rows.end && rows.end <= all);
        let start = (part * all + rows.start) * self.division.row();
        let range = start..start + rows.len() * self.division.row();
        let element = match dtype {
            KvDtype::F32 => TensorElementType::Float32,
            KvDtype::F16 => TensorElementType::Float16,
        };
        // SAFETY: as the caller promised.
        unsafe {
            self.memory
                .tensor(&range, element, &[rows.len(), heads, capacity, width])
        }
    }

    /// Copies the first `positions` of one row to another.
    ///
    /// # Errors
    /// A device's own.
    pub(crate) fn copy(&mut self, from: usize, to: usize, positions: usize) -> ort::Result<()> {
        if from == to || positions == 0 {
            return Ok(());
        }
        let moves: Vec<Move> = (0..self.division.parts)
            .flat_map(|part| self.moves(part, from, to, positions))
            .collect();
        self.memory.copy(&moves)
    }

    /// Exchanges the first `positions` of two rows.
    ///
    /// # Errors
    /// A device's own; then both rows may hold anything.
    pub(crate) fn exchange(
        &mut self,
        one: usize,
        other: usize,
        positions: usize,
    ) -> ort::Result<()> {
        if one == other || positions == 0 {
            return Ok(());
        }
        let start = |part, row| self.division.head(part, row, 0, 0).start;
        let aside = self.division.parts * self.division.rows * self.division.row();
        for part in 0..self.division.parts {
            let there = self.moves(part, one, other, positions);
            let back = self.moves(part, other, one, positions);
            let shifted = |position: usize| aside + position - start(part, one);
            let put_aside: Vec<Move> = there
                .iter()
                .map(|step| Move {
                    from: step.from.clone(),
                    to: shifted(step.from.start),
                })
                .collect();
            let taken_up: Vec<Move> = there
                .iter()
                .map(|step| Move {
                    from: shifted(step.from.start)..shifted(step.from.end),
                    to: step.to,
                })
                .collect();
            for moves in [put_aside, back, taken_up] {
                self.memory.copy(&moves)?;
            }
        }
        Ok(())
    }

    /// The bytes of a row's first head at `position`, of the first part.
    ///
    /// # Errors
    /// A device's own.
    pub(crate) fn read(&self, row: usize, position: usize) -> ort::Result<Vec<u8>> {
        let upto = self.division.head(0, row, 0, position + 1);
        self.memory
            .read(&(upto.end - self.division.position()..upto.end))
    }

    /// What brings a part of one row to another.
    fn moves(&self, part: usize, from: usize, to: usize, positions: usize) -> Vec<Move> {
        (0..self.division.heads)
            .map(|head| Move {
                from: self.division.head(part, from, head, positions),
                to: self.division.head(part, to, head, positions).start,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests;
