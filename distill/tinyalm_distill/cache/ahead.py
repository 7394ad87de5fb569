"""Work that threads do ahead of whoever needs it, by a bounded amount."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Made = TypeVar("Made")


def ahead(
    items: Iterable[Item | None],
    make: Callable[[Item], Made],
    *,
    threads: int,
    room: float,
    weight: Callable[[Item], float] = lambda _: 1.0,
) -> Iterator[tuple[Item, Made]]:
    """Make items by ``threads``, and give each with what was made of it, in their order.

    Args:
        items: taken one by one as there is room; None among them is taken for "not before all
            that was taken so far has been given out".
        make: called by the threads.
        threads: that many are always at work, whatever they weigh.
        room: weight of what waits to be given out, at most.
        weight: of an item.
    """
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[tuple[Item, float, Future[Made]]] = deque()
        held = 0.0
        try:
            for item in items:
                if item is not None:
                    held += weight(item)
                    waiting.append((item, weight(item), pool.submit(make, item)))
                while waiting and (item is None or (held > room and len(waiting) > threads)):
                    first, weighs, future = waiting.popleft()
                    held -= weighs
                    yield first, future.result()
            while waiting:
                first, _, future = waiting.popleft()
                yield first, future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
