"""Patch mail in, findings out."""
