//! The bytes that each token stands for.
//!
//! Decoding token by token through the tokenizer's own decoder would need a
//! window of earlier tokens and a search for U+FFFD; with a table of bytes, text
//! is a plain concatenation and streaming costs a copy.

use serde_json::Value;

use crate::error::{EngineError, Result};

/// For every token id the bytes it adds to the text; nothing for special tokens.
#[derive(Debug)]
pub struct TokenBytes {
    bytes: Vec<u8>,
    /// `bytes[ends[id - 1]..ends[id]]` are those of `id`.
    ends: Vec<usize>,
    /// `SentencePiece` models write a space before the first word.
    pub strip_first_space: bool,
}

/// Far above any published vocabulary; the table has a row for every id.
const MAX_ID: u32 = 1 << 22;

/// How a vocabulary writes bytes as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spelling {
    /// GPT-2: every byte is one printable character.
    ByteLevel,
    /// `SentencePiece`: `▁` is a space, `<0xE2>` is a byte.
    Metaspace,
}

impl TokenBytes {
    /// Builds the table.
    ///
    /// `tokens` are all tokens with their ids and whether they are special;
    /// `decoder` is the part of that name in `tokenizer.json`.
    ///
    /// # Errors
    /// [`EngineError::ModelUnsupported`] for a decoder of another kind,
    /// [`EngineError::ModelDamaged`] for absurd ids.
    pub fn new(tokens: &[(u32, String, TokenKind)], decoder: &Value) -> Result<Self> {
        let spelling = spelling(decoder).ok_or_else(|| {
            EngineError::ModelUnsupported("its tokenizer has a decoder of an unknown kind".into())
        })?;
        let mut order: Vec<_> = tokens.iter().collect();
        order.sort_by_key(|(id, ..)| *id);
        order.dedup_by_key(|(id, ..)| *id);
        if order.last().is_some_and(|(id, ..)| *id >= MAX_ID) {
            return Err(EngineError::ModelDamaged(
                "tokenizer.json has absurd token ids".into(),
            ));
        }
        let mut table = Self {
            bytes: Vec::new(),
            ends: Vec::new(),
            strip_first_space: spelling == Spelling::Metaspace && strips_first_space(decoder),
        };
        for (id, text, kind) in order {
            // Ids without a token stand for nothing.
            table.ends.resize(*id as usize, table.bytes.len());
            match (kind, spelling) {
                (TokenKind::Special, _) => {}
                (TokenKind::Added, _) => table.bytes.extend_from_slice(text.as_bytes()),
                (TokenKind::Ordinary, Spelling::ByteLevel) => {
                    push_byte_level(text, &mut table.bytes);
                }
                (TokenKind::Ordinary, Spelling::Metaspace) => {
                    push_metaspace(text, &mut table.bytes);
                }
            }
            table.ends.push(table.bytes.len());
        }
        Ok(table)
    }

    /// One more than the highest id.
    #[must_use]
    pub fn ids(&self) -> u32 {
        self.ends.len() as u32
    }

    /// Bytes of `id`; empty for special and for unknown tokens.
    #[must_use]
    pub fn of(&self, id: u32) -> &[u8] {
        let id = id as usize;
        let Some(&end) = self.ends.get(id) else {
            return &[];
        };
        let start = if id == 0 { 0 } else { self.ends[id - 1] };
        &self.bytes[start..end]
    }
}

/// What a token is to the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// Part of the model's vocabulary.
    Ordinary,
    /// Added later, but text: written as it is.
    Added,
    /// A control token, no part of the text.
    Special,
}

fn spelling(decoder: &Value) -> Option<Spelling> {
    match decoder["type"].as_str()? {
        "ByteLevel" => Some(Spelling::ByteLevel),
        "Metaspace" => Some(Spelling::Metaspace),
        "Sequence" => {
            let parts = decoder["decoders"].as_array()?;
            if parts.iter().any(|part| part["type"] == "ByteLevel") {
                return Some(Spelling::ByteLevel);
            }
            parts
                .iter()
                .any(|part| {
                    part["type"] == "Metaspace"
                        || (part["type"] == "Replace" && part["pattern"]["String"] == "▁")
                })
                .then_some(Spelling::Metaspace)
        }
        _ => None,
    }
}

fn strips_first_space(decoder: &Value) -> bool {
    if decoder["type"] == "Metaspace" {
        // `add_prefix_space` is the older name of the same thing.
        return decoder["prepend_scheme"] != "never" && decoder["add_prefix_space"] != false;
    }
    decoder["decoders"].as_array().is_some_and(|parts| {
        parts
            .iter()
            .any(|part| (part["type"] == "Strip" && part["start"] == 1) || strips_first_space(part))
    })
}

