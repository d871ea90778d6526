"""Who may open and change what: one table of role, address, method and status."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, resolve
from django.utils import timezone

from audit.actions import Action
from audit.models import AuditEvent
from audit.services import trail
from core.actors import Actor, Channel
from domains.models import Domain
from organizations.models import FormerSlug, Mail, Organization, SupportAccess
from provisioning.models import Brake, Connection, IdentityProvider, RunState, Token
from provisioning.services.connections import connections
from tests.provisioning.views.connections.test_section import log
from tests.provisioning.views.test_test_runs import a_test_run
from tests.signed_in import SignedIn, htmx
from tests.tenants import Tenant, waiting_request
from users.models import AccountRequest, Invitation, PersonalToken, RequestNotification, Role, User
from users.permissions import Area, BuiltIn, permissions_of
from users.services import invitations, personal_tokens
from users.services.personal_tokens import TokenScope

ADMIN, READ_ONLY, DOMAINS = BuiltIn.ADMIN, BuiltIn.READ_ONLY, BuiltIn.DOMAIN_MANAGER
OTHERS = (BuiltIn.APP_MANAGEMENT, BuiltIn.HR, BuiltIn.IT, BuiltIn.FINANCE)
EVERYBODY = (ADMIN, READ_ONLY, DOMAINS, *OTHERS)

DOMAIN_SWITCH = "/settings/organization/domains/{domain}/user-requests/"
PERSON = "/settings/users/{person}/"
CHANGE = "/settings/users/change/"
OWN_TOKEN = "/settings/profile/tokens/{own_token}/revoke/"
SCIM = "/settings/users/scim/{connection}/"
REVOKE = f"{SCIM}tokens/{{token}}/revoke/"
UNDO = "/settings/users/changes/{event}/"
UNDO_REQUEST = "/settings/users/scim/log/{request}/undo/"

ROLE = "/settings/users/roles/{role}/"
OWN_ROLE = "/settings/users/roles/{own}/"

RENAMED = {
    "name": "Acme Ltd", "time_zone": "Europe/Berlin", "date_style": "de",
    "seen_name": "Acme", "seen_time_zone": "UTC", "seen_date_style": "en",
}  # fmt: skip

# Address, form (None: a GET), and whom it is open to; everybody else gets 403, or 404 at the operators' pages.
MATRIX: list[tuple[str, dict[str, str] | None, tuple[BuiltIn, ...]]] = [
    ("/settings/profile/", None, EVERYBODY),
    ("/settings/profile/tokens/make/", {"once": "{once}"}, EVERYBODY),
    (OWN_TOKEN, {}, EVERYBODY),
    ("/settings/users/", None, (ADMIN, READ_ONLY)),
    ("/settings/organization/", None, (ADMIN, READ_ONLY, DOMAINS)),
    ("/settings/audit-log/", None, (ADMIN, READ_ONLY)),
    ("/settings/audit-log/export.csv", None, (ADMIN, READ_ONLY)),
    (f"{SCIM}activity/", None, (ADMIN, READ_ONLY)),
    (f"{SCIM}test/", {"client": "jumpcloud", "email": "test.user@acme.example"}, (ADMIN,)),
    ("/settings/users/scim/test/{test_run}/", None, (ADMIN, READ_ONLY)),
    ("/settings/users/scim/log/", None, (ADMIN, READ_ONLY)),
    ("/settings/users/scim/limits/", None, (ADMIN, READ_ONLY)),
    ("/settings/users/scim/log/new/", None, (ADMIN, READ_ONLY)),
    ("/settings/users/scim/log/export.csv", None, (ADMIN, READ_ONLY)),
    ("/settings/users/scim/log/{request}/", None, (ADMIN, READ_ONLY)),
    ("/settings/users/scim/log/{request}/details.txt", None, (ADMIN,)),
    ("/settings/users/scim/log/{request}/log-next/", {}, (ADMIN,)),
    ("/settings/users/scim/log/{request}/switch/", {}, (ADMIN,)),
    ("/settings/users/scim/log/{request}/hand-over/", {}, (ADMIN,)),
    ("/settings/users/scim/log/{request}/allow-domain/", {}, (ADMIN, DOMAINS)),
    ("/settings/users/scim/log/{request}/apply-address/", {}, (ADMIN,)),
    ("/settings/organization/details/", RENAMED, (ADMIN,)),
    ("/settings/organization/slug/", None, (ADMIN,)),
    ("/settings/organization/slug/change/", {"slug": "acme-ltd", "expected_slug": "acme"}, (ADMIN,)),
    ("/settings/organization/slug/{former}/extend/", {}, (ADMIN,)),
    ("/settings/organization/slug/{former}/end/", {}, (ADMIN,)),
    ("/settings/organization/support/", {"wanted": "on"}, (ADMIN,)),
    *(
        (address, form, ())
        for address, form in (
            ("/admin/", None),
            ("/admin/organizations/organization/", None),
            ("/admin/organizations/organization/add/", None),
            ("/admin/organizations/organization/add/", {"name": "New", "slug": "new", "admin_email": "a@new.example"}),
            ("/admin/organizations/organization/{organization}/change/", None),
            ("/admin/organizations/organization/{organization}/suspend/", {"reason": "Why"}),
            ("/admin/organizations/organization/{organization}/reactivate/", {"reason": "Why"}),
            ("/admin/organizations/organization/{organization}/enter/", {}),
            ("/admin/organizations/organization/{organization}/rename/", {"name": "New", "slug": "new"}),
            ("/admin/organizations/organization/{organization}/first-admin/", {"admin_email": "a@new.example"}),
            ("/admin/organizations/organization/{organization}/vouch/", {"domain": "new.example"}),
            ("/admin/organizations/organization/{organization}/history/", None),
            ("/admin/organizations/organization/{organization}/delete/", {"post": "yes"}),
            ("/admin/leave/", {}),
            ("/admin/organizations/", None),
            ("/admin/password_change/", {"old_password": "x"}),
            ("/admin/password_change/done/", None),
            ("/admin/autocomplete/", None),
            ("/admin/jsi18n/", None),
            ("/admin/r/1/1/", None),
            *(
                (address, form)
                for model, key in {
                    "audit/auditevent": "event",
                    "domains/domain": "domain",
                    "organizations/mail": "mail",
                    "organizations/supportaccess": "support_access",
                    "provisioning/connection": "connection",
                    "provisioning/token": "token",
                }.items()
                for address, form in (
                    (f"/admin/{model}/", None),
                    (f"/admin/{model}/", {"action": "try_now", "_selected_action": f"{{{key}}}"}),
                    (f"/admin/{model}/add/", {}),
                    (f"/admin/{model}/{{{key}}}/change/", None),
                    (f"/admin/{model}/{{{key}}}/history/", None),
                    (f"/admin/{model}/{{{key}}}/delete/", {"post": "yes"}),
                )
            ),
        )
    ),
    (UNDO, None, (ADMIN,)),
    (f"{UNDO}undo/", {"expected_version": "1", "part": "title"}, (ADMIN,)),
    (UNDO_REQUEST, None, (ADMIN,)),
    (f"{UNDO_REQUEST}all/", {}, (ADMIN,)),
    ("/settings/users/export/", None, (ADMIN, READ_ONLY)),
    (PERSON, None, (ADMIN, READ_ONLY)),
    *(
        (CHANGE, {"action": action, "person": "{person}.1", "role": "{role}", "confirmed": "read"}, (ADMIN,))
        for action in ("suspend", "restore", "remove", "role")
    ),
    ("/settings/users/invite/", None, (ADMIN,)),
    ("/settings/users/invitations/send/", {"addresses": "ann@x.example", "role": "{role}"}, (ADMIN,)),
    *(
        (
            "/settings/users/invitations/change/",
            {"action": action, "invitation": "{invitation}.1", "confirmed": "read"},
            (ADMIN,),
        )
        for action in ("resend", "revoke")
    ),
    ("/settings/users/requests/approve/", {"asked": "{asked}", "role": "{role}"}, (ADMIN,)),
    ("/settings/users/requests/decline/", {"asked": "{asked}", "reason": "No", "confirmed": "read"}, (ADMIN,)),
    ("/settings/users/request-notices/add/", {"person": "{person}"}, (ADMIN,)),
    ("/settings/users/request-notices/remove/", {"person": "{person}"}, (ADMIN,)),
    (DOMAIN_SWITCH, {"wanted": "off"}, (ADMIN, DOMAINS)),
    ("/settings/organization/domains/add/", {"name": "new.example"}, (ADMIN, DOMAINS)),
    ("/settings/organization/domains/{domain}/", None, (ADMIN, READ_ONLY, DOMAINS)),
    ("/settings/organization/domains/{domain}/verify/", {}, (ADMIN, DOMAINS)),
    ("/settings/organization/domains/{domain}/remove/", {}, (ADMIN, DOMAINS)),
    ("/settings/users/default-role/", {"role": "{role}"}, (ADMIN,)),
    ("/settings/users/roles/new/", None, (ADMIN,)),
    ("/settings/users/roles/add/", {"name": "New", **dict.fromkeys(Area, "none")}, (ADMIN,)),
    (ROLE, None, (ADMIN, READ_ONLY)),
    (OWN_ROLE, None, (ADMIN, READ_ONLY)),
    (f"{OWN_ROLE}rename/", {}, (ADMIN,)),
    (f"{OWN_ROLE}save/", {"name": "Other", "expected_version": "1", **dict.fromkeys(Area, "none")}, (ADMIN,)),
    (f"{OWN_ROLE}delete/", {"expected_version": "1", "confirmed": "read"}, (ADMIN,)),
    (f"{ROLE}switch/", {"wanted": "off"}, (ADMIN,)),
    ("/settings/users/scim/role-rules/", None, (ADMIN,)),
    ("/settings/users/scim/role-rules/change/", {"do": "save", "expected_version": "0"}, (ADMIN,)),
    ("/settings/users/scim/role-rules/apply/", {}, (ADMIN,)),
    (f"{SCIM}generate-token/", {"once": "{once}"}, (ADMIN,)),
    (REVOKE, {}, (ADMIN,)),
    (f"{SCIM}tokens/{{token}}/rotate/", {"once": "{once}"}, (ADMIN,)),
    (f"{SCIM}tokens/{{token}}/rename/", {"name": "JumpCloud, November"}, (ADMIN,)),
    (f"{SCIM}tokens/{{token}}/retire/", {"when": "in-a-week", "expected_retires_at": ""}, (ADMIN,)),
    (f"{SCIM}tokens/{{token}}/keep/", {"expected_retires_at": ""}, (ADMIN,)),
    (f"{SCIM}additional-logging/", {"wanted": "on"}, (ADMIN,)),
    (f"{SCIM}switches/enabled/", {"wanted": "on"}, (ADMIN,)),
    (f"{SCIM}switches/groups_enabled/", {"wanted": "off"}, (ADMIN,)),
    (f"{SCIM}switches/strict/", {"wanted": "on"}, (ADMIN,)),
    (f"{SCIM}switches/manage_admins/", {"wanted": "on"}, (ADMIN,)),
    (f"{SCIM}switches/secondary_addresses/", {"wanted": "on"}, (ADMIN,)),
    ("/settings/users/scim/connections/add/", {"name": "Okta", "identity_provider": "okta"}, (ADMIN,)),
    (f"{SCIM}change/", {"name": "Okta", "identity_provider": "okta"}, (ADMIN,)),
    (f"{SCIM}hand-over/", {"replacement": "{replacement}", "confirmed": "read"}, (ADMIN,)),
    (f"{SCIM}remove/", {"replacement": "{replacement}", "confirmed": "read"}, (ADMIN,)),
    ("/settings/users/scim/people/{person}/hand-over/", {"replacement": "{replacement}"}, (ADMIN,)),
    ("/settings/users/scim/people/{person}/role-rules/", {}, (ADMIN,)),
    (f"{SCIM}brake/", None, (ADMIN, READ_ONLY)),
    (f"{SCIM}brake/switch/", {"wanted": "off"}, (ADMIN,)),
    (f"{SCIM}brake/percent/", {"percent": "30"}, (ADMIN,)),
    (f"{SCIM}brake/release/", {"expected_version": "1"}, (ADMIN,)),
    (f"{SCIM}brake/keep/", {"expected_version": "1"}, (ADMIN,)),
]

# An organization's own roles: one without rights, and one for each area and level.
OWN = ("none", *(f"{area}.{level}" for area in Area for level in ("view", "edit")))

# The area to which an address belongs, by how it begins; of several the first. To read needs View, to change Edit.
AREAS = (
    ("/settings/users/scim/", Area.SIGN_IN),
    ("/settings/users/roles/", Area.ROLES),
    ("/settings/users/default-role/", Area.ROLES),
    ("/settings/users/", Area.USERS),
    ("/settings/organization/domains/", Area.DOMAINS),
    ("/settings/organization/", Area.ORGANIZATION),
    ("/settings/audit-log/", Area.AUDIT_LOG),
)
# Addresses that another right opens, or any of several; for None everybody's do.
OTHERWISE: dict[str, tuple[str, ...] | None] = {
    "/settings/profile/": None,
    "/settings/profile/tokens/make/": None,
    OWN_TOKEN: None,
    "/settings/users/": ("users.view", "roles.view", "sign-in.view"),
    "/settings/organization/": ("organization.view", "domains.view"),
    "/settings/users/roles/new/": ("roles.edit",),
    "/settings/users/invite/": ("users.edit",),
    UNDO: ("users.edit",),
    UNDO_REQUEST: ("users.edit",),
    f"{UNDO_REQUEST}all/": ("users.edit",),
    "/settings/organization/slug/": ("organization.edit",),
    "/settings/users/scim/role-rules/": ("sign-in.edit",),
    "/settings/users/scim/people/{person}/role-rules/": ("users.edit",),
    "/settings/users/scim/log/{request}/allow-domain/": ("domains.edit",),
    "/settings/users/scim/log/{request}/apply-address/": ("users.edit",),
    # Who may read it needs every right that the connection gives, and none of these roles has them.
    "/settings/users/scim/log/{request}/details.txt": (),
}


def is_for_operators(address: str) -> bool:
    """Whether an address is not even there for the people of an organization."""
    return address.startswith("/admin/")


def rights_for(address: str, form: dict[str, str] | None) -> tuple[str, ...] | None:
    """The rights any one of which opens an address."""
    if address in OTHERWISE:
        return OTHERWISE[address]
    area = next(area for start, area in AREAS if address.startswith(start))
    return (f"{area}.view" if form is None else f"{area}.edit",)


def is_open(address: str, form: dict[str, str] | None, role: str, allowed: tuple[BuiltIn, ...]) -> bool:
    """Whether the table opens an address to a role: a built-in one by its name, an own one by its rights."""
    if role in EVERYBODY or is_for_operators(address):
        return role in allowed
    rights = rights_for(address, form)
    return rights is None or bool(permissions_of("", role) & set(rights))


NAMES_OF_ROWS = [
    " ".join(["GET" if form is None else "POST", address, (form or {}).get("action", "")]).strip()
    for address, form, _allowed in MATRIX
]

# Addresses that are in no row, and why.
ELSEWHERE = {
    "settings:index": "leads to the first page of the role; tested below",
    "settings:login": "leads to the sign-in",
    "settings:logout": "leads to the sign-out",
    "account_login": "for everybody: the sign-in",
    "sign-in": "for everybody: the sign-in",
    "forgotten-password": "for everybody: the sign-in",
    "admin:login": "for everybody: the operators' sign-in",
    "admin:logout": "leads to the sign-out",
    "account_logout": "for everybody who is signed in",
    "account_reauthenticate": "for everybody who is signed in",
    "account_inactive": "for everybody: says that one is suspended",
    "account_reset_password_from_key": "for who has the link from the mail",
    "account_reset_password_from_key_done": "for who has the link from the mail",
    "invitation": "for who has the link from the mail",
    "sign-up-in": "for everybody: asking for an account",
    "sign-up": "for everybody: asking for an account",
    "confirm-request": "for who has the link from the mail",
    "audit-logs": "for who has a personal token; tests of the API",
    "audit-openapi": "for everybody: a description",
}


@contextmanager
def taken_back() -> Iterator[None]:
    """What is done within is not done for what comes after it."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.mark.once  # no database has a say in what a role may do
