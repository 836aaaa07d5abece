"""Doing what the relay says."""

from collections.abc import Iterable

from turn.relay import Action, Began, Ended, Send


def perform(actions: Iterable[Action]) -> None:
    """Send what is to be sent, and tell clients of their allocations."""
    for action in actions:
        match action:
            case Send(client, data):
                client.send(data)
            case Began(client, allocation):
                client.begin(allocation)
            case Ended(client):
                client.end()
