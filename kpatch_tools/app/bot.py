"""Use case: the bot's round: read what came, review what is complete and new, post what is to be posted."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from kpatch_tools.app.review import Choice, review_input
from kpatch_tools.app.review_input import Input
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.ids import ObjectId
from kpatch_tools.patch import format_date
from kpatch_tools.review.bot.config import BotConfig, Output, Source
from kpatch_tools.review.bot.outputs import deliver, plan_posts
from kpatch_tools.review.bot.patchwork import Patchwork
from kpatch_tools.review.bot.server import AwayError
from kpatch_tools.review.bot.state import BotState
from kpatch_tools.review.envelope import one_line
from kpatch_tools.review.sources import letters_in, letters_of_folder, letters_of_inbox
from kpatch_tools.review.statements import told
from kpatch_tools.review.threads import Received, find_submissions
from kpatch_tools.review.values import Review, Submission
from kpatch_tools.tree import KernelTree
from kpatch_tools.workers import bounded

_AT_ONCE = 500
"""Letters that are taken from a source in one step."""

_MOST_ATTEMPTS = 2
_BUSY = "the server is away, or asked for a pause"
_WAITS = "a cover letter whose patches are not here"


@dataclass(slots=True)
class Round:
    """What a round did, in lines for people; `quiet` if there is nothing to tell."""

    received: int = 0
    reviewed: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    posted: list[str] = field(default_factory=list)
    held: list[str] = field(default_factory=list)

    @property
    def quiet(self) -> bool:
        return not (self.reviewed or self.failed or self.posted)


def run_round(
    tree: KernelTree,
    config: BotConfig,
    state: BotState,
    choice: Choice,
    *,
    now: int,
    progress: Callable[[str], None] = lambda _: None,
) -> Round:
    """One round; `now` in seconds since the epoch. A source or series that fails is told in the result, and the others
    are done all the same."""
    done = Round()
    for source in config.sources:
        if state.paused(source.name, now):
            done.held.append(f"{source.name}: {_BUSY}")
            continue
        progress(source.name)
        done.received += _collect(source, state, done, now)
    _review_new(tree, config, state, choice, done, now, progress)
    _post(config, state, done, now)
    state.forget(now)
    return done


def _failed(name: str, error: KpatchError, state: BotState, done: Round, now: int) -> None:
    # Servers put into it what they like.
    done.failed.append(f"{name}: {one_line(error.message)} [{error.code}]")
    if isinstance(error, AwayError) and error.seconds:
        state.pause(name, now + error.seconds)


def _collect(source: Source, state: BotState, done: Round, now: int) -> int:
    """How many new letters came; what came before a source fails is kept."""
    new = 0
    steps = _until_it_fails(source, state, done, now)
    while batch := list(islice(steps, _AT_ONCE)):
        letters = [letter for letter, _ in batch if letter is not None]
        new += state.receive(source.name, letters, batch[-1][1], now)
    return new


def _until_it_fails(source: Source, state: BotState, done: Round, now: int) -> Iterator[tuple[Received | None, str]]:
    def tell(error: KpatchError) -> None:
        _failed(source.name, error, state, done, now)

    try:
        yield from _arriving(source, state.place(source.name), tell)
    except KpatchError as error:
        tell(error)


def _arriving(
    source: Source, place: str, passed_over: Callable[[KpatchError], None]
) -> Iterator[tuple[Received | None, str]]:
    """Letters after `place`, each with the place that it leaves the source at; None moves only that. What comes again
    is known by its id."""
    if source.kind == "patchwork":
        server = Patchwork(source.url)
        for after, address in server.completed_series(source.project, place):
            yield from ((letter, place) for letter in _letters_at(server, address, passed_over))
            place = after  # only now, for a series is read as a whole
            yield None, place
    elif source.kind == "public-inbox":
        assert source.path is not None, "the configuration was checked"
        for commit, letter in letters_of_inbox(source.path, frozenset({ObjectId(place)} if place else ())):
            yield letter, commit
    else:
        assert source.path is not None, "the configuration was checked"
        for letter in letters_of_folder(source.path):
            yield letter, ""


def _letters_at(server: Patchwork, address: str, passed_over: Callable[[KpatchError], None]) -> tuple[Received, ...]:
    """A series' letters; none of one that the server will never give, which must not keep us from the next."""
    try:
        return tuple(letters_in(server.fetch(address), address))
    except KpatchError as error:
        if isinstance(error, AwayError) or error.code == "server-fails":
            raise
        passed_over(error)
        return ()


