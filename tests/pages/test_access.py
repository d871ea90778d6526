"""Who may open and change what: one table of role, address, method and status."""

from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from domains.models import Domain
from organizations.models import FormerSlug, Organization, SupportVisit
from scim.models import Connection, Token
from tests.pages.conftest import SignedIn, htmx
from tests.tenants import Tenant, waiting_request
from users.models import AccountRequest, Invitation, Role, User
from users.permissions import BuiltIn
from users.services import invitations

ADMIN, READ_ONLY, DOMAINS = BuiltIn.ADMIN, BuiltIn.READ_ONLY, BuiltIn.DOMAIN_MANAGER
OTHERS = (BuiltIn.APP_MANAGEMENT, BuiltIn.HR, BuiltIn.IT, BuiltIn.FINANCE)
EVERYBODY = (ADMIN, READ_ONLY, DOMAINS, *OTHERS)

DOMAIN_SWITCH = "/settings/organization/domains/{domain}/user-requests/"
PERSON = "/settings/users/{person}/"
CHANGE = "/settings/users/change/"
REVOKE = "/settings/users/scim/tokens/{token}/revoke/"

RENAMED = {
    "name": "Acme Ltd", "time_zone": "Europe/Berlin", "date_style": "de",
    "seen_name": "Acme", "seen_time_zone": "UTC", "seen_date_style": "en",
}  # fmt: skip

# Address, form (None: a GET), and whom it is open to; everybody else gets 403, or 404 at the operators' pages.
MATRIX: list[tuple[str, dict[str, str] | None, tuple[BuiltIn, ...]]] = [
    ("/settings/profile/", None, EVERYBODY),
    ("/settings/users/", None, (ADMIN, READ_ONLY)),
    ("/settings/organization/", None, (ADMIN, READ_ONLY, DOMAINS)),
    ("/settings/audit-log/", None, (ADMIN, READ_ONLY)),
    ("/settings/audit-log/export.csv", None, (ADMIN, READ_ONLY)),
    ("/settings/users/scim/activity/", None, (ADMIN, READ_ONLY)),
    ("/settings/organization/details/", RENAMED, (ADMIN,)),
    ("/settings/organization/slug/", None, (ADMIN,)),
    ("/settings/organization/slug/change/", {"slug": "acme-ltd", "seen": "acme"}, (ADMIN,)),
    ("/settings/organization/slug/{former}/extend/", {}, (ADMIN,)),
    ("/settings/organization/slug/{former}/end/", {}, (ADMIN,)),
    ("/settings/organization/support/", {"wanted": "on"}, (ADMIN,)),
    *(
        (address, form, ())
        for address, form in (
            ("/operator/", None),
            ("/operator/organizations/", None),
            ("/operator/organizations/add/", None),
            ("/operator/organizations/add/", {"name": "New", "slug": "new", "admin_email": "a@new.example"}),
            ("/operator/organizations/{organization}/", None),
            ("/operator/organizations/{organization}/hold/", {"reason": "Why"}),
            ("/operator/organizations/{organization}/release/", {"reason": "Why"}),
            ("/operator/organizations/{organization}/enter/", {}),
            ("/operator/leave/", {}),
        )
    ),
    ("/settings/users/export/", None, (ADMIN, READ_ONLY)),
    (PERSON, None, (ADMIN, READ_ONLY)),
    *(
        (CHANGE, {"action": action, "person": "{person}.1", "role": "{role}", "sure": "read"}, (ADMIN,))
        for action in ("suspend", "restore", "remove", "role")
    ),
    ("/settings/users/invite/", None, (ADMIN,)),
    ("/settings/users/invitations/send/", {"addresses": "ann@x.example", "role": "{role}"}, (ADMIN,)),
    *(
        (
            "/settings/users/invitations/change/",
            {"action": action, "invitation": "{invitation}.1", "sure": "read"},
            (ADMIN,),
        )
        for action in ("resend", "revoke")
    ),
    ("/settings/users/requests/approve/", {"asked": "{asked}", "role": "{role}"}, (ADMIN,)),
    ("/settings/users/requests/decline/", {"asked": "{asked}", "reason": "No", "sure": "read"}, (ADMIN,)),
    (DOMAIN_SWITCH, {"wanted": "off"}, (ADMIN, DOMAINS)),
    ("/settings/organization/domains/add/", {"name": "new.example"}, (ADMIN, DOMAINS)),
    ("/settings/organization/domains/{domain}/", None, (ADMIN, READ_ONLY, DOMAINS)),
    ("/settings/organization/domains/{domain}/verify/", {}, (ADMIN, DOMAINS)),
    ("/settings/organization/domains/{domain}/remove/", {}, (ADMIN, DOMAINS)),
    ("/settings/users/default-role/", {"role": "{role}"}, (ADMIN,)),
    ("/settings/users/scim/generate-token/", {"once": "{once}"}, (ADMIN,)),
    (REVOKE, {}, (ADMIN,)),
    ("/settings/users/scim/enabled/", {"wanted": "on"}, (ADMIN,)),
    ("/settings/users/scim/groups/", {"wanted": "off"}, (ADMIN,)),
    ("/settings/users/scim/strict/", {"wanted": "on"}, (ADMIN,)),
    ("/settings/users/scim/manage-admins/", {"wanted": "on"}, (ADMIN,)),
]
ROWS = [
    pytest.param(
        address,
        form,
        role,
        role in allowed,
        id=" ".join([role, "GET" if form is None else "POST", address, (form or {}).get("action", "")]).strip(),
    )
    for address, form, allowed in MATRIX
    for role in EVERYBODY
]


