"""How much of the request log somebody without a valid token can fill: so many rows a minute, the rest is counted.

The figures are kept by each process for itself, and in memory: what they bound is the growth of a table.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address

PER_ADDRESS = 60
PER_ORGANIZATION = 600


@dataclass(slots=True)
class Turnstile:
    """Counts by organization and address within the minute at hand."""

    _minute: int = 0
    _rows: Counter[tuple[str, str]] = field(default_factory=Counter)
    _last: dict[tuple[str, str], str] = field(default_factory=dict)

    def admit(self, row_id: str, organization: str, address: str, minute: int) -> str:
        """Where a row goes: its own id if it may be written, else that of the last row written before it."""
        if minute != self._minute:
            self._minute = minute
            self._rows.clear()
            self._last.clear()
        own, whole = (organization, network_of(address)), (organization, "everybody")
        if self._rows[own] < PER_ADDRESS and self._rows[whole] < PER_ORGANIZATION:
            self._rows.update((own, whole))
            self._last[own] = self._last[whole] = row_id
            return row_id
        return self._last.get(own) or self._last[whole]


def network_of(address: str) -> str:
    """The IPv4 address or IPv6 /64 by which a machine is counted: it can call itself by any address of its /64."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return ""
    return str(parsed.packed[:8].hex()) if isinstance(parsed, IPv6Address) else address


def surplus(places: Iterable[tuple[str, str]]) -> Counter[str]:
    """How many rows were turned away in favour of each row that stays; ``places`` are ids and where those went."""
    return Counter(place for row_id, place in places if place != row_id)
