//! The inputs and outputs of a model graph, checked against its manifest.
//!
//! ```text
//! input_ids                   [batch, sequence]                    i64
//! attention_mask              [batch, past + sequence]             i64
//! position_ids (optional)     [batch, sequence]                    i64
//! past_key_values.N.key       [batch, kv heads, capacity, width]   f32 or f16, and .value
//! logits                      [batch, 1 or sequence, vocab]        f32
//! present.N.key               like the past, the same buffer       f32 or f16, and .value
//! ```

use crate::error::{EngineError, Result};
use crate::manifest::{KvDtype, Manifest};

/// Type of a tensor's elements, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Element {
    /// 64-bit integer.
    I64,
    /// 32-bit floating point.
    F32,
    /// 16-bit floating point.
    F16,
    /// Anything else.
    Other,
}

/// One input or output of a graph. A dimension below 0 is not fixed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// Name.
    pub name: String,
    /// Type of its elements.
    pub element: Element,
    /// Dimensions.
    pub shape: Vec<i64>,
}

/// What differs between the graphs that this core runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Graph {
    /// The graph wants `position_ids`.
    pub position_ids: bool,
    /// Logits are only computed for the last position.
    pub last_logits_only: bool,
}

/// Input name of a layer's past keys or values.
#[must_use]
pub fn past(layer: usize, part: &str) -> String {
    format!("past_key_values.{layer}.{part}")
}

/// Output name of a layer's present keys or values.
#[must_use]
pub fn present(layer: usize, part: &str) -> String {
    format!("present.{layer}.{part}")
}

/// Input with the new tokens.
pub const INPUT_IDS: &str = "input_ids";
/// Input that says how long each row is.
pub const ATTENTION_MASK: &str = "attention_mask";
/// Input that some graphs want beside.
pub const POSITION_IDS: &str = "position_ids";
/// Output with the logits.
pub const LOGITS: &str = "logits";

/// The two parts of a layer's cache.
pub const PARTS: [&str; 2] = ["key", "value"];

/// Checks the ports of a graph.
///
/// # Errors
/// [`EngineError::ModelUnsupported`] for inputs and outputs of another kind of
/// model, [`EngineError::ModelDamaged`] where graph and manifest contradict.
pub fn check(manifest: &Manifest, inputs: &[Port], outputs: &[Port]) -> Result<Graph> {
    let cache_shape = [-1, manifest.kv_heads as i64, -1, manifest.head_dim as i64];
    let cache = match manifest.kv_dtype {
        KvDtype::F32 => Element::F32,
        KvDtype::F16 => Element::F16,
    };
    let mut expected_inputs = vec![
        (INPUT_IDS.to_owned(), Element::I64, vec![-1, -1]),
        (ATTENTION_MASK.to_owned(), Element::I64, vec![-1, -1]),
    ];
    let mut expected_outputs = vec![(
        LOGITS.to_owned(),
        Element::F32,
        vec![-1, -1, manifest.vocab_size as i64],
    )];
    for layer in 0..manifest.layers {
        for part in PARTS {
            expected_inputs.push((past(layer, part), cache, cache_shape.to_vec()));
            expected_outputs.push((present(layer, part), cache, cache_shape.to_vec()));
        }
    }
    let position_ids = inputs.iter().any(|port| port.name == POSITION_IDS);
    if position_ids {
        expected_inputs.push((POSITION_IDS.to_owned(), Element::I64, vec![-1, -1]));
    }
    for (expected, ports, side) in [
        (&expected_inputs, inputs, "input"),
        (&expected_outputs, outputs, "output"),
    ] {
        for (name, element, shape) in expected {
            let port = ports
                .iter()
                .find(|port| port.name == *name)
                .ok_or_else(|| unsupported(format!("its graph has no {side} '{name}'")))?;
            check_port(port, *element, shape, side)?;
        }
        // An input nobody feeds would fail in the first step; an extra output is
        // computed for nothing. Both mean another kind of model.
        if let Some(extra) = ports
            .iter()
            .find(|port| !expected.iter().any(|(name, ..)| *name == port.name))
        {
            return Err(unsupported(format!(
                "its graph has an unknown {side} '{}'",
                extra.name
            )));
        }
    }
    let last_logits_only = outputs
        .iter()
        .any(|port| port.name == LOGITS && port.shape.get(1) == Some(&1));
    Ok(Graph {
        position_ids,
        last_logits_only,
    })
}

