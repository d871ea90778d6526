"""What is said of an address before anybody sends it is what SCIM then does with it."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.actors import Actor, Channel
from domains import services as domains
from provisioning.services.connections import address_check, connections
from provisioning.services.connections.address_check import Ruling
from tests.identity_provider import Idp, read
from users.models import Role, Source
from users.permissions import BuiltIn
from users.services import accounts


def rulings(idp: Idp, address: str) -> dict[str, Ruling]:
    return {ruling.rule: ruling for ruling in address_check.rulings(address, idp.organization)}


def reasons(idp: Idp, address: str) -> list[str]:
    return [ruling.reason for ruling in rulings(idp, address).values() if ruling.passed is False]


def somebody(idp: Idp) -> Actor:
    return Actor(idp.organization.pk, "Ada Moreau", Channel.PAGE)


def manual(idp: Idp, address: str, role: BuiltIn = BuiltIn.READ_ONLY) -> None:
    role_of = Role.objects.of(idp.organization.pk).get(key=role)
    accounts.create(accounts.NewUser({"userName": address}, role_of, Source.MANUAL), by=somebody(idp))


def test_an_address_that_passes_every_rule_is_created(idp: Idp) -> None:
    assert [ruling.passed for ruling in rulings(idp, "new@acme.example").values()] == [True] * 6
    idp.create("new@acme.example")


LOCAL_PARTS = st.sampled_from(["ada", "ADA", "grace", "new", "a b", "", "ünal", ".dot", "x" * 65])
DOMAINS = st.sampled_from(
    [
        "acme.example",
        "ACME.Example",
        "acme.test",
        "acme-unchecked.example",
        "unknown.example",
        "sub.acme.example",
        "",
        "x",
    ]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(local_part=LOCAL_PARTS, domain=DOMAINS)
def test_what_is_said_and_what_a_create_answers_agree(idp: Idp, local_part: str, domain: str) -> None:
    if not idp.users():
        idp.create("ada@acme.example")
        manual(idp, "grace@acme.test")
    address = f"{local_part}@{domain}"
    expected = all(ruling.passed for ruling in rulings(idp, address).values())
    answer = idp.send("POST", "/Users", {"userName": address})
    assert (answer.status_code == 201) is expected, answer.content
    if expected:
        assert idp.send("DELETE", f"/Users/{read(answer)['id']}").status_code == 204
    elif answer.status_code == 400 and "@" in address.strip("@"):
        said = next(ruling.why for ruling in rulings(idp, address).values() if ruling.passed is False)
        assert said in read(answer)["detail"], "the same words in both places"


@pytest.mark.parametrize(
    ("address", "rule", "reason"),
    [
        ("ada", address_check.IS_ADDRESS, "no-address"),
        ("ada@unknown.example", address_check.IS_REGISTERED, "domain-unknown"),
        ("ada@acme-unchecked.example", address_check.HAS_CHECKMARK, "domain-without-user-requests"),
        ("ada@new.example", address_check.IS_VERIFIED, "domain-unverified"),
    ],
)
def test_the_rule_that_says_no_is_named_and_what_follows_from_it_is_not_asked(
    idp: Idp, address: str, rule: str, reason: str
) -> None:
    domains.add("new.example", by=somebody(idp))
    said = rulings(idp, address)
    assert (said[rule].passed, said[rule].reason) == (False, reason)
    assert said[rule].why
    assert reasons(idp, address) == [reason]
    names = list(address_check._DOMAIN_RULES)
    later = names[names.index(rule) + 1 :] if rule in names else names
    assert {said[name].passed for name in later} <= {None}


def test_scim_that_is_off_or_has_no_token_is_said_and_hides_nothing_else(idp: Idp) -> None:
    connection = connections.default_connection(idp.organization.pk)
    connections.set_enabled(connection, False, by=somebody(idp))
    assert reasons(idp, "ada@unknown.example") == ["scim-off", "domain-unknown"]
    for token in connections.live_tokens(connection):
        connections.revoke_token(token.pk, by=somebody(idp))
    assert reasons(idp, "ada@acme.example") == ["no-token"]


def test_an_address_in_use_names_its_holder_and_what_a_provider_will_do(idp: Idp) -> None:
    idp.create("ada@acme.example", emails=[{"value": "ada.m@acme.example", "primary": True}])
    manual(idp, "grace@acme.example")
    manual(idp, "root@acme.example", BuiltIn.ADMIN)
    for address in ("ADA@acme.example", "ada.m@acme.example"):
        said = rulings(idp, address)[address_check.IS_FREE]
        assert said.holder is not None and said.holder.user_name == "ada@acme.example"
        assert "finds this user and goes on with it" in said.why
    assert "takes it over" in rulings(idp, "grace@acme.example")[address_check.IS_FREE].why
    assert "is not taken over" in rulings(idp, "root@acme.example")[address_check.IS_FREE].why
    connection = connections.default_connection(idp.organization.pk)
    connections.set_manage_admins(connection, True, by=somebody(idp))
    assert "takes it over" in rulings(idp, "root@acme.example")[address_check.IS_FREE].why


def test_another_organizations_people_and_domains_say_nothing_here(idp: Idp, anonymous: Idp) -> None:
    anonymous.create("gwen@globex.example")
    assert reasons(idp, "gwen@globex.example") == ["domain-unknown"]
    assert rulings(idp, "gwen@globex.example")[address_check.IS_FREE].passed is True
