"""The requests of identity providers that try a set-up out, as tables: JumpCloud, Okta and Entra ID.

Texts may name what a test run knows: ``{email}``, ``{guid}``, and what an earlier step kept, such as ``{id}``. The
requests are those of the vendors' documents and of recordings: letter case, nulls and encodings are theirs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"

GROUP_NAME = "SCIM play {guid}"


@dataclass(frozen=True, slots=True)
class Step:
    """One request and what must come back.

    ``status`` are the statuses that the client takes for success, ``has`` the members that the answer then must have,
    ``keeps`` maps a name to the member of the answer that it stands for from now on. ``makes`` and ``removes`` say
    under which name a resource comes into being and goes, so that a test run can clean up. ``groups``: for a test run
    with groups only.
    """

    words: str
    method: str
    path: str
    status: tuple[int, ...]
    body: Any = None
    has: Mapping[str, Any] = field(default_factory=dict)
    keeps: Mapping[str, str] = field(default_factory=dict)
    makes: str = ""
    removes: str = ""
    groups: bool = False


@dataclass(frozen=True, slots=True)
class Script:
    """A client by name, the headers that it sends with every request, and what it does in which order."""

    client: str
    headers: Mapping[str, str]
    steps: tuple[Step, ...]


def _patch(*operations: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"schemas": [PATCH], "Operations": list(operations)}


_EMPTY = {"totalResults": 0}
_EMAILS = [{"primary": True, "type": "work", "value": "{email}"}]

JUMPCLOUD = Script(
    client="JumpCloud",
    headers={"Accept": "application/scim+json", "Content-Type": "application/scim+json"},
    steps=(
        Step("Test Connection: read the list of users", "GET", "/Users", (200,)),
        Step(
            "Look the test user up",
            "GET",
            "/Users?filter=userName+eq+%22{email:quoted}%22",
            (200,),
            has=_EMPTY,
        ),
        Step(
            "Create the test user",
            "POST",
            "/Users",
            (201,),
            {
                "active": True,
                "addresses": [
                    {
                        "country": "US",
                        "locality": "Springfield",
                        "postalCode": "80027",
                        "primary": True,
                        "region": "CO",
                        "streetAddress": "1 Test Way",
                        "type": "work",
                    }
                ],
                "displayName": "Test User",
                "emails": _EMAILS,
                "externalId": "{guid:24}",
                "locale": "en-US",
                "name": {"familyName": "User", "givenName": "Test"},
                "phoneNumbers": [{"primary": True, "type": "work", "value": "tel:+1-555-555-0100"}],
                "preferredLanguage": "en-US",
                "schemas": [USER, ENTERPRISE],
                "userName": "{email}",
            },
            has={"userName": "{email}", "active": True},
            keeps={"id": "id"},
            makes="/Users/{id}",
        ),
        Step(
            "Change the name",
            "PUT",
            "/Users/{id}",
            (200,),
            {
                "active": True,
                "emails": None,
                "id": "{id}",
                "name": {"familyName": "Renamed", "givenName": "Test"},
                "schemas": [USER],
                "userName": "{email}",
            },
            has={"id": "{id}", "name": {"familyName": "Renamed"}},
        ),
        Step(
            "Change the whole profile",
            "PUT",
            "/Users/{id}",
            (200,),
            {
                "active": True,
                "addresses": [],
                "displayName": "Testa Renamed",
                "emails": _EMAILS,
                "externalId": "{guid:24}",
                "id": "{id}",
                "locale": "en-US",
                "name": {"familyName": "Renamed", "givenName": "Testa"},
                "phoneNumbers": [],
                "photos": [{"value": "https://img.example.com/p.png"}],
                "preferredLanguage": "en-US",
                "schemas": [ENTERPRISE, USER],
                "title": "Engineer",
                ENTERPRISE: {"department": "Platform"},
                "userName": "{email}",
            },
            has={"title": "Engineer", ENTERPRISE: {"department": "Platform"}},
        ),
        Step(
            "Look for the test group",
            "GET",
            "/Groups?filter=displayName+eq+%22SCIM+play+{guid}%22",
            (200,),
            has=_EMPTY,
            groups=True,
        ),
        Step(
            "Create the test group with the test user in it",
            "POST",
            "/Groups",
            (201,),
            {"displayName": GROUP_NAME, "members": [{"value": "{id}"}], "schemas": [GROUP]},
            has={"displayName": GROUP_NAME},
            keeps={"group": "id"},
            makes="/Groups/{group}",
            groups=True,
        ),
        Step(
            "Take the test user out of the group",
            "PATCH",
            "/Groups/{group}",
            (200, 204),
            _patch({"op": "remove", "path": "members", "value": [{"value": "{id}"}]}),
            groups=True,
        ),
        Step("Delete the test group", "DELETE", "/Groups/{group}", (204,), removes="/Groups/{group}", groups=True),
        Step(
            "Deactivate the test user",
            "PATCH",
            "/Users/{id}",
            (200, 204),
            _patch(
                {"op": "replace", "path": "name.givenName", "value": "Tessa"},
                {"op": "replace", "path": "active", "value": False},
            ),
        ),
        Step("See that it is inactive", "GET", "/Users/{id}", (200,), has={"active": False}),
        Step("Delete the test user", "DELETE", "/Users/{id}", (204,), removes="/Users/{id}"),
        Step("See that it is gone", "GET", "/Users/{id}", (404,)),
    ),
)

OKTA = Script(
    client="Okta",
    headers={
        "User-Agent": "Okta SCIM Client 1.0.0",
        "Accept": "application/scim+json",
        "Accept-Charset": "utf-8",
        "Content-Type": "application/scim+json; charset=utf-8",
    },
    steps=(
        Step("Test the connection: read two users", "GET", "/Users?startIndex=1&count=2", (200,)),
        Step("Read the groups", "GET", "/Groups?startIndex=1&count=100", (200,), groups=True),
        Step(
            "Look the user up",
            "GET",
            "/Users?filter=userName%20eq%20%22{email:quoted}%22&startIndex=1&count=100",
            (200,),
            has=_EMPTY,
        ),
        Step("Ask for somebody who is not there", "GET", "/Users/{guid}", (404,)),
        Step(
            "Create the user",
            "POST",
            "/Users",
            (201,),
            {
                "schemas": [USER],
                "userName": "{email}",
                "name": {"givenName": "Pat", "familyName": "Doe"},
                "emails": _EMAILS,
                "displayName": "Pat Doe",
                "locale": "en-US",
                "externalId": "00u{guid:17}",
                "groups": [],
                "password": "{guid}-Aa1!",
                "active": True,
            },
            has={"userName": "{email}", "active": True},
            keeps={"id": "id"},
            makes="/Users/{id}",
        ),
        Step(
            "Create the same user again, which must be refused",
            "POST",
            "/Users",
            (409,),
            {"schemas": [USER], "userName": "{email}", "emails": _EMAILS, "active": True},
        ),
        Step("Read the user before a change", "GET", "/Users/{id}", (200,), has={"id": "{id}"}),
        Step(
            "Change the name",
            "PUT",
            "/Users/{id}",
            (200,),
            {
                "schemas": [USER],
                "id": "{id}",
                "userName": "{email}",
                "name": {"givenName": "Patricia", "middleName": "Q", "familyName": "Doe"},
                "emails": _EMAILS,
                "externalId": "00u{guid:17}",
                "active": True,
                "groups": [],
                "meta": {"resourceType": "User"},
            },
            has={"name": {"givenName": "Patricia"}},
        ),
        Step(
            "Push a group with the user in it",
            "POST",
            "/Groups",
            (201,),
            {"schemas": [GROUP], "displayName": GROUP_NAME, "members": [{"value": "{id}", "display": "{email}"}]},
            has={"displayName": GROUP_NAME},
            keeps={"group": "id"},
            makes="/Groups/{group}",
            groups=True,
        ),
        Step(
            "Rename the group",
            "PATCH",
            "/Groups/{group}",
            (200, 204),
            _patch({"op": "replace", "value": {"id": "{group}", "displayName": f"{GROUP_NAME} EU"}}),
            groups=True,
        ),
        Step("Unlink the group", "DELETE", "/Groups/{group}", (204,), removes="/Groups/{group}", groups=True),
        Step(
            "Deactivate the user",
            "PATCH",
            "/Users/{id}",
            (200, 204),
            _patch({"op": "replace", "value": {"active": False}}),
        ),
        Step("See that the user is inactive", "GET", "/Users/{id}", (200,), has={"active": False}),
        Step(
            "Reactivate the user",
            "PATCH",
            "/Users/{id}",
            (200, 204),
            _patch({"op": "replace", "value": {"active": True}}),
        ),
    ),
)

ENTRA = Script(
    client="Microsoft Entra ID",
    headers={
        "Accept": "application/scim+json",
        "Content-Type": "application/scim+json; charset=utf-8",
    },
    steps=(
        Step(
            "Test Connection: look for somebody who is not there",
            "GET",
            "/Users?filter=userName+eq+%22{guid}%22",
            (200,),
            has=_EMPTY,
        ),
        Step("Match by userName", "GET", "/Users?filter=userName+eq+%22{email:quoted}%22", (200,), has=_EMPTY),
        Step(
            "Create the user",
            "POST",
            "/Users",
            (201,),
            {
                "schemas": [USER, ENTERPRISE],
                "externalId": "{guid}",
                "userName": "{email}",
                "active": True,
                "displayName": "Joy Young",
                "emails": _EMAILS,
                "meta": {"resourceType": "User"},
                "name": {"formatted": "Joy Young", "familyName": "Young", "givenName": "Joy"},
                "phoneNumbers": None,
                "title": None,
                "roles": [],
            },
            has={"userName": "{email}", "active": True},
            keeps={"id": "id"},
            makes="/Users/{id}",
        ),
        Step("Match by externalId", "GET", "/Users?filter=externalId+eq+%22{guid}%22", (200,), has={"totalResults": 1}),
        Step(
            "Change several attributes",
            "PATCH",
            "/Users/{id}",
            (200, 204),
            _patch(
                {"op": "Replace", "path": "displayName", "value": "Joy Older"},
                {"op": "Replace", "path": "name.familyName", "value": "Older"},
                {"op": "Add", "path": 'phoneNumbers[type eq "mobile"].value', "value": "5555550123"},
                {"op": "Add", "path": 'addresses[type eq "work"].streetAddress', "value": "2 Any St"},
                {"op": "Add", "path": f"{ENTERPRISE}:department", "value": "R&D"},
            ),
        ),
        Step(
            "See the change",
            "GET",
            "/Users/{id}",
            (200,),
            has={"displayName": "Joy Older", "name": {"familyName": "Older"}, ENTERPRISE: {"department": "R&D"}},
        ),
        Step(
            "Create a group",
            "POST",
            "/Groups",
            (201,),
            {
                "schemas": [GROUP, "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],
                "externalId": "{guid}",
                "displayName": GROUP_NAME,
                "meta": {"resourceType": "Group"},
            },
            has={"displayName": GROUP_NAME},
            keeps={"group": "id"},
            makes="/Groups/{group}",
            groups=True,
        ),
        Step(
            "Put the user into the group",
            "PATCH",
            "/Groups/{group}",
            (200, 204),
            _patch({"op": "Add", "path": "members", "value": [{"$ref": None, "value": "{id}"}]}),
            groups=True,
        ),
        Step("Delete the group", "DELETE", "/Groups/{group}", (204,), removes="/Groups/{group}", groups=True),
        Step(
            "Disable the user",
            "PATCH",
            "/Users/{id}",
            (200, 204),
            _patch({"op": "Replace", "path": "active", "value": "False"}),
        ),
        Step("See that the user is disabled", "GET", "/Users/{id}", (200,), has={"active": False}),
        Step("Delete the user", "DELETE", "/Users/{id}", (204,), removes="/Users/{id}"),
        Step("See that the user is gone", "GET", "/Users/{id}", (404,)),
    ),
)

SCRIPTS: Mapping[str, Script] = {"jumpcloud": JUMPCLOUD, "okta": OKTA, "entra": ENTRA}
