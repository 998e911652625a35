"""Reads a description from its TOML text; every error names the field and what belongs there."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.hooks.patches.description import (
    Alias,
    Call,
    Function,
    HookDescription,
    Origin,
    Override,
    Parameter,
    Position,
    Slot,
    SubTable,
    Table,
)
from kpatch_tools.resources import data_dir

PROBINGS = ("page-table-buffer",)
"""The kinds of special probing there are."""

_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_MEMBERS = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", re.ASCII)
_TYPE = re.compile(r"[A-Za-z_][\w ]*[ *]*", re.ASCII)
_FILE = re.compile(r"[\w.+@-]+(/[\w.+@-]+)*", re.ASCII)
_SYMBOL = re.compile(r"CONFIG_\w+", re.ASCII)
_VALUE = re.compile(r"[^;{}\n]*")
_LINE = re.compile(r"[^\n]*")
_ANYTHING = re.compile(r".*", re.DOTALL)


def parse_description(data: bytes, *, templates: Path) -> HookDescription:
    """A description from its TOML text, with its templates below `templates`.

    Raises KpatchError "malformed-hook" for text that is no TOML, a field that is missing, unknown or not as it must
    be, and a template that is not there.
    """
    try:
        fields = tomllib.loads(data.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise malformed(f"the file is no TOML: {error}") from error
    top = _Section(fields, "")
    name = top.word("name", _NAME, "a name of letters, digits and _")
    summary = top.word("summary", _LINE, "one line of text", default="")
    scope = top.words("scope", _FILE, "folders to look in for what moved")
    table_fields = top.section("table")
    table = Table(
        table_fields.word("variable", _NAME, "the table's variable"),
        table_fields.word("type", _NAME, "the tag of the table's struct"),
        table_fields.path("declared_in"),
        table_fields.path("defined_in"),
    )
    table_fields.end()
    sub_table = _sub_table(top.section("sub_table")) if top.has("sub_table") else None
    slot = _slot(top.section("slot"))
    default_fields = top.section("default")
    default = _function(default_fields, "default.c", no_op=True)
    alias = _alias(default_fields.section("alias"), default) if default_fields.has("alias") else None
    default_fields.end()
    probing = _probing(top.section("probing")) if top.has("probing") else {}
    call = _call(top.section("call"), slot, probed=bool(probing))
    overrides = tuple(map(_override, top.sections("override")))
    top.end()
    if default.origin is Origin.NEW and not probing and not default.behind and default.file != table.file:
        raise malformed("default.behind: missing; the function of default.file that the new default follows is needed")
    description = HookDescription(
        name, summary, scope, table, sub_table, slot, default, alias, call, overrides, probing, templates
    )
    _require_templates(description)
    return description


def malformed(message: str) -> KpatchError:
    examples = data_dir("templates") / "hooks"
    return KpatchError(
        "malformed-hook",
        f"the hook's description is not usable: {message}",
        hint=f"every field is in one of the descriptions in {examples}",
    )


def _sub_table(fields: "_Section") -> SubTable:
    sub_table = SubTable(
        fields.word("member", _NAME, "a member of the table"),
        fields.word("type", _NAME, "the tag of the sub-table's struct"),
        fields.word("before", _NAME, "the member of the table that a new sub-table precedes", default=""),
        fields.word("brief", _LINE, "one line of text", default=""),
        tuple(fields.word("purpose", _ANYTHING, "text", default="").strip().splitlines()),
    )
    fields.end()
    if sub_table.before and not sub_table.brief:
        raise malformed("sub_table.brief: missing; with sub_table.before a new sub-table can be needed, which says it")
    return sub_table


def _slot(fields: "_Section") -> Slot:
    slot = Slot(
        fields.word("name", _NAME, "the slot's name"),
        fields.word("returns", _TYPE, "a C type"),
        tuple(_parameter(pair) for pair in fields.values("parameters", "a list of [type, name] pairs")),
        fields.word("about", _LINE, "one line of text"),
        fields.word("before", _NAME, "a slot of the same struct", default=""),
        fields.word("after", _NAME, "a slot of the same struct", default=""),
    )
    fields.end()
    if slot.before and slot.after:
        raise malformed("slot.before, slot.after: expected one of them at most")
    return slot


def _parameter(pair: object) -> Parameter:
    if (
        isinstance(pair, list)
        and len(pair) == 2
        and all(isinstance(part, str) for part in pair)
        and _TYPE.fullmatch(pair[0])
        and _NAME.fullmatch(pair[1])
    ):
        return Parameter(pair[0], pair[1])
    raise malformed(f"slot.parameters: expected a list of [type, name] pairs, found {pair!r} in it")


def _function(fields: "_Section", template: str, *, no_op: bool) -> Function:
    """The fields that every function has; the caller reads on and ends the section."""
    choices = [one.value for one in Origin if no_op or one is not Origin.NO_OP]
    origin = Origin(fields.choice("origin", choices, default=Origin.NEW.value))
    if origin is Origin.NO_OP:
        return Function(origin, "", RepoPath(""), None, "", "", "", ())
    new = origin is Origin.NEW
    return Function(
        origin=origin,
        name=fields.word("function", _NAME, "a function's name"),
        file=fields.path("file"),
        prototype=fields.path("prototype") if fields.has("prototype") else None,
        template=fields.word("template", _FILE, "a template's name", default=template) if new else "",
        section=fields.word("section", _NAME, "an annotation such as __init", default="") if new else "",
        behind=fields.word("behind", _NAME, "a function of the same file", default="") if new else "",
        includes=fields.words("includes", _FILE, "headers as #include <...> names them", default=()) if new else (),
    )


def _alias(fields: "_Section", default: Function) -> Alias:
    if default.origin is Origin.NO_OP:
        raise malformed("default.alias: expected with a default that is named only")
    alias = Alias(
        fields.word("name", _NAME, "a macro's name"),
        fields.word("beside", _NAME, "the macro of a neighbouring slot"),
        fields.word("otherwise", _VALUE, "a C expression", default="NULL"),
        fields.path("file"),
    )
    fields.end()
    return alias


def _override(fields: "_Section") -> Override:
    function = _function(fields, "override.c", no_op=False)
    override = Override(
        function,
        fields.word("installer", _NAME, "the function that sets the slot", default=""),
        fields.word("variable", _NAME, "the table whose initialiser sets the slot", default=""),
        fields.word("beside", _MEMBERS, "a slot that the installer sets", default=""),
    )
    fields.end()
    if bool(override.installer) == bool(override.variable):
        raise malformed(f"{fields.at('installer')}, {fields.at('variable')}: expected exactly one of them")
    if override.beside and not override.installer:
        raise malformed(f"{fields.at('beside')}: expected with an installer only")
    return override


def _call(fields: "_Section", slot: Slot, *, probed: bool) -> Call:
    function, file = fields.word("function", _NAME, "the function with the call"), fields.path("file")
    if probed:
        fields.end()
        return Call(function, file, Position.PROBED, "", None, None, False, "", "")
    given = [one for one in Position if one is not Position.PROBED and fields.has(one.value)]
    if len(given) != 1:
        raise malformed("call.replaces, call.after, call.before, call.first: expected exactly one of them")
    position = given[0]
    anchor = ""
    if position is Position.FIRST:
        if not fields.flag("first"):
            raise malformed("call.first: expected true, or one of call.replaces, call.after, call.before")
    else:
        anchor = fields.word(position.value, _MEMBERS, "a function that is called there")
    arguments: tuple[str, ...] | None = None
    if position is not Position.REPLACES or fields.has("arguments"):
        arguments = fields.words("arguments", _VALUE, "C expressions", default=())
        if len(arguments) != len(slot.parameters):
            raise malformed(
                f"call.arguments: expected {len(slot.parameters)}, as slot.parameters has, found {len(arguments)}"
            )
    call = Call(
        function=function,
        file=file,
        position=position,
        anchor=anchor,
        arguments=arguments,
        answer=fields.word("answer", _VALUE, "what to return", default="") if fields.has("answer") else None,
        unless=fields.flag("unless"),
        guard=fields.word("guard", _SYMBOL, "a CONFIG_ symbol", default=""),
        comment=fields.word("comment", _ANYTHING, "text", default=""),
    )
    fields.end()
    if call.answer is not None and slot.returns == "void":
        raise malformed("call.answer: a slot that returns void cannot be a condition (slot.returns)")
    if call.unless and call.answer is None:
        raise malformed("call.unless: expected with call.answer only")
    if position is Position.REPLACES and (call.guard or call.answer is not None):
        raise malformed("call.replaces: expected without call.answer and call.guard")
    if "*/" in call.comment:
        raise malformed("call.comment: expected text without */")
    return call


def _probing(fields: "_Section") -> dict[str, str]:
    kind = fields.choice("kind", list(PROBINGS))
    settings = {"kind": kind, **{key: fields.word(key, _NAME, "a function's name") for key in fields.left()}}
    fields.end()
    return settings


def _require_templates(description: HookDescription) -> None:
    if description.probing:
        return
    wanted = ["message.txt"]
    functions = (description.default, *(one.function for one in description.overrides))
    wanted += [one.template for one in functions if one.origin is Origin.NEW]
    for name in wanted:
        path = description.templates / description.name / f"{name}.j2"
        if not path.is_file():
            raise malformed(f"its template {description.name}/{name}.j2 is not beside it")


class _Section:
    """One TOML table; fields are taken out of it, so that what nobody took can be told."""

    def __init__(self, fields: Mapping[str, object], where: str) -> None:
        self._fields = fields
        self._where = where
        self._taken: set[str] = set()

    def at(self, name: str) -> str:
        return f"{self._where}.{name}" if self._where else name

    def has(self, name: str) -> bool:
        return name in self._fields

    def left(self) -> list[str]:
        return [name for name in self._fields if name not in self._taken]

    def word(self, name: str, form: re.Pattern[str], expected: str, *, default: str | None = None) -> str:
        if default is not None and name not in self._fields:
            self._taken.add(name)
            return default
        value = self._take(name, expected, None)
        if not isinstance(value, str) or form.fullmatch(value) is None:
            raise self._wrong(name, expected, value)
        return value

    def path(self, name: str) -> RepoPath:
        value = self.word(name, _FILE, "a path in the tree")
        if any(part in (".", "..") for part in value.split("/")):
            raise self._wrong(name, "a path in the tree, without . and ..", value)
        return RepoPath(value)

    def choice(self, name: str, choices: list[str], *, default: str | None = None) -> str:
        expected = "one of " + ", ".join(choices)
        value = self._take(name, expected, default)
        if not isinstance(value, str) or value not in choices:
            raise self._wrong(name, expected, value)
        return value

    def flag(self, name: str) -> bool:
        value = self._take(name, "true or false", False)
        if not isinstance(value, bool):
            raise self._wrong(name, "true or false", value)
        return value

    def values(self, name: str, expected: str, *, default: tuple[str, ...] | None = None) -> list[object]:
        value = self._take(name, expected, list(default) if default is not None else None)
        if not isinstance(value, list):
            raise self._wrong(name, expected, value)
        return value

    def words(
        self, name: str, form: re.Pattern[str], expected: str, *, default: tuple[str, ...] | None = None
    ) -> tuple[str, ...]:
        found = []
        for value in self.values(name, f"a list: {expected}", default=default):
            if not isinstance(value, str) or form.fullmatch(value) is None:
                raise self._wrong(name, f"a list: {expected}", value)
            found.append(value)
        return tuple(found)

    def section(self, name: str) -> "_Section":
        value = self._take(name, f"the section [{self.at(name)}]", None)
        if not isinstance(value, dict):
            raise self._wrong(name, f"the section [{self.at(name)}]", value)
        return _Section(value, self.at(name))

    def sections(self, name: str) -> tuple["_Section", ...]:
        """[[name]], any number of times; one [name] counts as well."""
        value = self._take(name, f"sections [[{name}]]", [])
        listed: list[object] = value if isinstance(value, list) else [value]
        sections = [_Section(one, name) for one in listed if isinstance(one, dict)]
        if len(sections) != len(listed):
            raise self._wrong(name, f"sections [[{name}]]", value)
        return tuple(sections)

    def end(self) -> None:
        """Nothing may be left: what is misspelled would not be asked for."""
        if unknown := self.left():
            known = ", ".join(sorted(self._taken))
            raise malformed(f"{self.at(unknown[0])}: unknown field; known here: {known}")

    def _take(self, name: str, expected: str, default: object) -> object:
        self._taken.add(name)
        if name in self._fields:
            return self._fields[name]
        if default is None:
            raise malformed(f"{self.at(name)}: missing; expected {expected}")
        return default

    def _wrong(self, name: str, expected: str, value: object) -> KpatchError:
        return malformed(f"{self.at(name)}: expected {expected}, found {value!r}")
