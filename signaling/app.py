"""Puts the parts together."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from aiohttp import web

from signaling import keys
from signaling.accounts import Accounts
from signaling.bus import LocalBus
from signaling.clock import Clock
from signaling.config import Settings
from signaling.errors import NotFound, StorageFailed
from signaling.homes import Homes
from signaling.http import middleware
from signaling.http.accounts import AccountHandlers
from signaling.http.health import HealthHandlers
from signaling.http.local_home import LocalHomeHandler
from signaling.http.own_account import OwnAccountHandlers
from signaling.http.owners import OwnerHandler
from signaling.http.passkeys import PasskeyHandlers
from signaling.http.polls import PollHandlers
from signaling.http.relay import RelayHandler
from signaling.http.static import Pages
from signaling.hub import Hub
from signaling.metrics import Metrics
from signaling.notices import Notices
from signaling.own_account import OwnAccount
from signaling.owners import Owners
from signaling.passkeys import Passkeys
from signaling.passwords import Passwords
from signaling.relay import Relay
from signaling.rooms import Rooms
from signaling.storage.sqlite import SqliteStorage
from signaling.throttles import Throttles
from signaling.tokens import Signer
from signaling.websocket import Sockets

BODY_BYTES = 16 * 1024

ROOMS = web.AppKey("rooms", Rooms)
STORAGE = web.AppKey("storage", SqliteStorage)
METRICS = web.AppKey("metrics", Metrics)


async def make_app(settings: Settings, clock: Clock | None = None) -> web.Application:
    """Open the state and build the application; its cleanup closes the state again.

    Raises:
        CannotStart: the data folder, the key or the database is no use.
    """
    clock = clock or Clock()
    keys.make_folder(settings.folder)
    key = keys.load_or_create(settings.folder / "signing-key.pem")
    secret = keys.load_or_create_secret(settings.turn_secret) if settings.turn_name else None
    storage = await SqliteStorage.open(settings.folder / "accounts.sqlite3")
    signer = Signer(key, settings.canonical_origin)
    passwords = await asyncio.to_thread(
        Passwords, settings.password_memory_kib, settings.password_passes
    )
    bus, rooms, metrics = LocalBus(), Rooms(), Metrics()
    metrics.watch("device", lambda: rooms.devices_online)
    metrics.watch("home", lambda: rooms.homes_online)
    homes = Homes(settings, clock)
    throttles = Throttles(settings)
    notices = Notices(settings=settings, storage=storage, notices=storage.notices, clock=clock)
    accounts = Accounts(
        settings=settings,
        storage=storage,
        passwords=passwords,
        signer=signer,
        throttles=throttles,
        notices=notices,
        clock=clock,
    )
    passkeys = Passkeys(
        settings=settings,
        storage=storage.passkeys,
        accounts=accounts,
        throttles=throttles,
        notices=notices,
        clock=clock,
    )
    own_account = OwnAccount(
        storage=storage.own_account,
        accounts=accounts,
        passkeys=passkeys,
        passwords=passwords,
        notices=notices,
        bus=bus,
        clock=clock,
    )
    owners = Owners(
        settings=settings,
        storage=storage,
        accounts=accounts,
        homes=homes,
        throttles=throttles,
        clock=clock,
    )
    relay = Relay(settings=settings, storage=storage, secret=secret, clock=clock)
    hub = Hub(
        settings=settings,
        storage=storage,
        signer=signer,
        bus=bus,
        rooms=rooms,
        metrics=metrics,
        homes=homes,
        clock=clock,
    )

    app = web.Application(
        client_max_size=BODY_BYTES,
        middlewares=[
            middleware.observe(metrics),
            middleware.problems(metrics),
            middleware.require_origin(settings),
        ],
    )
    app[ROOMS] = rooms
    app[STORAGE] = storage
    app[METRICS] = metrics
    app.on_response_prepare.append(middleware.add_headers(settings))
    account_handlers = AccountHandlers(settings, accounts, bus)
    _add_routes(
        app,
        account_handlers,
        PasskeyHandlers(settings, accounts, passkeys, account_handlers),
        OwnAccountHandlers(settings, accounts, own_account, notices, account_handlers),
        OwnerHandler(settings, owners, account_handlers),
        RelayHandler(accounts, homes, relay, throttles, clock),
        HealthHandlers(storage, rooms, signer),
        LocalHomeHandler(settings),
        Sockets(settings, hub),
        PollHandlers(settings, hub, clock),
        Pages(settings.pwa),
    )

    async def on_shutdown(_app: web.Application) -> None:
        hub.close_all()

    async def until_cleanup(_app: web.Application) -> AsyncIterator[None]:
        yield
        passwords.close()
        with contextlib.suppress(StorageFailed):
            await notices.keep_tries()
        await storage.close()

    app.on_shutdown.append(on_shutdown)
    app.cleanup_ctx.append(until_cleanup)
    return app


def _add_routes(
    app: web.Application,
    accounts: AccountHandlers,
    passkeys: PasskeyHandlers,
    own: OwnAccountHandlers,
    owners: OwnerHandler,
    relay: RelayHandler,
    health: HealthHandlers,
    local_home: LocalHomeHandler,
    sockets: Sockets,
    polls: PollHandlers,
    pages: Pages,
) -> None:
    app.add_routes(
        [
            web.post("/api/accounts", accounts.register),
            web.post("/api/session", accounts.log_in),
            web.delete("/api/session", accounts.log_out),
            web.post("/api/session/refresh", accounts.refresh),
            web.post("/api/session/home", owners.log_in),
            web.post("/api/session/passkey/challenge", passkeys.begin_log_in),
            web.post("/api/session/passkey", passkeys.log_in),
            web.post("/api/passkeys/challenge", passkeys.begin_making),
            web.post("/api/passkeys", passkeys.make),
            web.get("/api/passkeys", passkeys.list_of, allow_head=False),
            web.delete("/api/passkeys/{passkey}", passkeys.remove),
            web.get("/api/account", own.show, allow_head=False),
            web.delete("/api/account/sessions", own.end_others),
            web.delete("/api/account/sessions/{session}", own.end_session),
            web.post("/api/account/proof/challenge", own.begin_proof),
            web.post("/api/account/proof", own.prove),
            web.put("/api/account/password", own.change_password),
            web.delete("/api/account/password", own.drop_password),
            web.post("/api/account/deletion", own.delete),
            web.get("/api/account/notices", own.list_notices, allow_head=False),
            web.post("/api/account/notices/seen", own.see_notices),
            web.get("/api/signaling", sockets.serve, allow_head=False),
            web.post("/api/signaling/poll", polls.open),
            web.get("/api/signaling/poll/{poll}", polls.ask, allow_head=False),
            web.post("/api/signaling/poll/{poll}/messages", polls.post),
            web.delete("/api/signaling/poll/{poll}", polls.end),
            web.get("/api/relay", relay.give, allow_head=False),
            web.get("/api/local-home", local_home.tell, allow_head=False),
            web.get("/api/openapi.json", health.describe),
            web.get("/.well-known/jwks.json", health.jwks),
            web.get("/healthz", health.alive),
            web.get("/readyz", health.ready),
            web.route("*", "/api/{unknown:.*}", _nothing),
            web.get("/{path:.*}", pages.serve),
        ]
    )


async def _nothing(_request: web.Request) -> web.StreamResponse:
    raise NotFound
