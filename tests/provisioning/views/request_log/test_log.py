"""The request log's page: what each cause reads like, what mends it, the filters, the pages and the file."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from html import unescape
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext, override_settings
from django.utils import timezone

import domains.services
import organizations.services.organizations
from audit.actions import Action
from core.turns import TURN
from domains.models import Domain
from provisioning.models import Connection, InlineValue, RequestLog, RequestLogQuerySet, Token
from provisioning.models.request_log import MOST_FAILURES
from provisioning.services import limits
from provisioning.services.connections import connections, tokens
from provisioning.services.fixes import Fix
from provisioning.services.request_log import causes, subject_keys, writer
from provisioning.services.request_log.causes import CAUSES
from provisioning.views.request_log import log as request_log
from provisioning.views.request_log import search
from provisioning.views.request_log.search import RequestsForm
from scripts.shares import Turn
from tests.identity_provider import Idp
from tests.provisioning.views.connections.test_section import log, plain
from tests.signed_in import SignedIn
from tests.tenants import Tenant
from users.models import Source, User
from users.permissions import BuiltIn

pytestmark = pytest.mark.django_db

PAGE, FILE = "/settings/users/scim/log/", "/settings/users/scim/log/export.csv"


@pytest.fixture
def client(acme: Tenant, signed_in: SignedIn) -> Client:
    return signed_in(acme)


@pytest.fixture
def idp(acme: Tenant) -> Idp:
    """Acme's identity provider, whose token is valid."""
    _, text = connections.generate_token(acme.connection, by=acme.by)
    connections.set_enabled(acme.connection, True, by=acme.by)
    return Idp(acme.organization, text)


@pytest.mark.parametrize(
    ("asked", "index"),
    [
        ({}, "request_log_by_organization"),
        ({"status": "refused"}, "request_log_failures"),
        ({"status": "failed"}, "request_log_faults"),
        ({"cause": "provisioning-paused"}, "request_log_by_cause"),
        ({"status": "partly"}, "request_log_partly_failed"),
        ({"user": "0198c0de-0000-7000-8000-000000000000"}, "request_log_by_user"),
    ],
    ids=str,
)
def test_a_page_is_read_off_its_own_index(asked: dict[str, str], index: str, acme: Tenant, globex: Tenant) -> None:
    """Of millions of rows a few may fit, or none: whoever looks for them in another index reads all."""
    if connection.vendor == "postgresql":
        _fill_the_log(acme, most_of_it=globex)
    found = RequestsForm(asked, acme.id).narrow().ways[0].order_by("-pk")[:51]
    # Of all rows an organization has half on an average here, and so any index will do where it is not known which.
    plan = _plan(found) if asked else found.explain()
    assert re.search(rf"\b{index}\b", plan), plan


