"""An edit inside lines that read differently in the target: merged word by word, between lines that both have.

It is a merge like that of lines where each side changes another part of the code, or where what upstream takes out is
the same C in the target, only written differently. Else it is adapted: words of the target's go into upstream's edit,
or words are taken out that upstream did not have.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from kpatch_tools.backport.merge.alignment import Alignment
from kpatch_tools.backport.merge.edits import Edit, Placed, Replacement
from kpatch_tools.backport.merge.text import Text, is_weak
from kpatch_tools.backport.merge.values import Conflict
from kpatch_tools.core.hunkclass import HunkClass
from kpatch_tools.syntax.sameness import is_same_code
from kpatch_tools.tree import diff_lines

from .pairing import pair_tokens
from .tokens import Token, align_tokens, is_word, likeness, text_of, tokens_of
from .weave import Woven, weave

_ALIKE = 0.6  # of the words of the lines that are edited, and of those that stand for them
_MOST_LINES = 80  # of a gap on either side
_FEWEST = 2  # times that a word has to be another one
_MOST_SHOWN = 3  # differences that a reason cites


def place_woven(edit: Edit, conflict: Conflict) -> Placed | None:
    """Where the target's lines stand for upstream's, and each of the two changes other words of them."""
    if not conflict.has_twin(edit):
        return None
    gap = _gap(edit, conflict.alignment(edit))
    if gap is None:
        return None
    (low, high), (there, end) = gap
    base, ours = conflict.base.lines[low:high], conflict.ours.lines[there:end]
    theirs = [*base[: edit.first - low], *edit.new, *base[edit.last - low :]]
    old, own, new = tokens_of(base), tokens_of(ours), tokens_of(theirs)
    to = align_tokens(old, own)
    names = _local_names(edit, old, own, to)
    if names:
        old, new = _renamed(old, names), _renamed(new, names)
        to = align_tokens(old, own)
    edited = _edited(edit, low, old, new, base)
    if not _stands_for(old, own, to, edited):
        return None
    woven = weave(old, own, new, to, edited)
    if woven is None:
        return None
    made = _replacements(b"".join(ours), text_of(woven.tokens), there)
    if not made:
        return None
    if not names and woven.is_apart:
        if not woven.overruled:
            why = f"merged word by word: each side changes other words (from the target's line {there + 1})"
            return Placed((edit,), made, HunkClass.MERGED, "woven", why)
        if _is_written_differently(woven, conflict.ours, there, end):
            why = f"what it takes out is the same C in the target, written differently (from its line {there + 1})"
            return Placed((edit,), made, HunkClass.MERGED, "woven", why)
    return Placed((edit,), made, HunkClass.ADAPTED, "woven", _why(woven, names, there))


def _is_written_differently(woven: Woven, ours: Text, there: int, end: int) -> bool:
    """Whether the target's block is the same C with upstream's words for those of its own that are taken out."""
    block = ours.block_at(there, max(there, end - 1))
    if block is None or not ours.path.endswith((".c", ".h")):
        return False
    first, last = block.first, block.last + 1
    text = b"".join(ours.lines[first:there]) + text_of(woven.undone) + b"".join(ours.lines[end:last])
    return is_same_code(b"".join(ours.lines[first:last]), text)


def _local_names(
    edit: Edit, old: Sequence[Token], own: Sequence[Token], to: Sequence[int | None]
) -> dict[bytes, bytes]:
    """Words of the edit's new lines for which the target has another one all around, each time the same."""
    wanted = {token.text for token in tokens_of(edit.new)} - {token.text for token in own}
    seen: dict[bytes, Counter[bytes]] = {}
    for index, token in enumerate(old[:-1]):
        before, after = to[index - 1] if index else -1, to[index + 1]
        if token.text not in wanted or not is_word(token.text) or before is None or after != before + 2:
            continue
        seen.setdefault(token.text, Counter())[own[before + 1].text] += 1
    known = {token.text for token in old}
    return {
        word: news.most_common(1)[0][0]
        for word, news in seen.items()
        if len(news) == 1 and news.total() >= _FEWEST and is_word(next(iter(news))) and known.isdisjoint(news)
    }


def _renamed(tokens: Iterable[Token], names: Mapping[bytes, bytes]) -> tuple[Token, ...]:
    return tuple(Token(token.space, names.get(token.text, token.text)) for token in tokens)


def _gap(edit: Edit, alignment: Alignment) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """The lines around an edit up to the nearest ones that both surely have, and the target's between those."""
    low, high = edit.first, edit.last
    while low > alignment.low and not (alignment.is_sure(low - 1) and not is_weak(alignment.base.normal[low - 1])):
        low -= 1
    while high < alignment.high and not (alignment.is_sure(high) and not is_weak(alignment.base.normal[high])):
        high += 1
    there = alignment.to[low - 1] + 1 if low > alignment.low else alignment.to_low
    end = alignment.to[high] if high < alignment.high else alignment.to_high
    if end < there or high - low > _MOST_LINES or end - there > _MOST_LINES:
        return None
    return (low, high), (there, end)


def _edited(
    edit: Edit, low: int, old: tuple[Token, ...], new: tuple[Token, ...], base: list[bytes]
) -> list[int | None]:
    """Upstream's tokens before the edit to those after it."""
    before = len(tokens_of(base[: edit.first - low])) - 1
    after = len(tokens_of(base[edit.last - low :])) - 1
    inside = pair_tokens(old[before : len(old) - 1 - after], new[before : len(new) - 1 - after])
    grown = len(new) - len(old)
    return [
        *range(before),
        *(None if index is None else before + index for index in inside),
        *(index + grown for index in range(len(old) - 1 - after, len(old))),
    ]


def _stands_for(old: tuple[Token, ...], own: tuple[Token, ...], to: list[int | None], edited: list[int | None]) -> bool:
    """Whether what the target has in the place of the edited words is much the same."""
    touched = [index for index, there in enumerate(edited) if there is None]
    if not touched:
        return likeness(old, own) >= _ALIKE
    first, last = touched[0], touched[-1] + 1
    while first > 0 and not old[first].begins_line:
        first -= 1
    while last < len(old) - 1 and not old[last].begins_line:
        last += 1
    before = next((there for there in reversed(to[:first]) if there is not None), -1)
    after = next((there for there in to[last:] if there is not None), len(own) - 1)
    return likeness(old[first:last], own[before + 1 : after]) >= _ALIKE


def _replacements(ours: bytes, result: bytes, there: int) -> tuple[Replacement, ...]:
    made = []
    for one in diff_lines(ours, result, context=0):
        first = there + (one.old_start - 1 if one.old_count else one.old_start)
        new = tuple(text + b"\n" if newline else text for kind, text, newline in one.lines if kind == b"+")
        made.append(Replacement(first, first + one.old_count, new))
    return tuple(made)


def _why(woven: Woven, names: Mapping[bytes, bytes], there: int) -> str:
    if names:
        said = ", ".join(f"{new.decode()} for {old.decode()}" for old, new in names.items())
        return f"the target says {said} all around (from its line {there + 1})"
    if not woven.overruled:
        return f"the target has other words in the same lines, and keeps them (from its line {there + 1})"
    shown = ", ".join(f"`{_text(new)}` for `{_text(old)}`" for old, new in woven.overruled[:_MOST_SHOWN])
    more = f" and {len(woven.overruled) - _MOST_SHOWN} more" if len(woven.overruled) > _MOST_SHOWN else ""
    return f"what it takes out reads differently in the target, which has {shown}{more} (from its line {there + 1})"


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace") or "nothing"
