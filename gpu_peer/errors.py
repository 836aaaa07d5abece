"""Every error of this part, the tree at the top.

PeerError                 ends the process; its text is one sentence for the user
├── ConfigInvalid         a setting has an impossible value
├── FolderInUse           another process works on the same data folder
├── KeyUnreadable         a key file is damaged or cannot be read or written
├── NoLocalPort           127.0.0.1 has no port for the home's own server
├── HomeNotRunning        a command needs the running home, and there is none
├── CommandRefused        the running home does not do what a command asked for
├── StorageError          the chats' database
│   ├── StorageDamaged    the file is not a sound database; it is left as it is
│   │   └── StorageForeign a sound database, but of another version of Hearth
│   └── StorageFailed     the system refused a read or a write: disk full, locked, no permission
├── BackupFailed          a backup cannot be made or put back; what was there is as it was
├── EngineUnavailable     the inference core or its model cannot be loaded
│   └── DeviceUnavailable the device that was asked for by name cannot be had
└── EngineBuildFailed     an engine could not be built ahead of time
    ├── EngineToolMissing a package or the C compiler is not installed
    ├── CapabilityUnknown TensorRT does not build for cards of that compute capability
    └── GraphRefused      nodes of the graph are not taken; each is named

Refused                   what a device asked for cannot be done; crosses the wire as `ChatError`
ListRefused               what was asked of the list of people and devices; a sentence for its page
├── DeviceOfAnother       the key is paired as another person's
└── DeviceWasRemoved      the key was removed, and nobody said that it may come back
TooLong                   a message is longer than the model can hold; `Home` makes it `Refused`
PlanOutdated              a chat has changed since an answer was planned; `Home` plans anew
GenerationRefused         the engine does not take a generation; ends its answer as failed
ChannelClosed             the other end of a channel is gone
"""

from collections.abc import Sequence
from dataclasses import dataclass

from protocol.chat import Excess
from protocol.errors import ErrorCode


class PeerError(Exception):
    """The process cannot go on. The text is one sentence that a user can act on."""


class ConfigInvalid(PeerError):
    """A setting has an impossible value."""


class FolderInUse(PeerError):
    """Another process works on the same data folder."""


class KeyUnreadable(PeerError):
    """A key file is damaged, or the system refused to read or write it."""


class NoLocalPort(PeerError):
    """127.0.0.1 has no port for the home's own server, not even one that nobody asked for."""


class HomeNotRunning(PeerError):
    """A command needs the running home, and there is none, or it ended meanwhile."""


class CommandRefused(PeerError):
    """The running home does not do what a command asked for. Nothing was changed."""


class StorageError(PeerError):
    """The chats cannot be read or written."""


class StorageDamaged(StorageError):
    """The database is damaged. It is never replaced: what can be saved of it is still in it."""


class StorageForeign(StorageDamaged):
    """The database is of a newer Hearth, or of another build; this one cannot read it."""


class StorageFailed(StorageError):
    """The system refused a read or a write. Nothing of the refused change is on disk."""


class BackupFailed(PeerError):
    """A backup cannot be made or put back. What was there before is as it was."""


class EngineUnavailable(PeerError):
    """The inference core, its runtime or the model cannot be loaded."""


class DeviceUnavailable(EngineUnavailable):
    """The device that was asked for by name cannot be had. `auto` takes the next one instead."""


class EngineBuildFailed(PeerError):
    """An engine could not be built ahead of time."""


class EngineToolMissing(EngineBuildFailed):
    """A package or the C compiler is not installed."""


class CapabilityUnknown(EngineBuildFailed):
    """TensorRT does not build for cards of that compute capability."""

    def __init__(self, capability: str, known: Sequence[str]) -> None:
        super().__init__(
            f"TensorRT for RTX does not build for compute capability {capability}. "
            f"Choose one of {', '.join(known)}."
        )


@dataclass(frozen=True)
class RefusedNode:
    """A node of an ONNX graph that TensorRT does not take."""

    name: str
    operator: str
    reason: str


class GraphRefused(EngineBuildFailed):
    """Nodes of the graph are not taken.

    Attributes:
        nodes: All of operators that it does not know; else the first one that it refused.
    """

    def __init__(self, nodes: Sequence[RefusedNode]) -> None:
        first = nodes[0]
        more = f", and {len(nodes) - 1} more" if len(nodes) > 1 else ""
        super().__init__(
            f"TensorRT does not take {first.operator} at {first.name}{more}: {first.reason}. "
            "This model cannot run on it; HEARTH_DEVICE=cuda or cpu can be tried."
        )
        self.nodes = tuple(nodes)


class Refused(Exception):
    """What a device asked for cannot be done; nothing was changed.

    Attributes:
        code: The stable code for the wire.
        excess: By how much a message is too long, where that is the reason.
    """

    def __init__(self, code: ErrorCode, sentence: str, excess: Excess | None = None) -> None:
        super().__init__(sentence)
        self.code = code
        self.excess = excess


class ListRefused(Exception):
    """The list of people and devices cannot be changed so; nothing was. The text is a sentence."""


class DeviceOfAnother(ListRefused):
    """The key is paired as another person's device."""


class DeviceWasRemoved(ListRefused):
    """The key was removed once. It is never let in again without a person who says so."""


class TooLong(Exception):
    """A message is longer than the model can hold, even without all that was said before.

    Attributes:
        tokens: What a prompt of it alone takes.
        limit: What there is room for.
    """

    def __init__(self, tokens: int, limit: int) -> None:
        super().__init__(tokens, limit)
        self.tokens = tokens
        self.limit = limit


class PlanOutdated(Exception):
    """A chat has changed since an answer in it was planned. Nothing was changed by the command."""


class GenerationRefused(Exception):
    """The engine does not take this generation.

    Attributes:
        code: `context_full`, `engine_busy` or `model_failed`.
    """

    def __init__(self, code: ErrorCode) -> None:
        super().__init__(code)
        self.code = code


class ChannelClosed(Exception):
    """The other end is gone, or the channel was closed from this side."""
