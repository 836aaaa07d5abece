//! The exceptions, named as in Python.

use pyo3::create_exception;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::types::PyType;

use crate::error;

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

impl From<error::EngineError> for PyErr {
    fn from(error: error::EngineError) -> Self {
        let text = error.to_string();
        match error {
            error::EngineError::ModelMissing(_) => ModelMissing::new_err(text),
            error::EngineError::ModelDamaged(_) => ModelDamaged::new_err(text),
            error::EngineError::ModelUnsupported(_) => ModelUnsupported::new_err(text),
            error::EngineError::RuntimeMissing(_) => RuntimeMissing::new_err(text),
            error::EngineError::DeviceUnavailable(_) => DeviceUnavailable::new_err(text),
            error::EngineError::MemoryShort { .. } => MemoryShort::new_err(text),
            error::EngineError::ContextFull { .. } => ContextFull::new_err(text),
            error::EngineError::InvalidSampling { .. } => InvalidSampling::new_err(text),
            error::EngineError::InvalidMessages(_) => InvalidMessages::new_err(text),
            error::EngineError::DuplicateGeneration => DuplicateGeneration::new_err(text),
            error::EngineError::EngineBusy(_) => EngineBusy::new_err(text),
            error::EngineError::EngineClosed(_) => EngineClosed::new_err(text),
            error::EngineError::InferenceFailed(_) => InferenceFailed::new_err(text),
        }
    }
}

/// Adds an exception with its code, which is the same for all of its kind.
fn add(module: &Bound<'_, PyModule>, exception: &Bound<'_, PyType>, code: &str) -> PyResult<()> {
    exception.setattr("code", code)?;
    module.add(exception.name()?, exception)
}

/// Adds all of them.
pub(super) fn add_all(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    add(module, &py.get_type::<EngineError>(), "engine_error")?;
    add(module, &py.get_type::<ModelMissing>(), "model_missing")?;
    add(module, &py.get_type::<ModelDamaged>(), "model_damaged")?;
    add(
        module,
        &py.get_type::<ModelUnsupported>(),
        "model_unsupported",
    )?;
    add(module, &py.get_type::<RuntimeMissing>(), "runtime_missing")?;
    add(
        module,
        &py.get_type::<DeviceUnavailable>(),
        "device_unavailable",
    )?;
    add(module, &py.get_type::<MemoryShort>(), "memory_short")?;
    add(module, &py.get_type::<ContextFull>(), "context_full")?;
    add(
        module,
        &py.get_type::<InvalidSampling>(),
        "invalid_sampling",
    )?;
    add(
        module,
        &py.get_type::<InvalidMessages>(),
        "invalid_messages",
    )?;
    add(
        module,
        &py.get_type::<DuplicateGeneration>(),
        "duplicate_generation",
    )?;
    add(module, &py.get_type::<EngineBusy>(), "engine_busy")?;
    add(module, &py.get_type::<EngineClosed>(), "engine_closed")?;
    add(
        module,
        &py.get_type::<InferenceFailed>(),
        "inference_failed",
    )?;
    Ok(())
}
