"""Perplexity of the embedded model as our core runs it, against its GGUF in plain float32.

The text lies beside this file and never changes. The model folder's graph is fed token by token, as
in an answer; at one place it is made sure that the core gives the same logits. The reference is the
numpy forward pass that the tests of the exporter use, over the weights as the GGUF has them.
"""

import math
import sys
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
from ours import ROOT, load_engine, model_folder
from python_loop import BoundNetwork, forced

from gpu_peer import _rust_trt as core
from gpu_peer.models.embedded import embedded_gguf

sys.path.insert(0, str(ROOT / "tests" / "gpu_peer" / "models"))
from reference import Reference

TEXT = ROOT / "scripts" / "benches" / "quality.txt"
BUDGET = 0.02
CHECKED = 128  # tokens after which the core is asked too
TOLERANCE = 1e-3


def main() -> int:
    folder = model_folder()
    network = BoundNetwork(folder)
    with load_engine(folder) as engine:
        ids = engine.tokenize(TEXT.read_text(encoding="utf-8"))
        ours = losses_of(forced(network, ids[:-1]), ids)
        require_same(engine, network, ids[:CHECKED])
    theirs = losses_of(Reference.load(embedded_gguf()).logits(ids[:-1]), ids)
    worse = math.exp(ours.mean() - theirs.mean()) - 1
    print(
        f"{len(ids)} tokens; mean difference of a token's loss {np.abs(ours - theirs).mean():.4f}"
    )
    print(f"perplexity: ours {math.exp(ours.mean()):.3f}, reference {math.exp(theirs.mean()):.3f}")
    print(f"perplexity against the float32 reference: {worse:+.2%} (budget {BUDGET:+.0%})")
    return 0 if worse <= BUDGET else 1


def require_same(engine: core.Engine, network: BoundNetwork, ids: list[int]) -> None:
    """Make sure that the core gives the logits that are judged here."""
    *_, expected = forced(network, ids)
    given = np.frombuffer(engine.logits(ids, chunk=1), dtype=np.float32)
    difference = float(np.abs(expected - given).max())
    print(f"the core's logits after {len(ids)} tokens differ by {difference:.1e} at most")
    if difference > TOLERANCE:
        raise SystemExit("The core computes something else than its graph: its logits differ.")


def losses_of(logits: Iterable[npt.NDArray[np.float32]], ids: list[int]) -> npt.NDArray[np.float64]:
    """Give the loss in nats of each token but the first, from the logits before each."""
    losses = []
    for row, token in zip(logits, ids[1:], strict=True):
        exact = row.astype(np.float64)
        highest = exact.max()
        losses.append(highest + np.log(np.exp(exact - highest).sum()) - exact[token])
    return np.array(losses)


if __name__ == "__main__":
    sys.exit(main())
