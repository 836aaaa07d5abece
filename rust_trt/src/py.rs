//! The Python face, `gpu_peer._rust_trt`: the only file that names `PyO3`.
//!
//! Every call that may wait does so without the GIL. What it looks like from
//! Python, with all documentation, is in `gpu_peer/_rust_trt.pyi`.

use std::path::PathBuf;
use std::time::Duration;

use pyo3::exceptions::{PyOverflowError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyType};

use crate::error::EngineError;
use crate::events::{EndReason, Event};
use crate::generator::{Engine, Options};
use crate::mailbox::Feeding;
use crate::provider::Request;
use crate::sampling::Sampling;
use crate::slots::PREFILL_CHUNK;
use crate::template::Message;

/// The exceptions, named as in Python.
mod exceptions {
    use pyo3::create_exception;
    use pyo3::exceptions::PyException;

    create_exception!(
        gpu_peer._rust_trt,
        EngineError,
        PyException,
        "Base of all errors of the engine."
    );

    macro_rules! exceptions {
        ($($name:ident: $doc:literal,)*) => {
            $(create_exception!(gpu_peer._rust_trt, $name, EngineError, $doc);)*
        };
    }

    exceptions! {
        ModelMissing: "The model folder or one of its files does not exist.",
        ModelDamaged: "A file of the model folder is cut off or contradicts the others.",
        ModelUnsupported: "The model folder is whole, but this version cannot run it.",
        RuntimeMissing: "ONNX Runtime is not there, not loadable or too old.",
        DeviceUnavailable: "The device asked for does not exist or cannot be used.",
        MemoryShort: "The caches do not fit into the memory there is or the memory allowed.",
        ContextFull: "The prompt leaves no room for an answer.",
        InvalidSampling: "A sampling parameter is out of its range.",
        InvalidMessages: "The messages cannot be given to the model.",
        DuplicateGeneration: "A generation with this id is waiting or running.",
        EngineBusy: "The queue is full.",
        EngineClosed: "The engine was closed or stopped after an internal error.",
        InferenceFailed: "ONNX Runtime failed while computing.",
    }
}

impl From<EngineError> for PyErr {
    fn from(error: EngineError) -> Self {
        let text = error.to_string();
        match error {
            EngineError::ModelMissing(_) => exceptions::ModelMissing::new_err(text),
            EngineError::ModelDamaged(_) => exceptions::ModelDamaged::new_err(text),
            EngineError::ModelUnsupported(_) => exceptions::ModelUnsupported::new_err(text),
            EngineError::RuntimeMissing(_) => exceptions::RuntimeMissing::new_err(text),
            EngineError::DeviceUnavailable(_) => exceptions::DeviceUnavailable::new_err(text),
            EngineError::MemoryShort { .. } => exceptions::MemoryShort::new_err(text),
            EngineError::ContextFull { .. } => exceptions::ContextFull::new_err(text),
            EngineError::InvalidSampling { .. } => exceptions::InvalidSampling::new_err(text),
            EngineError::InvalidMessages(_) => exceptions::InvalidMessages::new_err(text),
            EngineError::DuplicateGeneration => exceptions::DuplicateGeneration::new_err(text),
            EngineError::EngineBusy(_) => exceptions::EngineBusy::new_err(text),
            EngineError::EngineClosed(_) => exceptions::EngineClosed::new_err(text),
            EngineError::InferenceFailed(_) => exceptions::InferenceFailed::new_err(text),
        }
    }
}

#[pyclass(frozen, get_all, name = "ModelInfo", module = "gpu_peer._rust_trt")]
struct PyModelInfo {
    name: String,
    architecture: String,
    context_length: usize,
    vocab_size: usize,
    device: &'static str,
    threads: usize,
    decodes_together: bool,
}

#[pymethods]
impl PyModelInfo {
    fn __repr__(&self) -> String {
        format!(
            "ModelInfo(name={:?}, architecture={:?}, context_length={}, vocab_size={}, device={:?}, threads={}, decodes_together={})",
            self.name,
            self.architecture,
            self.context_length,
            self.vocab_size,
            self.device,
            self.threads,
            self.decodes_together
        )
    }
}

