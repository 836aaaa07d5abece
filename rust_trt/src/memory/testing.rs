//! Both kinds of memory, the device's in that of the processor.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use ort::environment::Environment;
use ort::session::Session;

use crate::memory::Memory;
use crate::memory::device::DeviceMemory;
use crate::memory::host::HostMemory;
use crate::memory::place::Place;
use crate::runtime;

/// One of each, of `bytes` bytes.
pub(crate) fn memories(bytes: usize) -> [Box<dyn Memory>; 2] {
    let (environment, session) = session();
    let place = Place::host().unwrap();
    let device = DeviceMemory::new(environment, session, place, bytes).unwrap();
    [
        Box::new(HostMemory::new(bytes).unwrap()),
        Box::new(device.unwrap()),
    ]
}

/// A session that copies its input `x` to its output.
pub(crate) fn session() -> &'static (Environment, Session) {
    static SESSION: OnceLock<(Environment, Session)> = OnceLock::new();
    SESSION.get_or_init(|| {
        let environment = runtime::environment(&library()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let model = folder.path().join("model.onnx");
        std::fs::write(&model, identity()).unwrap();
        let session = runtime::open(&environment, &model, None, 1).unwrap();
        (environment, session)
    })
}

/// ONNX Runtime, as `ORT_DYLIB_PATH` says or from the checkout's Python packages.
fn library() -> PathBuf {
    if let Some(path) = std::env::var_os("ORT_DYLIB_PATH") {
        return path.into();
    }
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let packages = [".venv/lib", ".venv/Lib"].map(|folder| checkout.join(folder));
    packages
        .iter()
        .flat_map(|lib| std::fs::read_dir(lib).into_iter().flatten().flatten())
        .map(|python| python.path().join("site-packages"))
        .chain(packages[1..].iter().map(|lib| lib.join("site-packages")))
        .filter_map(|site| std::fs::read_dir(site.join("onnxruntime/capi")).ok())
        .flat_map(|files| files.flatten().map(|file| file.path()))
        .find(|path| {
            let name = path
                .file_name()
                .and_then(|name| name.to_str())
                .unwrap_or("");
            name.starts_with("libonnxruntime.") || name == "onnxruntime.dll"
        })
        .expect("ONNX Runtime is not in .venv: run scripts/test, or set ORT_DYLIB_PATH to it")
}

/// The smallest model: `ModelProto` of onnx.proto, by hand.
fn identity() -> Vec<u8> {
    fn message(field: u8, content: &[u8]) -> Vec<u8> {
        [&[field << 3 | 2, content.len() as u8], content].concat()
    }
    fn number(field: u8, value: u8) -> Vec<u8> {
        vec![field << 3, value]
    }
    let tensor = message(1, &number(1, 1)); // of floats, of any shape
    let port = |name: &[u8]| [message(1, name), message(2, &tensor)].concat();
    let node = [message(1, b"x"), message(2, b"y"), message(4, b"Identity")].concat();
    let graph = [
        message(1, &node),
        message(2, b"identity"),
        message(11, &port(b"x")),
        message(12, &port(b"y")),
    ]
    .concat();
    let opset = number(2, 13);
    [number(1, 8), message(7, &graph), message(8, &opset)].concat()
}
