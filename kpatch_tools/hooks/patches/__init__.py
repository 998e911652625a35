"""Patches that add a slot: whether a target has it, lacks it, needs it, and the hook written for that target."""
