"""The demo's data: two made-up companies, their users, and some days of their providers' requests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from domains.services import DOMAINS_PAGE
from provisioning.services.request_log import results
from provisioning.services.request_log.causes import TOKEN_LIMIT
from provisioning.services.request_log.setup_steps import Step
from users.models import Source
from users.permissions import Area, BuiltIn, Level

JUMPCLOUD = "JumpCloud SCIM"
OKTA = "Okta SCIM Client 1.0.0"
CURL = "curl/8.5.0"

SERVICE_DESK = "Service desk"


@dataclass(frozen=True, slots=True)
class Person:
    """One of a company's people; the address is ``login`` at the company's first domain unless it has an @ itself.

    ``role`` is a built-in one, or the name of one of the company's own.
    """

    login: str
    given: str
    family: str
    title: str
    department: str
    role: BuiltIn | str = BuiltIn.APP_MANAGEMENT
    source: Source = Source.SCIM
    password: str | None = None
    suspended: bool = False
    signed_in_hours_ago: int | None = None


@dataclass(frozen=True, slots=True)
class Company:
    """A tenant of the demo. The first of ``people`` is its first Admin; ``unticked`` domains lost their checkmark.

    ``unverified`` domains have only been added. ``asking`` are names and logins of those who wait for an account.
    """

    name: str
    slug: str
    time_zone: str
    domains: Sequence[str]
    unticked: Sequence[str]
    unverified: Sequence[str]
    client: str
    people: Sequence[Person]
    log_rows: int
    own_roles: Mapping[str, Mapping[Area, Level]] = field(default_factory=dict)
    asking: Sequence[tuple[str, str]] = ()
    wants_support: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """One request of an identity provider and what came of it.

    ``{user}``, ``{address}`` (its form in a URL) and ``{id}`` stand for one of the company's people, ``{domain}`` for
    its first domain, ``{unticked}`` for one without the checkmark, ``{count}`` for its headcount. A ``anonymous``
    showed the token that has been revoked. ``step`` is what the request is in the set-up of a connection, if anything.
    ``about`` is whom its body names, where it is not one of the people.
    """

    method: str
    status: int
    result: str
    path: str = "/Users"
    query: str = ""
    cause: str = ""
    notices: tuple[str, ...] = ()
    arguments: Mapping[str, str] = field(default_factory=dict)
    client: str = ""
    anonymous: bool = False
    about_a_person: bool = False
    step: Step | None = None
    about: str = ""


ACME = Company(
    name="Acme",
    slug="acme",
    time_zone="Europe/Berlin",
    domains=("acme.example", "acme-labs.example", "acme-partners.example"),
    unticked=("acme-partners.example",),
    unverified=("acme-events.example",),
    client=JUMPCLOUD,
    people=(
        Person(
            *("ada", "Ada", "Moreau", "Head of IT", "IT", BuiltIn.ADMIN, Source.MANUAL),
            password="ada-runs-the-demo",  # noqa: S106  (the demo prints it, and runs on one's own machine only)
            signed_in_hours_ago=2,
        ),
        Person(
            *("dana", "Dana", "Okafor", "Domain administrator", "IT", BuiltIn.DOMAIN_MANAGER, Source.MANUAL),
            password="dana-ticks-domains",  # noqa: S106
            signed_in_hours_ago=20,
        ),
        Person("bruno", "Bruno", "Castelli", "IT engineer", "IT", BuiltIn.ADMIN, signed_in_hours_ago=51),
        Person("carla", "Carla", "Nyström", "Auditor", "Finance", BuiltIn.READ_ONLY, signed_in_hours_ago=170),
        Person("emeka", "Emeka", "Adeyemi", "People partner", "People", BuiltIn.HR),
        Person("farah", "Farah", "Haddad", "Controller", "Finance", BuiltIn.FINANCE, signed_in_hours_ago=30),
        Person("gustav", "Gustav", "Lindqvist", "Support engineer", "IT", SERVICE_DESK, suspended=True),
        Person("hana", "Hana", "Sato", "Product designer", "Design", signed_in_hours_ago=6),
        Person("ines", "Inês", "Carvalho", "Software engineer", "Platform"),
        Person("jonas", "Jonas", "Weiß", "Support engineer", "IT", SERVICE_DESK, signed_in_hours_ago=75),
        Person("kirra", "Kirra", "Walker", "Account executive", "Sales", signed_in_hours_ago=9),
        Person("liam", "Liam", "O'Brien", "Account executive", "Sales", suspended=True),
        Person("mei@acme-labs.example", "Mei", "Tanaka", "Research lead", "Labs"),
        Person("noor@acme-labs.example", "Noor", "Rahman", "Data scientist", "Labs", source=Source.REQUEST),
        Person("otto@acme-labs.example", "Otto", "Baumann", "Lab technician", "Labs", suspended=True),
        Person("pia@acme-partners.example", "Pia", "Romano", "Integration partner", "Partners"),
        Person("quinn@freelance.example", "Quinn", "Harper", "Contractor", "Design", source=Source.MANUAL),
    ),
    log_rows=149,
    own_roles={SERVICE_DESK: {Area.USERS: Level.EDIT, Area.SIGN_IN: Level.VIEW, Area.AUDIT_LOG: Level.VIEW}},
    asking=(("Rosalind Achterberg", "rosalind"), ("Samuel Oyelaran", "samuel"), ("Thea Brandvold", "thea")),
)
GLOBEX = Company(
    name="Globex",
    slug="globex",
    time_zone="America/New_York",
    domains=("globex.example",),
    unticked=(),
    unverified=(),
    client=OKTA,
    people=(
        Person(
            *("gwen", "Gwen", "Harlow", "IT manager", "IT", BuiltIn.ADMIN, Source.MANUAL),
            password="gwen-runs-globex",  # noqa: S106
            signed_in_hours_ago=4,
        ),
        Person("hugo", "Hugo", "Marchetti", "Systems engineer", "IT", BuiltIn.ADMIN, signed_in_hours_ago=28),
        Person("ivy", "Ivy", "Blackwood", "Compliance", "Legal", BuiltIn.READ_ONLY),
        Person("jamal", "Jamal", "Reyes", "People lead", "People", BuiltIn.HR, signed_in_hours_ago=13),
        Person("katya", "Katya", "Volkova", "Analyst", "Finance", BuiltIn.FINANCE),
        Person("leo", "Leo", "Fontaine", "Plant manager", "Operations", signed_in_hours_ago=44),
        Person("maya", "Maya", "Iyer", "Process engineer", "Operations"),
        Person("nils", "Nils", "Aaltonen", "Process engineer", "Operations", suspended=True),
        Person("olga", "Olga", "Petrenko", "Buyer", "Purchasing", signed_in_hours_ago=61),
        Person("pablo", "Pablo", "Quispe", "Buyer", "Purchasing"),
        Person("rosa", "Rosa", "Delgado", "Safety officer", "Operations", BuiltIn.DOMAIN_MANAGER, Source.MANUAL),
        Person("sven", "Sven", "Kowalski", "Warehouse lead", "Logistics", source=Source.REQUEST, suspended=True),
        Person("tara", "Tara", "Whitfield", "Logistics planner", "Logistics"),
    ),
    log_rows=49,
    wants_support=True,
)
COMPANIES = (ACME, GLOBEX)

FIND = Call(
    *("GET", 200, results.found(1, 1)),
    query="filter=userName+eq+%22{address}%22",
    about_a_person=True,
    step=Step.LOOK_UP,
)
LIST = Call("GET", 200, "Listed {count} of {count} users.", query="startIndex=1&count=100", step=Step.LIST)
GONE = "/Users/01936a4c-7b1e-7c52-9f3a-5d8e21c0b7aa"


def find_nobody(address: str) -> Call:
    query = f"filter=userName+eq+%22{address.replace('@', '%40')}%22"
    return Call("GET", 200, results.found(0, 0), query=query, step=Step.LOOK_UP)


def change(method: str, outcome: str, *notices: str) -> Call:
    cause, step = "role-unknown" if notices else "", Step.DEACTIVATE if outcome == "suspended" else Step.UPDATE
    result = results.OUTCOMES[outcome]
    return Call(method, 200, result, "/Users/{id}", cause=cause, notices=notices, about_a_person=True, step=step)


def refusal(method: str, status: int, cause: str, detail: str, path: str = "/Users", **others: Any) -> Call:
    step = Step.CREATE if method == "POST" else None
    result = results.refusal(cause, detail, others.get("arguments", {}))
    return Call(method, status, result, path, cause=cause, step=step, **others)


# What happens in a week, by and large: visits of some requests each. The seed goes round and round.
STORY: Sequence[Sequence[Call]] = (
    (LIST,),
    (FIND, change("PUT", "changed")),
    (
        find_nobody("new.hire@{domain}"),
        Call(
            *("POST", 201, results.OUTCOMES["created"].replace("{user}", "new.hire@{domain}")),
            step=Step.CREATE,
            about="new.hire@{domain}",
        ),
    ),
    (FIND, change("PATCH", "suspended")),
    (
        find_nobody("kim@{slug}.co"),
        refusal(
            *("POST", 400, "domain-unknown"),
            "The e-mail domain '{slug}.co' is not registered in this organization. "
            f"Add it in {DOMAINS_PAGE} and tick User requests.",
            arguments={"domain": "{slug}.co"},
            about="kim@{slug}.co",
        ),
    ),
    (FIND, change("PATCH", "changed")),
    (refusal("GET", 401, "token-revoked", "", anonymous=True),),
    (
        refusal(
            *("GET", 429, TOKEN_LIMIT, ""),
            query="startIndex=1&count=100",
            arguments={"limit": "50 requests a second, after the first 200", "seconds": "2 seconds"},
        ),
    ),
    (Call("GET", 200, results.READ, "/Users/{id}", about_a_person=True),),
    (
        FIND,
        refusal(
            *("POST", 409, "name-taken", "A user with the userName '{user}' exists already."),
            arguments={"user_id": "{id}", "user": "{user}"},
            about="{user}",
        ),
    ),
    (
        find_nobody("kim@{unticked}"),
        refusal(
            *("POST", 400, "domain-without-user-requests"),
            "The e-mail domain '{unticked}' does not have the User requests checkmark. "
            f"Open {DOMAINS_PAGE} and tick User requests.",
            arguments={"domain": "{unticked}"},
            about="kim@{unticked}",
        ),
    ),
    (FIND, change("PUT", "changed", "There is no role 'Employee'; the entry was left out.")),
    (
        refusal(
            *("GET", 400, "InvalidFilter", "User has no attribute 'username2'."),
            query="filter=username2+eq+%22x%22",
            client=CURL,
        ),
    ),
    (LIST,),
    (FIND, change("PATCH", "restored")),
    (
        Call(
            *("DELETE", 204, results.OUTCOMES["deleted"].replace("{user}", "new.hire@{domain}"), GONE),
            step=Step.DELETE,
            about="new.hire@{domain}",
        ),
        refusal(
            *("GET", 404, "user-unknown", f"There is no user '{GONE.rpartition('/')[2]}' in this organization."),
            GONE,
        ),
    ),
    (FIND, change("PUT", "unchanged")),
)
