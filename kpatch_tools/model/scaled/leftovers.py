"""Literals of the real machine in code that ran: no macro and no rewriting reached them."""

from kpatch_tools.model.boot.guest import Guest

_SIZES = (0x20_0000, 0x1F_FFFF, 0x4000_0000, 0x3FFF_FFFF, 0x80_0000_0000, 0x7F_FFFF_FFFF, 0x1_0000_0000)
_ADDRESSES = (0xFFFF_8800_0000_0000, 0xFFFF_FFFF_8000_0000, 0xFFFF_EA00_0000_0000, 0xFFFF_C900_0000_0000)
_COUNTS = (511, 512)
_PATTERN = "|".join(
    (
        # a table's span as a shift (`1ULL << 30` is what ilog2() expands to)
        r">> \(? ?(?:21|30|39)\b",
        r"\b1UL? << \(? ?(?:30|39)\b",
        # `"file.c" , 512` is a line number
        rf"""(?<!" , )\b(?:{"|".join(map(str, _COUNTS))}|0x1ff)U?L?L?\b""",
        rf"\b(?:{'|'.join(f'0x0*{size:x}|{size}' for size in (*_SIZES, *_ADDRESSES))})(?:U?L{{1,2}})?\b",
        r"\b1024 ?\* ?1024\b",
    )
)


def unscaled_literals(guest: Guest) -> tuple[str, ...]:
    """ "function: literal" for each function that has run so far with a literal that looks like the real machine's.

    A kernel that has one may mix two machines: what it does is no statement about either. (It may also count
    something else in 512s; nobody can tell without reading it.)
    """
    found = []
    for function in guest.program.compiled:
        literal = guest.program.first_match(function, _PATTERN)
        if literal:
            found.append(f"{function}: {literal}")
    return tuple(found)
