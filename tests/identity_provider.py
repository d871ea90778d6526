"""An organization with SCIM turned on, and an identity provider that talks to it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from organizations.models import Organization
from provisioning.models import RequestLog
from provisioning.services import onboarding
from provisioning.services.request_log import additional_logging, writer
from users import profile as profiles
from users.models import Role, Source, User

JSON = "application/scim+json"


@dataclass
class Idp:
    """What an identity provider knows: the Base URL and a token."""

    organization: Organization
    token: str
    http: Client = field(default_factory=Client)

    @property
    def base(self) -> str:
        return f"/scim/{self.organization.slug}/v2"

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """One request; ``path`` goes below the Base URL, ``body`` is sent as JSON unless it is bytes."""
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        headers = {"authorization": f"Bearer {self.token}"} | {k.replace("_", "-"): v for k, v in headers.items()}
        content_type = headers.pop("content-type", JSON)
        length = str(len(raw))
        return self.http.generic(
            method, self.base + path, raw, headers=headers, CONTENT_TYPE=content_type, CONTENT_LENGTH=length
        )

    def get(self, path: str, query: dict[str, Any] | None = None, **headers: str) -> HttpResponse:
        headers = {"authorization": f"Bearer {self.token}"} | {k.replace("_", "-"): v for k, v in headers.items()}
        return self.http.get(self.base + path, query or {}, headers=headers)

    def create(self, user_name: str = "ada@acme.example", **attributes: Any) -> dict[str, Any]:
        """Make a user; the resource as it was answered."""
        response = self.send("POST", "/Users", {"userName": user_name, **attributes})
        assert response.status_code == 201, response.content
        return read(response)

    def create_group(self, name: str = "Engineering", *members: str, **attributes: Any) -> dict[str, Any]:
        """Make a group of those members; the resource as it was answered."""
        body = {"displayName": name, "members": [{"value": member} for member in members], **attributes}
        response = self.send("POST", "/Groups", body)
        assert response.status_code == 201, response.content
        return read(response)

    def patch_group(self, group_id: str, *operations: dict[str, Any], **headers: str) -> Any:
        body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": list(operations)}
        return self.send("PATCH", f"/Groups/{group_id}", body, **headers)

    def members(self, group_id: str) -> list[str]:
        """The ids of a group's members."""
        return [member["value"] for member in read(self.get(f"/Groups/{group_id}")).get("members", [])]

    def groups_found(self, condition: str) -> list[str]:
        """The names of the groups that a filter finds."""
        response = self.get("/Groups", {"filter": condition})
        assert response.status_code == 200, response.content
        return [group["displayName"] for group in read(response)["Resources"]]

    def add_people(self, number: int) -> list[User]:
        """Many users at once, as rows without a profile worth reading."""
        role = Role.objects.of(self.organization.pk).get(is_default=True)
        people = []
        for position in range(number):
            user = User(organization=self.organization, role=role, source=Source.SCIM)
            profiles.write(user, {"userName": f"p{position}@acme.example", "active": True})
            people.append(user)
        return User.objects.bulk_create(people)

    def patch(self, user_id: str, *operations: dict[str, Any], **headers: str) -> Any:
        body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": list(operations)}
        return self.send("PATCH", f"/Users/{user_id}", body, **headers)

    def found(self, condition: str, **query: Any) -> list[str]:
        """The userNames that a filter finds."""
        response = self.get("/Users", {"filter": condition, **query})
        assert response.status_code == 200, response.content
        return [user["userName"] for user in read(response)["Resources"]]

    def users(self) -> list[User]:
        return list(User.objects.of(self.organization.pk))

    def log(self) -> list[RequestLog]:
        """The rows of the request log, oldest first."""
        writer.flush()
        return list(RequestLog.objects.of(self.organization.pk).order_by("created_at", "pk"))


def read(response: Any) -> Any:
    """The JSON of an answer, which must be SCIM's."""
    assert response.headers["Content-Type"] == JSON
    return json.loads(response.content)


def open_acme(name: str = "acme", **options: Any) -> onboarding.Opened:
    return onboarding.open_organization(
        name.title(),
        name,
        domains_with_requests=[f"{name}.example", f"{name}.test"],
        domains_without_requests=[f"{name}-unchecked.example"],
        **{"enable_scim": True, **options},
    )


@pytest.fixture
def idp(db: None) -> Idp:
    """The identity provider of the organization acme, whose domains are acme.example and acme.test."""
    opened = open_acme()
    return Idp(opened.organization, opened.bearer_token or "")


@pytest.fixture
def anonymous(db: None) -> Idp:
    """The identity provider of another organization."""
    opened = open_acme("globex")
    return Idp(opened.organization, opened.bearer_token or "")


@pytest.fixture(autouse=True)
def quiet_writer() -> Iterator[None]:
    """No test sees another one's log."""
    _empty_the_writer()
    yield
    _empty_the_writer()


def _empty_the_writer() -> None:
    writer.forget()
    writer._counts.dropped = writer._counts.homeless = 0
    additional_logging._watched = additional_logging._Watched()
