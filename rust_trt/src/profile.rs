//! The shapes that a graph is fed, in TensorRT's words: without them every dimension
//! could be 0 to 32,767, which rules out planning memory and capturing CUDA graphs.
//!
//! ```text
//! input_ids:1x1,attention_mask:1x4096,past_key_values.0.key:1x8x4096x128,…
//! ```

use crate::graph::{ATTENTION_MASK, INPUT_IDS, PARTS, POSITION_IDS, past};
use crate::manifest::Manifest;

/// What bounds the shapes of all steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Rows of the cache: most that decode together.
    pub rows: usize,
    /// Positions of a row, which the cache and the mask always have.
    pub context_length: usize,
    /// Most tokens of one row in a step.
    pub chunk: usize,
}

impl Bounds {
    /// The options for a session: of the least, the most usual and the largest step.
    #[must_use]
    pub fn options(&self, manifest: &Manifest) -> [(&'static str, String); 3] {
        [
            ("nv_profile_min_shapes", self.shapes(manifest, 1, 1)),
            // An answer by itself, token by token.
            ("nv_profile_opt_shapes", self.shapes(manifest, 1, 1)),
            (
                "nv_profile_max_shapes",
                self.shapes(manifest, self.rows, self.chunk),
            ),
        ]
    }

    /// Names that the graph does not have are passed over by the provider.
    fn shapes(&self, manifest: &Manifest, rows: usize, tokens: usize) -> String {
        let length = self.context_length;
        let mut shapes = vec![
            format!("{INPUT_IDS}:{rows}x{tokens}"),
            format!("{POSITION_IDS}:{rows}x{tokens}"),
            format!("{ATTENTION_MASK}:{rows}x{length}"),
        ];
        let (heads, width) = (manifest.kv_heads, manifest.head_dim);
        for layer in 0..manifest.layers {
            for part in PARTS {
                let name = past(layer, part);
                shapes.push(format!("{name}:{rows}x{heads}x{length}x{width}"));
            }
        }
        shapes.join(",")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_input_has_its_least_and_its_largest_shape() {
        let json = json!({
            "format": 1, "name": "tiny", "architecture": "llama", "context_length": 64,
            "vocab_size": 100, "layers": 2, "kv_heads": 3, "head_dim": 8, "kv_dtype": "f16",
            "bos_token": null, "eos_token": "<e>", "stop_token_ids": [2], "files": {}
        });
        let manifest = Manifest::parse(json.to_string().as_bytes()).unwrap();
        let bounds = Bounds {
            rows: 5,
            context_length: 48,
            chunk: 32,
        };
        let [(_, least), (_, usual), (name, largest)] = bounds.options(&manifest);
        assert_eq!(name, "nv_profile_max_shapes");
        assert_eq!(
            least,
            "input_ids:1x1,position_ids:1x1,attention_mask:1x48,\
             past_key_values.0.key:1x3x48x8,past_key_values.0.value:1x3x48x8,\
             past_key_values.1.key:1x3x48x8,past_key_values.1.value:1x3x48x8"
        );
        assert_eq!(usual, least);
        assert!(largest.starts_with("input_ids:5x32,position_ids:5x32,attention_mask:5x48,"));
        assert!(largest.ends_with("past_key_values.1.value:5x3x48x8"));
    }
}
