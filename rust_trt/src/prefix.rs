//! Which tokens each slot holds, and which slot a new prompt should take.
//!
//! The slot of an ended answer stays as it is. A prompt that begins with the same
//! tokens takes that slot over, or copies its beginning, and is spared computing it.
//!
//! Only whole chunks that were computed as chunks of a prompt are used again. A key
//! that was computed for one token of an answer, or in a chunk that began elsewhere,
//! is rounded differently; an answer would then depend on what was asked before, and
//! a seed would no longer give the same one.

/// One slot.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Slot {
    /// What it holds, position by position.
    tokens: Vec<u32>,
    /// Positions that were computed in whole chunks from the beginning.
    exact: usize,
    /// When it was used last.
    used: u64,
    /// A sequence has it.
    taken: bool,
}

/// A slot for a new prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// The slot.
    pub slot: usize,
    /// Whose beginning it is to get; often the slot itself.
    pub from: usize,
    /// How many positions of the prompt are there already; a multiple of the chunk
    /// and less than the prompt.
    pub cached: usize,
}

/// A chunk of an ended answer that can be made usable by computing it as a prompt's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsettled {
    /// The slot.
    pub slot: usize,
    /// Where the chunk begins.
    pub past: usize,
    /// The chunk.
    pub tokens: Vec<u32>,
}

/// What the slots hold. Pure bookkeeping: whoever uses it moves the numbers.
#[derive(Debug)]
pub struct Prefixes {
    slots: Vec<Slot>,
    chunk: usize,
    clock: u64,
}

impl Prefixes {
    /// So many empty slots, for prompts fed in chunks of `chunk`.
    #[must_use]
    pub fn new(slots: usize, chunk: usize) -> Self {
        Self {
            slots: vec![Slot::default(); slots],
            chunk,
            clock: 0,
        }
    }

