"""The share of the request log for unauthenticated clients, in rows a minute.

The figures are kept by each process for itself, and in memory: what they bound is the growth of a table. How many rows
there are in all is bounded by SCIM_LOG_UNKNOWN_ROWS, which the writer holds, see
``provisioning.services.request_log.pruning.prune_anonymous``.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address

from django.conf import settings

# Rows a minute without a token of the organization: from an address, and in all.
PER_ADDRESS = 60
PER_ORGANIZATION = 600

# Rows a minute of one token that is not valid any more, or that is beyond a limit.
PER_INVALID_TOKEN = 60
PER_LIMITED_TOKEN = 10

# Rows a minute about the limit of an address, beside those above: these are used up by when the limit is reached.
PER_LIMITED_ADDRESS = 10

# After one of so many parts of SCIM_LOG_UNKNOWN_ROWS it is looked whether there are more than that.
PARTS = 50


@dataclass(slots=True)
class UnauthenticatedLimit:
    """Counts by organization and address, or token, within the minute at hand."""

    _minute: int = 0
    _rows: Counter[tuple[str, str]] = field(default_factory=Counter)
    _last: dict[tuple[str, str], str] = field(default_factory=dict)

    def admit(self, row_id: str, organization: str, address: str, minute: int, *, is_limited: bool = False) -> str:
        """Where a stranger's row goes: its own id if it may be written, else that of the last row written before it.

        ``is_limited`` tells a request that was refused for the limit of its address from others.
        """
        self._begin(minute)
        network = network_of(address)
        own, whole = (organization, f"limited {network}" if is_limited else network), (organization, "everybody")
        most = PER_LIMITED_ADDRESS if is_limited else PER_ADDRESS
        if self._rows[own] < most and self._rows[whole] < PER_ORGANIZATION:
            self._rows.update((own, whole))
            self._last[own] = self._last[whole] = row_id
            return row_id
        return self._last.get(own) or self._last[whole]

    def admit_token(self, row_id: str, token: str, most: int, minute: int) -> str:
        """The same for a token of the organization itself, which may have so many rows a minute."""
        self._begin(minute)
        own = token, str(most)
        if self._rows[own] < most:
            self._rows[own] += 1
            self._last[own] = row_id
        return self._last[own]

    def _begin(self, minute: int) -> None:
        if minute != self._minute:
            self._minute = minute
            self._rows.clear()
            self._last.clear()


@dataclass(slots=True)
class Overflow:
    """Whose rows are to be looked at, since strangers may have more of them than their share.

    An organization is looked at with its first row, for what processes wrote that are gone, and then whenever this one
    has written a part of the share. So the table holds the share, and of each process that writes a part of it.
    """

    _since: dict[str, int] = field(default_factory=dict)
    _due: dict[str, None] = field(default_factory=dict)

    def count(self, written: Mapping[str, int]) -> None:
        """Count strangers' rows that were written, by organization."""
        for organization, rows in written.items():
            since = self._since.get(organization)
            if since is None or since + rows > settings.SCIM_LOG_UNKNOWN_ROWS // PARTS:
                self._since[organization] = 0
                self._due[organization] = None
            else:
                self._since[organization] = since + rows

    def take(self) -> str | None:
        """The organization that has waited longest to be looked at; None if there is none."""
        for organization in self._due:
            del self._due[organization]
            return organization
        return None

    def again(self, organization: str) -> None:
        """Let one be looked at again, after those that wait."""
        self._due[organization] = None


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
