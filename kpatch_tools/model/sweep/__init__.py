"""One kernel on every memory map up to a bound, on a machine small enough to try them all."""

from .confirm import Counterexample, RealTrial
from .enumeration import DEFAULT_BOUND, MAX_BOUND, Enumeration, enumerate_shapes, scaled_layouts
from .journal import Journal
from .outcome import Outcome
from .running import SweepReport, run_sweep
from .shapes import Shape, real_layouts, scaled_layout

__all__ = [
    "DEFAULT_BOUND",
    "MAX_BOUND",
    "Counterexample",
    "Enumeration",
    "Journal",
    "Outcome",
    "RealTrial",
    "Shape",
    "SweepReport",
    "enumerate_shapes",
    "real_layouts",
    "run_sweep",
    "scaled_layout",
    "scaled_layouts",
]
