"""`kpt backport`: its arguments, and who does which of its jobs."""

from typing import Any

import click

from kpatch_tools.cli.session import Session, verb

from . import batch, many, single
from .options import Options, queue_options, require_sense, result_options, wording_options


@click.command("backport")
@click.argument("subject", required=False)
@result_options
@wording_options
@queue_options
@verb
def command(session: Session, **given: Any) -> int:
    """Bring SUBJECT to REV, or say exactly why not.

    SUBJECT is a bundled hook [default: pagetable_reserve], a commit, or a patch file (- for standard input). Is it
    there already? Is what it repairs there at all? What has to come first? What did upstream fix later? The result is
    checked, and REV's own code is executed without and with it. Nothing is written unless -o or --branch asks for it.

    SUBJECT may also be a range A..B (or, with --series, a mailbox), and REV several versions: a table then. By itself
    each change is tried on each version; in a --series each is put on what those before it came to, and -o and --branch
    write the whole, once all of it goes on.

    Exit 0: backported, or nothing to do. 1: a person is needed. 2: bad usage or input. 3: undetermined. Of several, the
    worst.

    A queue (--batch) has one JSON object a line, {"id", "upstream", "target"}, and its results likewise: {"id",
    "status", "tree", "class", "reason", "secs"}. It reads the text of both versions and nothing else, unless the --full
    job is asked for. Status applied
    means that every hunk is of an accepted class; offered that there is a result, and one is not; conflict that a
    person is needed; present that nothing is to be done; error that the line could not be done, and why. The trees are
    written to the repository, without a reference: git gc takes them away again. A queue that is interrupted goes on
    where it was when it is given the same --out.

    \b
    Examples:
      kpt backport --to v2.6.39
      kpt backport --to v2.6.39-rc7 --json
      kpt backport 279b706bf80 --to v2.6.38
      kpt backport fix.patch --to v2.6.39 --branch backport/fix
      git show 53f8023febf | kpt backport - --to 279b706bf80 -o -
      kpt backport fix.patch --to v2.6.38 -o patches --signoff --reference bracket
      kpt backport 279b706bf80 --to v2.6.37 --rejects rejects --conflict-branch to-do --compare
      kpt backport 279b706bf80 --to v2.6.37,v2.6.38,v2.6.39-rc6
      kpt backport v2.6.39~3..v2.6.39 --to v2.6.38 --series --branch topic
      kpt backport --batch queue.jsonl --out results.jsonl
      kpt backport --batch - --out - --accept dropped,adapted --objects none < queue.jsonl
    """
    options = Options(**given)
    require_sense(options)
    if options.batch is not None:
        return batch.run(session, options)
    return many.run(session, options) if options.is_many else single.run(session, options)
