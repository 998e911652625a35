"""Work shared among processes."""

import os

import pytest
from kpatch_tools.app.workers import Workers
from kpatch_tools.core.errors import KpatchError


def feed(jobs):
    waiting = list(reversed(jobs))
    return lambda: waiting.pop() if waiting else None


@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_every_job_is_done_once(jobs):
    workers = Workers(lambda: lambda job: (job * job, os.getpid()), jobs=jobs)
    try:
        found = dict(workers.run(feed(range(1, 8))))
        again = dict(workers.run(feed([9])))
    finally:
        workers.close()
    assert {job: square for job, (square, _) in found.items()} == {job: job * job for job in range(1, 8)}
    assert again[9][0] == 81
    processes = {process for _, process in found.values()}
    assert len(processes) <= jobs
    assert (os.getpid() in processes) == (jobs == 1)


@pytest.mark.parametrize("jobs", [1, 2])
def test_the_next_job_may_depend_on_the_results_so_far(jobs):
    seen = []
    workers = Workers(lambda: lambda job: job + 1, jobs=jobs)
    try:
        for _, result in workers.run(lambda: len(seen) if len(seen) < 3 else None):
            seen.append(result)
    finally:
        workers.close()
    # Two are idle at first, and know nothing; whoever is asked after them knows a result or two.
    assert max(seen) >= (3 if jobs == 1 else 2)


@pytest.mark.parametrize("jobs", [1, 2])
def test_what_work_raises_is_raised(jobs):
    def work(job):
        raise KpatchError("bad-layout", f"job {job}", hint="none")

    workers = Workers(lambda: work, jobs=jobs)
    with pytest.raises(KpatchError, match="job 1"):
        list(workers.run(feed([1])))
    workers.close()


def test_a_process_that_dies_is_said_to_have():
    workers = Workers(lambda: lambda job: os._exit(job), jobs=2)
    with pytest.raises(KpatchError) as caught:
        list(workers.run(feed([9])))
    assert caught.value.code == "worker-died"
