"""The model as a check of a review: does the code still boot with the patch, if it did without?"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from kpatch_tools.app.modelling import modelling
from kpatch_tools.app.review_rules import MODEL
from kpatch_tools.backport import RememberingModel, Verdict
from kpatch_tools.core.finding import Finding, Status
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource
from kpatch_tools.model import Translations
from kpatch_tools.model.relevance import Outliner


@dataclass(slots=True)
class ModelReview:
    """Runs the model where a patch changes what it executes; what neighbouring patches share is run once."""

    translations: Translations | None = None
    progress: Callable[[str], None] = lambda _: None
    _outliner: Outliner = field(default_factory=Outliner)
    _model: RememberingModel = field(init=False)

    def __post_init__(self) -> None:
        self._model = RememberingModel(modelling(self.progress, translations=self.translations))

    def finding(self, before: BlobSource, after: BlobSource, touched: Iterable[RepoPath]) -> Finding:
        """FAIL where the patch makes a boot fault, ERROR where it makes one that could be told one that cannot."""
        if not self._concerns(before, after, tuple(touched)):
            return Finding(MODEL.id, Status.SKIP, "the patch changes nothing that the model executes")
        patched = self._model.run(after)
        if patched.verdict is Verdict.OK:
            return Finding(MODEL.id, Status.PASS, f"boots with the patch: {patched.describe()}")
        control = self._model.run(before, first=patched.faulting)
        if control.verdict is patched.verdict:
            return Finding(MODEL.id, Status.SKIP, f"no different without the patch: {patched.describe()}")
        if patched.verdict.faults:
            known = control.verdict.faults
            status = Status.WARN if known else Status.FAIL
            return Finding(
                MODEL.id,
                status,
                f"with the patch: {patched.describe()}; without it: {control.describe()}",
                hint="kpt model explain shows the page that is refused, and who mapped it",
            )
        return Finding(
            MODEL.id, Status.ERROR, f"with the patch: {patched.describe()}; without it: {control.describe()}"
        )

    def _concerns(self, before: BlobSource, after: BlobSource, touched: tuple[RepoPath, ...]) -> bool:
        if not self._model.concerns(touched):
            return False
        with_patch = self._outliner.outline(after)
        return bool(with_patch.looked_up & set(touched)) and with_patch.digest != self._outliner.outline(before).digest
