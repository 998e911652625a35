"""Hooks written from a description alone: whatever needs no probing of its own."""
