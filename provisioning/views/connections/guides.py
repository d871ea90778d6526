"""Set-up guides: one table of steps for each identity provider, in the words of its own pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from provisioning.models import Connection, IdentityProvider
from provisioning.services.request_log.setup_steps import Step


class Gets(StrEnum):
    """What a field of the provider's form is filled with; ``TEXT`` is the same for everybody."""

    NOTHING = ""
    BASE_URL = "base-url"
    TOKEN = "token"  # noqa: S105
    TEST_USER = "test-user"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Instruction:
    """One thing to fill in, choose or press. ``label`` is what it is called there, ``hint`` says more of it.

    ``text`` is what to copy into it for ``Gets.TEXT``.
    """

    label: str
    hint: str = ""
    gets: Gets = Gets.NOTHING
    text: str = ""


@dataclass(frozen=True, slots=True)
class GuidePage:
    """A page of the provider's console: how one gets there, and what is done there, in order."""

    where: str
    instructions: tuple[Instruction, ...]


@dataclass(frozen=True, slots=True)
class Guide:
    """One provider. ``warnings`` tell where people trip; ``comes_with`` what to do there so that a step is taken.

    ``never`` names steps that the provider does not take, and says why, so that nobody waits for them. ``short`` is
    what its tab says where that is not the ``name``.
    """

    name: str
    parts: tuple[GuidePage, ...]
    warnings: tuple[str, ...]
    comes_with: Mapping[Step, str] = field(default_factory=dict)
    never: Mapping[Step, str] = field(default_factory=dict)
    short: str = ""


_JUMPCLOUD = Guide(
    "JumpCloud",
    (
        GuidePage(
            "User Authentication › SSO Applications › your application › Identity Management",
            (
                Instruction("API Type", "SCIM API"),
                Instruction("SCIM Version", "SCIM 2.0"),
                Instruction("Base URL", "without a slash at the end", Gets.BASE_URL),
                Instruction("Token Key", "", Gets.TOKEN),
                Instruction(
                    "Test User Email",
                    "an address that nobody has, in a domain with the User requests checkmark",
                    Gets.TEST_USER,
                ),
                Instruction("Test Connection", "lists the users"),
                Instruction("Group Management", "may stay on while Groups is on here; else turn it off"),
                Instruction("Activate", "creates the test user, changes and deletes it"),
                Instruction("Save"),
            ),
        ),
        GuidePage(
            "User Groups, on the same application",
            (Instruction("Tick the groups", "whose members should have an account here"),),
        ),
    ),
    (
        "JumpCloud does not connect with a slash at the end of the Base URL.",
        "JumpCloud says only that it failed. The checklist here says why.",
        "Whenever you edit the configuration, JumpCloud creates and deletes the test user again: the address must stay "
        "free.",
    ),
    {
        Step.LIST: "Test Connection",
        Step.LOOK_UP: "Activate",
        Step.CREATE: "Activate",
        Step.UPDATE: "Activate",
        Step.DEACTIVATE: "Suspend somebody, or take them out of the application",
        Step.DELETE: "Activate, which deletes the test user",
        Step.GROUPS: "Activate, with Group Management on",
    },
)