@pytest.mark.parametrize(("address", "form", "allowed"), MATRIX, ids=NAMES_OF_ROWS)
def test_the_role_decides_and_the_server_refuses_whatever_the_page_shows(
    address: str,
    form: dict[str, str] | None,
    allowed: tuple[BuiltIn, ...],
    acme: Tenant,
    domain: Domain,
    token: Token,
    signed_in: SignedIn,
) -> None:
    ids = targets(acme, domain, token)
    values = values_of_forms(acme, ids) if form else {}
    for role in (*EVERYBODY, *OWN):
        may = is_open(address, form, role, allowed)
        if role in EVERYBODY or may:
            with taken_back():
                client = signed_in(acme, role)
                oneself = User.objects.of(acme.id).get(user_name_key__startswith=f"{role}@")
                filled = address.format(**ids | {"own_token": own_token(acme, oneself)})
                sent = None if form is None else {name: value.format(**values) for name, value in form.items()}
                assert_the_role_decides(client, filled, sent, role, acme, may=may)


def assert_the_role_decides(
    client: Client, address: str, form: dict[str, str] | None, role: str, acme: Tenant, *, may: bool
) -> None:
    refusal = 404 if is_for_operators(address) else 403
    if form is None:
        assert client.get(address).status_code == (200 if may else refusal), role
        return
    before = everything(acme)
    answer = client.post(address, form)
    # Where somebody may edit, but not as much as is asked for, the page says why.
    assert answer.status_code in ((302, 200) if may else (refusal,)), role
    if not may:
        assert everything(acme) == before, role
        if refusal == 403:
            assert client.post(address, form, **htmx()).content == (
                b"Your role does not allow this. Ask an Admin of your organization."
            )


