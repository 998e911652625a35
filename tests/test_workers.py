"""Work divided among processes: every item once, whatever a process does."""

import os

import pytest
from kpatch_tools.workers import bounded, divide


def _square(number: int) -> int:
    return number * number


@pytest.mark.parametrize("jobs", [1, 2, 5])
@pytest.mark.parametrize("count", [0, 1, 7])
def test_every_item_once(jobs: int, count: int) -> None:
    answers = dict(divide(_square, range(count), jobs=jobs))
    assert answers == {number: number * number for number in range(count)}


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_exception_is_the_answer_for_its_item(jobs: int) -> None:
    def work(number: int) -> int:
        if number == 2:
            raise ValueError("two")
        return number

    answers = dict(divide(work, range(5), jobs=jobs))
    assert isinstance(answers.pop(2), ValueError)
    assert answers == {0: 0, 1: 1, 3: 3, 4: 4}


def test_the_death_of_a_process_is_the_answer_for_its_item() -> None:
    def work(number: int) -> int:
        if number == 1:
            os._exit(1)
        return number

    answers = dict(divide(work, range(6), jobs=2))
    assert isinstance(answers.pop(1), ChildProcessError)
    assert answers == {0: 0, 2: 2, 3: 3, 4: 4, 5: 5}


def test_closing_ends_the_processes() -> None:
    answers = divide(_square, range(1000), jobs=2)
    next(answers)
    answers.close()
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_bounded_work_gives_its_result_or_its_exception() -> None:
    assert bounded(lambda: 6 * 7, seconds=60, megabytes=500) == 42
    with pytest.raises(ZeroDivisionError):
        bounded(lambda: 1 // 0, seconds=60, megabytes=500)


def test_bounded_work_takes_no_more_than_it_may() -> None:
    def forever() -> None:
        while True:
            pass

    with pytest.raises(TimeoutError):
        bounded(forever, seconds=0.2, megabytes=500)
    with pytest.raises(MemoryError):
        bounded(lambda: len(bytearray(2_000_000_000)), seconds=60, megabytes=500)
    with pytest.raises(ChildProcessError):
        bounded(lambda: os._exit(3), seconds=60, megabytes=500)


def test_a_worker_divides_nothing_further() -> None:
    def inner() -> list[int]:
        return [answer for _, answer in divide(lambda _: os.getpid(), [1, 2], jobs=2) if isinstance(answer, int)]

    pids = bounded(inner, seconds=60, megabytes=500)
    assert len(set(pids)) == 1
