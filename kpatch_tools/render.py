"""Renders the text kpt writes: the only room that knows jinja2."""

from functools import cache

import jinja2

from .resources import data_dir


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(data_dir("templates")),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=jinja2.select_autoescape(["html", "html.j2"]),
    )


def render(template: str, **values: object) -> str:
    """The text of `templates/<template>` with `values` filled in.

    Raises jinja2.UndefinedError for a name the template uses and `values` lacks, jinja2.TemplateNotFound for a
    template that does not exist: both are our bugs, not the user's.
    """
    return _environment().get_template(template).render(values)
