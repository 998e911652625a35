"""A queue on the command line."""

import sys
from dataclasses import replace
from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from kpatch_tools.app.backport import BackportRequest, backport
from kpatch_tools.app.backport_accept import DEFAULT, parse_accepted
from kpatch_tools.app.backport_batch import BatchReport, BatchRequest, format_seconds, run_batch
from kpatch_tools.app.backport_queue import parse_queue
from kpatch_tools.app.backport_results import Record, format_record
from kpatch_tools.app.modelling import modelling
from kpatch_tools.app.report import BackportReport
from kpatch_tools.cli.session import Session, kept_history, kept_translations
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.tree import KernelTree

from .options import WORTH_AN_INDEX, Options


def run(session: Session, options: Options) -> int:
    """Do the queue, print its summary, and give the exit code."""
    assert options.batch is not None, "this is for queues"
    to_stdout = options.out == "-"
    if to_stdout and session.as_json:
        raise click.UsageError("--json prints one document: name a file with --out")
    request = BatchRequest(
        lines=parse_queue(_read(options.batch)),
        out=None if options.out is None or to_stdout else Path(options.out),
        accepted=DEFAULT if options.accept is None else parse_accepted(options.accept),
        jobs=options.processes,
        keep=options.objects != "none",
        objects=Path(options.objects) if options.objects not in (None, "repo", "none") else None,
    )
    if options.full:
        request = replace(request, whole=_whole)
    try:
        with session.progress("backports") as step:
            if options.full and (options.index or len(request.lines) >= WORTH_AN_INDEX):
                kept_history(make=True).open(session.tree, progress=step)
            report = run_batch(session.tree, request, sink=_print_record if to_stdout else _ignore, progress=step)
    except KeyboardInterrupt:
        if request.out is not None:
            session.err.print(f"what is finished is in {request.out}; the same command goes on from there")
        raise
    if session.as_json:
        session.print_json(fields_of_batch(report))
    else:
        print_batch(session.err if to_stdout else session.out, report)
    return report.exit


def _whole(tree: KernelTree, upstream: str, target: str) -> BackportReport:
    request = BackportRequest(target=target, subject=upstream, spelled=upstream)
    model = modelling(lambda _: None, translations=kept_translations())
    return backport(request, tree, model=model, recall=kept_history(make=False))


def _read(name: str) -> bytes:
    if name == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except OSError as error:
        hint = 'name a file of lines like {"id": "1", "upstream": "279b706bf80", "target": "v2.6.38"}'
        raise KpatchError("unreadable-queue", f"cannot read {name}: {error.strerror}", hint=hint) from error


def _print_record(record: Record) -> None:
    sys.stdout.buffer.write(format_record(record))
    sys.stdout.buffer.flush()


def _ignore(record: Record) -> None:
    pass


def print_batch(out: Console, report: BatchReport) -> None:
    """One line of what came of it, and one of the classes."""
    tally = ", ".join(f"{count} {name}" for name, count in report.statuses.items() if count) or "nothing to do"
    kept = f", {report.kept} of them by an earlier run" if report.kept else ""
    out.print(
        Text.assemble((f"{report.total} backports", "bold"), f" in {format_seconds(report.seconds)}{kept}: {tally}")
    )
    if report.classes:
        out.print(Text("classes: " + ", ".join(f"{count} {name}" for name, count in report.classes.items())))


def fields_of_batch(report: BatchReport) -> dict[str, object]:
    """The JSON form of the summary."""
    return {
        "total": report.total,
        "statuses": dict(report.statuses),
        "classes": dict(report.classes),
        "kept": report.kept,
        "secs": round(report.seconds, 3),
        "exit": int(report.exit),
    }
