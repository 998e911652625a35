"""`kpt demo`: the main job where no kernel is at hand."""

import click
from rich.text import Text

from kpatch_tools.app.backport import BackportRequest, backport
from kpatch_tools.app.demo import load_story
from kpatch_tools.app.miniature import build_miniature
from kpatch_tools.app.modelling import modelling
from kpatch_tools.app.report import fields_of_backport
from kpatch_tools.cli.backport.text import print_backport
from kpatch_tools.cli.session import Session, cache_dir, verb
from kpatch_tools.tree import KernelTree


@click.command("demo")
@verb
def command(session: Session) -> int:
    """Run the main job on the embedded miniature kernel, for the targets that tell the story.

    The miniature is built into a git repository in the cache directory on first use, and stays there to play with.

    \b
    Examples:
      kpt demo
      kpt demo --json | jq '.scenes[] | {target, outcome}'
    """
    story = load_story()
    repository = build_miniature(cache_dir())
    tree = KernelTree.open(repository)
    out = session.out
    scenes: list[dict[str, object]] = []
    if not session.as_json:
        out.print(Text(story.intro))
    for scene in story.scenes:
        with session.progress(f"backport to {scene.target}") as step:
            report = backport(BackportRequest(target=scene.target), tree, model=modelling(step), progress=step)
        if session.as_json:
            scenes.append({"target": scene.target, **fields_of_backport(report)})
            continue
        out.print()
        out.print(Text(f"$ kpt backport --to {scene.target}", "bold"))
        out.print(Text(f"# {scene.text}", "dim"))
        print_backport(out, report, verbosity=session.verbosity)
    if session.as_json:
        session.print_json({"repository": str(repository), "scenes": scenes})
        return 0
    out.print()
    out.print(Text(f"All of this was the miniature, {repository}"))
    out.print(Text(f"next: kpt backport --repo {repository} --to v2.6.39-rc7 --json"))
    out.print(Text("      kpt backport --repo ~/src/linux --to v2.6.39    # your own kernel"))
    return 0
