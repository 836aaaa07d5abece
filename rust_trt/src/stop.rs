//! Stop strings, matched across the borders of tokens.

/// Finds the first stop string in a stream of text and lets nothing of it out.
#[derive(Debug)]
pub struct StopMatcher {
    stops: Vec<String>,
    /// Text that may be the beginning of a stop string.
    held: String,
    /// So many bytes at the beginning of `held` are out already.
    out: usize,
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
            out: 0,
        }
    }

    /// A matcher for the rest of a text that began with `begun`, which is out already: a
    /// stop string may have begun in it.
    #[must_use]
    pub fn after(stops: Vec<String>, begun: &str) -> Self {
        let mut matcher = Self::new(stops);
        matcher.held.push_str(begun);
        let from = begun.len() - matcher.possible_beginning();
        matcher.held.drain(..from);
        matcher.out = matcher.held.len();
        matcher
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
            let rest = self.held.len() - start;
            return Released {
                text: self.release(rest),
                stopped: true,
            };
        }
        Released {
            text: self.release(self.possible_beginning()),
            stopped: false,
        }
    }

    /// Gives up what was held back: the answer ended without the stop string.
    pub fn finish(&mut self) -> String {
        self.release(0)
    }

    /// What is held but for the last `kept` bytes, less what is out.
    fn release(&mut self, kept: usize) -> String {
        let kept = self.held.split_off(self.held.len() - kept);
        let mut text = std::mem::replace(&mut self.held, kept);
        let out = self.out.min(text.len());
        self.out -= out;
        text.drain(..out);
        text
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

    #[test]
    fn a_stop_string_that_began_before_ends_it() {
        let stops = vec!["END".to_owned(), "жук".to_owned()];
        let mut matcher = StopMatcher::after(stops.clone(), "one E");
        let stopped = Released {
            text: String::new(),
            stopped: true,
        };
        assert_eq!(matcher.push("ND two"), stopped);
        let mut matcher = StopMatcher::after(stops, "EN жу");
        assert_eq!(matcher.push("рнал").text, "рнал");
    }

    proptest! {
        #[test]
        fn what_is_out_already_is_not_given_out_again(
            whole in "[abж]{0,12}",
            stops in prop::collection::vec("[abж]{1,4}", 0..4),
            at in 0usize..12,
        ) {
            let at = whole.char_indices().map(|(index, _)| index).nth(at).unwrap_or(whole.len());
            let (begun, rest) = whole.split_at(at);
            // It would have ended there.
            prop_assume!(stops.iter().all(|stop| !begun.contains(stop)));
            let mut matcher = StopMatcher::after(stops.clone(), begun);
            let mut text = begun.to_owned();
            let mut stopped = false;
            for character in rest.chars() {
                let released = matcher.push(&character.to_string());
                text.push_str(&released.text);
                stopped = released.stopped;
                if stopped {
                    break;
                }
            }
            if !stopped {
                text.push_str(&matcher.finish());
            }
            let stops: Vec<&str> = stops.iter().map(String::as_str).collect();
            let pieces: Vec<String> = whole.chars().map(String::from).collect();
            let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
            let (uncut, uncut_stopped) = run(&stops, &pieces);
            prop_assert_eq!(stopped, uncut_stopped);
            // What was out stays out, even where a stop string claims its end.
            prop_assert_eq!(text, if uncut.len() < at { begun } else { &uncut });
        }

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
