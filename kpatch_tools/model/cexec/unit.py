"""From a tree to a parsed unit."""

from collections.abc import Sequence
from dataclasses import dataclass

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource
from kpatch_tools.syntax.preprocessor import Preprocessor, Trouble
from kpatch_tools.syntax.preprocessor_lines import LineCache
from kpatch_tools.syntax.translation_unit import TranslationUnit, parse_unit

from .profile import Profile


@dataclass(frozen=True, slots=True)
class Unit:
    """Several source files as one translation unit.

    `files` are those asked for that exist, `absent` those that do not, `read` everything included. `troubles` is what
    the preprocessor could not honour (missing includes and the like): whoever uses the unit decides what they mean.
    """

    files: tuple[RepoPath, ...]
    absent: tuple[RepoPath, ...]
    read: tuple[RepoPath, ...]
    profile: Profile
    translation: TranslationUnit
    troubles: tuple[Trouble, ...]


def load_unit(
    source: BlobSource, files: Sequence[RepoPath], profile: Profile, *, cache: LineCache | None = None
) -> Unit:
    """Preprocess `files` of `source`, in order, for `profile`, and parse the result.

    `cache` may be shared between units: two versions of a tree have most files in common.
    """
    present = tuple(path for path in files if source.read(path) is not None)
    preprocessor = preprocess_unit(source, present, profile, cache=cache)
    return Unit(
        files=present,
        absent=tuple(path for path in files if path not in present),
        read=preprocessor.files,
        profile=profile,
        translation=parse_unit(preprocessor.output()),
        troubles=preprocessor.troubles,
    )


def preprocess_unit(
    source: BlobSource, files: Sequence[RepoPath], profile: Profile, *, cache: LineCache | None = None
) -> Preprocessor:
    """The preprocessor behind `files`, in order, for `profile`. KpatchError `file-not-found`."""
    preprocessor = Preprocessor(
        source,
        include_dirs=profile.include_dirs,
        defines={**profile.predefined, **profile.config},
        overrides=profile.overrides,
        undefinable=profile.undefinable,
        virtual_files=profile.virtual_files,
        cache=cache,
    )
    for path in files:
        preprocessor.include(path)
    return preprocessor
