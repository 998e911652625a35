"""Which rules a run applies, found by wrapping their functions for as long as somebody asks.

Nothing of it is there otherwise: a boot that nobody records pays nothing.
"""

import importlib
import pkgutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from types import ModuleType
from typing import Any

from .refusal import RuleId
from .rules import RULES

_PACKAGE = __name__.rpartition(".")[0]


@contextmanager
def recording() -> Iterator[Counter[RuleId]]:
    """How often each rule was applied inside, by every Xen of this process. Not in threads, nor one inside another."""
    counts: Counter[RuleId] = Counter()
    wrappers = {function: _counting(function, tuple(ids), counts) for function, ids in _applied_by().items()}
    replaced: list[tuple[ModuleType, str, object]] = []
    try:
        for module in _modules():
            for name, value in list(vars(module).items()):
                if callable(value) and value.__hash__ is not None and value in wrappers:
                    replaced.append((module, name, value))
                    setattr(module, name, wrappers[value])
        yield counts
    finally:
        for module, name, value in replaced:
            setattr(module, name, value)


def _applied_by() -> dict[Callable[..., Any], list[RuleId]]:
    applied: dict[Callable[..., Any], list[RuleId]] = {}
    for rule in RULES:
        for function in (rule.function, *rule.also):
            applied.setdefault(function, []).append(rule.id)
    return applied


def _modules() -> Iterator[ModuleType]:
    package = importlib.import_module(_PACKAGE)
    for module in pkgutil.iter_modules(package.__path__):
        if not module.ispkg:
            yield importlib.import_module(f"{_PACKAGE}.{module.name}")


def _counting(function: Callable[..., Any], ids: tuple[RuleId, ...], counts: Counter[RuleId]) -> Callable[..., Any]:
    @wraps(function)
    def counted(*arguments: Any, **options: Any) -> Any:
        counts.update(ids)
        return function(*arguments, **options)

    return counted
