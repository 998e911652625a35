"""The guest: which frames it owns, and the two translations between its numbering and the machine's."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from kpatch_tools.core.ids import Mfn, Pfn

Range = tuple[int, int]
"""Half-open."""

_GROUP = 7
_EXCHANGE = 5

DOMID_SELF = 0x7FF0
DOMID_IO = 0x7FF1


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """A privileged PV domain (dom0) with pseudo-physical frames 0 <= pfn < `nr_pages`, less the `holes`.

    Its machine frames start at `base` and are deliberately not in pfn order, so that a pfn taken for an mfn shows.
    `special_pages` frames more are Xen's own but given to the domain writable (the shared info page); they have no
    pfn. `iomem` are machine frames that nobody owns and that this domain may map; every other frame is foreign.
    """

    nr_pages: int
    holes: tuple[Range, ...] = ()
    iomem: tuple[Range, ...] = ()
    special_pages: int = 1
    base: int = 0x40_0000

    @property
    def size(self) -> int:
        """Machine frames from `base` on that may be the domain's."""
        return self.nr_pages + self.special_pages

    def p2m(self, pfn: int) -> Mfn | None:
        """The frame behind `pfn`; None in a hole and outside of the domain."""
        if not 0 <= pfn < self.nr_pages or _in(pfn, self.holes):
            return None
        return Mfn(self.base + self.scatter(pfn))

    def m2p(self, mfn: int) -> Pfn | None:
        """The pfn of a frame of the domain at start; None for any other frame, the special ones included.

        >>> d = Domain(nr_pages=20, holes=((3, 5),))
        >>> [d.m2p(d.p2m(pfn)) == pfn for pfn in (0, 2, 5, 19)], d.p2m(3), d.m2p(d.special_mfn(0))
        ([True, True, True, True], None, None)
        """
        index = mfn - self.base
        if not 0 <= index < self.nr_pages:
            return None
        pfn = self.scatter(index)
        return None if _in(pfn, self.holes) else Pfn(pfn)

    def special_mfn(self, index: int) -> Mfn:
        """Frame of special page 0 <= `index` < `special_pages`."""
        return Mfn(self.base + self.nr_pages + index)

    def owns(self, mfn: int) -> bool:
        return self.m2p(mfn) is not None or 0 <= mfn - self.base - self.nr_pages < self.special_pages

    def may_map_io(self, mfn: int) -> bool:
        return _in(mfn, self.iomem)

    def absent_pfns(self) -> Iterator[int]:
        """The pfns of the holes, each at least once."""
        for start, end in self.holes:
            yield from range(max(start, 0), min(end, self.nr_pages))

    def scatter(self, number: int) -> int:
        """Exchange frames inside each whole group of eight; its own inverse."""
        return number ^ _EXCHANGE if number < self.nr_pages & ~_GROUP else number


def fast_translations(
    domain: Domain, updates: Mapping[int, int]
) -> tuple[Callable[[int], Mfn | None], Callable[[int], Pfn | None]]:
    """`domain.p2m`, and `domain.m2p` overruled by `updates`, as closures: a boot asks for every page, many times."""
    base, grouped = domain.base, domain.nr_pages & ~_GROUP
    absent = bytearray(domain.nr_pages)
    for pfn in domain.absent_pfns():
        absent[pfn] = 1

    def p2m(pfn: int) -> Mfn | None:
        if 0 <= pfn < grouped and not absent[pfn]:
            return base + (pfn ^ _EXCHANGE)  # type: ignore[return-value] # Mfn(…) would be a call
        return domain.p2m(pfn)

    def m2p(mfn: int) -> Pfn | None:
        if mfn in updates:
            return Pfn(updates[mfn])
        pfn = (mfn - base) ^ _EXCHANGE
        if 0 <= pfn < grouped and not absent[pfn]:
            return pfn  # type: ignore[return-value] # as above
        return domain.m2p(mfn)

    return p2m, m2p


def _in(number: int, ranges: tuple[Range, ...]) -> bool:
    return any(start <= number < end for start, end in ranges)
