"""What a person is told about their account: failed tries, and changes of how it is opened."""

from protocol.accounts import User
from protocol.own_account import AccountNotice, NoticeKind, NoticeList
from signaling.clock import Clock
from signaling.config import Settings
from signaling.storage import NoticeStorage, Storage, StoredNotice
from signaling.tally import Tally, Tries
from signaling.tokens import AccessClaims


class Notices:
    """The notices of this server's people.

    Each session sees them for itself: who stole a password cannot hide from the sessions that are
    open what was done with it. Nothing takes a notice out of the list but later ones of its kind.
    """

    def __init__(
        self, *, settings: Settings, storage: Storage, notices: NoticeStorage, clock: Clock
    ) -> None:
        self._storage = storage
        self._notices = notices
        self._clock = clock
        self._tally = Tally(settings.limit_tracked)

    def wrong_password(self, name: str) -> None:
        """Count a wrong password for a name, whether there is such an account or not."""
        self._tally.count(name, self._clock.wall())

    def forget_tries(self, name: str) -> None:
        """Forget what was counted for a name: it is about to be somebody else's, or nobody's."""
        self._tally.take(name)

    async def note(
        self, user: str, kind: NoticeKind, *, by: str | None = None, subject: str | None = None
    ) -> None:
        """Keep that something happened; `by` is the session in which the person did it."""
        now = self._clock.wall()
        notice = StoredNotice(kind=kind, first_at=now, last_at=now, subject=subject, by_session=by)
        await self._notices.add(user, notice)

    async def list_of(self, who: AccessClaims) -> NoticeList:
        """List what happened to the person's account."""
        if tries := self._tally.take(who.name):
            await self._keep(who.user, tries)
        seen = await self._notices.seen_until(who.sid)
        return NoticeList(
            notices=[_shown(n, who.sid, seen) for n in await self._notices.of_user(who.sub)]
        )

    async def see(self, who: AccessClaims) -> None:
        """Note that the person has seen the notices in this session."""
        await self._notices.see(who.sid, self._clock.wall())

    async def keep_tries(self) -> None:
        """Write down every counted try of an account, since the process ends."""
        for name, tries in self._tally.take_all().items():
            if stored := await self._storage.find_user(name):
                await self._keep(stored.user, tries)

    async def _keep(self, user: User, tries: Tries) -> None:
        notice = StoredNotice(
            kind="wrong_password",
            count=tries.count,
            first_at=tries.first_at,
            last_at=tries.last_at,
        )
        await self._notices.add(user.id, notice)


def _shown(notice: StoredNotice, session: str, seen: float) -> AccountNotice:
    return AccountNotice(
        kind=notice.kind,
        subject=notice.subject,
        count=notice.count,
        first_ms=int(notice.first_at * 1000),
        last_ms=int(notice.last_at * 1000),
        is_new=notice.last_at > seen and notice.by_session != session,
    )
