//! Execution providers that are libraries of their own, and the cards they find.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use ort::environment::Environment;

use crate::device::Device;
use crate::error::{EngineError, Result};

/// How a provider is to be found and set up.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Its library; the CUDA provider is looked for beside the runtime.
    pub library: Option<PathBuf>,
    /// A folder for what it compiles, so that the next start is faster.
    pub cache: Option<PathBuf>,
}

/// What is to be known of one provider.
struct Kind {
    /// Name that it has in the runtime.
    name: &'static str,
    /// Name for people.
    title: &'static str,
    /// What brings its library.
    package: &'static str,
    /// What a card must be.
    card: &'static str,
}

const CUDA: Kind = Kind {
    name: "CUDAExecutionProvider",
    title: "CUDA",
    package: "onnxruntime-gpu[cuda,cudnn]",
    card: "an NVIDIA card",
};
const TENSORRT: Kind = Kind {
    name: "NvTensorRTRTXExecutionProvider",
    title: "TensorRT for RTX",
    package: "onnxruntime-ep-nv-tensorrt-rtx-cu13",
    card: "an NVIDIA card of the RTX 30 series or newer",
};

/// Libraries that were registered: once for a process, and never taken back, since
/// memory and sessions of them may live anywhere.
static REGISTERED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// The first card that the provider for `device` finds; `None` for the processor.
///
/// # Errors
/// [`EngineError::DeviceUnavailable`] when the provider is not there, does not load, or
/// finds no card.
pub fn find<'e>(
    environment: &'e Environment,
    runtime: &Path,
    device: Device,
    request: &Request,
) -> Result<Option<ort::device::Device<'e>>> {
    let kind = match device {
        Device::Cpu | Device::Emulated => return Ok(None),
        Device::Cuda => CUDA,
        Device::TensorRt => TENSORRT,
    };
    register(environment, &kind, &library(&kind, runtime, request)?)?;
    let card = environment
        .devices()
        .find(|card| card.ep().is_ok_and(|name| name == kind.name));
    match card {
        Some(card) => Ok(Some(card)),
        None => Err(unavailable(format!(
            "{} finds no card it can use: it needs {} and a current driver. \
             Update the driver, or set the device to 'cpu'.",
            kind.title, kind.card
        ))),
    }
}

