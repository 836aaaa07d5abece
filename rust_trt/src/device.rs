//! The devices that a model can run on.

use crate::error::{EngineError, Result};

/// What computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Device {
    /// The processor.
    Cpu,
    /// The processor, treated as if it were a card: the cache in the session's allocator,
    /// copied by the runtime, lengths told as a card wants them. For tests.
    Emulated,
    /// An NVIDIA card through ONNX Runtime's own CUDA provider.
    Cuda,
    /// An NVIDIA card through TensorRT for RTX, a provider of its own.
    TensorRt,
}

impl Device {
    /// The device of that name.
    ///
    /// # Errors
    /// [`EngineError::DeviceUnavailable`] for names that are none.
    pub fn named(name: &str) -> Result<Self> {
        [Self::Cpu, Self::Emulated, Self::Cuda, Self::TensorRt]
            .into_iter()
            .find(|device| device.name() == name)
            .ok_or_else(|| {
                EngineError::DeviceUnavailable(
                    "There is no device of that name. Set the device to 'tensorrt', 'cuda' or 'cpu'."
                        .into(),
                )
            })
    }

    /// Its name, as [`Device::named`] takes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Emulated => "emulated",
            Self::Cuda => "cuda",
            Self::TensorRt => "tensorrt",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_found_by_its_name_and_no_other() {
        for name in ["cpu", "emulated", "cuda", "tensorrt"] {
            assert_eq!(Device::named(name).unwrap().name(), name);
        }
        for name in ["auto", "toaster", ""] {
            let error = Device::named(name).unwrap_err();
            assert_eq!(error.code(), "device_unavailable");
            assert!(error.to_string().contains("'cpu'"), "{error}");
        }
    }
}
