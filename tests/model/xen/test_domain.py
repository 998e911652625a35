"""The guest's numbering and the machine's."""

from hypothesis import given
from hypothesis import strategies as st
from kpatch_tools.core.ids import Mfn, Pfn
from kpatch_tools.model.xen import Domain
from kpatch_tools.model.xen.domain import fast_translations

RANGES = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=3).map(tuple)
DOMAINS = st.builds(lambda pages, holes: Domain(nr_pages=pages, holes=holes), st.integers(1, 50), RANGES)


@given(DOMAINS)
def test_p2m_and_m2p_are_inverse_and_one_to_one(domain: Domain) -> None:
    """Every page outside of the holes has a frame of its own; special pages have no pfn."""
    frames = {pfn: domain.p2m(pfn) for pfn in range(-2, domain.nr_pages + 3)}
    present = {pfn: mfn for pfn, mfn in frames.items() if mfn is not None}
    holes = set(domain.absent_pfns())
    assert set(present) == set(range(domain.nr_pages)) - holes
    assert len(set(present.values())) == len(present)
    assert all(domain.m2p(mfn) == pfn and domain.owns(mfn) for pfn, mfn in present.items())
    special = domain.special_mfn(0)
    assert special not in present.values()
    assert domain.owns(special)
    assert domain.m2p(special) is None


@given(DOMAINS, st.dictionaries(st.integers(0x40_0000, 0x40_0040), st.integers(0, 99), max_size=3))
def test_the_fast_translations_say_the_same(domain: Domain, updates: dict[int, int]) -> None:
    p2m, m2p = fast_translations(domain, updates)
    for pfn in range(-9, 70):
        assert p2m(pfn) == domain.p2m(pfn)
    for mfn in (*range(0x40_0000 - 9, 0x40_0000 + 70), 0, (1 << 40) - 1):
        assert m2p(mfn) == (updates[mfn] if mfn in updates else domain.m2p(mfn))


def test_a_pfn_is_never_its_own_frame() -> None:
    """Code that forgets to translate must not get away with it."""
    domain = Domain(nr_pages=16)
    assert all(domain.p2m(pfn) != pfn and domain.p2m(pfn) != domain.base + pfn for pfn in range(16))
    assert domain.m2p(Mfn(3)) is None
    assert domain.p2m(Pfn(16)) is None
