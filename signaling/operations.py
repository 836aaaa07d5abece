"""The HTTP interface as a table: what each method of each path takes, gives and refuses.

`openapi` describes it to the world; tests hold the real handlers to it.
"""

import msgspec

from protocol.accounts import Credentials, HomeLogIn, Registration, Session
from protocol.errors import Malformed, ProtocolError, UnknownType, UnsupportedVersion
from protocol.own_account import Account, NoticeList, PasswordChange, Proof
from protocol.passkeys import (
    NewPasskey,
    Passkey,
    PasskeyAssertion,
    PasskeyCreation,
    PasskeyList,
    PasskeyRequest,
)
from protocol.roads import RelayAccess
from protocol.signaling import Authenticate, ToVds
from signaling import errors
from signaling.http.answers import Health, LocalHome, PollBatch, PollOpened, Ready
from signaling.tokens import Jwks


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One method of one path: what it takes, what it gives, and how it may refuse."""

    id: str
    method: str
    path: str
    summary: str
    query: str | None = None
    body: object = None
    status: int = 200
    gives: type[msgspec.Struct] | None = None
    refuses: tuple[type[errors.Refused] | type[ProtocolError], ...] = ()
    needs_session: bool = False
    needs_token: bool = False


_WRITE = (errors.OriginRefused, errors.StorageFailed, errors.Internal)
_READ = (errors.StorageFailed, errors.Internal)
_TOKEN = (
    errors.NotLoggedIn,
    errors.TokenInvalid,
    errors.TokenExpired,
    errors.SessionRevoked,
    errors.RateLimited,
)
_PROOF = (
    Malformed,
    *_TOKEN,
    errors.WrongCredentials,
    errors.PasskeyRefused,
    errors.PasskeysUnavailable,
    errors.BodyTooLarge,
    *_WRITE,
)

OPERATIONS = (
    Operation(
        id="register",
        method="post",
        path="/api/accounts",
        summary="Create an account and log in",
        body=Registration,
        status=201,
        gives=Session,
        refuses=(
            Malformed,
            errors.UsernameTaken,
            errors.BodyTooLarge,
            errors.RateLimited,
            *_WRITE,
        ),
    ),
    Operation(
        id="logIn",
        method="post",
        path="/api/session",
        summary="Log in",
        body=Credentials,
        gives=Session,
        refuses=(
            Malformed,
            errors.WrongCredentials,
            errors.BodyTooLarge,
            errors.RateLimited,
            *_WRITE,
        ),
    ),
    Operation(
        id="refresh",
        method="post",
        path="/api/session/refresh",
        summary="Get a new access token; the refresh token in the cookie is exchanged too",
        gives=Session,
        refuses=(errors.NotLoggedIn, errors.SessionRevoked, errors.RateLimited, *_WRITE),
        needs_session=True,
    ),
    Operation(
        id="logOut",
        method="delete",
        path="/api/session",
        summary="Log out: the session ends, its sockets close, the cookie is gone",
        status=204,
        refuses=_WRITE,
        needs_session=True,
    ),
    Operation(
        id="logInByHome",
        method="post",
        path="/api/session/home",
        summary="Log in on the home's own PC, by the word of the home",
        body=HomeLogIn,
        gives=Session,
        refuses=(
            Malformed,
            errors.TokenInvalid,
            errors.TokenExpired,
            errors.NotFound,
            errors.BodyTooLarge,
            errors.RateLimited,
            *_WRITE,
        ),
    ),
    Operation(
        id="beginPasskeyLogIn",
        method="post",
        path="/api/session/passkey/challenge",
        summary="Get what any passkey of this server has to sign; a cookie binds it to the browser",
        gives=PasskeyRequest,
        refuses=(
            errors.PasskeysUnavailable,
            errors.RateLimited,
            errors.OriginRefused,
        ),
    ),
    Operation(
        id="logInWithPasskey",
        method="post",
        path="/api/session/passkey",
        summary="Log in with a passkey",
        body=PasskeyAssertion,
        gives=Session,
        refuses=(
            Malformed,
            errors.PasskeyRefused,
            errors.PasskeysUnavailable,
            errors.BodyTooLarge,
            errors.RateLimited,
            *_WRITE,
        ),
    ),
    Operation(
        id="beginPasskey",
        method="post",
        path="/api/passkeys/challenge",
        summary="Get what a new passkey has to be",
        gives=PasskeyCreation,
        refuses=(
            *_TOKEN,
            errors.Reauthenticate,
            errors.PasskeysFull,
            errors.PasskeysUnavailable,
            *_WRITE,
        ),
        needs_token=True,
    ),
    Operation(
        id="makePasskey",
        method="post",
        path="/api/passkeys",
        summary="Keep a new passkey",
        body=NewPasskey,
        status=201,
        gives=Passkey,
        refuses=(
            Malformed,
            *_TOKEN,
            errors.PasskeyRefused,
            errors.PasskeysFull,
            errors.PasskeysUnavailable,
            errors.BodyTooLarge,
            *_WRITE,
        ),
        needs_token=True,
    ),
    Operation(
        id="listPasskeys",
        method="get",
        path="/api/passkeys",
        summary="List one's own passkeys",
        gives=PasskeyList,
        refuses=(*_TOKEN, *_READ),
        needs_token=True,
    ),
    Operation(
        id="removePasskey",
        method="delete",
        path="/api/passkeys/{passkey}",
        summary="Remove a passkey of one's own; one that is not there is no mistake",
        status=204,
        refuses=(
            Malformed,
            *_TOKEN,
            errors.Reauthenticate,
            errors.PasskeysNeeded,
            *_WRITE,
        ),
        needs_token=True,
    ),
    Operation(
        id="showAccount",
        method="get",
        path="/api/account",
        summary="Show one's own account and its sessions",
        gives=Account,
        refuses=(*_TOKEN, *_READ),
        needs_token=True,
    ),
    Operation(
        id="endOtherSessions",
        method="delete",
        path="/api/account/sessions",
        summary="End every session of one's own but this one; their sockets close",
        status=204,
        refuses=(*_TOKEN, *_WRITE),
        needs_token=True,
    ),
    Operation(
        id="endSession",
        method="delete",
        path="/api/account/sessions/{session}",
        summary="End a session of one's own; one that is not there is no mistake",
        status=204,
        refuses=(*_TOKEN, *_WRITE),
        needs_token=True,
    ),
    Operation(
        id="beginProof",
        method="post",
        path="/api/account/proof/challenge",
        summary="Get what a passkey has to sign to prove that it is still the same person",
        gives=PasskeyRequest,
        refuses=(*_TOKEN, errors.PasskeysUnavailable, *_WRITE),
        needs_token=True,
    ),
    Operation(
        id="prove",
        method="post",
        path="/api/account/proof",
        summary="Prove that it is still the same person; holds for five minutes",
        body=Proof,
        status=204,
        refuses=_PROOF,
        needs_token=True,
    ),
    Operation(
        id="changePassword",
        method="put",
        path="/api/account/password",
        summary="Change the password, or set one; every other session ends",
        body=PasswordChange,
        status=204,
        refuses=_PROOF,
        needs_token=True,
    ),
    Operation(
        id="dropPassword",
        method="delete",
        path="/api/account/password",
        summary="Let only passkeys open the account; every other session ends",
        status=204,
        refuses=(*_TOKEN, errors.Reauthenticate, errors.PasskeysNeeded, *_WRITE),
        needs_token=True,
    ),
    Operation(
        id="deleteAccount",
        method="post",
        path="/api/account/deletion",
        summary="Delete one's own account; its name is free again",
        body=Proof,
        status=204,
        refuses=_PROOF,
        needs_token=True,
    ),
    Operation(
        id="listNotices",
        method="get",
        path="/api/account/notices",
        summary="List failed tries and changes of how one's own account is opened",
        gives=NoticeList,
        refuses=(*_TOKEN, *_READ),
        needs_token=True,
    ),
    Operation(
        id="seeNotices",
        method="post",
        path="/api/account/notices/seen",
        summary="Say that the notices were seen in this session",
        status=204,
        refuses=(*_TOKEN, *_WRITE),
        needs_token=True,
    ),
    Operation(
        id="signaling",
        method="get",
        path="/api/signaling",
        summary="Open the signaling WebSocket (RFC 6455); its messages are in protocol/schema.json",
        status=101,
        refuses=(Malformed, errors.OriginRefused, errors.TooManyConnections),
    ),
    Operation(
        id="openPoll",
        method="post",
        path="/api/signaling/poll",
        summary="Sit at the signaling server without a WebSocket; its id is a secret",
        body=Authenticate,
        gives=PollOpened,
        refuses=(
            Malformed,
            UnknownType,
            UnsupportedVersion,
            errors.NotAuthenticated,
            errors.TokenInvalid,
            errors.TokenExpired,
            errors.SessionRevoked,
            errors.BodyTooLarge,
            errors.TooManyConnections,
            errors.RateLimited,
            *_WRITE,
        ),
    ),
    Operation(
        id="poll",
        method="get",
        path="/api/signaling/poll/{poll}",
        summary="Get the messages from number `after` on, or wait for one; older ones are gone",
        query="after",
        gives=PollBatch,
        refuses=(Malformed, errors.OriginRefused, errors.NotFound, errors.RateLimited),
    ),
    Operation(
        id="postMessages",
        method="post",
        path="/api/signaling/poll/{poll}/messages",
        summary="Say messages, of which the first has number `after`; known ones are passed over",
        query="after",
        body=list[ToVds],
        status=204,
        refuses=(Malformed, errors.OriginRefused, errors.NotFound, errors.BodyTooLarge),
    ),
    Operation(
        id="endPoll",
        method="delete",
        path="/api/signaling/poll/{poll}",
        summary="Leave; again, or with an id that is not known, it is the same",
        status=204,
        refuses=(errors.OriginRefused,),
    ),
    Operation(
        id="relay",
        method="get",
        path="/api/relay",
        summary="Get the relay's addresses, and credentials for it, with a home's assertion too",
        gives=RelayAccess,
        refuses=(*_TOKEN, *_READ),
        needs_token=True,
    ),
    Operation(
        id="localHome",
        method="get",
        path="/api/local-home",
        summary="Where a browser on the home's own PC finds it, if this server runs there too",
        gives=LocalHome,
        refuses=(errors.NotFound,),
    ),
    Operation(
        id="describe",
        method="get",
        path="/api/openapi.json",
        summary="This document",
    ),
    Operation(
        id="keys",
        method="get",
        path="/.well-known/jwks.json",
        summary="The public keys that verify access tokens (RFC 7517)",
        gives=Jwks,
    ),
    Operation(
        id="healthy",
        method="get",
        path="/healthz",
        summary="Whether the process answers",
        gives=Health,
    ),
    Operation(
        id="ready",
        method="get",
        path="/readyz",
        summary="Whether the database answers, and how many homes are connected",
        gives=Ready,
        refuses=(errors.StorageFailed,),
    ),
)