/// What `device` is to be told, in the words of [`ort`]: keys begin with the provider's name.
#[must_use]
pub fn options(
    device: Device,
    request: &Request,
    shapes: impl IntoIterator<Item = (&'static str, String)>,
) -> Vec<(String, String)> {
    let (kind, own): (_, Vec<(&str, String)>) = match device {
        Device::Cpu | Device::Emulated => return Vec::new(),
        // The arena would else double what one large cache takes.
        Device::Cuda => (
            CUDA,
            vec![("arena_extend_strategy", "kSameAsRequested".into())],
        ),
        Device::TensorRt => {
            let cache = request.cache.as_ref();
            let cache = cache.map(|folder| ("nv_runtime_cache_path", folder.display().to_string()));
            let own = [("enable_cuda_graph", "1".to_owned())];
            (
                TENSORRT,
                own.into_iter().chain(cache).chain(shapes).collect(),
            )
        }
    };
    own.into_iter()
        .map(|(key, value)| (format!("{}.{key}", kind.name), value))
        .collect()
}

fn library(kind: &Kind, runtime: &Path, request: &Request) -> Result<PathBuf> {
    let beside = runtime
        .parent()
        .filter(|_| kind.name == CUDA.name)
        .map(|folder| folder.join(CUDA_LIBRARY));
    request
        .library
        .clone()
        .or(beside)
        .and_then(|path| path.canonicalize().ok())
        .ok_or_else(|| {
            unavailable(format!(
                "{} is not installed. Install the Python package '{}', or set the device to 'cpu'.",
                kind.title, kind.package
            ))
        })
}

fn register(environment: &Environment, kind: &Kind, library: &Path) -> Result<()> {
    let mut registered = REGISTERED.lock().unwrap_or_else(PoisonError::into_inner);
    if registered.iter().any(|path| path == library) {
        return Ok(());
    }
    load_companions(library);
    environment
        .register_ep_library(kind.name, library)
        .map_err(|error| not_loaded(kind, error.message()))?;
    registered.push(library.to_owned());
    Ok(())
}

/// Loads what lies beside a provider and has a version in its file's name, which its
/// loader does not look for. What is not loaded here, registering complains about.
fn load_companions(library: &Path) {
    let Some(files) = library.parent().and_then(|folder| folder.read_dir().ok()) else {
        return;
    };
    let files: Vec<PathBuf> = files.flatten().map(|entry| entry.path()).collect();
    for stem in COMPANIONS {
        let versioned = files.iter().find(|path| {
            let name = path.file_name().and_then(|name| name.to_str());
            name.is_some_and(|name| name.strip_prefix(stem).is_some_and(|rest| !rest.is_empty()))
        });
        if let Some(path) = versioned {
            let _ = ort::util::preload_dylib(path);
        }
    }
}

fn not_loaded(kind: &Kind, problem: &str) -> EngineError {
    let title = kind.title;
    if DRIVER.iter().any(|file| problem.contains(file)) {
        return unavailable(format!(
            "{title} needs NVIDIA's driver, which is not installed. \
             Install it, or set the device to 'cpu'."
        ));
    }
    unavailable(format!(
        "{title} cannot be loaded ({problem}). Install the Python package '{}' again, \
         or set the device to 'cpu'.",
        kind.package
    ))
}

fn unavailable(sentence: String) -> EngineError {
    EngineError::DeviceUnavailable(sentence)
}

const CUDA_LIBRARY: &str = if cfg!(windows) {
    "onnxruntime_providers_cuda.dll"
} else {
    "libonnxruntime_providers_cuda.so"
};
/// Beginnings of the names, in the order in which they need each other.
const COMPANIONS: [&str; 3] = [
    "libcudart.so.",
    "libtensorrt_rtx.so.",
    "libtensorrt_onnxparser_rtx.so.",
];
/// Files that come with the driver.
const DRIVER: [&str; 4] = ["libcuda.so", "libnvidia-ml.so", "nvcuda.dll", "nvml.dll"];

#[cfg(test)]
mod tests {
    use super::*;

    fn sentence(result: Result<PathBuf>) -> String {
        let error = result.unwrap_err();
        assert_eq!(error.code(), "device_unavailable");
        error.to_string()
    }

    #[test]
    fn a_provider_that_is_not_there_is_named_with_what_brings_it() {
        let runtime = Path::new("/no/such/libonnxruntime.so");
        let absent = Request {
            library: Some("/no/such/provider.so".into()),
            cache: None,
        };
        for request in [Request::default(), absent] {
            let text = sentence(library(&TENSORRT, runtime, &request));
            assert!(
                text.contains("onnxruntime-ep-nv-tensorrt-rtx-cu13"),
                "{text}"
            );
            let text = sentence(library(&CUDA, runtime, &request));
            assert!(text.contains("onnxruntime-gpu[cuda,cudnn]"), "{text}");
        }
    }

    #[test]
    fn cuda_is_found_beside_the_runtime_and_tensorrt_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let runtime = folder.path().join("libonnxruntime.so");
        std::fs::write(folder.path().join(CUDA_LIBRARY), "").unwrap();
        let found = library(&CUDA, &runtime, &Request::default()).unwrap();
        assert!(found.ends_with(CUDA_LIBRARY));
        sentence(library(&TENSORRT, &runtime, &Request::default()));
    }

    #[test]
    fn a_missing_driver_is_told_from_a_broken_package() {
        let text = not_loaded(&TENSORRT, "libcuda.so.1: cannot open").to_string();
        assert!(
            text.contains("driver") && !text.contains("libcuda"),
            "{text}"
        );
        let text = not_loaded(&TENSORRT, "libz.so.1: cannot open").to_string();
        assert!(text.contains("libz") && text.contains("again"), "{text}");
    }

    #[test]
    fn options_are_for_the_provider_that_is_asked() {
        let request = Request {
            library: None,
            cache: Some("/data/tensorrt".into()),
        };
        let shapes = [("nv_profile_min_shapes", "input_ids:1x1".to_owned())];
        assert!(options(Device::Cpu, &request, shapes.clone()).is_empty());
        let told = options(Device::TensorRt, &request, shapes.clone());
        let value = |key: &str| {
            let key = format!("NvTensorRTRTXExecutionProvider.{key}");
            told.iter()
                .find(|(name, _)| *name == key)
                .map(|(_, value)| value.as_str())
        };
        assert_eq!(value("enable_cuda_graph"), Some("1"));
        assert_eq!(value("nv_runtime_cache_path"), Some("/data/tensorrt"));
        assert_eq!(value("nv_profile_min_shapes"), Some("input_ids:1x1"));
        let told = options(Device::Cuda, &request, shapes);
        assert!(
            told.iter()
                .all(|(key, _)| key.starts_with("CUDAExecutionProvider."))
        );
    }
}
