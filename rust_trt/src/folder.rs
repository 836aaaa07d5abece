//! A model folder: its files, checked against its manifest before anything heavy is opened.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{EngineError, Result};
use crate::manifest::{MANIFEST_FILE, Manifest};

/// The graph.
pub const MODEL_FILE: &str = "model.onnx";
/// The tokenizer, in Hugging Face's format.
pub const TOKENIZER_FILE: &str = "tokenizer.json";
/// The chat template, Jinja.
pub const TEMPLATE_FILE: &str = "chat_template.jinja";
/// A manifest larger than this is not a manifest.
const MAX_MANIFEST_BYTES: u64 = 1 << 20;

/// Reads `folder/hearth.json` and checks it against the folder.
///
/// # Errors
/// [`EngineError::ModelMissing`] without a folder or manifest,
/// [`EngineError::ModelUnsupported`] for another format,
/// [`EngineError::ModelDamaged`] for missing or cut files and absurd numbers.
pub fn read(folder: &Path) -> Result<Manifest> {
    let path = folder.join(MANIFEST_FILE);
    let size = fs::metadata(&path)
        .map_err(|_| {
            EngineError::ModelMissing(format!(
                "There is no model in {}: {MANIFEST_FILE} was not found. Convert a model into this folder first.",
                folder.display()
            ))
        })?
        .len();
    if size > MAX_MANIFEST_BYTES {
        return Err(damaged(format!("{MANIFEST_FILE} is too large")));
    }
    let bytes = fs::read(&path).map_err(|error| {
        EngineError::ModelMissing(format!("{} cannot be read: {error}.", path.display()))
    })?;
    let manifest = Manifest::parse(&bytes)?;
    check_files(&manifest, folder)?;
    Ok(manifest)
}

fn check_files(manifest: &Manifest, folder: &Path) -> Result<()> {
    for name in [MODEL_FILE, TOKENIZER_FILE, TEMPLATE_FILE] {
        if !manifest.files.contains_key(name) {
            return Err(damaged(format!("{MANIFEST_FILE} does not list {name}")));
        }
    }
    for (name, entry) in &manifest.files {
        let path = file_in(folder, name)?;
        // Of the file itself: a link could lead anywhere.
        let Ok(metadata) = fs::symlink_metadata(&path) else {
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

/// A listed name must stay inside the folder.
fn file_in(folder: &Path, name: &str) -> Result<PathBuf> {
    let plain =
        !name.is_empty() && name != ".." && name != "." && !name.contains(['/', '\\', ':', '\0']);
    if plain {
        Ok(folder.join(name))
    } else {
        Err(damaged(format!(
            "{MANIFEST_FILE} lists a file outside the folder"
        )))
    }
}

fn damaged(problem: String) -> EngineError {
    EngineError::ModelDamaged(problem)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::testing::valid;
    use serde_json::{Value, json};

    fn folder(manifest: &Value) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("hearth.json"), manifest.to_string()).unwrap();
        fs::write(folder.path().join("model.onnx"), b"onnx").unwrap();
        fs::write(folder.path().join("tokenizer.json"), b"{}").unwrap();
        fs::write(folder.path().join("chat_template.jinja"), b"").unwrap();
        folder
    }

    fn code(manifest: &Value) -> &'static str {
        read(folder(manifest).path()).unwrap_err().code()
    }

    #[test]
    fn a_whole_folder_is_read() {
        assert_eq!(read(folder(&valid()).path()).unwrap().name, "tiny");
    }

    #[test]
    fn no_folder_is_missing() {
        let error = read(Path::new("/does/not/exist")).unwrap_err();
        assert_eq!(error.code(), "model_missing");
    }

    #[test]
    fn a_file_cut_in_half_is_damaged_and_named() {
        let folder = folder(&valid());
        fs::write(folder.path().join("model.onnx"), b"on").unwrap();
        let error = read(folder.path()).unwrap_err();
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
        assert_eq!(read(folder.path()).unwrap_err().code(), "model_damaged");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_no_file_of_the_folder() {
        let folder = folder(&valid());
        let link = folder.path().join("tokenizer.json");
        let elsewhere = folder.path().join("elsewhere");
        fs::rename(&link, &elsewhere).unwrap();
        std::os::unix::fs::symlink(&elsewhere, &link).unwrap();
        let error = read(folder.path()).unwrap_err();
        assert!(
            error.to_string().contains("tokenizer.json is not a file"),
            "{error}"
        );
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
