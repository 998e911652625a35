"""Work divided among processes: every item once, whatever a process does."""

import os

import pytest
from kpatch_tools.workers import divide


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
