"""All hook tables of a revision, linked from the facts of its files: types, instances, slots, calls, functions."""
