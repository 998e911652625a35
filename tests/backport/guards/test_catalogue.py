"""The catalogue of guards: one module, one id, one rule."""

import pkgutil
import re
import sys

import pytest
from kpatch_tools.backport import guards
from kpatch_tools.backport.guards import ALL_GUARDS, Carriage, find_objections

MODULES = [sys.modules[guard.__module__] for guard in ALL_GUARDS]


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.ID)
def test_a_guard_says_what_it_demands_and_why(module):
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", module.ID)
    rule, _, reason = module.__doc__.partition("\n\n")
    assert rule.startswith(f"{module.ID}: ")
    assert reason.startswith("Why: ") or module.ID == "labels-defined"


def test_each_module_with_an_id_is_in_the_catalogue_once():
    found = [
        name
        for name in (f"{guards.__name__}.{one.name}" for one in pkgutil.iter_modules(guards.__path__))
        if hasattr(__import__(name, fromlist=["ID"]), "ID")
    ]
    assert sorted(found) == sorted(module.__name__ for module in MODULES)
    assert len({module.ID for module in MODULES}) == len(MODULES)


def test_a_change_of_nothing_has_no_objections(sources):
    assert find_objections(Carriage((), sources({}), None, None)) == {}


def test_the_first_guard_that_objects_is_named(pick):
    old = "static int f(int a)\n{\n\tint b = 0;\n\n\tb += a;\n\treturn b;\n}\n"
    new = old.replace("\tb += a;\n", "\tb += a + other(c);\n")
    upstream = old.replace("(int a)", "(int a, int c)")
    known = {"a.c": upstream, "a.h": "int other(int);\n"}
    found = pick(known, {"a.c": new.replace("(int a)", "(int a, int c)")}, {"a.c": old})
    assert [one.guard for one in found.hunks] == ["names-known"]
