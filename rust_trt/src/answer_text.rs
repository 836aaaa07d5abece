//! From the tokens of an answer to its text: whole characters, up to a stop string.

use crate::stop::{Released, StopMatcher};
use crate::tokenizer::{TextStream, Tokenizer};

/// The text of one answer, as a stream.
#[derive(Debug)]
pub struct AnswerText {
    characters: TextStream,
    stop: StopMatcher,
}

impl AnswerText {
    /// The text after `begun`; it ends before the first of `stop`, none of them empty.
    #[must_use]
    pub fn new(stop: Vec<String>, begun: &str) -> Self {
        Self {
            characters: TextStream::after(begun),
            stop: StopMatcher::after(stop, begun),
        }
    }

    /// Takes the next token and releases the text that became certain. After a stop
    /// nothing more is to be pushed.
    pub fn push(&mut self, tokenizer: &Tokenizer, token: u32) -> Released {
        let mut text = String::new();
        self.characters.push(tokenizer, token, &mut text);
        self.stop.push(&text)
    }

    /// The answer ended: what was held back for a character or a stop string that
    /// did not come.
    pub fn finish(&mut self) -> String {
        let mut text = String::new();
        self.characters.finish(&mut text);
        // The replacement of a cut character may still complete a stop string.
        let released = self.stop.push(&text);
        if released.stopped {
            released.text
        } else {
            released.text + &self.stop.finish()
        }
    }

    /// The answer is cut: what was held back for a stop string. A character that is not
    /// finished is left out; whoever goes on from there gets it whole.
    pub fn cut(&mut self) -> String {
        self.stop.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokenizer::testing::byte_tokenizer;
    use proptest::prelude::*;

    /// What comes out for an answer of these bytes, a token each, and whether a stop
    /// string ended it.
    fn run(bytes: &[u8], stop: &[&str]) -> (String, bool) {
        let tokenizer = byte_tokenizer();
        let mut text = AnswerText::new(stop.iter().map(|&text| text.to_owned()).collect(), "");
        let mut out = String::new();
        for &byte in bytes {
            let released = text.push(&tokenizer, u32::from(byte));
            out.push_str(&released.text);
            if released.stopped {
                return (out, true);
            }
        }
        out.push_str(&text.finish());
        (out, false)
    }

    #[test]
    fn a_cut_character_is_replaced_at_the_end() {
        assert_eq!(run(&"a🔥".as_bytes()[..4], &[]).0, "a\u{FFFD}");
    }

    #[test]
    fn text_held_for_a_stop_string_comes_out_at_the_end() {
        assert_eq!(run(b"hello", &["lost"]), ("hello".into(), false));
        assert_eq!(run(b"hell", &["lost"]), ("hell".into(), false));
    }

    #[test]
    fn the_replacement_of_a_cut_character_may_end_it() {
        let cut = &"a🔥".as_bytes()[..3];
        assert_eq!(run(cut, &["\u{FFFD}"]).0, "a");
    }

    proptest! {
        #[test]
        fn no_stop_string_comes_out_whatever_the_bytes(
            bytes in prop::collection::vec(
                prop_oneof![any::<u8>(), prop::sample::select("abж🔥\u{FFFD}".as_bytes())],
                0..40,
            ),
            stops in prop::collection::vec("[abж🔥\u{FFFD}]{1,3}", 0..3),
        ) {
            let whole = String::from_utf8_lossy(&bytes);
            let stops: Vec<&str> = stops.iter().map(String::as_str).collect();
            let (text, _) = run(&bytes, &stops);
            prop_assert!(whole.starts_with(&text));
            prop_assert!(stops.iter().all(|stop| !text.contains(stop)), "{:?}", text);
            if text.len() < whole.len() {
                prop_assert!(stops.iter().any(|stop| whole[text.len()..].starts_with(stop)));
            }
        }
    }
}
