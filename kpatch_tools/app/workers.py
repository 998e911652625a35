"""Work shared among forked processes, given out piece by piece."""

import multiprocessing
import signal
import threading
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Generic, TypeVar

from kpatch_tools.core.errors import KpatchError

Job = TypeVar("Job")
Result = TypeVar("Result")


class Workers(Generic[Job, Result]):
    """Processes that each make an own `work` function once, and call it for every job they are given.

    They are forked when first needed, and so not beside threads: with one job, or where threads run, the work is done
    here. Whatever `work` raises is raised here, and KpatchError worker-died where a process was killed; nothing is
    kept of the other jobs then.
    """

    def __init__(self, make: Callable[[], Callable[[Job], Result]], *, jobs: int) -> None:
        self._make = make
        self._jobs = jobs
        self._here: Callable[[Job], Result] | None = None
        self._processes: list[tuple[Connection, BaseProcess]] = []

    def run(self, next_job: Callable[[], Job | None]) -> Iterator[tuple[Job, Result]]:
        """Each job that `next_job` gives, with its result, in order of completion.

        `next_job` is asked whenever somebody is idle, after the results known then were yielded: what it gives may
        depend on them. None means nothing to do at the moment; the end is reached when nobody works either.
        """
        if self._jobs < 2 or threading.active_count() > 1:
            if self._here is None:
                self._here = self._make()
            while (job := next_job()) is not None:
                yield job, self._here(job)
            return
        busy: dict[Connection, Job] = {}
        try:
            while True:
                self._give_out(busy, next_job)
                if not busy:
                    return
                for ready in wait(list(busy)):
                    assert isinstance(ready, Connection)
                    answer = _receive(ready)
                    if isinstance(answer, _Raised):
                        raise answer.error
                    yield busy.pop(ready), answer
        finally:
            if busy:
                self.close()

    def close(self) -> None:
        """End the processes, whatever they do."""
        for connection, process in self._processes:
            connection.close()
            process.terminate()
        for _, process in self._processes:
            process.join()
        self._processes.clear()

    def _give_out(self, busy: dict[Connection, Job], next_job: Callable[[], Job | None]) -> None:
        while len(busy) < self._jobs and (job := next_job()) is not None:
            idle = next((known for known, _ in self._processes if known not in busy), None) or self._fork()
            idle.send(job)
            busy[idle] = job

    def _fork(self) -> Connection:
        context = multiprocessing.get_context("fork")
        ours, theirs = context.Pipe()
        parents = [ours, *(connection for connection, _ in self._processes)]
        process = context.Process(target=_serve, args=(self._make, theirs, parents), daemon=True)
        process.start()
        theirs.close()
        self._processes.append((ours, process))
        return ours


def _receive(connection: Connection) -> Any:
    try:
        return connection.recv()
    except EOFError:
        raise KpatchError(
            "worker-died", "a process that shared the work died", hint="see that there is memory, and run it again"
        ) from None


class _Raised:
    def __init__(self, error: Exception) -> None:
        self.error = error


def _serve(make: Callable[[], Callable[[Job], Result]], connection: Connection, parents: list[Connection]) -> None:
    """A worker's whole life. An interrupt is the parent's business: it ends its workers."""
    for inherited in parents:
        inherited.close()  # or nobody would see that the parent is gone
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    work = make()
    while True:
        try:
            job = connection.recv()
        except EOFError:
            return
        try:
            connection.send(work(job))
        except Exception as error:
            connection.send(_Raised(error))