_OKTA = Guide(
    "Okta",
    (
        GuidePage(
            "Applications › your application › General › App Settings › Edit",
            (Instruction("Provisioning", "SCIM, then Save: the tab Provisioning appears"),),
        ),
        GuidePage(
            "Provisioning › Integration › Edit",
            (
                Instruction("SCIM connector base URL", "", Gets.BASE_URL),
                Instruction("Unique identifier field for users", "", Gets.TEXT, "userName"),
                Instruction(
                    "Supported provisioning actions",
                    "Import New Users and Profile Updates, Push New Users, Push Profile Updates; Push Groups and "
                    "Import Groups while Groups is on here",
                ),
                Instruction("Authentication Mode", "HTTP Header"),
                Instruction("Authorization", "the token alone: Okta puts Bearer before it", Gets.TOKEN),
                Instruction("Test Connector Configuration", "lists users and groups"),
                Instruction("Save"),
            ),
        ),
        GuidePage(
            "Provisioning › To App › Edit",
            (
                Instruction("Create Users", "Enable"),
                Instruction("Update User Attributes", "Enable"),
                Instruction("Deactivate Users", "Enable"),
                Instruction("Save"),
            ),
        ),
        GuidePage("Assignments", (Instruction("Assign", "people or groups"),)),
    ),
    (
        "Sign On › Application username format must be Email: the user name is an e-mail address here.",
        "Until the three boxes under To App are enabled, Okta tests the connection and sends nobody.",
        "Sync Password may stay off: a password that Okta sends is ignored.",
    ),
    {
        Step.LIST: "Test Connector Configuration",
        Step.LOOK_UP: "Assign somebody to the application",
        Step.CREATE: "Assign somebody to the application",
        Step.UPDATE: "Change the profile of somebody who is assigned",
        Step.DEACTIVATE: "Take the application away from somebody",
        Step.GROUPS: "Test Connector Configuration, then Push Groups",
    },
    {Step.DELETE: "Okta never deletes users, it deactivates them."},
)

_ENTRA = Guide(
    "Entra ID",
    (
        GuidePage(
            "Enterprise applications › your application › Provisioning",
            (
                Instruction("Provisioning Mode", "Automatic"),
                Instruction("Tenant URL", "", Gets.BASE_URL),
                Instruction("Secret token", "", Gets.TOKEN),
                Instruction("Test Connection", "looks for a user that does not exist"),
                Instruction("Save", "the Mappings appear"),
            ),
        ),
        GuidePage(
            "Mappings › Provision Microsoft Entra ID Users",
            (
                Instruction("userName", "from an attribute that holds the e-mail address: userPrincipalName or mail"),
                Instruction('emails[type eq "work"].value', "the same address, or one in a domain with the checkmark"),
            ),
        ),
        GuidePage("Users and groups", (Instruction("Add user/group", "who should have an account here"),)),
        GuidePage(
            "Provisioning",
            (
                Instruction("Provision on demand", "one person at once, to see it work"),
                Instruction("Provisioning Status", "On, then Save"),
            ),
        ),
    ),
    (
        "A userPrincipalName that ends in onmicrosoft.com is in a domain that is not yours to verify: map another "
        "attribute.",
        "Both dialects of Entra ID are understood: with ?aadOptscim062020 at the end of the Tenant URL and without. "
        "While Strict mode is on here, most of its changes are refused.",
        "After Provisioning Status is On, a cycle takes up to 40 minutes. Provision on demand does not wait.",
    ),
    {
        Step.LOOK_UP: "Test Connection",
        Step.CREATE: "Provision on demand",
        Step.UPDATE: "Change somebody, then Provision on demand",
        Step.DEACTIVATE: "Take somebody out of Users and groups",
        Step.DELETE: "Delete somebody for good, which Entra ID does 30 days after you do",
        Step.GROUPS: "Add a group under Users and groups, with the mapping of groups on",
    },
    {Step.LIST: "Entra ID does not list users, it looks each one up."},
)

_ONELOGIN_TEMPLATE = """\
{
  "schemas": [
    "urn:ietf:params:scim:schemas:core:2.0:User",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
  ],
  "userName": "{$parameters.scimusername}",
  "name": {"givenName": "{$user.firstname}", "familyName": "{$user.lastname}"},
  "displayName": "{$user.display_name}",
  "emails": [{"value": "{$user.email}", "type": "work", "primary": true}],
  "title": "{$user.title}",
  "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "{$user.department}"}
}"""

