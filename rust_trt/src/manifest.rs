//! `hearth.json`: what a model folder is, checked before anything heavy is opened.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::error::{EngineError, Result};

/// The format this core reads.
pub const FORMAT: u64 = 1;
const MANIFEST: &str = "hearth.json";
/// Files that every folder has.
pub const MODEL_FILE: &str = "model.onnx";
/// The tokenizer, in Hugging Face's format.
pub const TOKENIZER_FILE: &str = "tokenizer.json";
/// The chat template, Jinja.
pub const TEMPLATE_FILE: &str = "chat_template.jinja";
/// A manifest larger than this is not a manifest.
const MAX_MANIFEST_BYTES: u64 = 1 << 20;

/// Type of the numbers in the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KvDtype {
    /// 32-bit floating point.
    F32,
    /// 16-bit floating point; not run by this version.
    F16,
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
    /// Reads `folder/hearth.json` and checks it against the folder.
    ///
    /// # Errors
    /// [`EngineError::ModelMissing`] without a folder or manifest,
    /// [`EngineError::ModelUnsupported`] for another format,
    /// [`EngineError::ModelDamaged`] for missing or cut files and absurd numbers.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(MANIFEST);
        let size = fs::metadata(&path)
            .map_err(|_| {
                EngineError::ModelMissing(format!(
                    "There is no model in {}: {MANIFEST} was not found. Convert a model into this folder first.",
                    folder.display()
                ))
            })?
            .len();
        if size > MAX_MANIFEST_BYTES {
            return Err(damaged(format!("{MANIFEST} is too large")));
        }
        let bytes = fs::read(&path).map_err(|error| {
            EngineError::ModelMissing(format!("{} cannot be read: {error}.", path.display()))
        })?;
        let manifest = Self::parse(&bytes)?;
        manifest.check_files(folder)?;
        Ok(manifest)
    }

    /// Parses and bounds a manifest without looking at the folder.
    ///
    /// # Errors
    /// As [`Manifest::read`], less what concerns files.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let format: FormatOnly = serde_json::from_slice(bytes)
            .map_err(|error| damaged(format!("{MANIFEST} is not valid ({error})")))?;
        if format.format != FORMAT {
            return Err(EngineError::ModelUnsupported(format!(
                "its folder has format {} and this version reads format {FORMAT}; update Hearth or convert the model again",
                format.format
            )));
        }
        let manifest: Self = serde_json::from_slice(bytes)
            .map_err(|error| damaged(format!("{MANIFEST} is not valid ({error})")))?;
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
                    "{MANIFEST} says {field} is {value}, outside 1 to {most}"
                )));
            }
        }
        let vocab = self.vocab_size;
        if self.stop_token_ids.is_empty() {
            return Err(damaged(format!("{MANIFEST} names no stop token")));
        }
        if let Some(id) = self.stop_token_ids.iter().find(|&&id| id as usize >= vocab) {
            return Err(damaged(format!(
                "{MANIFEST} has stop token {id} beyond its vocabulary of {vocab}"
            )));
        }
        if self.kv_dtype != KvDtype::F32 {
            return Err(EngineError::ModelUnsupported(
                "its cache is 16-bit, which this version cannot run on a CPU; convert it with 32-bit activations".into(),
            ));
        }
        Ok(())
    }

    fn check_files(&self, folder: &Path) -> Result<()> {
        for name in [MODEL_FILE, TOKENIZER_FILE, TEMPLATE_FILE] {
            if !self.files.contains_key(name) {
                return Err(damaged(format!("{MANIFEST} does not list {name}")));
            }
        }
        for (name, entry) in &self.files {
            let path = file_in(folder, name)?;
            let Ok(metadata) = fs::metadata(&path) else {
                return Err(damaged(format!("{name} is missing")));
            };
            if !metadata.is_file() {
                return Err(damaged(format!("{name} is not a file")));
            }
            if metadata.len() != entry.size {
                return Err(damaged(format!(
                    "{name} has {} bytes instead of {}",
                    metadata.len(),
                    entry.size
                )));
            }
        }
        Ok(())
    }
}

/// A listed name must stay inside the folder.
fn file_in(folder: &Path, name: &str) -> Result<PathBuf> {
    let plain =
        !name.is_empty() && name != ".." && name != "." && !name.contains(['/', '\\', ':', '\0']);
    if plain {
        Ok(folder.join(name))
    } else {
        Err(damaged(format!(
            "{MANIFEST} lists a file outside the folder"
        )))
    }
}

fn damaged(problem: String) -> EngineError {
    EngineError::ModelDamaged(problem)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn valid() -> Value {
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

    fn folder(manifest: &Value) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("hearth.json"), manifest.to_string()).unwrap();
        fs::write(folder.path().join("model.onnx"), b"onnx").unwrap();
        fs::write(folder.path().join("tokenizer.json"), b"{}").unwrap();
        fs::write(folder.path().join("chat_template.jinja"), b"").unwrap();
        folder
    }

    fn code(manifest: &Value) -> &'static str {
        Manifest::read(folder(manifest).path()).unwrap_err().code()
    }

    #[test]
    fn a_whole_folder_is_read() {
        let manifest = Manifest::read(folder(&valid()).path()).unwrap();
        assert_eq!(manifest.name, "tiny");
        assert_eq!(manifest.cache_width(), 8);
    }

    #[test]
    fn no_folder_is_missing() {
        let error = Manifest::read(Path::new("/does/not/exist")).unwrap_err();
        assert_eq!(error.code(), "model_missing");
    }

    #[test]
    fn a_file_cut_in_half_is_damaged_and_named() {
        let folder = folder(&valid());
        fs::write(folder.path().join("model.onnx"), b"on").unwrap();
        let error = Manifest::read(folder.path()).unwrap_err();
        assert_eq!(error.code(), "model_damaged");
        assert!(
            error
                .to_string()
                .contains("model.onnx has 2 bytes instead of 4"),
            "{error}"
        );
    }

    #[test]
    fn an_absent_listed_file_is_damaged() {
        let folder = folder(&valid());
        fs::remove_file(folder.path().join("tokenizer.json")).unwrap();
        assert_eq!(
            Manifest::read(folder.path()).unwrap_err().code(),
            "model_damaged"
        );
    }

    #[test]
    fn another_format_is_unsupported_even_when_all_else_changed() {
        assert_eq!(code(&json!({"format": 2})), "model_unsupported");
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
            assert_eq!(code(&manifest), "model_damaged", "{field}");
        }
    }

    #[test]
    fn files_outside_the_folder_are_refused() {
        for name in ["../secret", "/etc/hostname", "a\\b", "..", "c:x"] {
            let mut manifest = valid();
            manifest["files"][name] = json!({"size": 1, "sha256": "00"});
            assert_eq!(code(&manifest), "model_damaged", "{name}");
        }
    }
}