/// The GPT-2 table: printable Latin-1 stands for itself, the other 68 bytes for
/// the characters from U+0100 on, in order.
fn byte_of(character: char) -> Option<u8> {
    let code = u32::from(character);
    let printable = |code: u32| matches!(code, 0x21..=0x7E | 0xA1..=0xAC | 0xAE..=0xFF);
    if printable(code) {
        return u8::try_from(code).ok();
    }
    let index = code.checked_sub(0x100)?;
    (0..=255u8)
        .filter(|&byte| !printable(u32::from(byte)))
        .nth(index as usize)
}

fn push_byte_level(text: &str, bytes: &mut Vec<u8>) {
    let start = bytes.len();
    for character in text.chars() {
        let Some(byte) = byte_of(character) else {
            // Not spelled in this alphabet: the decoder writes such a token as it is.
            bytes.truncate(start);
            bytes.extend_from_slice(text.as_bytes());
            return;
        };
        bytes.push(byte);
    }
}

fn push_metaspace(text: &str, bytes: &mut Vec<u8>) {
    let hex = text
        .strip_prefix("<0x")
        .and_then(|rest| rest.strip_suffix('>'));
    match hex
        .filter(|hex| hex.len() == 2)
        .map(|hex| u8::from_str_radix(hex, 16))
    {
        Some(Ok(byte)) => bytes.push(byte),
        _ => bytes.extend_from_slice(text.replace('▁', " ").as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn table(tokens: &[(&str, TokenKind)], decoder: &Value) -> TokenBytes {
        let tokens: Vec<_> = tokens
            .iter()
            .enumerate()
            .map(|(id, (text, kind))| (id as u32, (*text).to_owned(), *kind))
            .collect();
        TokenBytes::new(&tokens, decoder).unwrap()
    }

    #[test]
    fn byte_level_spells_every_byte_once() {
        let mut found: Vec<u8> = (0..0x180)
            .filter_map(char::from_u32)
            .filter_map(byte_of)
            .collect();
        found.sort_unstable();
        assert_eq!(found, (0..=255).collect::<Vec<u8>>());
        assert_eq!(byte_of('Ġ'), Some(b' '));
        assert_eq!(byte_of('Ċ'), Some(b'\n'));
    }

    #[test]
    fn byte_level_tokens() {
        use TokenKind::{Added, Ordinary, Special};
        let table = table(
            &[
                ("<s>", Special),
                ("Ġhi", Ordinary),
                ("Ð´", Ordinary),
                ("<think>", Added),
            ],
            &json!({"type": "ByteLevel"}),
        );
        assert_eq!(table.of(0), b"");
        assert_eq!(table.of(1), b" hi");
        assert_eq!(table.of(2), "д".as_bytes());
        assert_eq!(table.of(3), b"<think>");
        assert_eq!(table.of(99), b"");
    }

    #[test]
    fn sentencepiece_tokens() {
        let decoder = json!({"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
            {"type": "ByteFallback"}, {"type": "Fuse"},
            {"type": "Strip", "content": " ", "start": 1, "stop": 0}]});
        let ordinary = TokenKind::Ordinary;
        let table = table(
            &[
                ("▁Hello", ordinary),
                ("<0xE2>", ordinary),
                ("<0xzz>", ordinary),
            ],
            &decoder,
        );
        assert!(table.strip_first_space);
        assert_eq!(table.of(0), b" Hello");
        assert_eq!(table.of(1), [0xE2]);
        assert_eq!(table.of(2), b"<0xzz>");
    }

    #[test]
    fn gaps_between_ids_are_empty() {
        let tokens = [(5, "a".to_owned(), TokenKind::Ordinary)];
        let table = TokenBytes::new(&tokens, &json!({"type": "ByteLevel"})).unwrap();
        assert_eq!((table.of(4), table.of(5)), (&b""[..], &b"a"[..]));
    }

    #[test]
    fn an_absurd_id_is_refused_before_a_table_is_made_for_it() {
        let tokens = [(u32::MAX, "a".to_owned(), TokenKind::Ordinary)];
        let error = TokenBytes::new(&tokens, &json!({"type": "ByteLevel"})).unwrap_err();
        assert_eq!(error.code(), "model_damaged");
    }

    #[test]
    fn an_unknown_decoder_is_refused() {
        let error = TokenBytes::new(&[], &json!({"type": "WordPiece"})).unwrap_err();
        assert_eq!(error.code(), "model_unsupported");
    }
}
