"""Turns: how the application tells the server, which shares its threads out, whose a request is."""

from collections.abc import Mapping
from typing import Any

# Where the environment of a request has its turn (``scripts.shares.Turn``), if the server shares its threads out.
TURN = "saasmanager.turn"


def tell(environ: Mapping[str, Any], slug: str) -> None:
    """Say that a request is of the organization with that slug; with "" that what it showed is valid nowhere."""
    if (turn := environ.get(TURN)) is not None:
        turn.organization = slug


def seconds_over_share(environ: Mapping[str, Any]) -> int:
    """After how many seconds a request may come again that is over its organization's share; 0 if it is not."""
    turn = environ.get(TURN)
    return turn.over_share if turn is not None else 0
