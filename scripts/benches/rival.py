"""llama.cpp, kept loaded in a process of its own; it comes prebuilt with the npm package.

`node-llama-cpp` has packages for CUDA as well, of several hundred MB. The bench of the CPU leaves
them out; the one of a card installs them beside, into the cache.
"""

import contextlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from ours import CONTEXT, ROOT, THREADS

from gpu_peer.models.embedded import embedded_gguf

HERE = Path(__file__).resolve().parent / "llama_cpp"
WITH_CUDA = ROOT / ".cache" / "bench" / "llama_cpp_cuda"


class LlamaCpp:
    """A process that keeps llama.cpp loaded and answers one line with one line."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._in, self._out = process.stdin, process.stdout
        self._read()

    def time_answer(self, ids: list[int], tokens: int) -> tuple[float, float]:
        """Give the seconds from feeding `ids` to the first and to the last of so many tokens."""
        self._in.write(json.dumps({"ids": ids, "tokens": tokens}) + "\n")
        self._in.flush()
        answer = self._read()
        return answer["first"], answer["last"]

    def _read(self) -> dict[str, float]:
        line = self._out.readline()
        if not line:
            raise SystemExit("llama.cpp ended; what it said is above.")
        answer: dict[str, float] = json.loads(line)
        return answer


@contextlib.contextmanager
def llama_cpp(*, cuda: bool = False) -> Iterator[LlamaCpp]:
    """Start llama.cpp on the GGUF that our model folder was made from."""
    for tool in ("node", "npm"):
        if shutil.which(tool) is None:
            raise SystemExit(f"{tool} is missing: llama.cpp comes as an npm package.")
    folder = _with_cuda() if cuda else HERE
    if not (folder / "node_modules" / ".package-lock.json").exists():
        install = ["npm", "install" if cuda else "ci", "--ignore-scripts"]
        subprocess.run(install, cwd=folder, check=True, stdout=sys.stderr)
    command = ["node", "serve.mjs", str(embedded_gguf()), str(THREADS), str(CONTEXT)]
    with subprocess.Popen(
        [*command, "cuda" if cuda else "cpu"],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield LlamaCpp(process)
        assert process.stdin is not None
        process.stdin.close()


def _with_cuda() -> Path:
    """Lay the package out anew, with the packages for CUDA that it leaves out here."""
    WITH_CUDA.mkdir(parents=True, exist_ok=True)
    package = json.loads((HERE / "package.json").read_text("utf-8"))
    del package["overrides"]
    (WITH_CUDA / "package.json").write_text(json.dumps(package), encoding="utf-8")
    for name in ("serve.mjs", ".npmrc"):
        shutil.copyfile(HERE / name, WITH_CUDA / name)
    return WITH_CUDA
