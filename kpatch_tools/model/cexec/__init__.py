"""C to Python: types, layout, translation, runtime."""
