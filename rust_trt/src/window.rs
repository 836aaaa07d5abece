//! Which rows decode together: neighbours, because a step is bound to one range of
//! rows.
//!
//! A row that joins or leaves in the wrong place changes places with one at an
//! edge. That copies what two rows hold once for an answer, where a gap would be
//! computed with every token of it.

use std::ops::Range;

/// The rows that decode.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Window {
    rows: Range<usize>,
}

impl Window {
    /// The rows, lowest first.
    #[must_use]
    pub fn rows(&self) -> Range<usize> {
        self.rows.clone()
    }

    /// Grows by one for `row`, which is outside of it; there are `all` rows. Returns
    /// the row that `row` has to change places with to be inside: itself where it is
    /// a neighbour, else the neighbour that costs less to move.
    pub fn join(&mut self, row: usize, all: usize, cost: impl Fn(usize) -> usize) -> usize {
        debug_assert!(!self.rows.contains(&row) && row < all);
        if self.rows.is_empty() {
            self.rows = row..row + 1;
            return row;
        }
        let before = self.rows.start.checked_sub(1);
        let after = (self.rows.end < all).then_some(self.rows.end);
        let place = match (before, after) {
            (Some(before), _) if before == row => before,
            (_, Some(after)) if after == row => after,
            (Some(before), Some(after)) if cost(before) < cost(after) => before,
            (_, Some(after)) => after,
            (Some(before), None) => before,
            (None, None) => unreachable!("a row outside means that the window can grow"),
        };
        if Some(place) == before {
            self.rows.start = place;
        } else {
            self.rows.end = place + 1;
        }
        place
    }

    /// Shrinks by one for `row`, which is inside. Returns the row that `row` has to
    /// change places with to be outside: itself at an edge, else the edge that costs
    /// less to move.
    pub fn leave(&mut self, row: usize, cost: impl Fn(usize) -> usize) -> usize {
        debug_assert!(self.rows.contains(&row));
        let (first, last) = (self.rows.start, self.rows.end - 1);
        let place = if row == first || row == last {
            row
        } else if cost(first) < cost(last) {
            first
        } else {
            last
        };
        if place == last {
            self.rows.end -= 1;
        } else {
            self.rows.start += 1;
        }
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn window(rows: Range<usize>) -> Window {
        Window { rows }
    }

    #[test]
    fn the_first_decodes_where_it_is() {
        let mut window = Window::default();
        assert_eq!(window.join(5, 8, |_| 0), 5);
        assert_eq!(window.rows(), 5..6);
    }

    #[test]
    fn neighbours_join_without_moving() {
        let mut window = window(3..4);
        assert_eq!(window.join(4, 8, |_| 9), 4);
        assert_eq!(window.join(2, 8, |_| 9), 2);
        assert_eq!(window.rows(), 2..5);
    }

    #[test]
    fn the_cheaper_edge_moves() {
        let cost = |row: usize| [7, 1, 0, 0, 2, 7][row];
        let mut window = window(2..4);
        assert_eq!(window.join(5, 6, cost), 1);
        assert_eq!(window.rows(), 1..4);
        window.rows = 0..6;
        assert_eq!(window.leave(2, |row| row), 0);
        assert_eq!(window.rows(), 1..6);
    }

    proptest! {
        #[test]
        fn the_window_holds_exactly_those_that_joined(
            moves in prop::collection::vec((0usize..6, any::<bool>()), 0..60),
        ) {
            // Which sequence is in each row, and which of them decode.
            let mut rows: Vec<usize> = (0..6).collect();
            let mut inside = [false; 6];
            let mut window = Window::default();
            for (sequence, cheap_first) in moves {
                let row = rows.iter().position(|&s| s == sequence).unwrap();
                let cost = |row: usize| if cheap_first { row } else { 6 - row };
                let place = if inside[sequence] {
                    window.leave(row, cost)
                } else {
                    window.join(row, 6, cost)
                };
                inside[sequence] = !inside[sequence];
                rows.swap(row, place);
                for (row, &sequence) in rows.iter().enumerate() {
                    prop_assert_eq!(window.rows().contains(&row), inside[sequence]);
                }
            }
        }
    }
}
