"""Password hashes: argon2id, in threads of their own so that the event loop never waits."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from signaling.errors import RateLimited

T = TypeVar("T")

_THREADS = 2
_WAITING = 64
"""Beyond this many waiting hashes the next is refused: they would only time out."""


class Passwords:
    """Hashes and verifies with argon2id (RFC 9106), parallelism 1."""

    def __init__(self, memory_kib: int, passes: int) -> None:
        self._hasher = PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=1)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="password")
        self._pending = 0
        # Compared with where there is no such user, so that the answer takes as long.
        self._nobody = self._hasher.hash("nobody has this password")

    async def hash(self, password: str) -> str:
        """Hash a new password.

        Raises:
            RateLimited: too many wait already.
        """
        return await self._run(self._hasher.hash, password)

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether the password is right. Without a hash: False, after the same work.

        Raises:
            RateLimited: too many wait already.
        """
        right = await self._run(self._matches, password_hash or self._nobody, password)
        return right and password_hash is not None

    def close(self) -> None:
        """End the threads; what has not begun is given up."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _matches(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except VerificationError:
            return False

    async def _run(self, work: Callable[..., T], *arguments: str) -> T:
        if self._pending >= _WAITING:
            raise RateLimited(retry_after=1)
        self._pending += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)
        finally:
            self._pending -= 1
