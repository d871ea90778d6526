"""/Users, /Users/{id} and /.search: from the HTTP request to the operation and back (RFC 7644 sections 3.3 to 3.6)."""

from collections.abc import Mapping
from typing import Protocol

from django.http import HttpResponse
from rest_framework.request import Request

from audit.actors import Actor
from scim.api.base import ScimView
from scim.api.media import answer, answer_nothing, read_object
from scim.operations import resources, search
from scim.operations.preconditions import Preconditions
from scim.operations.resources import Written
from scim.protocol.attributes import Json
from scim.protocol.errors import NotImplementedHere
from scim.protocol.messages import read_search
from scim.protocol.projection import EVERYTHING, Projection
from scim.protocol.schemas import USER
from scim.services import verdicts
from scim.storage.principals import Principal
from users.profile import etag


class UsersView(ScimView):
    """The list of users."""

    def get(self, request: Request, slug: str) -> HttpResponse:
        """List or find users."""
        return _answer_found(self, request._request.GET)

    def post(self, request: Request, slug: str) -> HttpResponse:
        """Create a user."""
        by = self.actor()
        projection = _projection(request)
        body = read_object(request._request)
        return _answer_written(self, resources.create(body, principal=self.principal(), by=by), projection, 201)


class SearchUsersView(ScimView):
    """The list of users, asked for by a body, so that what is looked for stands in no URL (RFC 7644 section 3.4.3)."""

    def post(self, request: Request, slug: str) -> HttpResponse:
        """List or find users."""
        asked = read_search(read_object(request._request))
        self.entry.advice = asked.advice
        return _answer_found(self, asked.parameters)


class SearchView(ScimView):
    """The list of all resources, users and groups, asked for by a body (RFC 7644 section 3.4.3)."""

    def post(self, request: Request, slug: str) -> HttpResponse:
        """List or find users and groups."""
        asked = read_search(read_object(request._request))
        self.entry.advice = asked.advice
        found = search.search_all(asked.parameters, self.credentials, base_url=self.base_url)
        self.entry.verdict = verdicts.found(found.shown, found.total, "resource")
        return answer(found.body)


class UserView(ScimView):
    """One user."""

    def get(self, request: Request, slug: str, user_id: str) -> HttpResponse:
        """Read a user."""
        projection = _projection(request)
        stored = resources.read(user_id, self.credentials, base_url=self.base_url)
        self.entry.user_id, self.entry.user_label = user_id, stored.name
        preconditions = _preconditions(request)
        headers = _headers(user_id, stored.version, self.base_url)
        if preconditions.is_known(stored.version):
            self.entry.verdict = verdicts.READ_UNCHANGED
            return answer_nothing(304, headers)
        self.entry.verdict = verdicts.READ
        body = resources.shown(stored.document, projection, self.base_url, stored.related)
        return answer(body, headers=headers)

    def put(self, request: Request, slug: str, user_id: str) -> HttpResponse:
        """Replace a user."""
        return self._write(resources.replace, request, user_id)

    def patch(self, request: Request, slug: str, user_id: str) -> HttpResponse:
        """Change parts of a user; answered with the whole user (RFC 7644 section 3.5.2)."""
        return self._write(resources.patch, request, user_id)

    def delete(self, request: Request, slug: str, user_id: str) -> HttpResponse:
        """Delete a user."""
        by = self.actor()
        gone = resources.delete(user_id, principal=self.principal(), preconditions=_preconditions(request), by=by)
        _tell(self, gone)
        return answer_nothing(204)

    def _write(self, verb: "_Verb", request: Request, user_id: str) -> HttpResponse:
        by = self.actor()
        projection = _projection(request)
        body = read_object(request._request)
        written = verb(user_id, body, principal=self.principal(), preconditions=_preconditions(request), by=by)
        related = resources.groups_of(written, self.base_url) if projection.shows("groups") else ""
        return _answer_written(self, written, projection, 200, related)


class MeView(ScimView):
    """The person who asks; a connection's token stands for nobody (RFC 7644 section 3.11)."""

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        super().initial(request, *args, **kwargs)
        self.principal()
        raise NotImplementedHere("/Me is nobody for an identity provider's token. Ask for the user by its id.")


class _Verb(Protocol):
    def __call__(
        self, user_id: str, body: dict[str, Json], *, principal: Principal, preconditions: Preconditions, by: Actor
    ) -> Written: ...


def _answer_found(view: ScimView, parameters: Mapping[str, str]) -> HttpResponse:
    query = search.Query.parse(parameters)
    found = search.search(query, view.credentials, base_url=view.base_url)
    say = verdicts.listed if query.condition is None else verdicts.found
    view.entry.verdict = say(found.shown, found.total)
    return answer(found.body)


def _answer_written(
    view: ScimView, written: Written, projection: Projection, status: int, related: str = ""
) -> HttpResponse:
    _tell(view, written)
    headers = _headers(str(written.user_id), written.version, view.base_url)
    return answer(resources.shown(written.document, projection, view.base_url, related), status, headers)


def _tell(view: ScimView, written: Written) -> None:
    view.entry.user_id, view.entry.user_label = written.user_id, written.user_name
    view.entry.verdict, view.entry.advice = verdicts.DEEDS[written.deed], written.advice


def _headers(user_id: str, version: int, base_url: str) -> Mapping[str, str]:
    return {"ETag": etag(version), "Location": f"{base_url}/Users/{user_id}"}


def _projection(request: Request) -> Projection:
    if not request._request.META.get("QUERY_STRING"):
        return EVERYTHING
    parameters = request._request.GET
    return Projection.parse(parameters.get("attributes"), parameters.get("excludedAttributes"), USER)


def _preconditions(request: Request) -> Preconditions:
    meta = request._request.META
    return Preconditions.parse(meta.get("HTTP_IF_MATCH"), meta.get("HTTP_IF_NONE_MATCH"))
