"""What was read last, as much of it as there is room for."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Recent(Generic[K, V]):
    """Values by key. Once they weigh more than `most` together, those go that came first.

    How much a value weighs is told with it, in whatever unit `most` is in.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._weight = 0
        self._known: OrderedDict[K, tuple[V, int]] = OrderedDict()

    def get(self, key: K) -> V | None:
        known = self._known.get(key)
        return None if known is None else known[0]

    def add(self, key: K, value: V, weight: int) -> V:
        """Keep `value`, and return it. One that is heavier than all the room is not kept."""
        if weight > self._most:
            return value
        if key in self._known:
            self._weight -= self._known.pop(key)[1]
        self._known[key] = value, weight
        self._weight += weight
        while self._weight > self._most:
            self._weight -= self._known.popitem(last=False)[1][1]
        return value