def values_of_forms(tenant: Tenant, ids: dict[str, object]) -> dict[str, str]:
    """What the forms of the table speak of."""
    invited = invitations.invite(["bob@x.example"], role=tenant.role(BuiltIn.HR), by=tenant.by).invited
    return {
        **{name: str(value) for name, value in ids.items()},
        "role": str(tenant.role(BuiltIn.HR).pk),
        "once": "from a page that is too old",
        "person": str(ids["person"]),
        "invitation": str(invited[0].pk),
        "asked": str(waiting_request(tenant).pk),
        "replacement": str(connections.add("Heir", IdentityProvider.OKTA, by=tenant.by).pk),
    }


def own_token(tenant: Tenant, oneself: User) -> object:
    """The id of a personal token of somebody's own."""
    return personal_tokens.make(oneself.pk, "Script", [TokenScope.READ_ME], by=tenant.by)[0].pk


def targets(tenant: Tenant, domain: Domain, token: Token) -> dict[str, object]:
    """The ids that the addresses of the table speak of: all of one organization, and a token of one's own."""
    grace = tenant.add("grace")
    until = timezone.now() + timedelta(days=9)
    former = FormerSlug.objects.create(
        organization=tenant.organization, slug=f"{tenant.organization.slug}-old", until=until
    )
    mail = Mail.objects.create(organization=tenant.organization, name="m", to="grace@acme.example", subject="Hello")
    support_access = SupportAccess.objects.create(
        organization=tenant.organization, operator_id=uuid4(), operator_label="root"
    )
    return {
        "mail": mail.pk,
        "support_access": support_access.pk,
        "connection": tenant.connection.pk,
        "domain": domain.pk,
        "token": token.pk,
        "person": grace.pk,
        "own_token": own_token(tenant, grace),
        "former": former.pk,
        "organization": tenant.id,
        # One that can be switched off, and one of the organization's own.
        "role": tenant.role(BuiltIn.HR).pk,
        "own": tenant.role("spare").pk,
        "event": changed_by_scim(tenant, grace).pk,
        "test_run": a_test_run(tenant, state=RunState.PASSED).pk,
        "request": log(tenant, status=401, cause="groups-off", arguments={"domain": domain.name}).pk,
    }


