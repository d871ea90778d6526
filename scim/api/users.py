"""/Users, /Users/{id}, /Me, /.search: from HTTP request to operation and back (RFC 7644 section 3)."""

import re
from collections.abc import Mapping
from typing import Protocol

from django.http import HttpRequest, HttpResponse
from rest_framework.request import Request

from core.actors import Actor, Channel
from core.json_values import Json
from provisioning.services.request_log import results
from provisioning.services.request_log.setup_steps import Step
from scim.api import subjects
from scim.api.base import ScimView, preconditions, projection_of
from scim.api.media import answer, answer_nothing
from scim.api.subjects import loosely_read
from scim.operations import me, search, users
from scim.operations.preconditions import Preconditions
from scim.operations.users import UserWriteResult, WriteOutcome
from scim.protocol import quirks
from scim.protocol.departures import asks_to_suspend
from scim.protocol.errors import Forbidden, InvalidFilter, NotImplementedHere
from scim.protocol.grammar import parse_filter
from scim.protocol.projection import Projection
from scim.protocol.reading import Quirk, Reading
from scim.protocol.resolution import quoted_booleans
from scim.protocol.schemas import USER
from scim.protocol.searching import read_search
from scim.storage.credentials import Principal, TokenUser
from scim.storage.repository import Stored, id_of
from users.profile import etag

_QUOTED = re.compile('"(?:true|false)"', re.IGNORECASE)


class UsersView(ScimView):
    """The list of users."""

    steps = {"GET": Step.LIST, "POST": Step.CREATE}

    def step_of(self, request: HttpRequest) -> str:
        """A list that is asked for with a filter is a look-up."""
        if request.method == "GET" and "filter=" in request.META.get("QUERY_STRING", ""):
            return Step.LOOK_UP
        return super().step_of(request)

    def get(self, request: Request, slug: str) -> HttpResponse:
        """List or find users."""
        return _answer_found(self, request._request.GET)

    def post(self, request: Request, slug: str) -> HttpResponse:
        """Create a user."""
        by = self.actor()
        projection = projection_of(request, USER)
        body = self.read_body(request)
        return _answer_result(self, users.create(body, principal=self.principal(), by=by), projection, 201)


class SearchUsersView(ScimView):
    """The list of users, asked for by a body, so that what is looked for stands in no URL (RFC 7644 section 3.4.3)."""

    steps = {"POST": Step.LOOK_UP}

    def post(self, request: Request, slug: str) -> HttpResponse:
        """List or find users."""
        return _answer_found(self, read_asked(self, request))


class SearchView(ScimView):
    """The list of all resources, users and groups, asked for by a body (RFC 7644 section 3.4.3)."""

    def post(self, request: Request, slug: str) -> HttpResponse:
        """List or find users and groups."""
        asked = read_asked(self, request)
        _check_quotes(self, asked.get("filter"))
        found = search.search_all(asked, self.credentials, base_url=self.base_url)
        self.entry.result = results.found(found.shown, found.total, "resource")
        return answer(found.body)


class UserView(ScimView):
    """One user."""

    steps = {"PUT": Step.UPDATE, "PATCH": Step.UPDATE, "DELETE": Step.DELETE}

    def get(self, request: Request, slug: str, user_id: str) -> HttpResponse:
        """Read a user."""
        projection = projection_of(request, USER)
        stored = users.read(user_id, self.credentials, base_url=self.base_url)
        return _answer_read(self, request, user_id, stored, projection)

    def put(self, request: Request, slug: str, user_id: str) -> HttpResponse:
        """Replace a user."""
        return self._write(users.replace, request, user_id)

    def patch(self, request: Request, slug: str, user_id: str) -> HttpResponse:
        """Change parts of a user; answered with the whole user (RFC 7644 section 3.5.2)."""
        return self._write(users.patch, request, user_id)

    def delete(self, request: Request, slug: str, user_id: str) -> HttpResponse:
        """Delete a user."""
        by = self.actor()
        gone = users.delete(user_id, principal=self.principal(), preconditions=preconditions(request), by=by)
        _tell(self, gone)
        return answer_nothing(204)

    def tell_unread(self, raw: bytes) -> None:
        """Tell the log whom a body is about that was refused unread, and whether it was to suspend the user."""
        super().tell_unread(raw)
        if asks_to_suspend(loosely_read(raw)):
            self.entry.step = Step.DEACTIVATE

    def _write(self, verb: "_Verb", request: Request, user_id: str) -> HttpResponse:
        by = self.actor()
        projection = projection_of(request, USER)
        body = self.read_body(request)
        if asks_to_suspend(body):
            self.entry.step = Step.DEACTIVATE
        written = verb(user_id, body, principal=self.principal(), preconditions=preconditions(request), by=by)
        if written.is_active:
            self.entry.step = Step.UPDATE
        related = users.groups_of(written, self.base_url) if projection.shows("groups") else ""
        return _answer_result(self, written, projection, 200, related)


