"""Analyse, generate, check and backport Linux kernel patches; confirm them by executing the tree's own C."""

__version__ = "0.1.0"
