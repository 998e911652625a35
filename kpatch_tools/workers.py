"""Work divided among forked processes, without threads: what is in memory already is shared by all of them."""

import multiprocessing
import os
import resource
import signal
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def processors() -> int:
    """How many processes may run at a time here, which may be fewer than the machine has processors."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def divide(
    work: Callable[[Item], Result], items: Sequence[Item], *, jobs: int
) -> Generator[tuple[int, Result | Exception], None, None]:
    """`work` on every item, in `jobs` processes that each take the next item when they are done with one.

    Yields (index, result) in the order in which they finish; an exception of `work` is yielded, not raised, and so is
    the death of a process (ChildProcessError), for the item it was at. Closing the iterator ends the processes. With
    one job or one item, beside threads, or in such a process, nothing is forked.
    """
    is_worker = multiprocessing.current_process().daemon  # who ends with its parent may have no children
    if jobs < 2 or len(items) < 2 or threading.active_count() > 1 or is_worker:
        for index, item in enumerate(items):
            yield index, _answer(work, item)
        return
    context = multiprocessing.get_context("fork")
    following = context.Value("l", 0)
    workers: dict[Connection, BaseProcess] = {}
    try:
        for _ in range(min(jobs, len(items))):
            receiver, sender = context.Pipe(duplex=False)

            def live(out: Connection = sender) -> None:
                # Ctrl-C reaches every process of a terminal: it is the parent who ends the others.
                signal.signal(signal.SIGINT, signal.SIG_IGN)
                while (index := _take(following)) < len(items):
                    out.send((index, None))
                    out.send((index, (_answer(work, items[index]),)))

            worker: BaseProcess = context.Process(target=live, daemon=True)
            worker.start()
            sender.close()
            workers[receiver] = worker
        yield from _collect(list(workers))
    finally:
        for receiver, worker in workers.items():
            receiver.close()
            worker.terminate()
            worker.join()


def bounded(work: Callable[[], Result], *, seconds: float, megabytes: int) -> Result:
    """The result of `work`, done in a process of its own that may take no longer and no more memory than that.

    Raises what `work` raises, TimeoutError, MemoryError, and ChildProcessError where the process died otherwise.
    """
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)

    def live() -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        size = _address_space() + megabytes * 1_000_000
        resource.setrlimit(resource.RLIMIT_AS, (size, size))
        # A loop that no clock of ours can stop is stopped by the system.
        resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 1, int(seconds) + 2))
        try:
            answer: tuple[bool, Any] = (True, work())
        except Exception as error:
            answer = (False, error)
        sender.send(answer)

    worker = context.Process(target=live, daemon=True)
    worker.start()
    sender.close()
    try:
        if not receiver.poll(seconds):
            raise TimeoutError(f"it took more than {seconds:g} seconds")
        done, answer = receiver.recv()
    except EOFError as error:
        raise ChildProcessError("the process that was at it died") from error
    finally:
        receiver.close()
        worker.kill()
        worker.join()
    if not done:
        raise answer
    result: Result = answer
    return result


def _address_space() -> int:
    """Bytes that this process has mapped: a fork begins with them."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


def _collect(receivers: list[Connection]) -> Iterator[tuple[int, Any]]:
    """What the processes send until the last has nothing more to say."""
    begun: dict[Connection, int] = {}
    while receivers:
        for ready in wait(receivers):
            assert isinstance(ready, Connection)
            try:
                index, answer = ready.recv()
            except EOFError:
                receivers.remove(ready)
                if ready in begun:
                    yield begun[ready], ChildProcessError("the process that was at it died")
                continue
            if answer is None:
                begun[ready] = index
                continue
            del begun[ready]
            yield index, answer[0]


def _take(following: Any) -> int:
    """The number of the next item that nobody took."""
    with following.get_lock():
        index: int = following.value
        following.value = index + 1
    return index


def _answer(work: Callable[[Item], Result], item: Item) -> Result | Exception:
    try:
        return work(item)
    except Exception as error:
        return error
