//! The Python face, `gpu_peer._rust_trt`: the only folder that names `PyO3`.
//!
//! Every call that may wait does so without the GIL. What it looks like from
//! Python, with all documentation, is in `gpu_peer/_rust_trt.pyi`.

mod engine;
mod events;
mod exceptions;
mod sampling;

use pyo3::prelude::*;

use engine::{PyEngine, PyModelInfo};
use events::{PyGenerationEnd, PyTextPiece};
use sampling::PySampling;

#[pymodule]
fn _rust_trt(module: &Bound<'_, PyModule>) -> PyResult<()> {
    exceptions::add_all(module)?;
    module.add_class::<PyModelInfo>()?;
    module.add_class::<PySampling>()?;
    module.add_class::<PyTextPiece>()?;
    module.add_class::<PyGenerationEnd>()?;
    module.add_class::<PyEngine>()?;
    Ok(())
}
