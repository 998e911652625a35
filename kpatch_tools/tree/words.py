"""The words of files, by blob: read out once for all versions of a tree that have it, and for all runs if there is a
folder to keep them in.

Whether a name is known is asked of all of a kernel's headers, again and again: 8,000 files of 36 MB, whose words are a
third of that.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from string import ascii_letters, digits

import pygit2

from .kept import Kept
from .objects import missing_blob
from .recent import Recent

_IN_MEMORY, _EACH = 96 << 20, 150  # bytes; what one takes beside its text
_ON_DISK = 128 << 20  # bytes
_AT_ONCE = 500  # blobs; the first that have all the words spare the rest
_FILE = "words-2.sqlite"
_IN_WORDS = f"{ascii_letters}{digits}_".encode()
_BLANKED = bytes(byte if byte in _IN_WORDS else 0x20 for byte in range(256))


def words_of(data: bytes) -> bytes:
    r"""Each word of a text once, comments included, that begins with a letter or `_`; each between two line feeds.

    >>> words_of(b"int a = b0x + 0xb; // a")
    b'\na\nb0x\nint\n'
    """
    words = sorted(word for word in set(data.translate(_BLANKED).split()) if word[0] > 0x39)
    return b"\n%b\n" % b"\n".join(words) if words else b""


class BlobWords:
    """The words of one repository's blobs, whose ids are those of SHA-1 as 20 bytes."""

    def __init__(self, repository: pygit2.Repository, folder: Path | None) -> None:
        self._repository = repository
        self._known: Recent[bytes, bytes] = Recent(_IN_MEMORY)
        self._kept = None if folder is None else Kept(folder / _FILE, most=_ON_DISK)

    def contained(self, words: Iterable[bytes], ids: Sequence[bytes]) -> set[bytes]:
        """Which of `words`, that begin with a letter or `_`, stand as whole words in any of these blobs.

        KpatchError missing-object if one is not in the repository.
        """
        missing = {word: b"\n%b\n" % word for word in words}
        found: set[bytes] = set()
        for start in range(0, len(ids), _AT_ONCE):
            if not missing:
                break
            known = self._words(ids[start : start + _AT_ONCE]).values()
            for word, line in list(missing.items()):
                if any(line in one for one in known):
                    found.add(word)
                    del missing[word]
        return found

    def mentioning(self, words: Iterable[bytes], ids: Sequence[bytes]) -> set[bytes]:
        """Those of `ids` in which one of `words` stands. KpatchError as above."""
        lines = [b"\n%b\n" % word for word in words]
        found: set[bytes] = set()
        for start in range(0, len(ids), _AT_ONCE):
            known = self._words(ids[start : start + _AT_ONCE])
            found.update(oid for oid, one in known.items() if any(line in one for line in lines))
        return found

    def _words(self, ids: Sequence[bytes]) -> dict[bytes, bytes]:
        known = {oid: self._known.get(oid) for oid in ids}
        found = {oid: words for oid, words in known.items() if words is not None}
        lacking = known.keys() - found.keys()
        kept = self._kept.load(list(lacking)) if lacking and self._kept is not None else {}
        for oid in lacking:
            words = kept.get(oid)
            if words is None:
                words = self._read(oid)
                if self._kept is not None:
                    self._kept.add(oid, words)
            found[oid] = self._known.add(oid, words, len(words) + _EACH)
        return found

    def _read(self, oid: bytes) -> bytes:
        try:
            return words_of(self._repository.read(pygit2.Oid(raw=oid))[1])
        except (KeyError, ValueError) as error:
            raise missing_blob(error) from error
