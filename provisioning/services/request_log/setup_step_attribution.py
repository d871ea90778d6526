"""Which steps of which connections a batch of requests has taken, or failed to take."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Protocol, TypeVar
from uuid import UUID

from django.conf import settings

from provisioning.services.request_log import origins, setup_steps
from provisioning.services.request_log.causes import LIMITS, SUSPENDED
from provisioning.services.request_log.operations import LoggedDeparture
from provisioning.services.request_log.setup_steps import Standing, Step


class Request(Protocol):
    """What matters here of an entry of the log."""

    method: str
    status: int
    cause: str
    step: str
    origin: str
    authenticated: bool
    started: datetime
    departures: Sequence[LoggedDeparture]


class Presented(Protocol):
    """A token that exists, of this organization or another; ``connection`` is None for a person's."""

    @property
    def organization(self) -> str: ...

    @property
    def connection(self) -> str | None: ...


Asked = TypeVar("Asked", bound=Request)
Key = Callable[[UUID | str], str]
Place = tuple[str, str, str, bool]
Attempt = tuple[Asked, str, Presented | None]

# Without a valid token: the client's fault or a stranger's, and never a matter of the connection's own switches.
_UNAUTHENTICATED_CAUSES = frozenset(
    {
        "token-missing",
        "token-malformed",
        "token-unknown",
        "token-of-another-organization",
        "token-revoked",
        "token-expired",
    }
)
# To ask for what is gone is no fault: the answer is what the client wanted to know, or wanted to be so.
_NO_FAULTS = frozenset({"user-unknown", "group-unknown"})
# Who is gone can't come in, as these want it.
_DEPARTURES = frozenset({Step.DEACTIVATE, Step.DELETE})


@dataclass(frozen=True, slots=True)
class Met(Generic[Asked]):
    """The latest request of a batch that took a step of a connection, or that failed to.

    ``departure`` is the operation that did, within a bulk request.
    """

    organization: str
    connection: str
    step: str
    failed: bool
    request: Asked
    departure: LoggedDeparture | None = None


def steps_of(attempts: Sequence[Attempt[Asked]], key: Key) -> list[Met[Asked]]:
    """For each step the latest success and the latest failure; ``attempts`` are requests with their owner and token.

    To be asked after tokens were marked as used: once one has worked, others' faults say nothing about the connection.
    """
    latest: dict[Place, tuple[Asked, LoggedDeparture | None]] = {}
    for request, organization, connection in _attributed(attempts, key):
        if request.authenticated:
            elsewhere = not origins.same(request.origin, settings.BASE_URL)
            _note(latest, (organization, connection, Step.ADDRESS, elsewhere), request)
        _note(latest, (organization, connection, Step.REQUEST, request.status >= 400), request)
        # While the organization is suspended nothing is said about how its connections are set up.
        if request.cause == SUSPENDED:
            continue
        if request.step and not _is_no_fault(request.status, request.cause, request.step, request.method):
            _note(latest, (organization, connection, request.step, request.status >= 400), request)
        for departure in request.departures:
            if not _is_no_fault(departure.status, departure.cause, departure.step):
                place = organization, connection, departure.step, departure.status >= 400
                _note(latest, place, request, departure)
    return [Met(*place, *found) for place, found in latest.items()]


def _note(
    latest: dict[Place, tuple[Asked, LoggedDeparture | None]],
    place: Place,
    request: Asked,
    departure: LoggedDeparture | None = None,
) -> None:
    before = latest.get(place)
    if before is None or before[0].started <= request.started:
        latest[place] = request, departure


def _is_no_fault(status: int, cause: str, step: str, method: str = "") -> bool:
    """Whether a refusal says nothing about the set-up, be it of a request or of an operation within a bulk request."""
    # A precondition that fails protects the client as it asked (RFC 7644 section 3.14); it reads again and retries.
    if status == 412:
        return True
    return status == 404 and cause in _NO_FAULTS and (method in ("GET", "DELETE") or step in _DEPARTURES)


def _attributed(attempts: Iterable[Attempt[Asked]], key: Key) -> Iterator[tuple[Asked, str, str]]:
    """Each request with its organization and the connection that it tells something about, if there is one."""
    doubtful: list[Attempt[Asked]] = []
    for each in attempts:
        request, organization, token = each
        if request.cause in LIMITS:
            continue  # it is asked again, and shows then what it comes to
        if request.status == 401 and request.cause in _UNAUTHENTICATED_CAUSES:
            doubtful.append(each)
        elif token is not None and token.connection:
            yield request, organization, token.connection
    if doubtful:
        yield from _attributed_failures(doubtful, key)


def _attributed_failures(doubtful: Sequence[Attempt[Asked]], key: Key) -> Iterator[tuple[Asked, str, str]]:
    """Requests without a valid token, where the connection may have to do with it."""
    found = setup_steps.standings({organization for _, organization, _ in doubtful})
    standings = {
        key(organization): {key(connection): standing for connection, standing in each.items()}
        for organization, each in found.items()
    }
    for request, organization, token in doubtful:
        standing = standings.get(organization, {})
        match list(standing.items()):
            case _ if token is not None and token.connection and token.organization == organization:
                if standing.get(token.connection, Standing.USED) is not Standing.USED:
                    yield request, organization, token.connection
            case [(only, Standing.UNTRIED)]:
                # It may well be the identity provider with a mistyped token. Later it is a stranger.
                yield request, organization, only
