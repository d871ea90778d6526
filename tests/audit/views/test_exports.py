"""Whatever is taken away as a file is kept in the audit log, and an operator on a visit takes nothing away."""

from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import resolve

from audit.models import AuditEvent
from console import actions
from domains.models import Domain
from provisioning.models import Token
from tests.saasmanager.test_access import MATRIX, targets
from tests.saasmanager.test_operators import ask_for_support, enter, operator
from tests.signed_in import SignedIn, htmx
from tests.tenants import Tenant

__all__ = ["operator"]

# The address, what narrows the file, what the trail calls it, and the page that has the button.
EXPORTS = [
    ("/settings/users/export/", {"q": "grace"}, "users.exported", "/settings/users/"),
    ("/settings/audit-log/export.csv", {"q": "grace"}, "audit-log.exported", "/settings/audit-log/"),
    ("/settings/users/scim/log/export.csv", {"q": "grace"}, "request-log.exported", "/settings/users/scim/log/"),
]
# A file of one thing for a support ticket, which needs the right to edit; no visitor has that.
OF_ONE_THING = "/settings/users/scim/log/{request}/details.txt"


def exported(tenant: Tenant) -> list[AuditEvent]:
    return [event for event in tenant.events() if event.action.endswith(".exported")]


@pytest.mark.parametrize(("address", "narrowed", "action", "page"), EXPORTS)
def test_an_export_is_kept_in_the_audit_log_with_what_it_was_narrowed_to(
    address: str, narrowed: dict[str, str], action: str, page: str, acme: Tenant, signed_in: SignedIn
) -> None:
    client = signed_in(acme)
    assert f'href="{address}' in client.get(page).content.decode()
    client.head(address, narrowed)
    assert exported(acme) == []
    answer = client.get(address, narrowed)
    assert answer.headers["Content-Disposition"].startswith("attachment")
    (event,) = exported(acme)
    assert (event.action, event.target_label, event.changes) == (action, "Acme", {"q": [None, "grace"]})
    assert event.actor_label == "admin@acme.example"


@pytest.mark.parametrize(("address", "narrowed", "action", "page"), EXPORTS)
def test_an_operator_on_a_visit_sees_no_export_and_gets_none(
    address: str, narrowed: dict[str, str], action: str, page: str, acme: Tenant, operator: Client
) -> None:
    ask_for_support(acme)
    enter(operator, acme)
    html = operator.get(page)
    assert html.status_code == 200
    assert "Export CSV" not in html.content.decode()
    for answer in (operator.get(address, narrowed), operator.get(address, **htmx())):
        assert answer.status_code == 403
        assert "take no files away" in answer.content.decode()
        assert "Content-Disposition" not in answer.headers
    assert operator.head(address).status_code == 403
    assert exported(acme) == []


def downloads() -> Iterator[str]:
    """Every address of Settings that is read, by its place in the table of who may open what."""
    reads = {action.name for action, _view in actions.actions() if action.reads}
    for address, form, _allowed in MATRIX:
        if form is None and address.startswith("/settings/"):
            ids = dict.fromkeys(("connection", "test_run", "request", "person", "event", "domain", "role", "own"))
            name = resolve(address.format(**dict.fromkeys(ids, "01890000-0000-7000-8000-000000000000"))).url_name
            if name in reads:
                yield address


def test_there_is_no_other_file_that_an_operator_on_a_visit_could_take(
    acme: Tenant, domain: Domain, token: Token, operator: Client, signed_in: SignedIn
) -> None:
    admin, ids = signed_in(acme), targets(acme, domain, token)
    found = {each for each in downloads() if is_file(admin, each.format(**ids))}
    assert found == {address for address, *_rest in EXPORTS} | {OF_ONE_THING}
    ask_for_support(acme)
    enter(operator, acme)
    for address in found:
        assert operator.get(address.format(**ids)).status_code == 403


def is_file(client: Client, address: str) -> bool:
    return client.get(address).headers.get("Content-Disposition", "").startswith("attachment")