@pytest.mark.parametrize(("address", "form", "role", "allowed"), ROWS)
def test_the_role_decides_and_the_server_refuses_whatever_the_page_shows(
    address: str,
    form: dict[str, str] | None,
    role: BuiltIn,
    allowed: bool,
    acme: Tenant,
    domain: Domain,
    token: Token,
    signed_in: SignedIn,
) -> None:
    client = signed_in(acme, role)
    grace = acme.add("grace")
    former = FormerSlug.objects.create(organization=acme.organization, slug="acme-old", until=far_away())
    address = address.format(domain=domain.pk, token=token.pk, person=grace.pk, former=former.pk, organization=acme.id)
    refusal = 404 if address.startswith("/operator/") else 403
    if form is None:
        status = client.get(address).status_code
        assert status == (200 if allowed else refusal)
        return
    invited = invitations.invite(["bob@x.example"], role=acme.role(BuiltIn.HR), by=acme.by).invited
    values = {
        "role": str(acme.role(BuiltIn.HR).pk),
        "once": "from a page that is too old",
        "person": str(grace.pk),
        "invitation": str(invited[0].pk),
        "asked": str(waiting_request(acme).pk),
    }
    before = everything(acme)
    answer = client.post(address, {name: value.format(**values) for name, value in form.items()})
    assert answer.status_code == (302 if allowed else refusal)
    if not allowed:
        assert everything(acme) == before
        if refusal == 403:
            assert client.post(address, form, **htmx()).content == (
                b"Your role does not allow this. Ask an Admin of your organization."
            )


def far_away() -> datetime:
    return timezone.now() + timedelta(days=9)


def everything(tenant: Tenant) -> list[object]:
    """What the controls can change."""
    return [
        list(Organization.objects.filter(pk=tenant.id).values()),
        list(FormerSlug.objects.of(tenant.id).values()),
        list(SupportVisit.objects.of(tenant.id).values()),
        Organization.objects.count(),
        list(Domain.objects.of(tenant.id).order_by("pk").values()),
        list(Role.objects.of(tenant.id).order_by("pk").values()),
        list(Connection.objects.of(tenant.id).values()),
        list(Token.objects.of(tenant.id).order_by("pk").values()),
        list(Invitation.objects.of(tenant.id).order_by("pk").values()),
        list(User.objects.of(tenant.id).order_by("pk").values("pk", "role", "is_active", "version")),
        list(AccountRequest.objects.of(tenant.id).order_by("pk").values()),
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
    assert client.post(REVOKE.format(token=token.pk)).status_code == 404
    token.refresh_from_db()
    assert token.revoked_at is None
    foreign = acme.role(BuiltIn.HR)
    assert client.post("/settings/users/default-role/", {"role": str(foreign.pk)}).status_code == 404
    assert client.post("/settings/users/default-role/", {"role": "no-uuid"}).status_code == 404
    assert Role.objects.of(globex.id).get(is_default=True).key == BuiltIn.APP_MANAGEMENT


@pytest.mark.parametrize("action", ["suspend", "restore", "remove", "role"])
@pytest.mark.parametrize("sure", ["read", ""])
def test_another_organizations_people_are_not_there(
    action: str, sure: str, acme: Tenant, globex: Tenant, signed_in: SignedIn
) -> None:
    foreign = globex.add("gabriel")
    before = everything(globex)
    client = signed_in(acme)
    role = str(acme.role(BuiltIn.HR).pk)
    for person in (foreign.pk, uuid4()):
        assert client.get(PERSON.format(person=person)).status_code == 404
        form = {"action": action, "person": f"{person}.1", "role": role, "sure": sure}
        assert client.post(CHANGE, form).status_code == 404
        assert client.post(CHANGE, form, **htmx()).status_code == 404
    assert everything(globex) == before


def test_another_organizations_role_can_not_be_given(acme: Tenant, globex: Tenant, signed_in: SignedIn) -> None:
    grace, before = acme.add("grace"), acme.role(BuiltIn.APP_MANAGEMENT)
    form = {"action": "role", "person": f"{grace.pk}.1", "sure": "read"}
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
    monkeypatch.setattr("organizations.pages.visible", lambda *args: 1 / 0)
    answer = client.get("/settings/users/")
    assert answer.status_code == 500
    assert "Something went wrong on our side" in answer.content.decode()
    assert "ZeroDivision" not in answer.content.decode()
