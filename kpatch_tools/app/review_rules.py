"""The rules of the checks that a review itself runs, apart from what runs them: that takes long to import."""

from kpatch_tools.review.rules import Rule

MODEL = Rule(
    "model-boot",
    "the tree's own page-table code boots on the modelled machine as it did before",
    "Xen refuses a page table that is mapped writable, and a guest that is refused crashes before it can say a word.",
    "a reserve call that leaves page-table pages outside of what is made read-only",
    "the tree's C, executed under the page-table rules of Xen (kpt model rules).",
)

FOLLOWUPS = Rule(
    "followups-present",
    "what upstream fixed later in the commit that a backport cites is there, too",
    "A fix that has a bug of its own is not done with it; stable trees have taken many such without the second half.",
    "279b706bf80 without 53f8023febf, which has no Fixes: line",
    "later upstream commits with Fixes: on it, that take it back, or only touch what it added.",
)