def changed_by_scim(tenant: Tenant, user: User) -> AuditEvent:
    """The event of a change that can be undone."""
    by = Actor(tenant.id, "SCIM token smgr_1…", Channel.SCIM)
    trail.record(Action.USER_UPDATED, user, {"title": ["Engineer", None]}, by=by)
    return tenant.last_event()


@pytest.mark.parametrize(("address", "form", "allowed"), MATRIX)
def test_an_own_role_without_the_right_opens_and_changes_nothing(
    address: str,
    form: dict[str, str] | None,
    allowed: tuple[BuiltIn, ...],
    acme: Tenant,
    domain: Domain,
    token: Token,
    signed_in: SignedIn,
) -> None:
    filled = address.format(**targets(acme, domain, token))
    clients = {role: signed_in(acme, role) for role in OWN if not is_open(address, form, role, allowed)}
    before = everything(acme)
    for role, client in clients.items():
        answer = client.get(filled) if form is None else client.post(filled, form)
        assert answer.status_code == (404 if is_for_operators(address) else 403), role
    assert everything(acme) == before


@pytest.mark.once
@pytest.mark.parametrize(("address", "form"), [row[:2] for row in MATRIX])
def test_who_is_signed_out_opens_and_changes_nothing(
    address: str, form: dict[str, str] | None, acme: Tenant, domain: Domain, token: Token
) -> None:
    address = address.format(**targets(acme, domain, token))
    before = everything(acme)
    answer = Client().get(address) if form is None else Client().post(address, form)
    assert answer.status_code == 302
    channel = "/admin/login/" if is_for_operators(address) else "/sign-in/"
    assert answer.headers["Location"].startswith(f"{channel}?next=")
    assert everything(acme) == before