#[pyclass(frozen, name = "Sampling", module = "gpu_peer._rust_trt")]
struct PySampling(Sampling);

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

#[pymethods]
impl PySampling {
    #[new]
    #[pyo3(signature = (*, max_tokens=None, temperature=0.0, top_k=None, top_p=1.0, min_p=0.0,
                        repetition_penalty=1.0, seed=None, stop=Vec::new(), logit_bias=None,
                        min_tokens=None, ignore_eos=false))]
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

#[pyclass(frozen, get_all, name = "TextPiece", module = "gpu_peer._rust_trt")]
struct PyTextPiece {
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
struct PyGenerationEnd {
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

fn event_to_python(py: Python<'_>, event: Event) -> PyResult<Py<PyAny>> {
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

fn to_messages(messages: Vec<(String, String)>) -> Vec<Message> {
    messages
        .into_iter()
        .map(|(role, content)| Message { role, content })
        .collect()
}

fn to_bytes<'py>(py: Python<'py>, logits: &[f32]) -> Bound<'py, PyBytes> {
    let bytes: Vec<u8> = logits
        .iter()
        .flat_map(|logit| logit.to_ne_bytes())
        .collect();
    PyBytes::new(py, &bytes)
}

#[pyclass(frozen, name = "Engine", module = "gpu_peer._rust_trt")]
struct PyEngine(Engine);

#[pymethods]
impl PyEngine {
    #[staticmethod]
    #[pyo3(signature = (folder, *, library, device="cpu", provider_library=None,
                        provider_cache=None, threads=0, context_length=0,
                        max_active=8, max_waiting=32,
                        cache_bytes=0))]
    #[allow(clippy::too_many_arguments)] // keyword-only in Python
    fn load(
        py: Python<'_>,
        folder: PathBuf,
        library: PathBuf,
        device: &str,
        provider_library: Option<PathBuf>,
        provider_cache: Option<PathBuf>,
        threads: usize,
        context_length: usize,
        max_active: usize,
        max_waiting: usize,
        cache_bytes: usize,
    ) -> PyResult<Self> {
        let options = Options {
            folder,
            library,
            device: device.to_owned(),
            provider: Request {
                library: provider_library,
                cache: provider_cache,
            },
            threads,
            context_length,
            max_active,
            max_waiting,
            cache_bytes,
        };
        Ok(Self(py.detach(|| Engine::load(&options))?))
    }

    #[getter]
    fn info(&self) -> PyModelInfo {
        let info = self.0.info();
        PyModelInfo {
            name: info.name.clone(),
            architecture: info.architecture.clone(),
            context_length: info.context_length,
            vocab_size: info.vocab_size,
            device: info.device,
            threads: info.threads,
            decodes_together: info.decodes_together,
        }
    }

    fn count_tokens(&self, py: Python<'_>, messages: Vec<(String, String)>) -> PyResult<usize> {
        Ok(self.encode_chat(py, messages)?.len())
    }

    fn encode_chat(&self, py: Python<'_>, messages: Vec<(String, String)>) -> PyResult<Vec<u32>> {
        let messages = to_messages(messages);
        Ok(py.detach(|| self.0.encode_chat(&messages))?)
    }

    fn tokenize(&self, py: Python<'_>, text: &str) -> PyResult<Vec<u32>> {
        Ok(py.detach(|| self.0.tokenizer().encode(text))?)
    }

    #[allow(clippy::needless_pass_by_value)] // PyO3 extracts owned values
    fn detokenize(&self, py: Python<'_>, ids: Vec<u32>) -> String {
        py.detach(|| self.0.tokenizer().decode(&ids))
    }

    #[pyo3(signature = (generation_id, messages, sampling, *, owner=None))]
    fn submit(
        &self,
        py: Python<'_>,
        generation_id: &str,
        messages: Vec<(String, String)>,
        sampling: &PySampling,
        owner: Option<&str>,
    ) -> PyResult<usize> {
        let messages = to_messages(messages);
        let sampling = sampling.0.clone();
        Ok(py.detach(|| self.0.submit(generation_id, owner, &messages, sampling))?)
    }

    fn cancel(&self, py: Python<'_>, generation_id: &str) -> bool {
        py.detach(|| self.0.cancel(generation_id))
    }

    fn next_events(&self, py: Python<'_>, timeout_s: f64) -> PyResult<Vec<Py<PyAny>>> {
        let timeout = Duration::try_from_secs_f64(timeout_s)
            .map_err(|_| PyValueError::new_err("timeout_s must be a number of seconds from 0"))?;
        py.detach(|| self.0.next_events(timeout))?
            .into_iter()
            .map(|event| event_to_python(py, event))
            .collect()
    }

    #[pyo3(signature = (token_ids, *, chunk=0))]
    fn logits<'py>(
        &self,
        py: Python<'py>,
        token_ids: Vec<u32>,
        chunk: usize,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let chunk = if chunk == 0 { PREFILL_CHUNK } else { chunk };
        let logits = py.detach(|| self.0.logits(vec![token_ids], Feeding::Chunks(chunk)))?;
        Ok(to_bytes(py, &logits))
    }

    fn logits_together<'py>(
        &self,
        py: Python<'py>,
        sequences: Vec<Vec<u32>>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let logits = py.detach(|| self.0.logits(sequences, Feeding::Together))?;
        Ok(to_bytes(py, &logits))
    }

    fn close(&self, py: Python<'_>) {
        py.detach(|| self.0.close());
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __exit__(
        &self,
        py: Python<'_>,
        _kind: &Bound<'_, PyAny>,
        _error: &Bound<'_, PyAny>,
        _traceback: &Bound<'_, PyAny>,
    ) {
        self.close(py);
    }
}

