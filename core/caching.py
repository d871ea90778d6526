"""The cache for what is made of texts that clients send. Pure: knows no Django."""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TypeVar, TypeVarTuple, Unpack

Rest = TypeVarTuple("Rest")
Made = TypeVar("Made")

# What people and identity providers write again and again is shorter, in characters.
LONGEST = 512


def cached_if_short(
    maxsize: int, longest: int = LONGEST
) -> Callable[[Callable[[str, Unpack[Rest]], Made]], Callable[[str, Unpack[Rest]], Made]]:
    """Keep what the function makes of its last ``maxsize`` texts, its first argument, and nothing of longer ones.

    So nobody can fill a process's memory with what is sent once, whatever it is allowed to be.
    """

    def decorate(function: Callable[[str, Unpack[Rest]], Made]) -> Callable[[str, Unpack[Rest]], Made]:
        cached = lru_cache(maxsize)(function)

        @wraps(cached)
        def look_up(text: str, *more: *Rest) -> Made:
            return cached(text, *more) if len(text) <= longest else function(text, *more)

        return look_up

    return decorate
