//! Bytes to text, as a stream: a character comes out when its last byte is in.

/// Turns a stream of bytes into text without ever cutting a character.
///
/// What comes out equals [`String::from_utf8_lossy`] of all bytes: bytes that can
/// never become a character are replaced by U+FFFD, but an unfinished character
/// waits for the rest.
#[derive(Debug, Default)]
pub struct Utf8Stream {
    pending: Vec<u8>,
}

impl Utf8Stream {
    /// Takes bytes and appends the text that is complete to `text`.
    pub fn push(&mut self, bytes: &[u8], text: &mut String) {
        self.pending.extend_from_slice(bytes);
        let mut start = 0;
        loop {
            let rest = &self.pending[start..];
            match std::str::from_utf8(rest) {
                Ok(valid) => {
                    text.push_str(valid);
                    start = self.pending.len();
                    break;
                }
                Err(error) => {
                    let (valid, _) = rest.split_at(error.valid_up_to());
                    text.push_str(&String::from_utf8_lossy(valid));
                    start += error.valid_up_to();
                    let Some(invalid) = error.error_len() else {
                        break;
                    };
                    text.push(char::REPLACEMENT_CHARACTER);
                    start += invalid;
                }
            }
        }
        self.pending.drain(..start);
    }

    /// The stream ended: an unfinished character becomes one U+FFFD.
    pub fn finish(&mut self, text: &mut String) {
        if !self.pending.is_empty() {
            self.pending.clear();
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_emoji_comes_out_with_its_last_byte() {
        let mut stream = Utf8Stream::default();
        let mut text = String::new();
        for &byte in &"🔥".as_bytes()[..3] {
            stream.push(&[byte], &mut text);
            assert_eq!(text, "");
        }
        stream.push(&"🔥".as_bytes()[3..], &mut text);
        assert_eq!(text, "🔥");
    }

    #[test]
    fn an_unfinished_character_at_the_end_is_one_replacement() {
        let mut stream = Utf8Stream::default();
        let mut text = String::new();
        stream.push(&"д🔥".as_bytes()[..5], &mut text);
        assert_eq!(text, "д");
        stream.finish(&mut text);
        stream.finish(&mut text);
        assert_eq!(text, "д\u{FFFD}");
    }

    proptest! {
        #[test]
        fn equals_the_lossy_conversion_of_the_whole(
            chunks in prop::collection::vec(
                prop_oneof![
                    prop::collection::vec(any::<u8>(), 0..5),
                    "[aд€🔥]{1,2}".prop_map(String::into_bytes),
                ],
                0..12,
            ),
            cut in 1usize..5,
        ) {
            let whole = chunks.concat();
            let mut stream = Utf8Stream::default();
            let mut text = String::new();
            for chunk in whole.chunks(cut) {
                stream.push(chunk, &mut text);
            }
            stream.finish(&mut text);
            prop_assert_eq!(text, String::from_utf8_lossy(&whole).into_owned());
        }
    }
}
