//! ONNX Runtime: its library, its one environment, and sessions.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ort::device::Device as Card;
use ort::environment::Environment;
use ort::ep::CPU;
use ort::logging::LogLevel;
use ort::session::Session;
use ort::session::builder::GraphOptimizationLevel;
use ort::value::{Outlet, TensorElementType, ValueType};

use crate::error::{EngineError, Result};
use crate::graph::{Element, Port};

/// Threads to compute with: what was asked for, or one for each physical core.
/// A second hyperthread of a core adds nothing to matrix kernels that keep its
/// vector units busy, and takes time from the event loop beside them.
#[must_use]
pub fn threads(requested: usize) -> usize {
    if requested > 0 {
        return requested.min(1024);
    }
    let usable = std::thread::available_parallelism().map_or(1, usize::from);
    num_cpus::get_physical().clamp(1, usable)
}

/// The library that this process loaded. ONNX Runtime allows one environment for
/// each process, and its library must never be unloaded.
static LOADED: Mutex<Option<(PathBuf, Environment)>> = Mutex::new(None);

/// Loads ONNX Runtime from `library`, or returns the environment already there.
///
/// # Errors
/// [`EngineError::RuntimeMissing`] when it is not there, not loadable or too old.
pub fn environment(library: &Path) -> Result<Environment> {
    let path = library.canonicalize().map_err(|_| {
        EngineError::RuntimeMissing(format!(
            "ONNX Runtime was not found at {}. Install the Python package 'onnxruntime'.",
            library.display()
        ))
    })?;
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((first, environment)) = loaded.as_ref() {
        if *first != path {
            return Err(EngineError::RuntimeMissing(format!(
                "This process already runs ONNX Runtime from {}; restart it to use {}.",
                first.display(),
                path.display()
            )));
        }
        return Ok(environment.clone());
    }
    let builder = ort::init_from(&path).map_err(|error| {
        EngineError::RuntimeMissing(format!(
            "ONNX Runtime at {} cannot be used ({error}). Install the Python package 'onnxruntime' 1.{} or newer.",
            path.display(),
            ort::MINOR_VERSION
        ))
    })?;
    let environment = builder
        .with_name("hearth")
        .with_telemetry(false)
        // Its own log would go to standard error; what matters comes as an error.
        .with_logger(Arc::new(|_, _, _, _, _| {}))
        .build()
        .map_err(|error| {
            EngineError::RuntimeMissing(format!("ONNX Runtime did not start ({error})."))
        })?;
    *loaded = Some((path, environment.clone()));
    Ok(environment)
}

/// Opens `model` on `card`, or on the processor, with options as [`crate::provider::options`]
/// gives them.
///
/// # Errors
/// [`EngineError::ModelDamaged`] when ONNX Runtime cannot read it, and
/// [`EngineError::DeviceUnavailable`] when a card cannot take it.
pub fn open(
    environment: &Environment,
    model: &Path,
    card: Option<(Card<'_>, &[(String, String)])>,
    threads: usize,
) -> Result<Session> {
    let on_card = card.is_some();
    let configured = || -> ort::Result<_> {
        let mut builder = Session::builder(environment)?;
        if let Some((card, options)) = card {
            builder = builder.with_devices([card], Some(options))?;
        }
        Ok(builder
            .with_log_level(LogLevel::Fatal)?
            .with_execution_providers([CPU::default().with_arena_allocator(true).build()])?
            .with_optimization_level(GraphOptimizationLevel::All)?
            .with_intra_threads(threads)?
            .with_inter_threads(1)?
            // Sizes differ from step to step, so a pattern never fits twice.
            .with_memory_pattern(false)?
            // Spinning workers wait for each other by burning their cores. Measured
            // on two cores with an event loop and a browser beside: 22 tokens/s
            // spinning, 38 without; and an idle core is what the event loop needs.
            .with_intra_op_spinning(false)?)
    };
    let mut builder = configured().map_err(|error| {
        if on_card {
            return refused_by_card(&error);
        }
        EngineError::RuntimeMissing(format!("ONNX Runtime refused its options ({error})."))
    })?;
    builder.commit_from_file(model).map_err(|error| {
        if on_card {
            return refused_by_card(&error);
        }
        EngineError::ModelDamaged(format!(
            "ONNX Runtime cannot open its graph ({})",
            error.message()
        ))
    })
}

/// A card may lack memory or a kernel: that says nothing of the model.
fn refused_by_card<T>(error: &ort::Error<T>) -> EngineError {
    EngineError::DeviceUnavailable(format!(
        "The card cannot take this model ({}). Choose a smaller one, or set the device to 'cpu'.",
        error.message()
    ))
}

/// The ports of a session, in its own order.
#[must_use]
pub fn ports(outlets: &[Outlet]) -> Vec<Port> {
    outlets.iter().map(port).collect()
}

fn port(outlet: &Outlet) -> Port {
    let (element, shape) = match outlet.dtype() {
        ValueType::Tensor { ty, shape, .. } => {
            let element = match ty {
                TensorElementType::Int64 => Element::I64,
                TensorElementType::Float32 => Element::F32,
                TensorElementType::Float16 => Element::F16,
                _ => Element::Other,
            };
            (element, shape.to_vec())
        }
        _ => (Element::Other, Vec::new()),
    };
    Port {
        name: outlet.name().to_owned(),
        element,
        shape,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_follow_the_request_or_the_machine() {
        assert_eq!(threads(3), 3);
        assert!((1..=num_cpus::get()).contains(&threads(0)));
    }

    #[test]
    fn a_library_that_is_not_there_is_named() {
        let error = environment(Path::new("/no/such/libonnxruntime.so")).unwrap_err();
        assert_eq!(error.code(), "runtime_missing");
        assert!(
            error.to_string().contains("/no/such/libonnxruntime.so"),
            "{error}"
        );
    }
}
