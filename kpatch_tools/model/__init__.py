"""The semantic model: the tree's own C, executed on a modelled machine under modelled Xen rules."""

from .boot.buffers import TableRange
from .boot.on_xen import XEN
from .boot.platform import Platform
from .boot.profiles import PROFILES, parse_profile
from .boot.unit import concerns
from .cexec import Profile
from .explain import Fault
from .layouts import DEFAULT_LAYOUTS, Layout, layout_from_json, parse_layout
from .oracles import Verdict
from .platforms import PLATFORMS, get_platform
from .run import ModelRun, run_model
from .translations import Translations

__all__ = [
    "DEFAULT_LAYOUTS",
    "PLATFORMS",
    "PROFILES",
    "XEN",
    "Fault",
    "Layout",
    "ModelRun",
    "Platform",
    "Profile",
    "TableRange",
    "Translations",
    "Verdict",
    "concerns",
    "get_platform",
    "layout_from_json",
    "parse_layout",
    "parse_profile",
    "run_model",
]
