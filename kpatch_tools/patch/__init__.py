"""Patches as values: the only room that knows unidiff."""
