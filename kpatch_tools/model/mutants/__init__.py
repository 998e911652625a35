"""Mutation testing of a tree's own C: does the model notice when one token of a fix is wrong?"""

from .derive import Mutant, Place, derive_mutants
from .operators import MutationRule
from .outcome import Fate, MutantOutcome, by_fate, run_mutants

__all__ = ["Fate", "Mutant", "MutantOutcome", "MutationRule", "Place", "by_fate", "derive_mutants", "run_mutants"]
