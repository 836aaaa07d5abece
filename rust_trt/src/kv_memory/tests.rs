use super::*;
use crate::memory::testing::memories;

const F16: Division = Division {
    parts: 2,
    rows: 3,
    heads: 2,
    capacity: 4,
    width: 1,
    dtype: KvDtype::F16,
};
const F32: Division = Division {
    dtype: KvDtype::F32,
    ..F16
};

/// Each type of numbers in each kind of memory, all zeros.
fn empty() -> Vec<KvMemory> {
    let both = |division: Division| {
        memories(division.total().unwrap()).map(|memory| KvMemory::new(memory, division))
    };
    [F32, F16].into_iter().flat_map(both).collect()
}

/// What a number's bytes are: where it was written.
fn mark(dtype: KvDtype, part: usize, row: usize, head: usize, position: usize) -> Vec<u8> {
    let number = (part * 1000 + row * 100 + head * 10 + position) as u32;
    number.to_le_bytes()[..dtype.bytes()].to_vec()
}

/// Every place of a number.
fn places() -> impl Iterator<Item = (usize, usize, usize, usize)> {
    (0..48).map(|index| (index / 24, index / 8 % 3, index / 4 % 2, index % 4))
}

fn at(memory: &KvMemory, part: usize, row: usize, head: usize, position: usize) -> Vec<u8> {
    let upto = memory.division.head(part, row, head, position + 1);
    let range = upto.end - memory.division.position()..upto.end;
    memory.memory.read(&range).unwrap()
}

/// The same with every number in its place.
fn filled() -> Vec<KvMemory> {
    let mut all = empty();
    for memory in &mut all {
        for (part, row, head, position) in places() {
            let end = memory.division.head(part, row, head, position + 1).end;
            let bytes = mark(memory.division.dtype, part, row, head, position);
            memory.memory.write(end - bytes.len(), &bytes).unwrap();
        }
    }
    all
}

/// Every number is the one that was written at the place that `from` gives.
fn assert_moved(
    memory: &KvMemory,
    from: impl Fn(usize, usize) -> usize, // the row, by row and position
) {
    for (part, row, head, position) in places() {
        let dtype = memory.division.dtype;
        assert_eq!(
            at(memory, part, row, head, position),
            mark(dtype, part, from(row, position), head, position),
            "{memory:?}"
        );
    }
}

#[test]
fn it_begins_with_zeros_and_reads_what_was_written() {
    for memory in empty() {
        assert!(places().all(|(part, row, head, position)| {
            at(&memory, part, row, head, position) == vec![0; memory.division.dtype.bytes()]
        }));
    }
    for memory in filled() {
        let expected = mark(memory.division.dtype, 0, 2, 0, 3);
        assert_eq!(memory.read(2, 3).unwrap(), expected);
    }
}

#[test]
fn a_copy_is_of_every_head_of_every_part_and_only_so_long() {
    for mut memory in filled() {
        memory.copy(0, 2, 2).unwrap();
        assert_moved(
            &memory,
            |row, position| {
                if row == 2 && position < 2 { 0 } else { row }
            },
        );
    }
}

#[test]
fn an_exchange_is_of_two_rows_and_only_so_long() {
    for mut memory in filled() {
        memory.exchange(1, 2, 3).unwrap();
        assert_moved(&memory, |row, position| {
            if row > 0 && position < 3 {
                3 - row
            } else {
                row
            }
        });
    }
}

#[test]
#[allow(unsafe_code)] // the view is dropped before its memory
fn a_view_is_neighbouring_rows_of_one_part() {
    for memory in filled() {
        // SAFETY: see above; nothing runs.
        let view = unsafe { memory.view(1, 1..3).unwrap() };
        assert_eq!(view.shape().to_vec(), [2, 2, 4, 1]);
        let bytes = memory.division.dtype.bytes();
        // SAFETY: as many numbers as the shape says, of the memory that is shown.
        let shown = unsafe { std::slice::from_raw_parts(view.data_ptr().cast::<u8>(), 16 * bytes) };
        let expected: Vec<u8> = places()
            .filter(|&(part, row, ..)| part == 1 && row > 0)
            .flat_map(|(part, row, head, position)| {
                mark(memory.division.dtype, part, row, head, position)
            })
            .collect();
        assert_eq!(shown, expected);
    }
}

#[test]
fn sixteen_bits_take_half_of_thirty_two() {
    assert_eq!(F32.total().unwrap(), 2 * F16.total().unwrap());
    assert_eq!(F16.total().unwrap(), (48 + 8) * 2);
}

#[test]
fn more_than_can_be_counted_is_no_memory() {
    let division = Division {
        capacity: usize::MAX / 2,
        ..F32
    };
    assert!(division.total().is_none());
}