@pytest.mark.parametrize(("address", "form"), [row[:2] for row in MATRIX if "{" in row[0]])
def test_an_admin_of_another_organization_finds_nothing_at_an_address_with_an_id(
    address: str,
    form: dict[str, str] | None,
    acme: Tenant,
    globex: Tenant,
    domain: Domain,
    token: Token,
    signed_in: SignedIn,
) -> None:
    address = address.format(**targets(acme, domain, token))
    client = signed_in(globex)
    before = everything(acme)
    assert (client.get(address) if form is None else client.post(address, form)).status_code == 404
    assert everything(acme) == before


def test_every_address_is_in_the_table_or_said_to_be_elsewhere() -> None:
    ids = dict.fromkeys(re.findall(r"{(\w+)}", " ".join(address for address, *_rest in MATRIX)), uuid4())
    listed = {resolve(address.format(**ids)).view_name for address, _form, _allowed in MATRIX}
    known = set(addresses(get_resolver().url_patterns))
    assert known - listed - ELSEWHERE.keys() == set()
    assert ELSEWHERE.keys() - known == set(), "gone"


def addresses(patterns: list[URLPattern | URLResolver], namespace: str = "") -> Iterator[str]:
    """The names of all addresses; those of SCIM have none, and an identity provider's token instead of a role."""
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            inner = f"{pattern.namespace}:" if pattern.namespace else ""
            yield from addresses(pattern.url_patterns, namespace + inner)
        elif pattern.name:
            yield f"{namespace}{pattern.name}"


