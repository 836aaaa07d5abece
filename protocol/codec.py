"""Messages to bytes and back: UTF-8 JSON, tagged by `type`.

Unknown keys are ignored, so that a newer end may say more; an unknown type is an error that the
receiver answers, so that a newer end learns that it was not understood.
"""

from typing import Generic, TypeVar, get_args

import msgspec

from protocol import accounts, chat, household, own_account, passkeys, signaling, trust
from protocol.errors import Malformed, UnknownType, UnsupportedVersion

T = TypeVar("T")

_encoder = msgspec.json.Encoder()


class _TypeOnly(msgspec.Struct):
    type: str


def encode(value: msgspec.Struct) -> bytes:
    """Give the message's UTF-8 JSON."""
    return _encoder.encode(value)


class Decoder(Generic[T]):
    """Decodes the messages of one direction of one road."""

    def __init__(self, shape: object, types: frozenset[str] = frozenset()) -> None:
        self._decoder: msgspec.json.Decoder[T] = msgspec.json.Decoder(shape)
        self._types = types

    def decode(self, data: bytes | str) -> T:
        """Decode one message.

        Raises:
            UnknownType: the message names a type that this road does not have.
            Malformed: not UTF-8, not JSON, or a key is missing or of the wrong shape. The
                sentence says where, never what was there.
        """
        try:
            # msgspec does not look into the strings it ignores; JavaScript decodes all of them.
            return self._decoder.decode(data if isinstance(data, str) else data.decode())
        except msgspec.ValidationError as error:
            if self._types and (name := _type_of(data)) is not None and name not in self._types:
                raise UnknownType(
                    "This version does not know that type of message. Update Hearth."
                ) from None
            raise Malformed(f"The message has the wrong shape at {_place(error)}.") from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise Malformed("The message is not UTF-8 JSON.") from None


def check_version(theirs: int, ours: int) -> None:
    """Refuse to go on with an end that speaks another version.

    Raises:
        UnsupportedVersion: the versions differ; the sentence says which end to update.
    """
    if theirs != ours:
        older = "app" if theirs < ours else "PC"
        raise UnsupportedVersion(
            f"The two ends speak versions {theirs} and {ours}. Update Hearth on the {older}."
        )


def _type_of(data: bytes | str) -> str | None:
    try:
        return msgspec.json.decode(data, type=_TypeOnly).type
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _place(error: msgspec.ValidationError) -> str:
    """Give the path of the bad value; msgspec ends its sentence with 'at `$.path`'."""
    _, found, path = str(error).rpartition(" - at `")
    return path.rstrip("`") if found else "$"


def _decoder(union: object) -> Decoder[T]:
    return Decoder(union, frozenset(str(m.__struct_config__.tag) for m in get_args(union)))


to_vds: Decoder[signaling.ToVds] = _decoder(signaling.ToVds)
from_vds: Decoder[signaling.FromVds] = _decoder(signaling.FromVds)
to_home: Decoder[chat.ToHome] = _decoder(chat.ToHome)
from_home: Decoder[chat.FromHome] = _decoder(chat.FromHome)
trust_to_home: Decoder[trust.ToHome] = _decoder(trust.ToHome)
trust_from_home: Decoder[trust.FromHome] = _decoder(trust.FromHome)
request: Decoder[household.Request] = _decoder(household.Request)
reply: Decoder[household.Reply] = _decoder(household.Reply)
event: Decoder[chat.Event] = _decoder(chat.Event)
registration: Decoder[accounts.Registration] = Decoder(accounts.Registration)
credentials: Decoder[accounts.Credentials] = Decoder(accounts.Credentials)
home_log_in: Decoder[accounts.HomeLogIn] = Decoder(accounts.HomeLogIn)
proof: Decoder[own_account.Proof] = Decoder(own_account.Proof)
password_change: Decoder[own_account.PasswordChange] = Decoder(own_account.PasswordChange)
new_passkey: Decoder[passkeys.NewPasskey] = Decoder(passkeys.NewPasskey)
passkey_assertion: Decoder[passkeys.PasskeyAssertion] = Decoder(passkeys.PasskeyAssertion)