def _review_new(
    tree: KernelTree,
    config: BotConfig,
    state: BotState,
    choice: Choice,
    done: Round,
    now: int,
    progress: Callable[[str], None],
) -> None:
    letters = state.letters()
    came = {letter.name: when for letter, when in letters}
    submissions, skipped = find_submissions([letter for letter, _ in letters])
    state.settle(one.name for one in skipped if one.reason != _WAITS)
    for submission in submissions:
        if (
            submission.missing
            and now - max(came[name] for name in submission.names) < config.limits.patience_minutes * 60
        ):
            continue
        progress(submission.subject)
        _review_one(tree, config, state, choice, submission, done, now)


def _review_one(
    tree: KernelTree,
    config: BotConfig,
    state: BotState,
    choice: Choice,
    submission: Submission,
    done: Round,
    now: int,
) -> None:
    key = series_key(submission)
    known, attempts = state.state_of(key)
    if known != "new":
        state.settle(submission.names)
        return
    if attempts >= _MOST_ATTEMPTS:
        why = "it took the bot down with it"
        state.finish(key, "failed", why, (), now)
        state.settle(submission.names)
        done.failed.append(f"{submission.subject}: {why}")
        return
    state.begin(key, submission.subject, now)
    try:
        review = bounded(
            lambda: review_input(tree.reopened(), Input(submission), choice),
            seconds=config.limits.seconds,
            megabytes=config.limits.megabytes,
        )
        posts = [
            post for output in config.outputs for post in plan_posts(review, key, output, date=format_date(now, 0))
        ]
    except Exception as error:  # whatever one series does must not keep the bot from the next
        why = (
            f"{error.message} [{error.code}]" if isinstance(error, KpatchError) else f"{type(error).__name__}: {error}"
        )
        state.finish(key, "failed", why, (), now)
        done.failed.append(f"{submission.subject}: {why}")
    else:
        state.finish(key, "reviewed", review.status.name, posts, now)
        done.reviewed.append(_told(review))
    state.settle(submission.names)


def series_key(submission: Submission) -> str:
    """The same for one sending of a series, whatever order its letters came in."""
    letters = sorted(
        (sent.number, _identity(sent.envelope.message_id, sent.patch.message)) for sent in submission.patches
    )
    letters += sorted((one.number, one.name) for one in submission.unreadable)
    number, identity = min(letters)
    return f"v{submission.version} {number} {identity}"


def _identity(message_id: str, message: bytes) -> str:
    return message_id or hashlib.sha256(message).hexdigest()


def _told(review: Review) -> str:
    base = f" on {review.base.revision}" if review.base is not None else ""
    return f"{told(review.status)}  {review.submission.subject}{base}"


def _post(config: BotConfig, state: BotState, done: Round, now: int) -> None:
    outputs = {output.name: output for output in config.outputs}
    sent = state.posted_since(now - 3600)
    away: set[str] = set()
    for post in state.waiting():
        output = outputs.get(post.output)
        if output is None or not output.post:
            done.held.append(f"{post.output}: patch {post.number} of {post.series}" + _why_held(output))
            continue
        if output.name in away or state.paused(output.name, now):
            done.held.append(f"{output.name}: patch {post.number} of {post.series}; {_BUSY}")
            continue
        if sent >= config.limits.posts_per_hour:
            done.held.append(f"{post.output}: {config.limits.posts_per_hour} posts an hour are the limit")
            break
        state.mark(post, "begun", now)
        sent += 1
        try:
            deliver(output, post)
        except KpatchError as error:
            if error.code == "undeliverable":
                state.mark(post, "refused", now)
            if isinstance(error, AwayError):
                away.add(output.name)
            _failed(output.name, error, state, done, now)
        else:
            state.mark(post, "done", now)
            done.posted.append(f"{post.output}: patch {post.number} of {post.series}")


def _why_held(output: Output | None) -> str:
    return "; this output is no longer configured" if output is None else "; `post = true` would send it"


def waiting_texts(state: BotState, outputs: Sequence[Output]) -> Iterator[tuple[str, bytes]]:
    """What would be posted, for a person to read first: the output's name and the text."""
    names = {output.name for output in outputs}
    for post in state.waiting():
        if post.output in names:
            yield post.output, post.body