def everything(tenant: Tenant) -> list[object]:
    """What the controls can change."""
    return [
        list(Organization.objects.filter(pk=tenant.id).values()),
        list(FormerSlug.objects.of(tenant.id).values()),
        list(SupportAccess.objects.of(tenant.id).values()),
        list(Mail.objects.filter(organization_id=tenant.id, name="m").values()),
        Organization.objects.count(),
        list(Domain.objects.of(tenant.id).order_by("pk").values()),
        list(Role.objects.of(tenant.id).order_by("pk").values()),
        list(Connection.objects.of(tenant.id).values()),
        list(Brake.objects.of(tenant.id).values()),
        list(Token.objects.of(tenant.id).order_by("pk").values()),
        list(Invitation.objects.of(tenant.id).order_by("pk").values()),
        list(User.objects.of(tenant.id).order_by("pk").values("pk", "role", "is_active", "version")),
        list(AccountRequest.objects.of(tenant.id).order_by("pk").values()),
        list(PersonalToken.objects.of(tenant.id).order_by("pk").values()),
        list(RequestNotification.objects.of(tenant.id).order_by("pk").values()),
    ]


@pytest.mark.parametrize("role", EVERYBODY)
def test_the_menu_names_only_what_the_role_opens(role: BuiltIn, acme: Tenant, signed_in: SignedIn) -> None:
    page = signed_in(acme, role).get("/settings/profile/").content.decode()
    assert ('href="/settings/users/"' in page) == (role in (ADMIN, READ_ONLY))
    assert ('href="/settings/organization/"' in page) == (role in (ADMIN, READ_ONLY, DOMAINS))
    assert ('href="/settings/audit-log/"' in page) == (role in (ADMIN, READ_ONLY))