    /// Rows there are.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.slots.len()
    }

    /// Takes a slot for `prompt`; `None` when all are taken.
    ///
    /// The slot with the longest usable beginning gives it. It is taken over when at
    /// least half of it belongs to the prompt: then it is the same chat, going on.
    /// Otherwise its beginning goes to the slot least recently used, and both stay.
    pub fn take(&mut self, prompt: &[u32]) -> Option<Taken> {
        let free = || (0..self.slots.len()).filter(|&slot| !self.slots[slot].taken);
        let oldest = free().min_by_key(|&slot| (self.slots[slot].used, slot))?;
        let best = free()
            .map(|slot| (self.usable(slot, prompt), self.slots[slot].used, slot))
            .max()
            .map(|(cached, _, slot)| (cached, slot));
        let (cached, from) = best
            .filter(|&(cached, _)| cached > 0)
            .unwrap_or((0, oldest));
        let held = self.slots[from].tokens.len();
        let slot = if 2 * common(&self.slots[from].tokens, prompt) >= held {
            from
        } else {
            oldest
        };
        self.slots[slot] = Slot {
            tokens: prompt[..cached].to_vec(),
            exact: cached,
            used: self.slots[slot].used,
            taken: true,
        };
        Some(Taken { slot, from, cached })
    }

    /// Its sequence ended, having fed `tokens`, of which the first `prefilled` were
    /// fed in chunks.
    pub fn release(&mut self, slot: usize, tokens: &[u32], prefilled: usize) {
        self.clock += 1;
        self.slots[slot] = Slot {
            tokens: tokens.to_vec(),
            exact: self.whole_chunks(prefilled.min(tokens.len())),
            // An empty slot goes before any that holds something.
            used: if tokens.is_empty() { 0 } else { self.clock },
            taken: false,
        };
    }

    /// The next chunk to settle, of the slot last used.
    #[must_use]
    pub fn unsettled(&self) -> Option<Unsettled> {
        self.slots
            .iter()
            .enumerate()
            .filter(|(_, slot)| !slot.taken && slot.exact + self.chunk <= slot.tokens.len())
            .max_by_key(|(_, slot)| slot.used)
            .map(|(index, slot)| Unsettled {
                slot: index,
                past: slot.exact,
                tokens: slot.tokens[slot.exact..slot.exact + self.chunk].to_vec(),
            })
    }

    /// The chunk that [`Prefixes::unsettled`] gave for `slot` was computed.
    pub fn settle(&mut self, slot: usize) {
        self.slots[slot].exact += self.chunk;
    }

    /// Positions of `slot` that `prompt` can use: at least one token is left to feed,
    /// since its logits are wanted.
    fn usable(&self, slot: usize, prompt: &[u32]) -> usize {
        let slot = &self.slots[slot];
        let equal = common(&slot.tokens, prompt).min(slot.exact);
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

    /// Runs a prompt and an answer through a slot and returns what was taken.
    fn run(prefixes: &mut Prefixes, prompt: &[u32], answer: &[u32]) -> Taken {
        let taken = prefixes.take(prompt).unwrap();
        prefixes.release(taken.slot, &[prompt, answer].concat(), prompt.len());
        taken
    }

    #[test]
    fn the_next_turn_takes_the_slot_over_up_to_a_whole_chunk() {
        let mut prefixes = Prefixes::new(3, CHUNK);
        let first = run(&mut prefixes, &tokens(0, 10), &[90, 91]);
        assert_eq!(first.cached, 0);
        let next = [&tokens(0, 10), &[90, 91, 50][..]].concat();
        // 12 tokens are equal, but those after the 8th were not prefilled in a whole chunk.
        let expected = Taken {
            slot: first.slot,
            from: first.slot,
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
        prefixes.settle(unsettled.slot);
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
        assert_eq!((taken.from, taken.cached), (chat.slot, 8));
        assert_ne!(taken.slot, chat.slot);
        prefixes.release(taken.slot, &other, other.len());
        assert_eq!(prefixes.take(&tokens(0, 41)).unwrap().cached, 40);
    }

    #[test]
    fn the_least_recently_used_goes_first() {
        let mut prefixes = Prefixes::new(2, CHUNK);
        let a = run(&mut prefixes, &tokens(0, 9), &[]);
        let b = run(&mut prefixes, &tokens(100, 9), &[]);
        run(&mut prefixes, &tokens(0, 9), &[]);
        let c = run(&mut prefixes, &tokens(200, 9), &[]);
        assert_eq!(c.slot, b.slot, "a was used again");
        assert_eq!(run(&mut prefixes, &tokens(0, 9), &[]).cached, 8);
        assert_eq!(run(&mut prefixes, &tokens(100, 9), &[]).slot, b.slot);
        assert_ne!(a.slot, b.slot);
    }

    #[test]
    fn a_taken_slot_is_nobody_elses() {
        let mut prefixes = Prefixes::new(2, CHUNK);
        let a = prefixes.take(&tokens(0, 9)).unwrap();
        let b = prefixes.take(&tokens(0, 9)).unwrap();
        assert_ne!(a.slot, b.slot);
        assert_eq!(prefixes.take(&tokens(0, 9)), None);
    }

    #[test]
    fn a_failed_row_is_empty() {
        let mut prefixes = Prefixes::new(1, CHUNK);
        let taken = prefixes.take(&tokens(0, 9)).unwrap();
        prefixes.release(taken.slot, &[], 0);
        assert_eq!(prefixes.take(&tokens(0, 9)).unwrap().cached, 0);
    }

    proptest! {
        /// Beside it goes a plain record of what is in each slot and how it got there.
        #[test]
        fn what_is_used_again_is_what_a_cold_prefill_computes(
            steps in prop::collection::vec(
                (prop::collection::vec(0u32..2, 1..14), 0usize..8, any::<bool>()),
                1..30,
            ),
        ) {
            let mut prefixes = Prefixes::new(3, CHUNK);
            // For each slot and position: the token, and whether a chunk computed it.
            let mut truth: Vec<Vec<(u32, bool)>> = vec![Vec::new(); 3];
            for (prompt, answered, settles) in steps {
                let taken = prefixes.take(&prompt).unwrap();
                prop_assert!(taken.cached < prompt.len());
                prop_assert_eq!(taken.cached % CHUNK, 0);
                let beginning = truth[taken.from][..taken.cached].to_vec();
                let expected: Vec<_> =
                    prompt[..taken.cached].iter().map(|&token| (token, true)).collect();
                prop_assert_eq!(&beginning, &expected);
                let whole = prompt.len() / CHUNK * CHUNK;
                let mut slot: Vec<_> = prompt
                    .iter()
                    .enumerate()
                    .map(|(at, &token)| (token, at < whole))
                    .collect();
                slot.extend((0..answered).map(|at| ((at % 2) as u32, false)));
                let fed: Vec<u32> = slot.iter().map(|&(token, _)| token).collect();
                truth[taken.slot] = slot;
                prefixes.release(taken.slot, &fed, prompt.len());
                if settles && let Some(unsettled) = prefixes.unsettled() {
                    for (at, &token) in unsettled.tokens.iter().enumerate() {
                        prop_assert_eq!(truth[unsettled.slot][unsettled.past + at].0, token);
                        truth[unsettled.slot][unsettled.past + at].1 = true;
                    }
                    prefixes.settle(unsettled.slot);
                }
            }
        }
    }
}
