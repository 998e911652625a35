"""Checks of a patch on a tree, one a file."""
