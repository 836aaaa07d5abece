//! Which tokens each row holds, and which row a new prompt should take.
//!
//! The row of an ended answer stays as it is. A prompt that begins with the same
//! tokens takes that row over, or copies its beginning, and is spared computing it.
//!
//! Only whole chunks that were computed as chunks of a prompt are used again. A key
//! that was computed for one token of an answer, or in a chunk that began elsewhere,
//! is rounded differently; an answer would then depend on what was asked before, and
//! a seed would no longer give the same one.

/// One row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Row {
    /// What it holds, position by position.
    tokens: Vec<u32>,
    /// Positions that were computed in whole chunks from the beginning.
    exact: usize,
    /// When it was used last.
    used: u64,
    /// A sequence has it.
    taken: bool,
}

/// A row for a new prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// The row.
    pub row: usize,
    /// Whose beginning it is to get; often the row itself.
    pub from: usize,
    /// How many positions of the prompt are there already; a multiple of the chunk
    /// and less than the prompt.
    pub cached: usize,
}

/// A chunk of an ended answer that can be made usable by computing it as a prompt's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsettled {
    /// The row.
    pub row: usize,
    /// Where the chunk begins.
    pub past: usize,
    /// The chunk.
    pub tokens: Vec<u32>,
}

/// What the rows hold. Pure bookkeeping: whoever uses it moves the numbers.
#[derive(Debug)]
pub struct Prefixes {
    rows: Vec<Row>,
    chunk: usize,
    clock: u64,
}

impl Prefixes {
    /// So many empty rows, for prompts fed in chunks of `chunk`.
    #[must_use]
    pub fn new(rows: usize, chunk: usize) -> Self {
        Self {
            rows: vec![Row::default(); rows],
            chunk,
            clock: 0,
        }
    }

    /// Rows there are.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows.len()
    }

    /// Takes a row for `prompt`; `None` when all are taken.
    ///
    /// The row with the longest usable beginning gives it. It is taken over when at
    /// least half of it belongs to the prompt: then it is the same chat, going on.
    /// Otherwise its beginning goes to the row least recently used, and both stay.
    pub fn take(&mut self, prompt: &[u32]) -> Option<Taken> {
        let free = || (0..self.rows.len()).filter(|&row| !self.rows[row].taken);
        let oldest = free().min_by_key(|&row| (self.rows[row].used, row))?;
        let best = free()
            .map(|row| (self.usable(row, prompt), self.rows[row].used, row))
            .max()
            .map(|(cached, _, row)| (cached, row));
        let (cached, from) = best
            .filter(|&(cached, _)| cached > 0)
            .unwrap_or((0, oldest));
        let held = self.rows[from].tokens.len();
        let row = if 2 * common(&self.rows[from].tokens, prompt) >= held {
            from
        } else {
            oldest
        };
        self.rows[row] = Row {
            tokens: prompt[..cached].to_vec(),
            exact: cached,
            used: self.rows[row].used,
            taken: true,
        };
        Some(Taken { row, from, cached })
    }

    /// Its sequence ended, having fed `tokens`, of which the first `prefilled` were
    /// fed in chunks.
    pub fn release(&mut self, row: usize, tokens: &[u32], prefilled: usize) {
        self.clock += 1;
        self.rows[row] = Row {
            tokens: tokens.to_vec(),
            exact: self.whole_chunks(prefilled.min(tokens.len())),
            // An empty row goes before any that holds something.
            used: if tokens.is_empty() { 0 } else { self.clock },
            taken: false,
        };
    }

    /// What two rows hold has changed places.
    pub fn exchange(&mut self, one: usize, other: usize) {
        self.rows.swap(one, other);
    }

    /// Positions of a free row that count for something.
    #[must_use]
    pub fn held(&self, row: usize) -> usize {
        self.rows[row].tokens.len()
    }

    /// The next chunk to settle, of the row last used.
    #[must_use]
    pub fn unsettled(&self) -> Option<Unsettled> {
        self.rows
            .iter()
            .enumerate()
            .filter(|(_, row)| !row.taken && row.exact + self.chunk <= row.tokens.len())
            .max_by_key(|(_, row)| row.used)
            .map(|(index, row)| Unsettled {
                row: index,
                past: row.exact,
                tokens: row.tokens[row.exact..row.exact + self.chunk].to_vec(),
            })
    }

    /// The chunk that [`Prefixes::unsettled`] gave for `row` was computed.
    pub fn settle(&mut self, row: usize) {
        self.rows[row].exact += self.chunk;
    }

    /// Positions of `row` that `prompt` can use: at least one token is left to feed,
    /// since its logits are wanted.
    fn usable(&self, row: usize, prompt: &[u32]) -> usize {
        let row = &self.rows[row];
        let equal = common(&row.tokens, prompt).min(row.exact);
        self.whole_chunks(equal.min(prompt.len().saturating_sub(1)))
    }

    fn whole_chunks(&self, positions: usize) -> usize {
        positions / self.chunk * self.chunk
    }
}

