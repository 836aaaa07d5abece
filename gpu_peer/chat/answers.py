"""Answers belong to the PC: they run on when every device is gone, and are kept as they grow."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence

import structlog

from gpu_peer.chat.conversation import Turn
from gpu_peer.chat.draft import SAVE_INTERVAL_S, Draft, Pace
from gpu_peer.clock import Clock, Timer
from gpu_peer.engine import Engine, EngineEvent, GenerationEnd, TextPiece
from gpu_peer.errors import GenerationRefused, StorageError
from gpu_peer.storage.event_log import EventLog
from gpu_peer.storage.store import Store
from gpu_peer.storage.user_log import UserLog
from protocol import limits
from protocol.chat import AnswerBegun, AnswerEnded, AnswerTimings, EndReason
from protocol.errors import ErrorCode

log = structlog.get_logger()

RETRY_S = 2.0
"""How long to wait before an answer that could not be saved is saved again."""


class RunningAnswer:
    """An answer that was begun and has not ended."""

    def __init__(self, user: str, begun: AnswerBegun, text: str, now_s: float) -> None:
        self.user = user
        self.begun = begun
        self.draft = Draft(text)
        self.ending = False
        self.stopped = False
        self.too_long = False
        self.begun_s = now_s
        self.first_text_s: float | None = None
        self.save_pace = Pace(SAVE_INTERVAL_S)
        self.unsaved = False
        self.timer: Timer | None = None


class Answers:
    """All running answers of all users.

    Everything but the saving happens between two awaits, so no device can see an answer half
    changed. `changed` is called with the user whenever there is more to send to their devices.
    """

    def __init__(
        self,
        engine: Engine,
        store: Store,
        clock: Clock,
        changed: Callable[[str, int | None], None],
        ended: Callable[[str, str], None],
    ) -> None:
        """Prepare.

        Args:
            engine: Generates the text.
            store: Keeps it.
            clock: The time.
            changed: Told the user and, after an event was written, the log's newest number.
            ended: Told the user and the chat once the end of an answer is on disk, unless the
                engine is broken.
        """
        self._engine = engine
        self._store = store
        self._clock = clock
        self._changed = changed
        self._ended = ended
        self._broken = False
        self._running: dict[str, RunningAnswer] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False

    def running(self, user: str) -> list[RunningAnswer]:
        """Give the user's answers whose text is growing."""
        return [a for a in self._running.values() if a.user == user and not a.ending]

    def begin(self, user: str, begun: AnswerBegun, prompt: Sequence[Turn], text: str = "") -> None:
        """Generate an answer whose beginning is on disk; `text` is what it goes on from."""
        answer = RunningAnswer(user, begun, text, self._clock.now_s())
        self._running[begun.answer] = answer
        self._spawn(self._submit(answer, prompt, text))

    def stop(self, answer_id: str) -> None:
        """End an answer as soon as the engine can; one that is not running is left alone."""
        if (answer := self._running.get(answer_id)) is not None:
            answer.stopped = True
            self._engine.cancel(answer_id)

    def forget(self, answer_id: str) -> None:
        """Drop an answer whose chat was deleted."""
        if (answer := self._running.pop(answer_id, None)) is not None:
            self._disarm(answer)
            self._engine.cancel(answer_id)

    def take(self, events: Sequence[EngineEvent]) -> None:
        """Take what the engine gave. Events of answers that are no more are passed over."""
        touched: dict[str, RunningAnswer] = {}
        for event in events:
            answer = self._running.get(event.generation)
            if answer is None or answer.ending:
                continue
            match event:
                case TextPiece():
                    touched[event.generation] = answer
                    self._grow(answer, event.text)
                case GenerationEnd():
                    touched.pop(event.generation, None)
                    self._conclude(answer, event)
        for answer in touched.values():
            self._tend(answer)

    def fail_all(self) -> None:
        """End every answer as failed: the engine is broken."""
        self._broken = True
        for answer in list(self._running.values()):
            self._end(answer, "failed", code="model_failed")

    async def close(self) -> None:
        """End every answer as cut, with the text it has, and wait until that is on disk."""
        self._closing = True
        for answer in list(self._running.values()):
            self._engine.cancel(answer.begun.answer)
            self._end(answer, "cut")
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _submit(self, answer: RunningAnswer, prompt: Sequence[Turn], text: str) -> None:
        answer_id = answer.begun.answer
        try:
            await asyncio.to_thread(self._engine.submit, answer_id, prompt, answer.user, text)
        except GenerationRefused as refused:
            self._end(answer, "stopped" if answer.stopped else "failed", code=refused.code)
            return
        if answer.stopped or answer.ending or answer_id not in self._running:
            # Stopped or deleted before the engine knew of it.
            self._engine.cancel(answer_id)

    def _grow(self, answer: RunningAnswer, text: str) -> None:
        if answer.first_text_s is None:
            answer.first_text_s = self._clock.now_s()
        room = max(0, limits.TEXT_CHARS - answer.draft.characters)
        answer.draft.add(text[:room])
        answer.unsaved = True
        if len(text) >= room and not answer.too_long:
            answer.too_long = True
            self._engine.cancel(answer.begun.answer)

    def _tend(self, answer: RunningAnswer) -> None:
        """Flush and save what is due, and come back when more will be."""
        if answer.ending or answer.begun.answer not in self._running:
            return
        now_s = self._clock.now_s()
        if answer.draft.flush(now_s):
            self._changed(answer.user, None)
        if answer.unsaved and answer.save_pace.wait_s(now_s) <= 0:
            answer.save_pace.mark(now_s)
            answer.unsaved = False
            self._spawn(self._save(answer))
        waits = [answer.draft.due_in_s(now_s)]
        if answer.unsaved:
            waits.append(answer.save_pace.wait_s(now_s))
        self._disarm(answer)
        if due := [wait for wait in waits if wait is not None]:
            answer.timer = self._clock.call_later(min(due), lambda: self._tend(answer))

    async def _save(self, answer: RunningAnswer) -> None:
        user, answer_id, text = answer.user, answer.begun.answer, answer.draft.text
        try:
            await self._store.run(lambda log: log.save_draft(user, answer_id, text))
        except StorageError:
            # Its end will be saved in full; only a crash before that could lose text.
            answer.unsaved = True

    def _conclude(self, answer: RunningAnswer, end: GenerationEnd) -> None:
        log.info(
            "answer_ended",
            reason=end.reason,
            prompt_tokens=end.prompt_tokens,
            cached_tokens=end.cached_tokens,
            completion_tokens=end.completion_tokens,
            queue_s=round(end.queue_s, 3),
            prefill_s=round(end.prefill_s, 3),
            decode_s=round(end.decode_s, 3),
        )
        first_s = answer.first_text_s
        timings = AnswerTimings(
            prompt_tokens=end.prompt_tokens,
            completion_tokens=end.completion_tokens,
            first_token_ms=1000 * max(0.0, first_s - answer.begun_s) if first_s else 0.0,
            tokens_per_s=end.completion_tokens / end.decode_s if end.decode_s > 0 else 0.0,
        )
        reasons: dict[str, EndReason] = {"stop": "stop", "length": "length", "failed": "failed"}
        reason = reasons.get(end.reason, "length" if answer.too_long else "stopped")
        code: ErrorCode | None = "model_failed" if end.reason == "failed" else None
        self._end(answer, reason, timings=timings, code=code)

    def _end(
        self,
        answer: RunningAnswer,
        reason: EndReason,
        *,
        timings: AnswerTimings | None = None,
        code: ErrorCode | None = None,
    ) -> None:
        if answer.ending:
            return
        answer.ending = True
        self._disarm(answer)
        ended = AnswerEnded(
            seq=0,
            at_ms=self._clock.wall_ms(),
            chat=answer.begun.chat,
            answer=answer.begun.answer,
            reason=reason,
            text=answer.draft.text,
            timings=timings,
            code=code if reason == "failed" else None,
        )
        self._spawn(self._write_end(answer, ended))

    async def _write_end(self, answer: RunningAnswer, ended: AnswerEnded) -> None:
        """Put the end on disk, however often it takes: the chat is busy until then."""
        while answer.begun.answer in self._running:
            try:
                seq = await self._store.run(lambda log: write_end(log, answer.user, ended))
            except StorageError:
                if self._closing:
                    return  # The draft on disk is marked as cut with the next start.
                await self._clock.sleep(RETRY_S)
            else:
                self._running.pop(answer.begun.answer, None)
                self._changed(answer.user, seq)
                if not self._broken:
                    self._ended(answer.user, answer.begun.chat)

    def _disarm(self, answer: RunningAnswer) -> None:
        if answer.timer is not None:
            answer.timer.cancel()
            answer.timer = None

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def write_end(log: EventLog, user: str, ended: AnswerEnded) -> int:
    """Append the end of an answer, unless it has ended or its chat is gone. Gives the head."""

    def change(mine: UserLog) -> None:
        if mine.close_draft(ended.answer):
            mine.append(ended)

    return log.change(user, None, change).seq


def cut_open_answers(log: EventLog, now_ms: int) -> int:
    """Mark answers as cut that an earlier process left open. Gives how many there were."""
    left = log.open_answers()
    for answer in left:
        ended = AnswerEnded(
            seq=0,
            at_ms=now_ms,
            chat=answer.chat,
            answer=answer.answer,
            reason="cut",
            text=answer.text,
        )
        write_end(log, answer.user, ended)
    return len(left)