class MeView(ScimView):
    """The person whose personal token it is; a connection's token stands for nobody (RFC 7644 section 3.11)."""

    is_for_people = True

    def get(self, request: Request, slug: str) -> HttpResponse:
        """Read the own user."""
        projection = projection_of(request, USER)
        stored = me.read(self.credentials, base_url=self.base_url)
        return _answer_read(self, request, id_of(stored.document), stored, projection)

    def put(self, request: Request, slug: str) -> HttpResponse:
        """Replace what is one's own in the own user."""
        return self._write(me.replace, request)

    def patch(self, request: Request, slug: str) -> HttpResponse:
        """Change parts of the own user."""
        return self._write(me.patch, request)

    def post(self, request: Request, slug: str) -> HttpResponse:
        """Who has a token is there already, and nobody else can sign up by this way."""
        self.verify()
        raise NotImplementedHere("Nobody signs up through /Me: whoever has a personal token is here already.")

    def delete(self, request: Request, slug: str) -> HttpResponse:
        """A person leaves when the organization says so."""
        self.verify()
        raise Forbidden("Nobody can delete themselves. Ask an Admin of your organization.", cause="not-yours")

    def verify(self) -> None:
        """Let only persons pass; whatever they ask is about themselves."""
        person = self.credentials.person()
        self.entry.user_id, self.entry.user_label = person.user_id, person.user_name

    def actor(self) -> Actor:
        """The person, whose program it is."""
        person = self.credentials.person()
        return Actor(
            person.organization_id,
            f"{person.user_name} (personal token {person.token_prefix}…)",
            Channel.API,
            user_id=person.user_id,
            address=self.entry.address,
            request_id=self.entry.request_id,
            name=person.display_name,
        )

    def _write(self, verb: "_OwnVerb", request: Request) -> HttpResponse:
        person = me.may_write(self.credentials)
        projection = projection_of(request, USER)
        body = self.read_body(request)
        written = verb(body, person=person, preconditions=preconditions(request), by=self.actor())
        related = users.groups_of(written, self.base_url) if projection.shows("groups") else ""
        return _answer_result(self, written, projection, 200, related)


class _OwnVerb(Protocol):
    def __call__(
        self, body: dict[str, Json], *, person: TokenUser, preconditions: Preconditions, by: Actor
    ) -> UserWriteResult: ...


class _Verb(Protocol):
    def __call__(
        self, user_id: str, body: dict[str, Json], *, principal: Principal, preconditions: Preconditions, by: Actor
    ) -> UserWriteResult: ...


def read_asked(view: ScimView, request: Request) -> Mapping[str, str]:
    """The query parameters that the body of a search stands for. Raises Unauthorized, InvalidSyntax and InvalidValue.

    A GET waits with the token for the statement that finds; its query is short. A body may be long, so it is not read
    before the token was found valid, for one statement more.
    """
    view.verify()
    body = view.read_body(request)
    condition = next((value for name, value in body.items() if name.lower() == "filter"), None)
    if isinstance(condition, str):
        masking = view.masking()
        masking.expression(condition)
        view.entry.subject = subjects.of_filter(condition, masking, groups="/Groups" in view.entry.path)
    found = read_search(body)
    if found.quirk:
        _tolerate(view, found.quirk)
    return found.parameters


def _tolerate(view: ScimView, quirk: Quirk) -> None:
    """Go on with a quirk unless the connection is strict, which its token tells; a query asks for that only here."""
    reading = Reading(view.principal().leniency, tuple(view.entry.notices))
    reading.tolerate(quirk)
    view.entry.notices = reading.notices


def _check_quotes(view: ScimView, condition: str | None) -> None:
    """Whatever else is wrong with a condition, the search itself tells."""
    if not condition or not _QUOTED.search(condition):
        return
    try:
        quoted = list(quoted_booleans(parse_filter(condition), USER))
    except InvalidFilter:
        return
    for attribute in quoted:
        _tolerate(view, quirks.boolean_in_quotes(attribute))


def _answer_found(view: ScimView, parameters: Mapping[str, str]) -> HttpResponse:
    query = search.Query.parse(parameters)
    _check_quotes(view, query.filter_text)
    found = search.search(query, view.credentials, base_url=view.base_url)
    words = results.listed if query.condition is None else results.found
    view.entry.result = words(found.shown, found.total)
    return answer(found.body)


def _answer_read(
    view: ScimView, request: Request, user_id: str, stored: Stored, projection: Projection
) -> HttpResponse:
    view.entry.user_id, view.entry.user_label = user_id, stored.name
    headers = _headers(user_id, stored.version, view.base_url)
    if preconditions(request).is_known(stored.version):
        view.entry.result = results.READ_UNCHANGED
        return answer_nothing(304, headers)
    view.entry.result = results.READ
    return answer(users.shown(stored.document, projection, view.base_url, stored.related), headers=headers)


def _answer_result(
    view: ScimView, written: UserWriteResult, projection: Projection, status: int, related: str = ""
) -> HttpResponse:
    _tell(view, written)
    headers = _headers(str(written.user_id), written.version, view.base_url)
    return answer(users.shown(written.document, projection, view.base_url, related), status, headers)


def _tell(view: ScimView, written: UserWriteResult) -> None:
    view.entry.user_id, view.entry.user_label = written.user_id, written.user_name
    view.entry.result, view.entry.notices = results.OUTCOMES[written.outcome], written.notices
    if written.outcome is WriteOutcome.SUSPENDED and view.entry.step:
        view.entry.step = Step.DEACTIVATE


def _headers(user_id: str, version: int, base_url: str) -> Mapping[str, str]:
    location = f"{base_url}/Users/{user_id}"
    return {"ETag": etag(version), "Location": location, "Content-Location": location}
