"""What every attack ends with: no word of a chat was heard, and the person reads a sentence."""

import json
from collections.abc import Sequence
from pathlib import Path

from tests.hostile.device import Device, End
from tests.hostile.home import Home
from tests.hostile.ledger import Ledger
from tests.hostile.legs import Carry

LOCALE = Path(__file__).parents[2] / "pwa/src/i18n/locales/en.json"


async def attacked(device: Device, road: Carry, home: Home, ledgers: Sequence[Ledger] = ()) -> End:
    """Let it connect over this road; give how that ended, once all of it is over."""
    end = await device.connect(road)
    await device.close()
    await home.close()
    assert device.said.chat == []
    assert [ledger.chat for ledger in ledgers if ledger.chat] == []
    assert home.sessions == []
    assert all(sentences(end))
    return end


def sentences(end: End) -> list[str]:
    """What the person reads; a KeyError where there is nothing to read."""
    words = json.loads(LOCALE.read_text("utf-8"))
    match end.state:
        case "attack":
            return [words["attack"]["heading"], words["attack"]["what"]]
        case "refused":
            return [words["error"][end.code]]
        case _:
            return [words["connection"]["connecting"]]
