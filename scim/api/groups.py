"""/Groups, /Groups/{id}: from HTTP request to operation and back (RFC 7644 section 3)."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from core.json_values import Json
from provisioning.services.request_log import results
from provisioning.services.request_log.setup_steps import Step
from scim.api.base import ScimView, preconditions, projection_of
from scim.api.media import answer, answer_nothing
from scim.api.users import read_asked
from scim.operations import groups, search
from scim.operations.groups import GroupWriteResult
from scim.operations.provider import MAX_GROUP_BODY
from scim.operations.users import shown
from scim.protocol.projection import Projection
from scim.protocol.schemas import GROUP
from users.profile import etag


class _View(ScimView):
    steps = {"GET": Step.GROUPS_READ, **dict.fromkeys(("POST", "PUT", "PATCH", "DELETE"), Step.GROUPS)}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Where groups are off, whatever would change or be no method here is an unknown endpoint."""
        super().initial(request, *args, **kwargs)
        if request.method not in ("GET", "HEAD"):
            groups.require_groups(self.principal())

    def read_body(self, request: Request, limit: int = MAX_GROUP_BODY) -> dict[str, Json]:
        """The body, which may list many members."""
        return super().read_body(request, limit)

    def tell(self, name: str, result: str, notices: tuple[str, ...] = ()) -> None:
        """What the request log says."""
        self.entry.user_label, self.entry.result, self.entry.notices = name, result, notices

    def answer_result(self, written: GroupWriteResult, projection: Projection, status: int) -> HttpResponse:
        """The group as it is now."""
        self.tell(written.name, results.GROUP_OUTCOMES[written.outcome], written.notices)
        group_id = str(written.group_id)
        related = groups.members_of(group_id, self.base_url) if projection.shows("members") else ""
        body = shown(written.document, projection, self.base_url, related)
        return answer(body, status, self.headers_of(group_id, written.version))

    def answer_found(self, parameters: Mapping[str, str]) -> HttpResponse:
        """The page of groups that is asked for."""
        query = search.Query.parse(parameters, GROUP)
        found = search.search_groups(query, self.credentials, base_url=self.base_url)
        words = results.listed if query.condition is None else results.found
        self.entry.result = words(found.shown, found.total, "group")
        return answer(found.body)

    def headers_of(self, group_id: str, version: int) -> Mapping[str, str]:
        """Version and address."""
        location = f"{self.base_url}/Groups/{group_id}"
        return {"ETag": etag(version), "Location": location, "Content-Location": location}


class GroupsView(_View):
    """The list of groups."""

    def get(self, request: Request, slug: str) -> HttpResponse:
        """List or find groups."""
        return self.answer_found(request._request.GET)

    def post(self, request: Request, slug: str) -> HttpResponse:
        """Create a group."""
        by = self.actor()
        projection = projection_of(request, GROUP)
        written = groups.create(self.read_body(request), principal=self.principal(), by=by)
        return self.answer_result(written, projection, 201)


class GroupSearchView(_View):
    """The list of groups, asked for by a body (RFC 7644 section 3.4.3)."""

    steps = {"POST": Step.GROUPS_READ}

    def post(self, request: Request, slug: str) -> HttpResponse:
        """List or find groups."""
        return self.answer_found(read_asked(self, request))


class GroupView(_View):
    """One group."""

    def get(self, request: Request, slug: str, group_id: str) -> HttpResponse:
        """Read a group."""
        projection = projection_of(request, GROUP)
        stored = groups.read(group_id, self.credentials)
        headers = self.headers_of(group_id, stored.version)
        if preconditions(request).is_known(stored.version):
            self.tell(stored.name, results.GROUP_READ_UNCHANGED)
            return answer_nothing(304, headers)
        self.tell(stored.name, results.GROUP_READ)
        related = groups.members_of(group_id, self.base_url) if projection.shows("members") else ""
        return answer(shown(stored.document, projection, self.base_url, related), headers=headers)

    def put(self, request: Request, slug: str, group_id: str) -> HttpResponse:
        """Replace a group."""
        by = self.actor()
        projection = projection_of(request, GROUP)
        body = self.read_body(request)
        written = groups.replace(
            group_id, body, principal=self.principal(), preconditions=preconditions(request), by=by
        )
        return self.answer_result(written, projection, 200)

    def patch(self, request: Request, slug: str, group_id: str) -> HttpResponse:
        """Change parts of a group.

        Answered with the group. One with many members is not shown unless the client says which attributes it wants to
        see: changing one member costs the same whatever their number (RFC 7644 section 3.5.2 leaves the choice).
        """
        by = self.actor()
        projection = projection_of(request, GROUP)
        body = self.read_body(request)
        written = groups.patch(group_id, body, principal=self.principal(), preconditions=preconditions(request), by=by)
        parameters = request._request.GET
        if "attributes" in parameters or "excludedAttributes" in parameters:
            return self.answer_result(written, projection, 200)
        self.tell(written.name, results.GROUP_OUTCOMES[written.outcome], written.notices)
        headers = self.headers_of(group_id, written.version)
        members = groups.few_members_of(written, self.base_url)
        if members is None:
            return answer_nothing(204, headers)
        return answer(shown(written.document, projection, self.base_url, members), headers=headers)

    def delete(self, request: Request, slug: str, group_id: str) -> HttpResponse:
        """Delete a group."""
        by = self.actor()
        gone = groups.delete(group_id, principal=self.principal(), preconditions=preconditions(request), by=by)
        self.tell(gone.name, results.GROUP_OUTCOMES[gone.outcome], gone.notices)
        return answer_nothing(204)
