//! Stop strings, matched across the borders of tokens.

/// Finds the first stop string in a stream of text and lets nothing of it out.
#[derive(Debug)]
pub struct StopMatcher {
    stops: Vec<String>,
    /// Text that may be the beginning of a stop string.
    held: String,
}

/// What became of a piece of text.
#[derive(Debug, PartialEq, Eq)]
pub struct Released {
    /// Text that is certainly not part of a stop string.
    pub text: String,
    /// A stop string was completed; what follows it was dropped.
    pub stopped: bool,
}

impl StopMatcher {
    /// A matcher for `stops`, none of them empty.
    #[must_use]
    pub fn new(stops: Vec<String>) -> Self {
        Self {
            stops,
            held: String::new(),
        }
    }

    /// Takes the next piece and releases what no stop string can claim any more.
    /// After a stop nothing more is to be pushed.
    pub fn push(&mut self, piece: &str) -> Released {
        if self.stops.is_empty() {
            return Released {
                text: piece.to_owned(),
                stopped: false,
            };
        }
        self.held.push_str(piece);
        if let Some(start) = self.first_match() {
            self.held.truncate(start);
            return Released {
                text: std::mem::take(&mut self.held),
                stopped: true,
            };
        }
        let keep_from = self.held.len() - self.possible_beginning();
        let kept = self.held.split_off(keep_from);
        Released {
            text: std::mem::replace(&mut self.held, kept),
            stopped: false,
        }
    }

    /// Gives up what was held back: the answer ended without the stop string.
    pub fn finish(&mut self) -> String {
        std::mem::take(&mut self.held)
    }

    fn first_match(&self) -> Option<usize> {
        self.stops
            .iter()
            .filter_map(|stop| self.held.find(stop.as_str()))
            .min()
    }

    /// Length in bytes of the longest end of the text that begins a stop string.
    fn possible_beginning(&self) -> usize {
        let held = self.held.as_bytes();
        let longest = |stop: &String| {
            let stop = stop.as_bytes();
            // Both are valid UTF-8 and `stop` begins a character, so an equal run
            // of bytes begins at a border of characters in `held`, too.
            (1..stop.len().min(held.len() + 1))
                .rev()
                .find(|&length| held.ends_with(&stop[..length]))
                .unwrap_or(0)
        };
        self.stops.iter().map(longest).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn run(stops: &[&str], pieces: &[&str]) -> (String, bool) {
        let mut matcher = StopMatcher::new(stops.iter().map(|&s| s.to_owned()).collect());
        let mut out = String::new();
        for piece in pieces {
            let released = matcher.push(piece);
            out.push_str(&released.text);
            if released.stopped {
                return (out, true);
            }
        }
        out.push_str(&matcher.finish());
        (out, false)
    }

    #[test]
    fn a_stop_string_across_pieces_is_not_emitted() {
        assert_eq!(
            run(&["END"], &["one E", "N", "D two"]),
            ("one ".into(), true)
        );
    }

    #[test]
    fn a_false_beginning_is_released() {
        let mut matcher = StopMatcher::new(vec!["END".into()]);
        assert_eq!(matcher.push("E").text, "");
        assert_eq!(matcher.push("x").text, "Ex");
    }

    #[test]
    fn the_earliest_of_several_wins() {
        assert_eq!(run(&["c", "bc"], &["abcd"]), ("a".into(), true));
    }

    #[test]
    fn a_repeated_beginning_is_found() {
        assert_eq!(run(&["aab"], &["a", "a", "a", "b"]), ("a".into(), true));
    }

    #[test]
    fn multibyte_text_is_cut_at_characters() {
        assert_eq!(
            run(&["жук"], &["ж", "у", "да жу", "к"]),
            ("жуда ".into(), true)
        );
    }

    proptest! {
        #[test]
        fn equals_a_search_in_the_whole_text(
            pieces in prop::collection::vec("[abж]{0,4}", 0..12),
            stops in prop::collection::vec("[abж]{1,4}", 0..4),
        ) {
            let whole = pieces.concat();
            let cut = stops.iter().filter_map(|stop| whole.find(stop.as_str())).min();
            // The stream stops at the piece that completes a stop string; an
            // earlier-starting one that completes later cannot be known then.
            let stops: Vec<&str> = stops.iter().map(String::as_str).collect();
            let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
            let (text, stopped) = run(&stops, &pieces);
            prop_assert_eq!(stopped, cut.is_some());
            prop_assert!(whole.starts_with(&text));
            if stopped {
                prop_assert!(stops.iter().any(|stop| whole[text.len()..].starts_with(stop)));
                prop_assert!(stops.iter().all(|stop| !text.contains(stop)));
            } else {
                prop_assert_eq!(text, whole);
            }
        }
    }
}
