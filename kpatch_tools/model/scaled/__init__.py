"""A small machine with the shape of a big one: tables of 16 entries, so that thousands of memory maps can be tried."""

from .geometry import SCALED, SPAN
from .leftovers import unscaled_literals
from .rewriting import check_scaled, scaled_source

__all__ = ["SCALED", "SPAN", "check_scaled", "scaled_source", "unscaled_literals"]
