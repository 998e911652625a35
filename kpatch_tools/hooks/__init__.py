"""Hook tables: slots, defaults, overrides, call sites; and patches that add a slot."""
