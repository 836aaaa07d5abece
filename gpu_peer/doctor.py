"""What `python -m gpu_peer doctor` says: what there is, what is used, and why not the better."""

from dataclasses import asdict, dataclass

from gpu_peer.devices.choice import ORDER, PassedOver, choose
from gpu_peer.devices.machine import AskedDevice, Card, Device, Machine, Packages
from gpu_peer.errors import DeviceUnavailable


@dataclass(frozen=True)
class Diagnosis:
    """What was found.

    Attributes:
        machine: Driver and cards.
        packages: What is installed for them.
        asked: The setting `HEARTH_DEVICE`.
        uses: What is tried first; None where nothing can be used.
        passed_over: Better devices, and why they are not used.
        problem: Why nothing can be used; else None.
        last_backup: When the home last made one that is sound, and how many chats it has.
    """

    machine: Machine
    packages: Packages
    asked: AskedDevice
    uses: Device | None
    passed_over: tuple[PassedOver, ...] = ()
    problem: str | None = None
    last_backup: str | None = None

    def as_json(self) -> dict[str, object]:
        """Give all of it as plain values."""
        return asdict(self)

    def as_text(self) -> str:
        """Give all of it as lines for a person."""
        packages = self.packages
        tensorrt = packages.tensorrt and f"{packages.tensorrt} for CUDA {packages.tensorrt_cuda}"
        rows = [("Driver", self.machine.driver or "none")]
        rows += [("Card", _card(card)) for card in self.machine.cards] or [("Card", "none")]
        rows += [
            ("ONNX Runtime", packages.onnxruntime or "not installed"),
            ("TensorRT", tensorrt or "not installed"),
            ("CUDA", packages.cuda or "not installed"),
            ("Asked for", self.asked),
            ("Uses", self.uses or "nothing"),
            ("Last backup", self.last_backup or "none"),
        ]
        width = max(len(name) for name, _ in rows) + 2
        lines = [f"{name:{width}}{value}" for name, value in rows]
        lines += [f"{f'Not {one.device}':{width}}{one.reason}" for one in self.passed_over]
        return "\n".join([*lines, *([self.problem] if self.problem else [])]) + "\n"


def diagnose(
    machine: Machine, packages: Packages, asked: AskedDevice, last_backup: str | None = None
) -> Diagnosis:
    """Find what is used, and why not what is better."""
    if packages.onnxruntime is None:
        problem = "ONNX Runtime is missing. Install it with: pip install onnxruntime"
        return Diagnosis(machine, packages, asked, None, (), problem, last_backup)
    try:
        choice = choose(machine, packages, asked)
    except DeviceUnavailable as error:
        return Diagnosis(machine, packages, asked, None, (), str(error), last_backup)
    uses = choice.devices[0]
    better = [one for one in choice.passed_over if ORDER.index(one.device) < ORDER.index(uses)]
    return Diagnosis(machine, packages, asked, uses, tuple(better), None, last_backup)


def _card(card: Card) -> str:
    free, whole = card.free_bytes / 1e9, card.memory_bytes / 1e9
    return (
        f"{card.name}, compute capability {card.capability_text}, {free:.1f} of {whole:.1f} GB free"
    )