def _fill_the_log(tenant: Tenant, *, most_of_it: Tenant, **fields: Any) -> None:
    """Write a log as a real one is: what somebody looks for is rare in it, and PostgreSQL knows how rare.

    In an empty table several indexes cost the same, and which one is taken is anybody's guess.
    """
    rare: list[dict[str, Any]] = [
        {"status": 429, "cause": "provisioning-paused"},
        {"status": 503},
        {"status": 200, "operations": 3, "failed_operations": 1},
        {"status": 200, "user_id": UUID("0198c0de-0000-7000-8000-000000000000")},
    ]
    now = timezone.now()
    RequestLog.objects.bulk_create(
        RequestLog(
            organization=(most_of_it if number % 50 else tenant).organization,
            created_at=now,
            duration_us=900,
            **(rare[number // 50] if number // 50 < len(rare) else {"status": 200}),
            **fields,
        )
        for number in range(10_000)
    )
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {RequestLog._meta.db_table}")


def _plan(found: RequestLogQuerySet) -> str:
    """How a query is answered; on PostgreSQL once it was prepared and is planned for any parameters."""
    if connection.vendor == "sqlite":
        return found.explain()
    sql, parameters = found.query.sql_with_params()
    given = ", ".join("'" + str(each).replace("'", "''") + "'" for each in parameters)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        cursor.execute(f"PREPARE asked AS {sql % tuple(f'${number + 1}' for number in range(len(parameters)))}")
        cursor.execute(f"EXPLAIN EXECUTE asked ({given})")
        plan = "\n".join(row[0] for row in cursor.fetchall())
        cursor.execute("DEALLOCATE asked")
    return plan


def latest(idp: Idp) -> RequestLog:
    return idp.log()[-1]


def permalink(row: RequestLog) -> str:
    return f"{PAGE}{row.pk}/"


def shown(client: Client, address: str = PAGE, **parameters: Any) -> str:
    """The text of the page's main part."""
    html = client.get(address, parameters).content.decode()
    return unescape(plain(html[html.index("<main") :]))


# One request for each cause: what is done, and what the page says of it


def _wrong_token(_acme: Tenant, idp: Idp) -> None:
    Idp(idp.organization, "smgr_mistyped").get("/Users")


def _no_token(_acme: Tenant, idp: Idp) -> None:
    idp.http.get(idp.base + "/Users")


def _scim_off(acme: Tenant, idp: Idp) -> None:
    connections.set_enabled(acme.connection, False, by=acme.by)
    idp.get("/Users")


def _expired(_acme: Tenant, idp: Idp) -> None:
    Token.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    idp.get("/Users")


def _revoked(acme: Tenant, idp: Idp) -> None:
    connections.revoke_token(Token.objects.get().pk, by=acme.by)
    idp.get("/Users")


def _retired(_acme: Tenant, idp: Idp) -> None:
    Token.objects.update(retires_at=timezone.now() - timedelta(seconds=1))
    idp.get("/Users")


def _replaced(acme: Tenant, idp: Idp) -> None:
    token = Token.objects.get()
    tokens.rename_token(token.pk, "JumpCloud", by=acme.by)
    tokens.rotate_token(token.pk, by=acme.by)
    connections.revoke_token(token.pk, by=acme.by)
    idp.get("/Users")


def _suspended(acme: Tenant, idp: Idp) -> None:
    organizations.services.organizations.suspend("Unpaid", by=acme.by)
    idp.get("/Users")
    organizations.services.organizations.reactivate("Paid", by=acme.by)


def _domain_unknown(_acme: Tenant, idp: Idp) -> None:
    idp.send("POST", "/Users", {"userName": "kim@acme.io"})


def _domain_unticked(acme: Tenant, idp: Idp) -> None:
    acme.tick("acme.io", False)
    idp.send("POST", "/Users", {"userName": "kim@acme.io"})


def _domain_unverified(acme: Tenant, idp: Idp) -> None:
    domains.services.add("acme.io", by=acme.by)
    idp.send("POST", "/Users", {"userName": "kim@acme.io"})


def _exists(acme: Tenant, idp: Idp) -> None:
    acme.add("kim")
    idp.send("POST", "/Users", {"userName": "kim@acme.example"})


def _manual(acme: Tenant, idp: Idp) -> None:
    kim = acme.add("kim", source=Source.MANUAL)
    idp.patch(str(kim.pk), {"op": "replace", "path": "title", "value": "x"})


def _manual_admin(acme: Tenant, idp: Idp) -> None:
    kim = acme.add("kim", BuiltIn.ADMIN, source=Source.MANUAL)
    idp.patch(str(kim.pk), {"op": "replace", "path": "externalId", "value": "x"})


def _last_admin(acme: Tenant, idp: Idp) -> None:
    connections.set_manage_admins(acme.connection, True, by=acme.by)
    kim = acme.add("kim", BuiltIn.ADMIN)
    type(kim).objects.of(acme.id).exclude(pk=kim.pk).update(is_active=False)
    idp.patch(str(kim.pk), {"op": "replace", "path": "active", "value": False})
    type(kim).objects.of(acme.id).update(is_active=True)


def _address_of_an_admin(acme: Tenant, idp: Idp) -> None:
    kim = acme.add("kim", BuiltIn.ADMIN)
    idp.patch(str(kim.pk), {"op": "replace", "path": "userName", "value": "lee@acme.example"})


def _admin_sent(_acme: Tenant, idp: Idp) -> None:
    idp.create("kim@acme.example", roles=[{"value": "Admin"}])


def _role_unknown(_acme: Tenant, idp: Idp) -> None:
    idp.create("kim@acme.example", roles=[{"value": "Employee"}])


def _tolerated(_acme: Tenant, idp: Idp) -> None:
    idp.create("kim@acme.example", active="False")


def _strict(acme: Tenant, idp: Idp) -> None:
    connections.set_strict(acme.connection, True, by=acme.by)
    idp.send("POST", "/Users", {"userName": "kim@acme.example", "active": "False"})


def _too_many(acme: Tenant, idp: Idp) -> None:
    for number in range(10):
        idp.send("DELETE", f"/Users/{acme.add(f'p{number}').pk}")


def _malformed(_acme: Tenant, idp: Idp) -> None:
    idp.send("POST", "/Users", b"{")


def _filter(_acme: Tenant, idp: Idp) -> None:
    idp.get("/Users", {"filter": "username2 eq 1"})


def _version(_acme: Tenant, idp: Idp) -> None:
    kim = idp.create("kim@acme.example")
    operation = {"op": "replace", "path": "title", "value": "x"}
    idp.patch(kim["id"], operation, if_match='W/"999"')


def _not_there(_acme: Tenant, idp: Idp) -> None:
    idp.get(f"/Users/{uuid4()}")


def _groups_off(acme: Tenant, idp: Idp) -> None:
    connections.set_groups_enabled(acme.connection, False, by=acme.by)
    idp.get("/Groups")


def _method(_acme: Tenant, idp: Idp) -> None:
    idp.send("DELETE", "/Users")


def _too_large(_acme: Tenant, idp: Idp) -> None:
    idp.send("POST", "/Users", b" " * (1024 * 1024 + 1))


def _beyond(who: str) -> "Act":
    def act(_acme: Tenant, idp: Idp) -> None:
        asking = Idp(idp.organization, "wrong") if who == "UNAUTHORIZED" else idp
        with override_settings(**{f"SCIM_{who}_RATE": 0.5, f"SCIM_{who}_BURST": 1}):
            asking.get("/Users")
            asking.get("/Users")
        # Other tests send from the same address.
        getattr(limits, who).buckets.clear()

    return act


def _over_share(_acme: Tenant, idp: Idp) -> None:
    turn = Turn("acme")
    turn.over_share = 3
    headers = {"authorization": f"Bearer {idp.token}"}
    idp.http.get(f"{idp.base}/Users", headers=headers, **{TURN: turn})


Act = Callable[[Tenant, Idp], None]
HAPPENED: list[tuple[Act, str, str, str]] = [
    (_wrong_token, "token-unknown", "Refused: nobody here has such a token.", "Generate a token"),
    (_no_token, "token-missing", "Refused: the request carried no bearer token.", "Generate a token"),
    (_scim_off, "scim-off", "Refused: Enable SCIM is off.", "Enable SCIM…"),
    (_expired, "token-expired", "Refused: this token has expired.", "Generate a token"),
    (_revoked, "token-revoked", "Refused: this token was revoked.", "Generate a token"),
    (_retired, "token-retired", "Refused: this token retired on the day that was set for it.", "Generate a token"),
    (_replaced, "token-replaced", "Refused: this token was replaced by 'JumpCloud (2)'.", "Show the tokens"),
    (
        _suspended,
        "organization-suspended",
        "Refused: the organization was suspended.",
        "The organization is active again.",
    ),
    (_domain_unknown, "domain-unknown", "Refused: the e-mail domain 'acme.io' is not registered", "Add acme.io"),
    (_domain_unticked, "domain-without-user-requests", "does not have the User requests checkmark",
     "Allow acme.io for User requests…"),
    (_domain_unverified, "domain-unverified", "does not have the User requests checkmark", "Verify acme.io"),
    (_exists, "name-taken", "'kim@acme.example' exists already.", "Show kim@acme.example"),
    (_manual, "not-adopted", "kim@acme.example was not made by SCIM.", "Show kim@acme.example"),
    (_manual_admin, "admin-not-adopted", "kim@acme.example is an Admin", "Let SCIM manage Admins…"),
    (_address_of_an_admin, "address-protected", "kim@acme.example has the role Admin", "Apply this address…"),
    (_last_admin, "last-admin", "kim@acme.example is the last active Admin.", "Show kim@acme.example"),
    (_too_many, "provisioning-paused", "p9@acme.example was not deleted: 9 of 10 people have been suspended or deleted",
     "Look at who would go"),
    (_admin_sent, "admin-not-given", "The role 'Admin' was not given.", "Let SCIM manage Admins…"),
    (_role_unknown, "role-unknown", "There is no role 'Employee'", "Show the roles"),
    (_tolerated, "tolerated", "Created kim@acme.example.", ""),
    (_strict, "strict-mode", "Strict mode is on, so that is refused.", "Turn off Strict mode…"),
    (_malformed, "InvalidSyntax", "Refused: ", ""),
    (_filter, "InvalidFilter", "Refused: ", ""),
    (_version, "PreconditionFailed", "Refused: ", ""),
    (_not_there, "user-unknown", "Refused: there is no user", ""),
    (_groups_off, "groups-off", "Groups is off", "Turn on Groups…"),
    (_method, "MethodNotAllowed", "does not apply here", ""),
    (_too_large, "PayloadTooLarge", "Refused: ", ""),
    (_beyond("TOKEN"), "token-limit", "Refused for now: the token sends more than 0.5 requests a second",
     "Show who was limited"),
    (_beyond("ORGANIZATION"), "organization-limit", "tokens together send more than 0.5 requests a second",
     "Show who was limited"),
    (_beyond("UNAUTHORIZED"), "unauthorized-limit", "127.0.0.1 sends too many requests without a valid token.",
     "Show who was limited"),
    (_over_share, "share-limit", "The identity provider was told to try again in 3 seconds.", "Show who was limited"),
]  # fmt: skip


@pytest.mark.parametrize(("act", "cause", "result", "fix"), HAPPENED, ids=[each[1] for each in HAPPENED])
def test_each_cause_is_told_with_what_mends_it(
    act: Act, cause: str, result: str, fix: str, acme: Tenant, idp: Idp, client: Client
) -> None:
    act(acme, idp)
    row = latest(idp)
    assert row.cause == cause
    listed, alone = shown(client, cause=cause), shown(client, permalink(row))
    assert result in listed
    assert result in alone
    assert CAUSES[cause].name in alone
    assert fix in listed
    assert fix in alone
    assert bool(fix) == (CAUSES[cause].fix is not None)


def test_every_cause_that_code_can_give_has_a_name() -> None:
    assert all(cause.name for cause in CAUSES.values())
    assert len({cause.name for cause in CAUSES.values()}) == len(CAUSES)
    assert {cause.fix for cause in CAUSES.values()} - {None} == set(Fix)


# Mending


@pytest.mark.parametrize(
    ("act", "said", "action"),
    [
        (_scim_off, "SCIM is on now.", Action.SCIM_ENABLED),
        (_groups_off, "Groups is on now.", Action.SCIM_GROUPS_ALLOWED),
        (_manual_admin, "SCIM may manage Admins now.", Action.SCIM_ADMIN_ALLOWED),
        (_strict, "Strict mode is off now.", Action.SCIM_STRICT_OFF),
    ],
)
def test_a_switch_is_turned_from_the_request_that_it_refused(
    act: Act, said: str, action: Action, acme: Tenant, idp: Idp, client: Client
) -> None:
    act(acme, idp)
    row = latest(idp)
    fix = f"{permalink(row)}switch/"
    answer = client.post(fix)
    assert answer.headers["Location"] == permalink(row)
    assert acme.last_event().action == action
    page = shown(client, permalink(row))
    assert f"{said} Your identity provider sends the request again" in page
    before = len(acme.events())
    client.post(fix)
    assert len(acme.events()) == before
    assert said in shown(client)


def test_a_domain_gets_the_checkmark_from_the_request_that_it_refused(acme: Tenant, idp: Idp, client: Client) -> None:
    _domain_unticked(acme, idp)
    row = latest(idp)
    assert client.post(f"{permalink(row)}allow-domain/").status_code == 302
    assert Domain.objects.of(acme.id).get(name="acme.io").user_requests
    assert acme.last_event().actor_label == "admin@acme.example"
    assert "acme.io has the User requests checkmark now." in shown(client, permalink(row))
    assert idp.send("POST", "/Users", {"userName": "kim@acme.io"}).status_code == 201


def test_a_request_without_a_mend_changes_nothing(acme: Tenant, idp: Idp, client: Client) -> None:
    _not_there(acme, idp)
    before = len(acme.events())
    for verb in ("switch", "allow-domain"):
        assert client.post(f"{permalink(latest(idp))}{verb}/").status_code == 302
    assert len(acme.events()) == before


def test_scim_without_a_live_token_is_not_enabled_from_the_log(acme: Tenant, idp: Idp, client: Client) -> None:
    _scim_off(acme, idp)
    row = latest(idp)
    _revoked(acme, idp)
    answer = client.post(f"{permalink(row)}switch/", follow=True)
    assert "Generate a token before you enable SCIM." in answer.content.decode()
    assert not Connection.objects.of(acme.id).get().enabled


def test_who_may_only_look_is_offered_no_change(acme: Tenant, idp: Idp, signed_in: SignedIn) -> None:
    _scim_off(acme, idp)
    _domain_unticked(acme, idp)
    client = signed_in(acme, BuiltIn.READ_ONLY)
    assert "Enable SCIM…" not in shown(client)
    for row in idp.log():
        html = client.get(permalink(row)).content.decode()
        assert 'method="post"' not in html[html.index("<main") :]


def test_another_organizations_request_is_not_there(acme: Tenant, globex: Tenant, client: Client) -> None:
    foreign = log(globex, status=401, cause="groups-off")
    for address in (permalink(foreign), f"{PAGE}{uuid4()}/"):
        assert client.get(address).status_code == 404
        assert client.post(f"{address}switch/").status_code == 404
        assert client.post(f"{address}allow-domain/").status_code == 404
    assert "/Users" not in shown(client)


# Filters, pages and the file


def paths(client: Client, **parameters: Any) -> list[str]:
    return re.findall(r"/(\w+)(?=</code>)", client.get(PAGE, parameters).content.decode())


def test_each_filter_narrows_and_all_go_together(acme: Tenant, client: Client) -> None:
    kim = acme.add("kim")
    token, _ = connections.generate_token(acme.connection, by=acme.by)
    log(acme, path="/one", method="GET", status=200, token=token)
    two = log(acme, path="/two", method="POST", status=409, cause="name-taken", user_id=kim.pk)
    log(acme, path="/three", method="POST", status=503, cause="database", user_label="Gone@acme.example")
    assert paths(client) == ["three", "two", "one"]
    assert paths(client, status="done") == ["one"]
    assert paths(client, status="refused") == ["two"]
    assert paths(client, status="failed") == ["three"]
    assert paths(client, cause="database") == ["three"]
    assert paths(client, method="POST") == ["three", "two"]
    assert paths(client, token=str(token.pk)) == ["one"]
    assert paths(client, token="none") == ["three", "two"]
    assert paths(client, user=str(kim.pk)) == ["two"]
    assert paths(client, user="KIM@acme.example") == ["two"]
    assert paths(client, user="Gone@acme.example") == ["three"]
    assert paths(client, q="wo") == ["two"]
    assert paths(client, q="/TWO") == ["two"]
    assert paths(client, q=str(two.pk)) == ["two"]
    assert paths(client, method="POST", status="failed") == ["three"]
    assert paths(client, q="%") == []
    assert "No request fits." in shown(client, q="nothing")


def test_the_user_filter_takes_parts_and_what_was_copied_out_of_an_address(
    acme: Tenant, idp: Idp, client: Client
) -> None:
    idp.send("POST", "/Users", {"userName": "kim+1@acme.example"})
    idp.send("POST", "/Users", {"userName": "lena.lost@nowhere.example"})
    _bulk(idp, _made("Lena.Found@nowhere.example", 1), _made("lee@acme.example", 2))
    idp.send("GET", "/Users")
    kim = User.objects.of(acme.id).get(user_name_key="kim+1@acme.example")
    idp.send("GET", f"/Users/{kim.pk}")
    writer.flush()
    for typed in ("kim", "kim%2b1%40acme.example", " KIM+1@acme.example "):
        assert "kim+1@acme.example" in shown(client, user=typed)
        assert shown(client, user=typed).count("all about this request") == 2
    assert paths(client, user="lena") == ["Bulk", "Users"]
    assert "Lena.Found@nowhere.example : POST → 400" in shown(client, user="LENA")
    assert "lee@acme.example : POST" not in shown(client, user="LENA")
    for nothing in ("%20", "%00", "%2500"):
        assert paths(client, user=nothing) == []
        assert client.get(PAGE, {"q": nothing}).status_code == 200
    RequestLog.objects.filter(method="GET", user_id=None).update(subject_key="", user_label="Kim+1@acme.example")
    assert paths(client, user=str(kim.pk)) == paths(client, user=kim.user_name) != []
    assert 'placeholder="Name, address or part of it"' in client.get(PAGE).content.decode()
    newer = client.get(NEW, {"user": "lena", "newest": str(UUID(int=0))}).content.decode()
    assert "2 new requests" in newer


def test_the_log_is_narrowed_to_a_time(acme: Tenant, client: Client) -> None:
    log(acme, path="/now")
    hour = timedelta(hours=1)
    now = datetime.now(timezone.get_current_timezone())
    assert paths(client, since=f"{now - hour:%Y-%m-%dT%H:%M}", until=f"{now + hour:%Y-%m-%dT%H:%M}") == ["now"]
    assert paths(client, since=f"{now + hour:%Y-%m-%dT%H:%M}") == []
    assert paths(client, until=f"{now - hour:%Y-%m-%dT%H:%M}") == []


@pytest.mark.parametrize(
    "parameters",
    [
        {"q": "\x00"}, {"q": "a" * 400}, {"status": "x"}, {"cause": "x"}, {"method": "x"}, {"token": "x"},
        {"since": "x"}, {"until": "0001-01-01T00:00"}, {"user": "\udcff"}, {"before": "x"}, {"after": "x"},
    ],
)  # fmt: skip
def test_a_filter_that_makes_no_sense_is_no_fault(parameters: dict[str, str], acme: Tenant, client: Client) -> None:
    log(acme)
    assert (
        client.get(PAGE, {name: text.encode("utf-8", "replace") for name, text in parameters.items()}).status_code
        == 200
    )


def test_what_no_index_serves_is_looked_for_among_the_newest(
    acme: Tenant, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "LOOKED_THROUGH", 2)
    for number in ("one", "two", "three"):
        log(acme, path=f"/{number}", method="PUT")
    assert paths(client, method="PUT") == ["three", "two"]
    assert "Looked through: the newest 2" in shown(client, method="PUT")
    assert "and 5,000 without a token of yours." in shown(client, method="PUT")
    assert paths(client) == ["three", "two", "one"]


@pytest.fixture
def anonymous_rows(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> Callable[[], RequestLog]:
    """Write more rows of strangers than anything looks through, and return the newest."""
    for most in ("LOOKED_THROUGH", "LOOKED_AT_FOR_NEW", "LOOKED_AT_FOR_LATEST", "LOOKED_AT_FOR_FAILURES"):
        monkeypatch.setattr(search, most, 2)
    monkeypatch.setattr(search, "LOOKED_THROUGH_OF_ANONYMOUS", 3)
    of_anonymous = {"status": 401, "cause": "token-unknown", "token_label": "unknown token"}
    return lambda: [log(acme, path=f"/stranger{number}", **of_anonymous) for number in range(5)][-1]


def test_no_strangers_hide_own_requests_from_a_search(
    anonymous_rows: Callable[[], RequestLog], acme: Tenant, client: Client
) -> None:
    about = {"user_label": "kim@acme.example", "subject_key": subject_keys.key(["kim@acme.example"])}
    for number in ("one", "two", "three"):
        log(acme, path=f"/own{number}", status=400, **about)
    anonymous_rows()
    of_anonymous = ["stranger4", "stranger3", "stranger2"]
    assert paths(client, q="/own") == paths(client, user="kim@acme.example") == ["ownthree", "owntwo"]
    assert paths(client, q="/own", status="refused") == ["ownthree", "owntwo"]
    assert paths(client, method="GET") == paths(client, method="GET", status="refused") == [
        *of_anonymous, "ownthree", "owntwo",
    ]  # fmt: skip
    assert paths(client, q="/stranger") == paths(client, token="none", cause="token-unknown") == of_anonymous
    expected_version = RequestLog.objects.of(acme.id).order_by("pk")[0]
    for asked in ({"q": "/own"}, {"user": "kim@acme.example"}):
        assert "2 new requests" in client.get(NEW, {"newest": str(expected_version.pk), **asked}).content.decode()


def test_no_strangers_hide_own_requests_from_the_latest(
    anonymous_rows: Callable[[], RequestLog], acme: Tenant, client: Client
) -> None:
    kim = acme.add("kim")
    about = {"status": 409, "user_label": "kim@acme.example", "subject_key": subject_keys.key(["kim@acme.example"])}
    personal = log(acme, path="/Me")
    own = log(acme, connection_id=acme.connection.pk, **about)
    newest = anonymous_rows()
    rows = search.latest_of(acme.connection, 10)
    assert [row.pk for row in rows][0] == newest.pk
    assert [row.pk for row in rows if not row.is_anonymous] == [own.pk, personal.pk]
    assert search.latest_of(acme.connection, 10, others=False) == [own]
    assert [each.row for each in search.latest_about(kim, 10)] == [own]


def test_own_requests_and_strangers_are_read_off_indexes_of_their_own(acme: Tenant, globex: Tenant) -> None:
    """Else a search passes over all rows of strangers to find where the newest of its own end."""
    if connection.vendor == "postgresql":
        _fill_the_log(acme, most_of_it=globex)
        _fill_the_log(acme, most_of_it=globex, token_label="unknown token")
    rows = RequestLog.objects.of(acme.id).order_by("-pk")
    assert "request_log_own" in rows.own().values_list("pk")[:150].explain()
    assert "request_log_anonymous" in rows.anonymous().values_list("pk")[:150].explain()
    assert "request_log_anonymous" in _plan(rows.anonymous().filter(status=401, method="PUT").values_list("pk")[:1])
    log(acme, token_label="no token")
    for status, index in (("refused", "request_log_failures"), ("failed", "request_log_faults")):
        asked = RequestsForm({"q": "kim", "status": status}, acme.id).narrow()
        assert index in _plan(asked.ways[0].order_by("-pk")[:51])
    own, of_anonymous = RequestsForm({"q": "kim"}, acme.id).narrow().ways
    assert "request_log_own" in own.order_by("-pk")[:51].explain()
    assert "request_log_anonymous" in of_anonymous.order_by("-pk")[:51].explain()
    if connection.vendor == "sqlite":
        # None of them is of a bulk request that went wrong in part, and no statistics say so.
        partly = rows.anonymous().filter(failed_operations__gt=InlineValue(0))
        assert "request_log_partly_failed" in partly.values_list("pk")[:1].explain()


def test_the_pages_lead_there_and_back(acme: Tenant, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_log, "PER_PAGE", 2)
    for number in "abcde":
        log(acme, path=f"/{number}")
    way, place = [], ""
    for _ in range(3):
        html = client.get(f"{PAGE}?{place}").content.decode()
        way.append("".join(re.findall(r"/(\w)(?=</code>)", html)))
        found = re.search(r'id="requests-older" href="\?([^"]+)"', html)
        place = unescape(found[1]) if found else place
    assert way == ["ed", "cb", "a"]
    back = re.search(r'id="requests-newer" href="\?([^"]+)"', client.get(f"{PAGE}?{place}").content.decode())
    assert back
    assert re.findall(r"/(\w)(?=</code>)", client.get(f"{PAGE}?{unescape(back[1])}").content.decode()) == ["c", "b"]


def test_a_page_costs_the_same_statements_however_much_it_mends(acme: Tenant, client: Client) -> None:
    def statements() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            client.get(PAGE)
        return len(captured)

    def refuse(number: int) -> None:
        log(acme, status=401, cause="scim-off")
        log(acme, status=400, cause="domain-unknown", arguments={"domain": f"d{number}.example"})
        log(acme, status=409, cause="name-taken", arguments={"user_id": str(uuid4()), "user": "x"})

    refuse(0)
    few = statements()
    for number in range(1, 10):
        refuse(number)
    assert statements() == few


def test_what_strangers_asked_beyond_the_limit_is_told(acme: Tenant, client: Client) -> None:
    row = log(acme, status=401, cause="token-unknown", more=1240)
    assert "… and 1240 more" in shown(client).replace(",", "")
    assert "… and 1240 more" in shown(client, permalink(row)).replace(",", "")


def test_nothing_in_a_request_is_taken_for_html(acme: Tenant, client: Client) -> None:
    row = log(
        acme, path="/<script>1", client="<img src=x>", cause="domain-unknown", arguments={"domain": "<b>.example"}
    )
    for address in (PAGE, permalink(row)):
        html = client.get(address).content.decode()
        assert "<script>1" not in html
        assert "<img src=x" not in html
        assert "<b>.example" not in html


def test_the_file_has_what_the_filters_leave_and_no_formulas(acme: Tenant, client: Client) -> None:
    log(acme, path="/kept", client="=1+1", status=404, cause="user-unknown")
    log(acme, path="/left-out")
    text = client.get(FILE, {"status": "refused"}).getvalue().decode()
    assert "/kept" in text
    assert "No such user" in text
    assert "'=1+1" in text
    assert "/left-out" not in text


def test_the_latest_requests_lead_to_the_log_and_a_persons_to_theirs(acme: Tenant, idp: Idp, client: Client) -> None:
    _exists(acme, idp)
    writer.flush()
    person = User.objects.of(acme.id).get(user_name_key="kim@acme.example")
    assert f'href="{PAGE}"' in client.get("/settings/users/").content.decode()
    html = client.get(f"/settings/users/{person.pk}/").content.decode()
    assert f'href="{PAGE}?user={person.pk}"' in html
    assert "exists already." in html


def test_the_id_in_an_error_finds_its_request(idp: Idp, client: Client) -> None:
    detail = idp.get("/Nope").json()["detail"]
    row = latest(idp)
    assert row.request_id in detail
    assert row.result in shown(client, q=row.request_id)
    assert causes.CAUSES[row.cause].name in shown(client, permalink(row))


# Whom requests are about


def _bulk(idp: Idp, *operations: dict[str, Any]) -> RequestLog:
    schemas = ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"]
    idp.send("POST", "/Bulk", {"schemas": schemas, "Operations": list(operations)})
    return latest(idp)


def _made(name: str, number: int) -> dict[str, Any]:
    return {"method": "POST", "path": "/Users", "bulkId": f"b{number}", "data": {"userName": name}}


def test_row_and_title_say_whom_a_request_was_about(acme: Tenant, idp: Idp, client: Client) -> None:
    idp.send("POST", "/Users", {"userName": "lena.lost@acme.co"})
    row = latest(idp)
    for asked in ({"q": "LENA.lost"}, {"user": "lena.lost@acme.co"}):
        listed = shown(client, **asked)
        assert "POST /scim/acme/v2/Users lena.lost@acme.co" in listed
    page = client.get(permalink(row)).content.decode()
    assert "<h1>POST → 400: lena.lost@acme.co</h1>" in page
    assert "<title>POST → 400: lena.lost@acme.co" in page
    kim = acme.add("kim")
    idp.patch(str(kim.pk), {"op": "replace", "path": "userNmae", "value": "x"})
    assert "PATCH → 400: kim@acme.example" in shown(client, permalink(latest(idp)))
    assert "lena.lost@acme.co" in client.get(FILE, {"q": "lena"}).getvalue().decode()


def test_a_bulk_request_with_failures_is_not_green(acme: Tenant, idp: Idp, client: Client) -> None:
    fine = _bulk(idp, _made("kim@acme.example", 1))
    partly = _bulk(idp, _made("lee@acme.example", 1), _made("lena@nowhere.example", 2), _made("<b>@nowhere", 3))
    badge = 'class="badge plain {}">200<'
    for row, tone, words in ((fine, "good", ""), (partly, "warn", "2 of 3 operations failed")):
        for page in (client.get(PAGE, {"q": str(row.pk)}), client.get(permalink(row))):
            html = page.content.decode()
            assert badge.format(tone) in html
            assert words in html
            assert badge.format("good" if tone == "warn" else "warn") not in html
    latest_requests = client.get("/settings/users/").content.decode().partition("Latest SCIM requests")[2]
    assert "2 of 3 operations failed" in latest_requests
    assert [row.pk for row in RequestsForm({"status": "done"}, acme.id).narrow().take(9)] == [fine.pk]
    assert shown(client, permalink(partly)).startswith(
        "Settings › SCIM › Request log POST → 200, 2 of 3 operations failed"
    )
    cells = client.get(FILE, {"status": "partly"}).getvalue().decode().splitlines()[-1]
    assert cells.endswith(f"{partly.pk},3,2")


def test_each_operation_is_told_on_the_page_of_its_bulk_request(acme: Tenant, idp: Idp, client: Client) -> None:
    row = _bulk(idp, _made("kim@acme.example", 1), _made("lena@nowhere.example", 2))
    page = shown(client, permalink(row))
    first, second = page.index("2: POST User lena@nowhere.example"), page.index("1: POST User kim@acme.example")
    assert first < second, "Those that failed come first."
    assert "Refused: the e-mail domain 'nowhere.example' is not registered" in page[first:second]
    kim = User.objects.of(acme.id).get(user_name_key="kim@acme.example")
    assert f'href="{PAGE}?user={kim.pk}"' in client.get(permalink(row)).content.decode()
    assert "kim@acme.example : POST → 201" in shown(client, user=str(kim.pk))
    assert "lena@nowhere.example : POST → 400. Refused:" in shown(client, q="lena@")


def test_why_an_operation_failed_is_told_once(acme: Tenant, idp: Idp, client: Client) -> None:
    made = {"userName": "kim@acme.example", "nonsense": 1}
    kim = {"method": "POST", "path": "/Users", "bulkId": "k", "data": made}
    row = _bulk(idp, kim, _made("lena@nowhere.example", 2), _made("lena@nowhere.example", 3))
    why = "e-mail domain 'nowhere.example' is not registered"
    html = client.get(permalink(row)).content.decode()
    assert unescape(html).count(why) == 2, "Each operation says it, and nothing else does."
    assert "nonsense" in html.partition('id="operations"')[0], "What is odd is told beside the verdict as before."
    assert f'href="{PAGE}?q=lena%40nowhere.example"' in html
    assert shown(client).count(why) == 2
    assert shown(client, q="lena").count(why) == 2
    assert unescape(plain(client.get("/settings/users/").content.decode())).count(why) == 1


def test_of_many_failed_operations_the_row_keeps_the_first_few_and_what_is_odd(idp: Idp, client: Client) -> None:
    odd = {"method": "POST", "path": "/Users", "bulkId": "k", "data": {"userName": "kim@acme.example", "nonsense": 1}}
    row = _bulk(idp, odd, *(_made(f"p{number}@nowhere.example", number) for number in range(MOST_FAILURES + 5)))
    assert row.failed_operations == MOST_FAILURES + 5
    assert len(row.notices) == MOST_FAILURES + len(row.other_notices)
    assert any("nonsense" in each for each in row.other_notices)
    assert not any("nowhere.example" in each for each in row.other_notices)


def test_an_operation_without_a_name_is_told_and_found_by_the_id_that_was_sent(
    acme: Tenant, idp: Idp, client: Client
) -> None:
    gone = "01899a3c-0000-7000-8000-00000000beef"
    row = _bulk(idp, {"method": "DELETE", "path": "/Users/nobody"}, {"method": "DELETE", "path": f"/Groups/{gone}"})
    page = shown(client, permalink(row))
    assert "1: DELETE User nobody : all requests about this name 404" in page
    assert f"2: DELETE Group {gone} : all requests about this name 404" in page
    for sent in ("nobody", gone):
        assert f"{sent} : DELETE → 404. Refused:" in shown(client, q=sent)


def test_a_users_id_is_found_in_paths_creates_and_operations(acme: Tenant, idp: Idp, client: Client) -> None:
    idp.send("POST", "/Users", {"userName": "kim@acme.example"})
    kim = User.objects.of(acme.id).get(user_name_key="kim@acme.example")
    idp.send("GET", f"/Users/{kim.pk}")
    _bulk(idp, _made("lee@acme.example", 1), {"method": "DELETE", "path": f"/Users/{kim.pk}"})
    idp.send("GET", "/Users")
    for typed in (str(kim.pk), kim.pk.hex.upper()):
        page = shown(client, q=typed)
        found = (
            "POST /scim/acme/v2/Users kim@",
            f"GET /scim/acme/v2/Users/{kim.pk} kim@",
            "kim@acme.example : DELETE → 204",
        )
        assert [words for words in found if words not in page] == []
        assert page.count("all about this request") == 3


def test_the_operations_of_a_large_bulk_request_are_paged(
    acme: Tenant, idp: Idp, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_log, "PER_PAGE", 2)
    row = _bulk(idp, *(_made(f"p{number}@acme.example", number) for number in range(5)))
    assert "1 to 2 of 5" in shown(client, permalink(row))
    assert "5: POST User p4@acme.example" in shown(client, permalink(row), operations="3")
    assert client.get(permalink(row), {"operations": "x"}).status_code == 200


def test_a_persons_page_tells_what_a_bulk_request_had_about_them(acme: Tenant, idp: Idp, client: Client) -> None:
    idp.send("POST", "/Users", {"userName": "kim@acme.example", "emails": [7]})
    row = _bulk(idp, _made("kim@acme.example", 1), _made("lena@nowhere.example", 2))
    kim = User.objects.of(acme.id).get(user_name_key="kim@acme.example")
    html = client.get(f"/settings/users/{kim.pk}/").content.decode()
    part = html.partition("SCIM requests for this person")[2].partition("</table>")[0]
    assert f'href="{permalink(row)}"' in part
    assert re.search(r"/v2/Bulk POST within it 201 ", plain(part))
    assert re.search(r"/v2/Users 400 Refused", plain(part))


# While somebody looks


NEW = "/settings/users/scim/log/new/"


def test_what_came_in_since_is_counted_and_one_press_away(acme: Tenant, client: Client) -> None:
    expected_version = log(acme)
    page = client.get(PAGE).content.decode()
    assert f"{NEW}?newest={expected_version.pk}" in page
    assert client.get(NEW, {"newest": str(expected_version.pk)}).content.strip() == b""
    log(acme)
    log(acme, status=400, cause="domain-unknown")
    assert "2 new requests" in client.get(NEW, {"newest": str(expected_version.pk)}).content.decode()
    narrowed = client.get(NEW, {"newest": str(expected_version.pk), "cause": "domain-unknown"}).content.decode()
    assert "1 new request" in narrowed and f'href="{PAGE}?cause=domain-unknown"' in narrowed


def test_a_page_that_does_not_begin_with_the_newest_asks_for_none(acme: Tenant, client: Client) -> None:
    older = [log(acme) for _ in range(3)][1]
    assert NEW not in client.get(PAGE, {"before": str(older.pk)}).content.decode()


@pytest.mark.parametrize("newest", ["", "nonsense", "\x00"])
def test_new_since_nothing_is_nothing(newest: str, acme: Tenant, client: Client) -> None:
    log(acme)
    assert client.get(NEW, {"newest": newest}).content.strip() == b""


def test_what_came_in_at_another_organization_is_not_counted(acme: Tenant, globex: Tenant, client: Client) -> None:
    expected_version = log(acme)
    log(globex)
    assert client.get(NEW, {"newest": str(expected_version.pk)}).content.strip() == b""


def test_what_is_mended_says_since_when(acme: Tenant, client: Client) -> None:
    acme.tick("acme.io")
    row = log(acme, status=400, cause="domain-without-user-requests", arguments={"domain": "acme.io"})
    off = log(acme, status=401, cause="groups-off")
    connections.set_groups_enabled(acme.connection, False, by=acme.by)
    connections.set_groups_enabled(acme.connection, True, by=acme.by)
    domain, switch = shown(client, permalink(row)), shown(client, permalink(off))
    assert re.search(r"acme\.io has the User requests checkmark now\. That is so since \d\d:\d\d ?\.", domain)
    assert re.search(r"Groups is on now\. That is so since \d\d:\d\d ?\.", switch)


def test_paths_are_searched_without_regard_to_case(acme: Tenant, client: Client) -> None:
    log(acme, path="/scim/acme/v2/Groups")
    assert "/v2/Groups" in shown(client, q="groups")
