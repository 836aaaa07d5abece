//! The engine, as Python holds it.

use std::path::PathBuf;
use std::time::Duration;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::events::event_to_python;
use super::sampling::PySampling;
use crate::generator::Engine;
use crate::load::Options;
use crate::mailbox::Feeding;
use crate::provider::Request;
use crate::slots::PREFILL_CHUNK;
use crate::template::Message;

#[pyclass(frozen, get_all, name = "ModelInfo", module = "gpu_peer._rust_trt")]
pub(super) struct PyModelInfo {
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
pub(super) struct PyEngine(Engine);

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

    #[pyo3(signature = (messages, begun=""))]
    fn count_tokens(
        &self,
        py: Python<'_>,
        messages: Vec<(String, String)>,
        begun: &str,
    ) -> PyResult<usize> {
        Ok(self.encode_chat(py, messages, begun)?.len())
    }

    #[pyo3(signature = (messages, begun=""))]
    fn encode_chat(
        &self,
        py: Python<'_>,
        messages: Vec<(String, String)>,
        begun: &str,
    ) -> PyResult<Vec<u32>> {
        let messages = to_messages(messages);
        Ok(py.detach(|| self.0.encode_chat(&messages, begun))?)
    }

    fn tokenize(&self, py: Python<'_>, text: &str) -> PyResult<Vec<u32>> {
        Ok(py.detach(|| self.0.tokenizer().encode(text))?)
    }

    #[allow(clippy::needless_pass_by_value)] // PyO3 extracts owned values
    fn detokenize(&self, py: Python<'_>, ids: Vec<u32>) -> String {
        py.detach(|| self.0.tokenizer().decode(&ids))
    }

    #[pyo3(signature = (generation_id, messages, sampling, *, owner=None, begun=""))]
    fn submit(
        &self,
        py: Python<'_>,
        generation_id: &str,
        messages: Vec<(String, String)>,
        sampling: &PySampling,
        owner: Option<&str>,
        begun: &str,
    ) -> PyResult<usize> {
        let messages = to_messages(messages);
        let sampling = sampling.0.clone();
        Ok(py.detach(|| {
            self.0
                .submit(generation_id, owner, &messages, begun, sampling)
        })?)
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
