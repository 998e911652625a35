"""Values that every room shares: standard library only, no I/O."""