@pytest.mark.parametrize(
    ("role", "page"), [(ADMIN, "users"), (READ_ONLY, "users"), (DOMAINS, "organization"), (BuiltIn.HR, "profile")]
)
def test_settings_opens_at_the_first_page_of_the_role(
    role: BuiltIn, page: str, acme: Tenant, signed_in: SignedIn
) -> None:
    client = signed_in(acme, role)
    assert client.get("/settings/").headers["Location"] == f"/settings/{page}/"
    assert client.get("/", follow=True).redirect_chain[-1][0] == f"/settings/{page}/"


def test_who_may_only_read_finds_no_control(acme: Tenant, token: Token, signed_in: SignedIn) -> None:
    client = signed_in(acme, READ_ONLY)
    for page in ("/settings/users/", "/settings/organization/", "/settings/audit-log/"):
        html = client.get(page).content.decode()
        main = html[html.index("<main") :]
        assert 'role="switch"' not in main
        assert 'method="post"' not in main


@pytest.mark.parametrize("form", [{"wanted": "off"}, {"wanted": "on"}])
def test_another_organizations_domain_is_not_there(
    form: dict[str, str], acme: Tenant, globex: Tenant, signed_in: SignedIn
) -> None:
    foreign = Domain.objects.of(globex.id).get()
    client = signed_in(acme)
    assert client.post(DOMAIN_SWITCH.format(domain=foreign.pk), form).status_code == 404
    assert client.post(DOMAIN_SWITCH.format(domain=foreign.pk), form, **htmx()).status_code == 404
    assert client.post(DOMAIN_SWITCH.format(domain=uuid4()), form).status_code == 404
    foreign.refresh_from_db()
    assert foreign.user_requests is True


def test_another_organizations_token_and_role_are_not_there(
    acme: Tenant, globex: Tenant, token: Token, signed_in: SignedIn
) -> None:
    client = signed_in(globex)
    assert client.post(REVOKE.format(connection=globex.connection.pk, token=token.pk)).status_code == 404
    token.refresh_from_db()
    assert token.revoked_at is None
    foreign = acme.role(BuiltIn.HR)
    assert client.post("/settings/users/default-role/", {"role": str(foreign.pk)}).status_code == 404
    assert client.post("/settings/users/default-role/", {"role": "no-uuid"}).status_code == 404
    assert Role.objects.of(globex.id).get(is_default=True).key == BuiltIn.APP_MANAGEMENT


@pytest.mark.parametrize("action", ["suspend", "restore", "remove", "role"])
@pytest.mark.parametrize("confirmed", ["read", ""])
def test_another_organizations_people_are_not_there(
    action: str, confirmed: str, acme: Tenant, globex: Tenant, signed_in: SignedIn
) -> None:
    foreign = globex.add("gabriel")
    before = everything(globex)
    client = signed_in(acme)
    role = str(acme.role(BuiltIn.HR).pk)
    for person in (foreign.pk, uuid4()):
        assert client.get(PERSON.format(person=person)).status_code == 404
        form = {"action": action, "person": f"{person}.1", "role": role, "confirmed": confirmed}
        assert client.post(CHANGE, form).status_code == 404
        assert client.post(CHANGE, form, **htmx()).status_code == 404
    assert everything(globex) == before


