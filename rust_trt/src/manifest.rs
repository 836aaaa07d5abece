//! `hearth.json`: what a model folder says that it is.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::error::{EngineError, Result};

/// The format this core reads.
pub const FORMAT: u64 = 1;
/// Its name in the folder.
pub const MANIFEST_FILE: &str = "hearth.json";

/// Type of the numbers in the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KvDtype {
    /// 32-bit floating point.
    F32,
    /// 16-bit floating point.
    F16,
}

impl KvDtype {
    /// Bytes of a number.
    #[must_use]
    pub fn bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 => 2,
        }
    }
}

/// One file of the folder, as it was written.
#[derive(Debug, Clone, Deserialize)]
pub struct FileEntry {
    /// Size in bytes.
    pub size: u64,
    /// Digest in lower-case hexadecimal. The exporter verifies it; loading looks
    /// only at sizes, because hashing gigabytes would delay every start.
    pub sha256: String,
}

/// The contents of `hearth.json`. Unknown keys are ignored.
#[derive(Debug, Clone, Deserialize)]
pub struct Manifest {
    /// Name for people.
    pub name: String,
    /// Model family, such as `llama`.
    pub architecture: String,
    /// Longest context the model was made for, in tokens.
    pub context_length: usize,
    /// Width of the logits.
    pub vocab_size: usize,
    /// Transformer layers, each with a key and a value cache.
    pub layers: usize,
    /// Key/value heads of a layer.
    pub kv_heads: usize,
    /// Width of one head.
    pub head_dim: usize,
    /// Type of the numbers in the cache.
    pub kv_dtype: KvDtype,
    /// Text of the token that begins a sequence, if the model has one.
    pub bos_token: Option<String>,
    /// Text of the token that ends a sequence.
    pub eos_token: String,
    /// Tokens that end an answer.
    pub stop_token_ids: Vec<u32>,
    /// Every file of the folder but the manifest itself.
    pub files: BTreeMap<String, FileEntry>,
}

/// The only part whose meaning is the same in every format.
#[derive(Deserialize)]
struct FormatOnly {
    format: u64,
}

impl Manifest {
    /// Parses and bounds a manifest without looking at the folder.
    ///
    /// # Errors
    /// [`EngineError::ModelUnsupported`] for another format,
    /// [`EngineError::ModelDamaged`] for absurd numbers.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let format: FormatOnly = serde_json::from_slice(bytes)
            .map_err(|error| damaged(format!("{MANIFEST_FILE} is not valid ({error})")))?;
        if format.format != FORMAT {
            return Err(EngineError::ModelUnsupported(format!(
                "its folder has format {} and this version reads format {FORMAT}; update Hearth or convert the model again",
                format.format
            )));
        }
        let manifest: Self = serde_json::from_slice(bytes)
            .map_err(|error| damaged(format!("{MANIFEST_FILE} is not valid ({error})")))?;
        manifest.check_bounds()?;
        Ok(manifest)
    }

    /// Values of one position in the cache of one layer's keys (or values).
    #[must_use]
    pub fn cache_width(&self) -> usize {
        self.kv_heads * self.head_dim
    }

    fn check_bounds(&self) -> Result<()> {
        // Far above any published model, far below what could overflow a product.
        let bounds = [
            ("context_length", self.context_length, 1 << 24),
            ("vocab_size", self.vocab_size, 1 << 22),
            ("layers", self.layers, 1 << 10),
            ("kv_heads", self.kv_heads, 1 << 10),
            ("head_dim", self.head_dim, 1 << 12),
        ];
        for (field, value, most) in bounds {
            if value == 0 || value > most {
                return Err(damaged(format!(
                    "{MANIFEST_FILE} says {field} is {value}, outside 1 to {most}"
                )));
            }
        }
        let vocab = self.vocab_size;
        if self.stop_token_ids.is_empty() {
            return Err(damaged(format!("{MANIFEST_FILE} names no stop token")));
        }
        if let Some(id) = self.stop_token_ids.iter().find(|&&id| id as usize >= vocab) {
            return Err(damaged(format!(
                "{MANIFEST_FILE} has stop token {id} beyond its vocabulary of {vocab}"
            )));
        }
        Ok(())
    }
}