fn check_port(port: &Port, element: Element, shape: &[i64], side: &str) -> Result<()> {
    if port.element != element {
        return Err(unsupported(format!(
            "the {side} '{}' of its graph has another element type than {element:?}",
            port.name
        )));
    }
    let fits = port.shape.len() == shape.len()
        && port
            .shape
            .iter()
            .zip(shape)
            .all(|(&is, &wanted)| is < 0 || wanted < 0 || is == wanted);
    if fits {
        Ok(())
    } else {
        Err(EngineError::ModelDamaged(format!(
            "the {side} '{}' of its graph has the shape {:?} where hearth.json says {shape:?}",
            port.name, port.shape
        )))
    }
}

fn unsupported(problem: String) -> EngineError {
    EngineError::ModelUnsupported(problem)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn manifest() -> Manifest {
        let json = json!({
            "format": 1, "name": "tiny", "architecture": "llama", "context_length": 64,
            "vocab_size": 100, "layers": 1, "kv_heads": 2, "head_dim": 8, "kv_dtype": "f32",
            "bos_token": null, "eos_token": "<e>", "stop_token_ids": [2], "files": {}
        });
        Manifest::parse(json.to_string().as_bytes()).unwrap()
    }

    fn port(name: &str, element: Element, shape: &[i64]) -> Port {
        Port {
            name: name.into(),
            element,
            shape: shape.to_vec(),
        }
    }

    fn ports() -> (Vec<Port>, Vec<Port>) {
        let inputs = vec![
            port("input_ids", Element::I64, &[-1, -1]),
            port("attention_mask", Element::I64, &[-1, -1]),
            port("past_key_values.0.key", Element::F32, &[-1, 2, -1, 8]),
            port("past_key_values.0.value", Element::F32, &[-1, 2, -1, 8]),
        ];
        let outputs = vec![
            port("logits", Element::F32, &[-1, 1, 100]),
            port("present.0.key", Element::F32, &[-1, 2, -1, 8]),
            port("present.0.value", Element::F32, &[-1, 2, -1, 8]),
        ];
        (inputs, outputs)
    }

    #[test]
    fn optional_parts_are_found() {
        let (mut inputs, mut outputs) = ports();
        let graph = check(&manifest(), &inputs, &outputs).unwrap();
        assert_eq!(
            graph,
            Graph {
                position_ids: false,
                last_logits_only: true
            }
        );
        inputs.push(port("position_ids", Element::I64, &[-1, -1]));
        outputs[0].shape[1] = -1;
        let graph = check(&manifest(), &inputs, &outputs).unwrap();
        assert_eq!(
            graph,
            Graph {
                position_ids: true,
                last_logits_only: false
            }
        );
    }

    #[test]
    fn a_missing_or_unknown_port_is_named() {
        let (mut inputs, outputs) = ports();
        inputs.push(port("pixel_values", Element::F32, &[-1]));
        let error = check(&manifest(), &inputs, &outputs).unwrap_err();
        assert!(
            error.to_string().contains("unknown input 'pixel_values'"),
            "{error}"
        );
        let (inputs, mut outputs) = ports();
        outputs.pop();
        let error = check(&manifest(), &inputs, &outputs).unwrap_err();
        assert!(
            error.to_string().contains("no output 'present.0.value'"),
            "{error}"
        );
    }

    #[test]
    fn shapes_that_contradict_the_manifest_are_damage() {
        let (inputs, mut outputs) = ports();
        outputs[0].shape[2] = 99;
        assert_eq!(
            check(&manifest(), &inputs, &outputs).unwrap_err().code(),
            "model_damaged"
        );
    }

    #[test]
    fn another_element_type_than_the_manifest_says_is_unsupported() {
        for element in [Element::Other, Element::F16] {
            let (mut inputs, outputs) = ports();
            inputs[2].element = element;
            assert_eq!(
                check(&manifest(), &inputs, &outputs).unwrap_err().code(),
                "model_unsupported"
            );
        }
    }

    #[test]
    fn a_manifest_with_sixteen_bits_wants_them_of_the_cache_alone() {
        let manifest = Manifest {
            kv_dtype: KvDtype::F16,
            ..manifest()
        };
        let (mut inputs, mut outputs) = ports();
        assert!(check(&manifest, &inputs, &outputs).is_err());
        for port in inputs[2..].iter_mut().chain(&mut outputs[1..]) {
            port.element = Element::F16;
        }
        check(&manifest, &inputs, &outputs).unwrap();
        outputs[0].element = Element::F16;
        assert!(check(&manifest, &inputs, &outputs).is_err());
    }
}
