"""The memory that translated C runs in: a data area, and frames behind page tables.

Longer than most modules because the accessors are closures over one set of local variables: what they touch on the
fast path (a bounds test and one index, or a TLB look-up and one index) decides the speed of the whole model.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.ids import Mfn, VirtAddr

from .faults import FrameInfo, NotPresent, ReadOnlyWrite
from .geometry import PAGE_SHIFT, PAGE_SIZE, REAL, Geometry
from .paging import Paging, Walk

Accessor = Callable[..., int | bytes | None]
ReadOnlyWriteHook = Callable[[int, int, int, Walk], None]
"""(va, size, value, walk): emulate a write of `size` bytes through a read-only mapping, or raise a MachineFault."""
WatchHook = Callable[[Mfn, int, int], None]
"""(mfn, word, value): word `word` of frame `mfn` is about to become `value`."""

_WORD = (1 << 64) - 1
_OFFSET = PAGE_SIZE - 1


@dataclass(frozen=True, slots=True)
class SavedMemory:
    """What `GuestMemory.checkpoint` gives; `initial` and `image` count what had initial contents then."""

    data: bytes
    initial: int
    image: int
    paging: tuple[Mfn | None, dict[int, bytes]]


class GuestMemory:
    """`cexec.DataMemory` of a guest with page tables.

    Addresses inside the geometry's data area always reach the data area; all others go through the page tables of
    `paging` and fault (MachineFault) as on the processor with CR0.WP set: a supervisor write through a read-only
    mapping faults too.
    """

    def __init__(self, geometry: Geometry = REAL, *, paging: Paging | None = None) -> None:
        self.geometry = geometry
        self.paging = paging or Paging(geometry)
        self.on_read_only_write: ReadOnlyWriteHook = self._refuse_write
        """Who answers a write through a read-only mapping; a hypervisor puts its emulation here."""
        self.describe: Callable[[int], FrameInfo] = lambda mfn: FrameInfo(Mfn(mfn), None, f"frame {mfn:05x}")
        self.watching = False
        self._data = bytearray(geometry.data_size)
        self._pristine, self._pristine_of = bytes(geometry.data_size), 0
        """The data area after a reset, and how many initial contents are in it."""
        self._next_static = geometry.data_base + PAGE_SIZE
        self._next_page = geometry.image_pages_start
        self._initial: list[tuple[int, bytes]] = []
        self._image: list[tuple[int, bytes]] = []
        self._frame_of: Callable[[int], Mfn | None] | None = None
        self._watched: frozenset[tuple[Mfn, int]] = frozenset()
        self._on_watched: WatchHook = _ignore_watch
        self._accessors = self._make_accessors()

    # --- the data area

    @property
    def data_base(self) -> int:
        return self.geometry.data_base

    @property
    def data(self) -> bytearray:
        return self._data

    def alloc_static(self, size: int, align: int) -> int:
        """See `cexec.DataMemory`. The first page is never given out: what points there is a bug worth a fault."""
        start = -(-self._next_static // align) * align
        if start + size > self.geometry.data_end:
            raise KpatchError("model-data-full", f"no room for {size} bytes of static data")
        self._next_static = start + max(size, 1)
        return start

    def alloc_image_pages(self, size: int) -> VirtAddr:
        """Whole pages of the kernel image for a global of `size` bytes that must be real frames, e.g. a page table."""
        start = self._next_page
        end = start + max(-(-size // PAGE_SIZE), 1) * PAGE_SIZE
        if end > self.geometry.brk_start:
            raise KpatchError("model-image-full", f"no room for {size} bytes of image pages")
        self._next_page = end
        return VirtAddr(start)

    def set_initial(self, address: int, content: bytes) -> None:
        """See `cexec.DataMemory`. Content outside of the data area reaches its frames when `load_image` says which."""
        if self.geometry.data_base <= address < self.geometry.data_end:
            self._initial.append((address, content))
            self._put_data(address, content)
            return
        self._image.append((address, content))
        if self._frame_of is not None:
            self._put_image(address, content)

    def load_image(self, frame_of: Callable[[int], Mfn | None]) -> None:
        """The boot loader's part: put initial content outside of the data area into frames.

        `frame_of` maps a pseudo-physical frame number to a frame; the image is linked at `geometry.kernel_map`.
        From now until the next `reset`, `set_initial` writes through at once.
        """
        self._frame_of = frame_of
        for address, content in self._image:
            self._put_image(address, content)

    def state(self) -> Any:
        """See `cexec.DataMemory`. What lies in frames is no part of it: a boot begins without any."""
        return self._next_static, self._next_page, tuple(self._initial), tuple(self._image)

    def restore(self, state: Any) -> None:
        """See `cexec.DataMemory`."""
        self._next_static, self._next_page, initial, image = state
        self._initial, self._image = list(initial), list(image)
        self._pristine_of = -1
        for address, content in self._initial:
            self._put_data(address, content)

    def reset(self) -> None:
        """Power off: zero the data area, repeat initial contents, forget all frames. Allocations and watches stay."""
        # Through a view, since assigning to a slice copies megabytes twice.
        view = memoryview(self._data)
        if len(self._initial) != self._pristine_of:
            view[:] = bytes(len(self._data))
            for address, content in self._initial:
                self._put_data(address, content)
            self._pristine, self._pristine_of = bytes(self._data), len(self._initial)
        else:
            view[:] = self._pristine
        self._frame_of = None
        self.paging.reset()

    def checkpoint(self) -> "SavedMemory":
        """The data area and all frames as they are, for `rewind`."""
        return SavedMemory(bytes(self._data), len(self._initial), len(self._image), self.paging.checkpoint())

    def rewind(self, saved: "SavedMemory") -> None:
        """Contents as they were, in the boot that `saved` is of; allocations since then stay, with initial contents."""
        memoryview(self._data)[:] = saved.data
        self.paging.rewind(saved.paging)
        for address, content in self._initial[saved.initial :]:
            self._put_data(address, content)
        if self._frame_of is not None:
            for address, content in self._image[saved.image :]:
                self._put_image(address, content)

    def _put_data(self, address: int, content: bytes) -> None:
        start = address - self.geometry.data_base
        self._data[start : start + len(content)] = content

    def _put_image(self, address: int, content: bytes) -> None:
        assert self._frame_of is not None
        physical = address - self.geometry.kernel_map
        while content:
            room = PAGE_SIZE - (physical & _OFFSET)
            mfn = self._frame_of(physical >> PAGE_SHIFT)
            if mfn is None:
                raise KpatchError("model-image-outside", f"the image address {address:#x} has no frame")
            start, part = physical & _OFFSET, content[:room]
            self.frame(mfn).obj[start : start + len(part)] = part  # type: ignore[index]
            physical += len(part)
            content = content[room:]

    # --- frames and watches

    def frame(self, mfn: int) -> memoryview:
        """The 512 words of frame `mfn`. Writing them is the hardware's or the loader's privilege, not the guest's."""
        return self.paging.frame(mfn)

    def watch(self, words: Collection[tuple[Mfn, int]], hook: WatchHook) -> None:
        """Call `hook` before every write to one of the (frame, word) pairs, by the guest or for it.

        While nothing is watched, watching costs nothing; a watched frame's writes leave the fast path.
        """
        self._watched = frozenset(words)
        self._on_watched = hook
        self.watching = bool(words)
        self.paging.unbuffered = frozenset(mfn for mfn, _ in words)
        self.paging.flush()

    def unwatch(self) -> None:
        self.watch((), _ignore_watch)

    def will_write(self, mfn: int, word: int, value: int) -> None:
        """Tell the watch, if this word is watched. For a hypervisor that writes frames for the guest."""
        if (mfn, word) in self._watched:
            self._on_watched(Mfn(mfn), word, value)

    # --- accesses

    def accessors(self) -> Mapping[str, Accessor]:
        """See `cexec.DataMemory`. The same functions on every call, valid across `reset`."""
        return self._accessors

    def read(self, va: int, count: int) -> bytes:
        """`count` bytes at `va`; NotPresent."""
        content = self._accessors["getb"](va, count)
        assert isinstance(content, bytes)
        return content

    def write(self, va: int, content: bytes) -> None:
        """Store `content` at `va` in ascending order, aligned words where the mapping is read-only; MachineFault."""
        self._accessors["putb"](va, content)

    def _refuse_write(self, va: int, _size: int, _value: int, walk: Walk) -> None:
        raise ReadOnlyWrite(va, self.describe(walk.mfn))

    def _readable(self, va: int) -> memoryview:
        found = self.paging.fill(va)
        if not found.mapped:
            raise NotPresent(va, write=False, level=found.level)
        return self.paging.frame(found.mfn)

    def _store(self, va: int, size: int, value: int) -> None:
        """A store inside one aligned word that missed the write TLB. `value` is masked to its size."""
        found = self.paging.fill(va)
        if not found.mapped:
            raise NotPresent(va, write=True, level=found.level)
        if not found.writable:
            self.on_read_only_write(va, size, value, found)
            return
        mfn, word, shift = found.mfn, (va >> 3) & 511, (va & 7) * 8
        frame = self.paging.frame(mfn)
        whole = (frame[word] & ~(((1 << 8 * size) - 1) << shift)) | value << shift
        if self.watching:
            self.will_write(mfn, word, whole)
        frame[word] = whole

    def _store_unaligned(self, va: int, content: bytes) -> None:
        """One store of the processor that is not aligned; a read-only page gets to see it whole."""
        if not self.geometry.data_base <= va < self.geometry.data_end:
            found = self.paging.fill(va)
            if found.mapped and not found.writable:
                self.on_read_only_write(va, len(content), int.from_bytes(content, "little"), found)
                return
        self.write(va, content)

    def _make_accessors(self) -> dict[str, Accessor]:
        base, size = self.geometry.data_base, self.geometry.data_size
        data = self._data
        quads = memoryview(data).cast("Q")
        readable, writable = self.paging.readable, self.paging.writable
        find, store, unaligned = self._readable, self._store, self._store_unaligned

        # Python pays for every digit of an address: so a comparison comes before a subtraction, and what is left of the
        # address inside its page is taken first.

        def ld8(address: int) -> int:
            if base <= address and (offset := address - base) < size:
                if not offset & 7:
                    return quads[offset >> 3]
            elif not (inside := address & _OFFSET) & 7:
                try:
                    return readable[address >> 12][inside >> 3]
                except KeyError:
                    return find(address)[inside >> 3]
            return int.from_bytes(getb(address, 8), "little")

        def lds8(address: int) -> int:
            value = ld8(address)
            return value - (_WORD + 1) if value >> 63 else value

        def st8(address: int, value: int) -> None:
            if base <= address and (offset := address - base) < size:
                if not offset & 7:
                    quads[offset >> 3] = value & _WORD
                    return
            elif not (inside := address & _OFFSET) & 7:
                try:
                    writable[address >> 12][inside >> 3] = value & _WORD
                except KeyError:
                    store(address, 8, value & _WORD)
                return
            unaligned(address, (value & _WORD).to_bytes(8, "little"))

        def getb(address: int, count: int) -> bytes:
            offset = address - base
            if offset >= 0 and offset + count <= size:
                return bytes(data[offset : offset + count])
            parts = []
            while count > 0:
                offset = address - base
                if 0 <= offset < size:
                    length = min(count, size - offset)
                    parts.append(bytes(data[offset : offset + length]))
                else:
                    start = address & _OFFSET
                    length = min(count, PAGE_SIZE - start)
                    frame = readable.get(address >> 12) or find(address)
                    parts.append(frame.obj[start : start + length])  # type: ignore[index]
                address += length
                count -= length
            return b"".join(parts)

        def putb(address: int, content: bytes) -> None:
            offset = address - base
            count = len(content)
            if offset >= 0 and offset + count <= size:
                data[offset : offset + count] = content
                return
            done = 0
            while done < count:
                offset = address - base
                start = address & _OFFSET
                if 0 <= offset < size:
                    length = min(count - done, size - offset)
                    data[offset : offset + length] = content[done : done + length]
                elif (frame := writable.get(address >> 12)) is not None:
                    length = min(count - done, PAGE_SIZE - start)
                    frame.obj[start : start + length] = content[done : done + length]  # type: ignore[index]
                else:
                    # One aligned word, or one byte, as the processor's string instructions would: a read-only page
                    # is emulated store by store, and each may change what the next one meets.
                    length = 8 if not address & 7 and count - done >= 8 else 1
                    store(address, length, int.from_bytes(content[done : done + length], "little"))
                address += length
                done += length

        accessors: dict[str, Accessor] = {
            "ld8": ld8,
            "lds8": lds8,
            "st8": st8,
            "getb": getb,
            "putb": putb,
        }
        for width in (1, 2, 4):
            accessors.update(self._make_narrow(width, getb))
        return accessors

    def _make_narrow(self, width: int, getb: Callable[[int, int], bytes]) -> dict[str, Accessor]:
        """ld, lds and st for 1, 2 and 4 bytes."""
        base, size = self.geometry.data_base, self.geometry.data_size
        view = memoryview(self._data)
        views = {1: (view, view.cast("b")), 2: (view.cast("H"), view.cast("h")), 4: (view.cast("I"), view.cast("i"))}
        cells, signed = views[width]
        scale = width.bit_length() - 1
        low, mask, half = width - 1, (1 << 8 * width) - 1, 1 << (8 * width - 1)
        readable, writable = self.paging.readable, self.paging.writable
        find, store, unaligned = self._readable, self._store, self._store_unaligned

        def load(address: int) -> int:
            if base <= address and (offset := address - base) < size:
                if not offset & low:
                    return cells[offset >> scale]
            elif not (inside := address & _OFFSET) & low:
                try:
                    word = readable[address >> 12][inside >> 3]
                except KeyError:
                    word = find(address)[inside >> 3]
                return (word >> ((inside & 7) << 3)) & mask
            return int.from_bytes(getb(address, width), "little")

        def load_signed(address: int) -> int:
            if base <= address and (offset := address - base) < size and not offset & low:
                return signed[offset >> scale]
            value = load(address)
            return value - mask - 1 if value & half else value

        def store_narrow(address: int, value: int) -> None:
            value &= mask
            if base <= address and (offset := address - base) < size:
                if not offset & low:
                    cells[offset >> scale] = value
                    return
            elif not (inside := address & _OFFSET) & low:
                frame = writable.get(address >> 12)
                if frame is None:
                    store(address, width, value)
                    return
                word, shift = inside >> 3, (inside & 7) << 3
                frame[word] = (frame[word] & ~(mask << shift)) | value << shift
                return
            unaligned(address, value.to_bytes(width, "little"))

        return {f"ld{width}": load, f"lds{width}": load_signed, f"st{width}": store_narrow}


def _ignore_watch(_mfn: Mfn, _word: int, _value: int) -> None:
    """Nothing is watched."""