fn damaged(problem: String) -> EngineError {
    EngineError::ModelDamaged(problem)
}

#[cfg(test)]
pub(crate) mod testing {
    use serde_json::{Value, json};

    /// A whole manifest; `files` are as long as the tests of `folder` write them.
    pub(crate) fn valid() -> Value {
        json!({
            "format": 1, "name": "tiny", "architecture": "llama",
            "source": {"file": "tiny.gguf", "sha256": "00"},
            "context_length": 2048, "vocab_size": 100, "layers": 2, "kv_heads": 1,
            "head_dim": 8, "kv_dtype": "f32", "bos_token": null, "eos_token": "<e>",
            "stop_token_ids": [2],
            "files": {
                "model.onnx": {"size": 4, "sha256": "00"},
                "tokenizer.json": {"size": 2, "sha256": "00"},
                "chat_template.jinja": {"size": 0, "sha256": "00"}
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::testing::valid;
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn parse(manifest: &Value) -> Result<Manifest> {
        Manifest::parse(manifest.to_string().as_bytes())
    }

    #[test]
    fn a_sane_one_is_read_whatever_its_cache_is_of() {
        let mut manifest = valid();
        assert_eq!(parse(&manifest).unwrap().name, "tiny");
        assert_eq!(parse(&manifest).unwrap().cache_width(), 8);
        manifest["kv_dtype"] = json!("f16");
        assert_eq!(parse(&manifest).unwrap().kv_dtype, KvDtype::F16);
    }

    #[test]
    fn another_format_is_unsupported_even_when_all_else_changed() {
        let error = parse(&json!({"format": 2})).unwrap_err();
        assert_eq!(error.code(), "model_unsupported");
    }

    #[test]
    fn absurd_numbers_are_damaged() {
        for (field, value) in [
            ("context_length", json!(1_000_000_000)),
            ("context_length", json!(-1)),
            ("vocab_size", json!(0)),
            ("layers", json!(100_000)),
            ("head_dim", json!(u64::MAX)),
            ("stop_token_ids", json!([100])),
            ("stop_token_ids", json!([])),
            ("kv_dtype", json!("f64")),
        ] {
            let mut manifest = valid();
            manifest[field] = value;
            let error = parse(&manifest).unwrap_err();
            assert_eq!(error.code(), "model_damaged", "{field}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(Manifest::parse(&bytes).is_err());
        }

        #[test]
        fn a_manifest_with_anything_in_it_is_read_or_refused(
            field in prop::sample::select(valid().as_object().unwrap().keys().cloned().collect::<Vec<_>>()),
            value in anything(),
            cut in any::<prop::sample::Index>(),
        ) {
            let mut manifest = valid();
            manifest[&field] = value;
            let text = manifest.to_string();
            if let Ok(manifest) = Manifest::parse(text.as_bytes()) {
                prop_assert!(manifest.cache_width() > 0);
            }
            let cut = cut.index(text.len());
            prop_assert!(Manifest::parse(&text.as_bytes()[..cut]).is_err());
        }
    }

    /// JSON of any shape.
    fn anything() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(json!(null)),
            any::<bool>().prop_map(|value| json!(value)),
            any::<i64>().prop_map(|value| json!(value)),
            any::<u64>().prop_map(|value| json!(value)),
            any::<f64>().prop_map(|value| json!(value)),
            ".{0,9}".prop_map(|value| json!(value)),
        ];
        leaf.prop_recursive(3, 16, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(|value| json!(value)),
                prop::collection::btree_map(".{0,5}", inner, 0..4).prop_map(|value| json!(value)),
            ]
        })
    }
}