_ONELOGIN = Guide(
    "OneLogin",
    (
        GuidePage(
            "Applications › Add App",
            (Instruction("SCIM Provisioner with SAML (SCIM v2 Enterprise)", "then Save"),),
        ),
        GuidePage(
            "Configuration",
            (
                Instruction("SCIM Base URL", "", Gets.BASE_URL),
                Instruction("SCIM JSON Template", "", Gets.TEXT, _ONELOGIN_TEMPLATE),
                Instruction("SCIM Bearer Token", "", Gets.TOKEN),
                Instruction("API Connection", "Enable"),
            ),
        ),
        GuidePage("Parameters", (Instruction("scimusername", "Email"),)),
        GuidePage(
            "Provisioning",
            (
                Instruction("Enable provisioning"),
                Instruction(
                    "Require admin approval before this action is performed",
                    "Create user, Delete user, Update user: untick what should not wait for you",
                ),
                Instruction(
                    "When users are deleted in OneLogin, or the user's app access is removed, perform the below action",
                    "Suspend keeps the account, Delete removes it",
                ),
                Instruction("Save"),
            ),
        ),
    ),
    (
        "While approval is required, each person waits under Users › Provisioning, and no request comes.",
        "The value of scimusername must be an e-mail address in a domain with the checkmark.",
    ),
    {
        Step.LOOK_UP: "Give somebody the application",
        Step.CREATE: "Give somebody the application",
        Step.UPDATE: "Change somebody who has the application",
        Step.DEACTIVATE: "Take the application away, with Suspend chosen",
        Step.DELETE: "Take the application away, with Delete chosen",
        Step.GROUPS: "Add a rule that sets Groups",
    },
)

_OTHER = Guide(
    "another identity provider",
    (
        GuidePage(
            "Where your provider sets up SCIM, provisioning or synchronization of users",
            (
                Instruction("SCIM version", "2.0"),
                Instruction("SCIM endpoint, base URL or tenant URL", "", Gets.BASE_URL),
                Instruction("Authentication", "Bearer token, also called HTTP header or OAuth bearer token"),
                Instruction("Token, secret or API key", "", Gets.TOKEN),
                Instruction("Unique identifier", "", Gets.TEXT, "userName"),
                Instruction("Value of userName", "the person's e-mail address"),
            ),
        ),
    ),
    (
        "The domain of every e-mail address that your provider sends needs the User requests checkmark.",
        "Where the provider asks for a whole header, its name is Authorization and its value is Bearer, a blank and "
        "the token.",
        "Google Workspace has Autoprovisioning only for applications of its own catalogue. There the fields are called "
        "Endpoint URL and Access token.",
    ),
    short="Google, others",
)

# By the provider, whose value is the name that the address of the page has for it.
GUIDES: Mapping[IdentityProvider, Guide] = {
    IdentityProvider.JUMPCLOUD: _JUMPCLOUD,
    IdentityProvider.OKTA: _OKTA,
    IdentityProvider.ENTRA: _ENTRA,
    IdentityProvider.ONELOGIN: _ONELOGIN,
    IdentityProvider.OTHER: _OTHER,
}


def provider_for(asked: str, connection: Connection) -> IdentityProvider:
    """Whose guide to show: the one asked for if there is such a guide, else that of the connection's provider."""
    for name in (asked, connection.identity_provider):
        if name in GUIDES:
            return IdentityProvider(name)
    return IdentityProvider.OTHER


@dataclass(frozen=True, slots=True)
class ShownInstruction:
    """An instruction as the page has it: ``id`` of its field, ``value`` to copy, in so many ``lines``."""

    instruction: Instruction
    id: str
    value: str

    @property
    def lines(self) -> int:
        """How many lines the value has."""
        return self.value.count("\n") + 1


def shown(provider: IdentityProvider, values: Mapping[Gets, str]) -> list[tuple[str, list[ShownInstruction]]]:
    """The parts of a provider's guide; ``values`` are those that differ from one organization to the next."""
    return [
        (
            part.where,
            [
                ShownInstruction(each, f"guide-{provider}-{number}-{place}", each.text or values.get(each.gets, ""))
                for place, each in enumerate(part.instructions, 1)
            ],
        )
        for number, part in enumerate(GUIDES[provider].parts, 1)
    ]
