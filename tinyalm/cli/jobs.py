"""Work on several files at once, with answers in the order of the files."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")


def in_order(
    answer: Callable[[Item], Answer], items: Iterable[Item], jobs: int
) -> Iterator[Answer]:
    """Answers to the items, of which ``jobs`` are worked on at once, in threads.

    At most ``jobs`` answers wait for the turn of an item before theirs. Where this ends early, as
    by Ctrl-C, what is being worked on is finished, and nothing else is begun.
    """
    with ThreadPoolExecutor(jobs) as pool:
        waiting: deque[Future[Answer]] = deque()
        try:
            for item in items:
                waiting.append(pool.submit(answer, item))
                if len(waiting) == 2 * jobs:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
