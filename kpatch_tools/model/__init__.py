"""The semantic model: the tree's own C, executed on a modelled machine under modelled Xen rules."""

from .boot.buffers import TableRange
from .boot.unit import concerns
from .explain import Fault
from .layouts import DEFAULT_LAYOUTS, Layout, layout_from_json, parse_layout
from .oracles import Verdict
from .run import ModelRun, run_model
from .translations import Translations

__all__ = [
    "DEFAULT_LAYOUTS",
    "Fault",
    "Layout",
    "ModelRun",
    "TableRange",
    "Translations",
    "Verdict",
    "concerns",
    "layout_from_json",
    "parse_layout",
    "run_model",
]
