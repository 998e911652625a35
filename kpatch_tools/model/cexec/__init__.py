"""Executes a tree's own C: preprocessed and parsed, then translated to Python function by function when called.

A reader's path: `unit` (files to a parse tree) · `types`, `layout`, `declarations` (what C declares) · `values`,
`arithmetic` (what an expression's translation is, and C's conversions) · `expressions`, `conditions`, `calls`,
`assignments`, `initialisers`, `statements`, `switches`, `jumps` (C to lines of Python) · `ambiguity` (what the grammar
misreads) · `function` (the lines as one Python function) · `functions`, `objects`, `runtime`, `program` (running it).

Not executed, and said so where it is reached (Unsupported): inline assembly, floating point, variable-length arrays,
va_arg, computed goto, goto into a block, case labels inside other statements, values of 128 bits in memory.
"""

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
