"""What a queue consists of: one line of JSON a job, read so that a bad line harms nobody but itself."""

import json
from collections.abc import Iterable
from dataclasses import dataclass

FIELDS = ("upstream", "target")


@dataclass(frozen=True, slots=True)
class QueueLine:
    """One job. `number` is its line (1-based), `id` what its result will be called, as spelled in JSON.

    `error` says what is wrong with the line, None if nothing is; a line whose id cannot be told has None for it.
    """

    number: int
    id: str | int | None
    upstream: str = ""
    target: str = ""
    error: str | None = None


def parse_queue(data: bytes) -> tuple[QueueLine, ...]:
    """Every line that is not blank. Of two lines with one id the later one is in error."""
    found: list[QueueLine] = []
    seen: dict[str | int, int] = {}
    for number, text in enumerate(data.split(b"\n"), start=1):
        if not text.strip():
            continue
        line = _parse(number, text)
        if line.id is not None and line.error is None:
            first = seen.setdefault(line.id, number)
            if first != number:
                line = QueueLine(number, None, error=f"line {first} has the same id, {line.id!r}")
        found.append(line)
    return tuple(found)


def _parse(number: int, text: bytes) -> QueueLine:
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as error:
        return QueueLine(number, None, error=f"it is not JSON: {error}")
    if not isinstance(fields, dict):
        return QueueLine(number, None, error="it is no JSON object")
    name = fields.get("id")
    if not isinstance(name, str | int) or isinstance(name, bool):
        return QueueLine(number, None, error="it has no id that is a text or a number")
    lacks = _lacking(fields)
    if lacks:
        return QueueLine(number, name, error=f"it has no {' and no '.join(lacks)}")
    return QueueLine(number, name, fields["upstream"], fields["target"])


def _lacking(fields: dict[str, object]) -> Iterable[str]:
    return [name for name in FIELDS if not isinstance(fields.get(name), str) or not fields[name]]
