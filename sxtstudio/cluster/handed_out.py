"""The tasks that are with workers: handed out, taken back, and the model sent to whoever has none."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from distributed import Client

from sxtstudio.cluster.assignments import Task
from sxtstudio.cluster.task import run_task, take_model


@dataclass(frozen=True)
class EndedTask:
    """A task that has ended, in whatever way; ``name`` is that of the try."""

    key: str
    name: str
    future: Any


class HandedOut:
    """Knows which tasks are with workers; ``hear`` gets what these say of them, and each ``EndedTask``.

    ``describe`` writes a task down for its worker, ``model_files`` the model. ``topic`` is what the workers'
    messages are sent under.
    """

    def __init__(self, client: Client, hear: Callable[[Any], None]) -> None:
        """Begin with none."""
        self.topic = f"sxtstudio-{secrets.token_hex(8)}"
        self.describe: Callable[[Task], bytes] = lambda task: b""
        self.model_files: Callable[[], tuple[bytes, bytes]] = lambda: (b"", b"")
        self.tasks: dict[str, Task] = {}  # by their key
        self._client, self._hear = client, hear

    def listen(self) -> None:
        """Begin to hear what workers say."""
        self._client.subscribe_topic(self.topic, self._hear)

    def stop_listening(self) -> None:
        """Hear no more of it."""
        with suppress(Exception):
            self._client.unsubscribe_topic(self.topic)

    def hand_out(self, task: Task, allowed: frozenset[str] | None) -> None:
        """Give a task to a worker, one of the addresses that are ``allowed`` (None: any).

        Raises
        ------
        ValueError, OSError
            If it cannot be described.
        """
        content = self.describe(task)
        task.name = f"run_task-{self.topic}-{task.key}-{secrets.token_hex(4)}"
        task.begun = task.sending = False
        task.allowed = allowed
        task.future = self._client.submit(
            run_task,
            content,
            task.name,
            key=task.name,
            pure=False,
            retries=0,
            workers=None if allowed is None else sorted(allowed),
        )
        self.tasks[task.key] = task.tomogram.given_out[task.key] = task
        self._hear_of_end(task)

    def send_model(self, task: Task, address: str) -> None:
        """Send the model to the worker at ``address``, for this task.

        Raises
        ------
        ValueError, OSError, UserError
            If it cannot be read.
        """
        model, card = self.model_files()
        content = self.describe(task)
        task.given.add(address)
        task.name = f"take_model-{self.topic}-{task.key}-{secrets.token_hex(4)}"
        task.begun, task.sending, task.allowed = False, True, frozenset((address,))
        task.future = self._client.submit(
            take_model,
            content,
            model,
            card,
            key=task.name,
            pure=False,
            retries=0,
            workers=[address],
        )
        self._hear_of_end(task)

    def who_has(self, task: Task) -> list[str]:
        """Return the worker that has the result of a task, of none or several."""
        if task.future is None:
            return []
        return [one for place in self._client.who_has([task.future]).values() for one in place]

    def forget(self, task: Task) -> None:
        """Note that no worker has it."""
        self.tasks.pop(task.key, None)
        task.tomogram.given_out.pop(task.key, None)
        task.future = None

    def take_back(self, task: Task) -> None:
        """Tell its worker that a task is not wanted any more."""
        self._cancel([task], "it is not wanted any more")
        self.forget(task)

    def cancel(self) -> None:
        """Tell all workers that nothing is wanted any more."""
        self._cancel(list(self.tasks.values()), "the batch was cancelled")

    def _hear_of_end(self, task: Task) -> None:
        key, name = task.key, task.name
        if task.future is not None:
            task.future.add_done_callback(lambda future: self._hear(EndedTask(key, name, future)))

    def _cancel(self, tasks: list[Task], reason: str) -> None:
        futures = [task.future for task in tasks if task.future is not None]
        with suppress(Exception):
            self._client.cancel(futures, force=True, reason=reason)
