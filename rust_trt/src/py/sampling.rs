//! What Python asks of the sampler.

use std::sync::Arc;

use pyo3::exceptions::PyOverflowError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use crate::error::EngineError;
use crate::json_schema::invalid;
use crate::sampling::Sampling;

#[pyclass(frozen, name = "Sampling", module = "gpu_peer._rust_trt")]
pub(super) struct PySampling(pub(super) Sampling);

/// A whole number of the field's width; out of it is an invalid setting, not an
/// `OverflowError`.
fn whole<'py, T>(value: &Bound<'py, PyAny>, field: &'static str) -> PyResult<T>
where
    T: for<'a> FromPyObject<'a, 'py, Error = PyErr>,
{
    value.extract::<T>().map_err(|error| {
        if error.is_instance_of::<PyOverflowError>(value.py()) {
            EngineError::InvalidSampling {
                field,
                problem: "it is out of range".into(),
            }
            .into()
        } else {
            error
        }
    })
}

fn biases(by_token: &Bound<'_, PyDict>) -> PyResult<Vec<(u32, f32)>> {
    by_token
        .iter()
        .map(|(id, bias)| Ok((whole(&id, "logit_bias")?, bias.extract()?)))
        .collect()
}

/// A schema as JSON: a string is JSON already, anything else is for `json.dumps`.
fn schema_text(schema: &Bound<'_, PyAny>) -> PyResult<Arc<str>> {
    if let Ok(text) = schema.cast::<PyString>() {
        let text = text.to_str().map_err(|_| invalid("it is no text"))?;
        return Ok(text.into());
    }
    let json = schema.py().import("json")?;
    let text = json
        .call_method1("dumps", (schema,))
        .map_err(|_| invalid("it must be a JSON object"))?;
    Ok(text.extract::<String>()?.into())
}

#[pymethods]
impl PySampling {
    #[new]
    #[pyo3(signature = (*, max_tokens=None, temperature=0.0, top_k=None, top_p=1.0, min_p=0.0,
                        repetition_penalty=1.0, seed=None, stop=Vec::new(), logit_bias=None,
                        min_tokens=None, ignore_eos=false, json_schema=None))]
    #[allow(clippy::too_many_arguments)] // keyword-only in Python
    fn new(
        max_tokens: Option<&Bound<'_, PyAny>>,
        temperature: f32,
        top_k: Option<&Bound<'_, PyAny>>,
        top_p: f32,
        min_p: f32,
        repetition_penalty: f32,
        seed: Option<&Bound<'_, PyAny>>,
        stop: Vec<String>,
        logit_bias: Option<&Bound<'_, PyDict>>,
        min_tokens: Option<&Bound<'_, PyAny>>,
        ignore_eos: bool,
        json_schema: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let defaults = Sampling::default();
        let sampling = Sampling {
            max_tokens: max_tokens
                .map_or(Ok(defaults.max_tokens), |value| whole(value, "max_tokens"))?,
            temperature,
            top_k: top_k.map_or(Ok(defaults.top_k), |value| whole(value, "top_k"))?,
            top_p,
            min_p,
            repetition_penalty,
            seed: seed.map(|value| whole(value, "seed")).transpose()?,
            stop,
            logit_bias: logit_bias.map_or(Ok(Vec::new()), biases)?,
            min_tokens: min_tokens
                .map_or(Ok(defaults.min_tokens), |value| whole(value, "min_tokens"))?,
            ignore_eos,
            json_schema: json_schema.map(schema_text).transpose()?,
        };
        Ok(Self(sampling.checked()?))
    }

    #[getter]
    fn max_tokens(&self) -> u32 {
        self.0.max_tokens
    }

    #[getter]
    fn temperature(&self) -> f32 {
        self.0.temperature
    }

    #[getter]
    fn seed(&self) -> Option<u64> {
        self.0.seed
    }
}
