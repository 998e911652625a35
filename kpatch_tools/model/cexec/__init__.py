"""Executes a tree's own C: preprocessed and parsed, then translated to Python function by function when called."""

from .errors import CallFrame, Trap, Unsupported
from .flatmemory import FlatMemory
from .functions import Primitive
from .memory import DataMemory
from .objects import GlobalVariable
from .profile import COMPILER, Profile
from .program import Program
from .structs import Struct
from .unit import Unit, load_unit

__all__ = [
    "COMPILER",
    "CallFrame",
    "DataMemory",
    "FlatMemory",
    "GlobalVariable",
    "Primitive",
    "Profile",
    "Program",
    "Struct",
    "Trap",
    "Unit",
    "Unsupported",
    "load_unit",
]