/// Length of the longest common beginning.
fn common(one: &[u32], other: &[u32]) -> usize {
    one.iter().zip(other).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CHUNK: usize = 4;

    fn tokens(from: u32, count: usize) -> Vec<u32> {
        (from..).take(count).collect()
    }

    /// Runs a prompt and an answer through a row and returns what was taken.
    fn run(prefixes: &mut Prefixes, prompt: &[u32], answer: &[u32]) -> Taken {
        let taken = prefixes.take(prompt).unwrap();
        prefixes.release(taken.row, &[prompt, answer].concat(), prompt.len());
        taken
    }

    #[test]
    fn the_next_turn_takes_the_row_over_up_to_a_whole_chunk() {
        let mut prefixes = Prefixes::new(3, CHUNK);
        let first = run(&mut prefixes, &tokens(0, 10), &[90, 91]);
        assert_eq!(first.cached, 0);
        let next = [&tokens(0, 10), &[90, 91, 50][..]].concat();
        // 12 tokens are equal, but those after the 8th were not prefilled in a whole chunk.
        let expected = Taken {
            row: first.row,
            from: first.row,
            cached: 8,
        };
        assert_eq!(prefixes.take(&next), Some(expected));
    }

    #[test]
    fn a_settled_answer_counts_as_well() {
        let mut prefixes = Prefixes::new(1, CHUNK);
        run(&mut prefixes, &tokens(0, 10), &[90, 91, 92]);
        let unsettled = prefixes.unsettled().unwrap();
        assert_eq!((unsettled.past, unsettled.tokens), (8, vec![8, 9, 90, 91]));
        prefixes.settle(unsettled.row);
        assert_eq!(prefixes.unsettled(), None);
        let next = [&tokens(0, 10), &[90, 91, 92, 93][..]].concat();
        assert_eq!(prefixes.take(&next).unwrap().cached, 12);
    }

    #[test]
    fn the_same_prompt_again_leaves_a_token_to_feed() {
        let mut prefixes = Prefixes::new(1, CHUNK);
        run(&mut prefixes, &tokens(0, 8), &[]);
        assert_eq!(prefixes.take(&tokens(0, 8)).unwrap().cached, 4);
    }

    #[test]
    fn another_chat_with_the_same_beginning_copies_it() {
        let mut prefixes = Prefixes::new(2, CHUNK);
        let chat = run(&mut prefixes, &tokens(0, 40), &[]);
        let other = [tokens(0, 8), tokens(500, 8)].concat();
        let taken = prefixes.take(&other).unwrap();
        assert_eq!((taken.from, taken.cached), (chat.row, 8));
        assert_ne!(taken.row, chat.row);
        prefixes.release(taken.row, &other, other.len());
        assert_eq!(prefixes.take(&tokens(0, 41)).unwrap().cached, 40);
    }

    #[test]
    fn the_least_recently_used_goes_first() {
        let mut prefixes = Prefixes::new(2, CHUNK);
        let a = run(&mut prefixes, &tokens(0, 9), &[]);
        let b = run(&mut prefixes, &tokens(100, 9), &[]);
        run(&mut prefixes, &tokens(0, 9), &[]);
        let c = run(&mut prefixes, &tokens(200, 9), &[]);
        assert_eq!(c.row, b.row, "a was used again");
        assert_eq!(run(&mut prefixes, &tokens(0, 9), &[]).cached, 8);
        assert_eq!(run(&mut prefixes, &tokens(100, 9), &[]).row, b.row);
        assert_ne!(a.row, b.row);
    }

    #[test]
    fn a_taken_row_is_nobody_elses() {
        let mut prefixes = Prefixes::new(2, CHUNK);
        let a = prefixes.take(&tokens(0, 9)).unwrap();
        let b = prefixes.take(&tokens(0, 9)).unwrap();
        assert_ne!(a.row, b.row);
        assert_eq!(prefixes.take(&tokens(0, 9)), None);
    }

    #[test]
    fn a_failed_row_is_empty() {
        let mut prefixes = Prefixes::new(1, CHUNK);
        let taken = prefixes.take(&tokens(0, 9)).unwrap();
        prefixes.release(taken.row, &[], 0);
        assert_eq!(prefixes.take(&tokens(0, 9)).unwrap().cached, 0);
    }

    proptest! {
        /// Beside it goes a plain record of what is in each row and how it got there.
        #[test]
        fn what_is_used_again_is_what_a_cold_prefill_computes(
            steps in prop::collection::vec(
                (prop::collection::vec(0u32..2, 1..14), 0usize..8, any::<bool>(), any::<bool>()),
                1..30,
            ),
        ) {
            let mut prefixes = Prefixes::new(3, CHUNK);
            // For each row and position: the token, and whether a chunk computed it.
            let mut truth: Vec<Vec<(u32, bool)>> = vec![Vec::new(); 3];
            for (prompt, answered, settles, exchanges) in steps {
                let taken = prefixes.take(&prompt).unwrap();
                prop_assert!(taken.cached < prompt.len());
                prop_assert_eq!(taken.cached % CHUNK, 0);
                let beginning = truth[taken.from][..taken.cached].to_vec();
                let expected: Vec<_> =
                    prompt[..taken.cached].iter().map(|&token| (token, true)).collect();
                prop_assert_eq!(&beginning, &expected);
                let whole = prompt.len() / CHUNK * CHUNK;
                let mut row: Vec<_> = prompt
                    .iter()
                    .enumerate()
                    .map(|(at, &token)| (token, at < whole))
                    .collect();
                row.extend((0..answered).map(|at| ((at % 2) as u32, false)));
                let fed: Vec<u32> = row.iter().map(|&(token, _)| token).collect();
                truth[taken.row] = row;
                prefixes.release(taken.row, &fed, prompt.len());
                if settles && let Some(unsettled) = prefixes.unsettled() {
                    for (at, &token) in unsettled.tokens.iter().enumerate() {
                        prop_assert_eq!(truth[unsettled.row][unsettled.past + at].0, token);
                        truth[unsettled.row][unsettled.past + at].1 = true;
                    }
                    prefixes.settle(unsettled.row);
                }
                if exchanges {
                    truth.swap(0, 2);
                    prefixes.exchange(0, 2);
                }
            }
        }
    }
}
