"""Renders the text kpt writes: the only room that knows jinja2."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from .core.errors import KpatchError
from .resources import data_dir

if TYPE_CHECKING:
    import jinja2


@cache
def _environment(folder: Path | None) -> "jinja2.Environment":
    # Most runs render nothing, and it takes longer to import than many of them take.
    import jinja2
    import jinja2.sandbox

    # What stands beside a user's file may come from anybody.
    kind = jinja2.Environment if folder is None else jinja2.sandbox.SandboxedEnvironment
    return kind(
        loader=jinja2.FileSystemLoader(folder if folder is not None else data_dir("templates")),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=jinja2.select_autoescape(["html", "html.j2"]),
    )


def render(template: str, *, folder: Path | None = None, **values: object) -> str:
    """The text of `templates/<template>`, or of that template in `folder`, with `values` filled in.

    Raises jinja2.UndefinedError for a name the template uses and `values` lacks, jinja2.TemplateNotFound for a
    template that does not exist: both are our bugs, not the user's. From a `folder` of somebody's own, it raises
    KpatchError "malformed-template" for whatever is wrong with the template.
    """
    environment = _environment(folder)
    if folder is None:
        return environment.get_template(template).render(values)
    import jinja2

    try:
        return environment.get_template(template).render(values)
    except jinja2.TemplateError as error:
        raise KpatchError("malformed-template", f"{template} cannot be used: {error}") from error
