"""Reads one hook table of a source, with everything that fills and calls it."""
