//! Text to tokens and back.

use std::path::Path;

use aho_corasick::{AhoCorasick, MatchKind};
use serde_json::Value;
use tokenizers::{
    Model, NormalizedString, Normalizer, OffsetType, PreTokenizedString, PreTokenizer,
    Tokenizer as Inner,
};

use crate::detokenize::Utf8Stream;
use crate::error::{EngineError, Result};
use crate::token_bytes::{TokenBytes, TokenKind};

/// Larger than the `tokenizer.json` of any published model.
const MAX_TOKENIZER_BYTES: u64 = 256 << 20;

/// The tokenizer of one model.
#[derive(Debug)]
pub struct Tokenizer {
    inner: Inner,
    /// Finds the text of every added token.
    pub added: AhoCorasick,
    /// Finds the text of every control token.
    pub special: AhoCorasick,
    bytes: TokenBytes,
    /// Special tokens are found in normalized text, so that other spellings of
    /// them count too.
    pub normalizes_special: bool,
}

impl Tokenizer {
    /// Reads a `tokenizer.json`.
    ///
    /// # Errors
    /// [`EngineError::ModelDamaged`] when it cannot be parsed,
    /// [`EngineError::ModelUnsupported`] for an unknown kind of decoder.
    pub fn read(path: &Path) -> Result<Self> {
        let damaged = |problem: String| EngineError::ModelDamaged(problem);
        let size = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
        if size > MAX_TOKENIZER_BYTES {
            return Err(damaged("tokenizer.json is too large".into()));
        }
        let json = std::fs::read(path)
            .map_err(|error| damaged(format!("tokenizer.json cannot be read ({error})")))?;
        Self::parse(&json)
    }

    /// As [`Tokenizer::read`], from the file's contents.
    ///
    /// # Errors
    /// As [`Tokenizer::read`].
    pub fn parse(json: &[u8]) -> Result<Self> {
        let invalid = |error: String| {
            EngineError::ModelDamaged(format!("tokenizer.json is not valid ({error})"))
        };
        let parts: Value =
            serde_json::from_slice(json).map_err(|error| invalid(error.to_string()))?;
        let mut inner = Inner::from_bytes(json).map_err(|error| invalid(error.to_string()))?;
        // A chat is never cut or filled up silently, whatever the file says.
        inner
            .with_truncation(None)
            .map_err(|error| invalid(error.to_string()))?
            .with_padding(None);
        let decoder = inner.get_added_tokens_decoder();
        let tokens: Vec<_> = inner
            .get_vocab(true)
            .into_iter()
            .map(|(text, id)| {
                let kind = match decoder.get(&id) {
                    Some(token) if token.special => TokenKind::Special,
                    Some(_) => TokenKind::Added,
                    None => TokenKind::Ordinary,
                };
                (id, text, kind)
            })
            .collect();
        let bytes = TokenBytes::new(&tokens, &parts["decoder"])?;
        let normalizes_special = inner.get_normalizer().is_some()
            && decoder
                .values()
                .any(|token| token.special && token.normalized);
        let finder = |only_special: bool| {
            let texts = decoder
                .values()
                .filter(|token| !token.content.is_empty() && (token.special || !only_special))
                .map(|token| token.content.as_str());
            AhoCorasick::builder()
                .match_kind(MatchKind::LeftmostLongest)
                .build(texts)
                .map_err(|error| invalid(error.to_string()))
        };
        let (added, special) = (finder(false)?, finder(true)?);
        Ok(Self {
            inner,
            added,
            special,
            bytes,
            normalizes_special,
        })
    }

    /// What each token stands for.
    #[must_use]
    pub fn token_bytes(&self) -> &TokenBytes {
        &self.bytes
    }

