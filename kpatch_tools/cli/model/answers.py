"""Verdicts in short, as text and as JSON."""

from kpatch_tools.app.verdict_journal import Answer
from kpatch_tools.app.verdicts import Effort
from kpatch_tools.model import Verdict


def answer_fields(answer: Answer) -> dict[str, object]:
    """`kind` and `stage` are empty where there is no fault."""
    return {
        "verdict": answer.verdict.value,
        "kind": answer.kind,
        "stage": answer.stage,
        "message": answer.message,
    }


def effort_fields(effort: Effort) -> dict[str, object]:
    return {"read": effort.outlined, "booted": effort.booted, "alike": effort.alike}


def verdict_markup(answer: Answer, width: int = 12) -> str:
    """The verdict in colour, padded to `width`."""
    verdict = answer.verdict
    style = "green" if verdict is Verdict.OK else "yellow" if verdict is Verdict.UNDETERMINED else "red"
    return f"[{style}]{verdict.value:<{width}}[/]"
