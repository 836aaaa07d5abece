//! What a generation tells Python.

use pyo3::prelude::*;

use crate::error::EngineError;
use crate::events::{EndReason, Event};

#[pyclass(frozen, get_all, name = "TextPiece", module = "gpu_peer._rust_trt")]
pub(super) struct PyTextPiece {
    generation_id: String,
    text: String,
    tokens: u32,
}

#[pymethods]
impl PyTextPiece {
    /// Without the text: a repr ends up in logs.
    fn __repr__(&self) -> String {
        format!(
            "TextPiece(generation_id={:?}, tokens={})",
            self.generation_id, self.tokens
        )
    }
}

#[pyclass(frozen, get_all, name = "GenerationEnd", module = "gpu_peer._rust_trt")]
pub(super) struct PyGenerationEnd {
    generation_id: String,
    reason: &'static str,
    error_code: Option<&'static str>,
    error_message: Option<String>,
    prompt_tokens: u32,
    cached_tokens: u32,
    completion_tokens: u32,
    queue_s: f64,
    prefill_s: f64,
    decode_s: f64,
}

#[pymethods]
impl PyGenerationEnd {
    fn __repr__(&self) -> String {
        format!(
            "GenerationEnd(generation_id={:?}, reason={:?}, error_code={:?}, completion_tokens={})",
            self.generation_id, self.reason, self.error_code, self.completion_tokens
        )
    }
}

pub(super) fn event_to_python(py: Python<'_>, event: Event) -> PyResult<Py<PyAny>> {
    match event {
        Event::Text(piece) => Ok(Py::new(
            py,
            PyTextPiece {
                generation_id: piece.generation.to_string(),
                text: piece.text,
                tokens: piece.tokens,
            },
        )?
        .into_any()),
        Event::End(end) => {
            let error = match &end.reason {
                EndReason::Failed(error) => Some(error),
                _ => None,
            };
            Ok(Py::new(
                py,
                PyGenerationEnd {
                    generation_id: end.generation.to_string(),
                    reason: end.reason.name(),
                    error_code: error.map(EngineError::code),
                    error_message: error.map(ToString::to_string),
                    prompt_tokens: end.prompt_tokens,
                    cached_tokens: end.cached_tokens,
                    completion_tokens: end.completion_tokens,
                    queue_s: end.timings.queue.as_secs_f64(),
                    prefill_s: end.timings.prefill.as_secs_f64(),
                    decode_s: end.timings.decode.as_secs_f64(),
                },
            )?
            .into_any())
        }
    }
}