    /// Encodes `text`, in which added tokens are recognised. Adds no token of its own.
    ///
    /// # Errors
    /// [`EngineError::ModelUnsupported`] when the tokenizer fails.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>> {
        self.inner
            .encode_fast(text, false)
            .map(|encoding| encoding.get_ids().to_vec())
            .map_err(|_| failed())
    }

    /// Encodes `text` with the model's own vocabulary alone: no text becomes a
    /// control token here, whatever it says.
    ///
    /// # Errors
    /// As [`Tokenizer::encode`].
    pub fn encode_plain(&self, text: &str) -> Result<Vec<u32>> {
        self.try_encode_plain(text).map_err(|_| failed())
    }

    fn try_encode_plain(&self, text: &str) -> tokenizers::Result<Vec<u32>> {
        let mut normalized = NormalizedString::from(text);
        if let Some(normalizer) = self.inner.get_normalizer() {
            normalizer.normalize(&mut normalized)?;
        }
        let mut pieces = PreTokenizedString::from(normalized);
        if let Some(pre_tokenizer) = self.inner.get_pre_tokenizer() {
            pre_tokenizer.pre_tokenize(&mut pieces)?;
        }
        let model = self.inner.get_model();
        pieces.tokenize(|piece| model.tokenize(piece.get()))?;
        let encoding = pieces.into_encoding(None, 0, OffsetType::None)?;
        Ok(encoding.get_ids().to_vec())
    }

    /// Text of a whole sequence; special tokens are left out.
    #[must_use]
    pub fn decode(&self, ids: &[u32]) -> String {
        let mut stream = TextStream::default();
        let mut text = String::new();
        for &id in ids {
            stream.push(self, id, &mut text);
        }
        stream.finish(&mut text);
        text
    }
}

/// Tokens to text, as a stream.
#[derive(Debug, Default)]
pub struct TextStream {
    utf8: Utf8Stream,
    begun: bool,
}

impl TextStream {
    /// The rest of a sequence whose text began with `begun`.
    #[must_use]
    pub fn after(begun: &str) -> Self {
        Self {
            utf8: Utf8Stream::default(),
            begun: !begun.is_empty(),
        }
    }

    /// Appends the text that `id` completes to `text`.
    pub fn push(&mut self, tokenizer: &Tokenizer, id: u32, text: &mut String) {
        let mut bytes = tokenizer.bytes.of(id);
        if !self.begun && !bytes.is_empty() {
            self.begun = true;
            if tokenizer.bytes.strip_first_space {
                bytes = bytes.strip_prefix(b" ").unwrap_or(bytes);
            }
        }
        self.utf8.push(bytes, text);
    }

    /// The sequence ended: see [`Utf8Stream::finish`].
    pub fn finish(&mut self, text: &mut String) {
        self.utf8.finish(text);
    }
}

fn failed() -> EngineError {
    // The tokenizer's own message could quote the text.
    EngineError::ModelUnsupported("its tokenizer cannot encode this text".into())
}

/// A byte-level tokenizer without merges, enough for tests of all that uses one.
#[cfg(test)]
pub(crate) mod testing {
    use super::Tokenizer;
    use serde_json::{Value, json};

    /// Ids 0 to 255 are bytes in the order of the GPT-2 alphabet's characters;
    /// then `<|im_start|>`, `<|im_end|>` (special) and `<think>` (not special).
    pub(crate) fn byte_tokenizer() -> Tokenizer {
        Tokenizer::parse(byte_tokenizer_json().to_string().as_bytes()).unwrap()
    }

    pub(crate) fn byte_tokenizer_json() -> Value {
        let printable = |code: u32| matches!(code, 0x21..=0x7E | 0xA1..=0xAC | 0xAE..=0xFF);
        let mut next = 0x100;
        let mut vocab = serde_json::Map::new();
        for byte in 0..=255u32 {
            let code = if printable(byte) {
                byte
            } else {
                next += 1;
                next - 1
            };
            vocab.insert(char::from_u32(code).unwrap().to_string(), json!(byte));
        }
        let added = |id: u32, content: &str, special: bool| {
            json!({"id": id, "content": content, "single_word": false, "lstrip": false,
                   "rstrip": false, "normalized": false, "special": special})
        };
        json!({
            "version": "1.0", "truncation": null, "padding": null, "normalizer": null,
            "added_tokens": [added(256, "<|im_start|>", true), added(257, "<|im_end|>", true),
                             added(258, "<think>", false)],
            "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
            "post_processor": null,
            "decoder": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true},
            "model": {"type": "BPE", "vocab": vocab, "merges": []}
        })
    }
}

#[cfg(test)]
mod tests;