def test_another_organizations_role_can_not_be_given(acme: Tenant, globex: Tenant, signed_in: SignedIn) -> None:
    grace, before = acme.add("grace"), acme.role(BuiltIn.APP_MANAGEMENT)
    form = {"action": "role", "person": f"{grace.pk}.1", "confirmed": "read"}
    client = signed_in(acme)
    for role in (globex.role(BuiltIn.ADMIN).pk, uuid4(), "no-uuid"):
        assert client.post(CHANGE, {**form, "role": str(role)}).status_code == 404
    grace.refresh_from_db()
    assert grace.role == before


def test_pages_show_nothing_of_another_organization(acme: Tenant, globex: Tenant, signed_in: SignedIn) -> None:
    globex.add("gabriel")
    client = signed_in(acme)
    pages = ("/settings/users/", "/settings/organization/", "/settings/audit-log/", "/settings/profile/")
    for page in (*pages, "/settings/users/?q=gabriel", "/settings/audit-log/?q=gabriel"):
        assert "globex" not in client.get(page).content.decode().lower()


@pytest.mark.parametrize(
    "address",
    ["/settings/", "/settings/users/", "/settings/organization/", "/settings/audit-log/", "/settings/profile/"],
)
def test_who_is_signed_out_goes_to_sign_in_and_comes_back(address: str, db: None) -> None:
    answer = Client().get(address)
    assert answer.status_code == 302
    assert answer.headers["Location"] == f"/sign-in/?next={address.replace('/', '%2F')}"


def test_a_control_used_after_signing_out_changes_nothing_and_says_so(domain: Domain) -> None:
    address = DOMAIN_SWITCH.format(domain=domain.pk)
    assert Client().post(address, {"wanted": "off"}).headers["Location"].startswith("/sign-in/?next=")
    answer = Client().post(address, {"wanted": "off"}, **htmx())
    assert answer.status_code == 401
    assert "signed out" in answer.content.decode()
    domain.refresh_from_db()
    assert domain.user_requests is True


def test_coming_back_to_the_address_of_a_form_leads_to_its_section(
    acme: Tenant, domain: Domain, signed_in: SignedIn
) -> None:
    answer = signed_in(acme).get(DOMAIN_SWITCH.format(domain=domain.pk))
    assert answer.headers["Location"] == "/settings/organization/#domains"


@pytest.mark.parametrize("form", [{}, {"wanted": ""}, {"wanted": "maybe"}, {"wanted": "ON"}])
def test_a_switch_that_does_not_say_what_it_wants_changes_nothing(
    form: dict[str, str], acme: Tenant, domain: Domain, signed_in: SignedIn
) -> None:
    client = signed_in(acme)
    assert client.post(DOMAIN_SWITCH.format(domain=domain.pk), form, **htmx()).status_code == 400
    domain.refresh_from_db()
    assert domain.user_requests is True


def test_forms_from_other_sites_are_refused(acme: Tenant, domain: Domain, signed_in: SignedIn) -> None:
    client = signed_in(acme)
    client.handler.enforce_csrf_checks = True
    answer = client.post(DOMAIN_SWITCH.format(domain=domain.pk), {"wanted": "off"})
    assert answer.status_code == 403
    assert "This form is too old" in answer.content.decode()
    domain.refresh_from_db()
    assert domain.user_requests is True


def test_pages_are_kept_by_nobody_and_framed_by_nobody(acme: Tenant, signed_in: SignedIn) -> None:
    headers = signed_in(acme).get("/settings/users/").headers
    assert "no-store" in headers["Cache-Control"]
    assert headers["X-Frame-Options"] == "DENY"
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("address", ["/nowhere/", "/settings/nowhere/", "/sign-in/a/b/c/", "/accounts/login/"])
def test_an_address_that_leads_nowhere_says_so_in_our_look(address: str, acme: Tenant, signed_in: SignedIn) -> None:
    answer = signed_in(acme).get(address)
    assert answer.status_code == 404
    assert "There is nothing here" in answer.content.decode()


def test_an_error_of_ours_shows_a_page_without_details(
    acme: Tenant, signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = signed_in(acme)
    client.raise_request_exception = False
    monkeypatch.setattr("console.sections.visible", lambda *args: 1 / 0)
    answer = client.get("/settings/users/")
    assert answer.status_code == 500
    assert "Something went wrong on our side" in answer.content.decode()
    assert "ZeroDivision" not in answer.content.decode()