/// Adds an exception with its code, which is the same for all of its kind.
fn add(module: &Bound<'_, PyModule>, exception: &Bound<'_, PyType>, code: &str) -> PyResult<()> {
    exception.setattr("code", code)?;
    module.add(exception.name()?, exception)
}

#[pymodule]
fn _rust_trt(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    add(
        module,
        &py.get_type::<exceptions::EngineError>(),
        "engine_error",
    )?;
    add(
        module,
        &py.get_type::<exceptions::ModelMissing>(),
        "model_missing",
    )?;
    add(
        module,
        &py.get_type::<exceptions::ModelDamaged>(),
        "model_damaged",
    )?;
    add(
        module,
        &py.get_type::<exceptions::ModelUnsupported>(),
        "model_unsupported",
    )?;
    add(
        module,
        &py.get_type::<exceptions::RuntimeMissing>(),
        "runtime_missing",
    )?;
    add(
        module,
        &py.get_type::<exceptions::DeviceUnavailable>(),
        "device_unavailable",
    )?;
    add(
        module,
        &py.get_type::<exceptions::MemoryShort>(),
        "memory_short",
    )?;
    add(
        module,
        &py.get_type::<exceptions::ContextFull>(),
        "context_full",
    )?;
    add(
        module,
        &py.get_type::<exceptions::InvalidSampling>(),
        "invalid_sampling",
    )?;
    add(
        module,
        &py.get_type::<exceptions::InvalidMessages>(),
        "invalid_messages",
    )?;
    add(
        module,
        &py.get_type::<exceptions::DuplicateGeneration>(),
        "duplicate_generation",
    )?;
    add(
        module,
        &py.get_type::<exceptions::EngineBusy>(),
        "engine_busy",
    )?;
    add(
        module,
        &py.get_type::<exceptions::EngineClosed>(),
        "engine_closed",
    )?;
    add(
        module,
        &py.get_type::<exceptions::InferenceFailed>(),
        "inference_failed",
    )?;
    module.add_class::<PyModelInfo>()?;
    module.add_class::<PySampling>()?;
    module.add_class::<PyTextPiece>()?;
    module.add_class::<PyGenerationEnd>()?;
    module.add_class::<PyEngine>()?;
    Ok(())
}
