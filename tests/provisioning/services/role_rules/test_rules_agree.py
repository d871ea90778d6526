"""Rules come to the same for one person, in memory, as for all at once, in SQL; whatever the rules and the people."""

from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provisioning.models import RoleRule
from provisioning.services.role_rules import evaluation, evaluation_sql
from provisioning.services.role_rules import rules as role_rules
from provisioning.services.role_rules.evaluation import UserFacts
from provisioning.services.role_rules.evaluation_sql import EvaluationScope
from tests.role_rules import role_named, somebody
from tests.tenants import Tenant
from users import profile as profiles
from users.models import GivenBy, Role, Source, User
from users.services import groups

ENTERPRISE = evaluation.ENTERPRISE_USER

# Few letters, so that rules often fit; some that fold to more letters, or mean something in a pattern or a path.
TEXTS = st.text("aAbß %_'\"\\İ．", max_size=4)
NAMES = st.sampled_from(["Aa", "ß%", "aab", "B_", "İa"])
ROLES = st.sampled_from(["HR", "IT", "Finance", "App management"])
DOMAINS = st.sampled_from(["acme.example", "b.acme.example", "BÜCHER.example", "xn--bcher-kva.example"])

PEOPLE = st.lists(
    st.fixed_dictionaries(
        {
            "given_by": st.sampled_from(GivenBy),
            "role": ROLES,
            "domain": DOMAINS,
            "groups": st.sets(st.integers(0, 2), max_size=2),
        },
        optional={"title": TEXTS, "userType": TEXTS, "department": TEXTS},
    ),
    min_size=1,
    max_size=6,
)
LINES = st.lists(
    st.tuples(st.sampled_from(["title", "userType", "department"]), st.sampled_from(RoleRule.Operator), TEXTS, ROLES)
    | st.tuples(st.just("group"), st.sampled_from(RoleRule.Operator), NAMES | TEXTS, ROLES)
    | st.tuples(st.just("domain"), st.just("is"), DOMAINS, ROLES),
    max_size=5,
).map(lambda lines: [line for line in lines if line[2].strip()])


@pytest.mark.django_db
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(people=PEOPLE, lines=LINES, names=st.permutations(["Aa", "ß%", "aab"]))
def test_both_say_the_same(acme: Tenant, people: list[dict[str, Any]], lines: Any, names: list[str]) -> None:
    with transaction.atomic():
        _check(acme, people, lines, names)
        transaction.set_rollback(True)


def _check(acme: Tenant, people: list[dict[str, Any]], lines: Any, names: list[str]) -> None:
    organization = acme.organization
    users = [_person(organization.pk, number, each) for number, each in enumerate(people)]
    User.objects.bulk_create(users)
    # The first group lies within the second, and that within the third.
    holder: list[Any] = []
    for position, name in enumerate(names):
        members = [user.pk for user, each in zip(users, people, strict=True) if position in each["groups"]]
        holder = [groups.create(name, members=[*members, *holder], by=acme.by).pk]
    wanted = [role_rules.RuleInput(*line, str(role_named(organization, name).pk)) for *line, name in lines]
    rules = role_rules.worded(wanted, by=somebody(organization))
    rule_set = role_rules.rule_set_of(rules, organization_id=organization.pk)
    expected = {
        user.pk: (rule, role)
        for user in users
        if user.role_given_by in (GivenBy.DEFAULT, GivenBy.RULE)
        for rule, role in [_judged(user, rule_set)]
        if role != user.role
    }
    assert _told(evaluation_sql.changes(rule_set)) == expected
    assert (
        _told(evaluation_sql.changes(rule_set, EvaluationScope(tuple(user.pk for user in users), locked=True)))
        == expected
    )
    assert _told(evaluation_sql.changes(rule_set, EvaluationScope(tuple(holder)))).items() <= expected.items()
    assert sum(changes.people for changes in evaluation_sql.count_changes(rule_set)) == len(expected)


def _person(organization_id: Any, number: int, each: dict[str, Any]) -> User:
    role = Role.objects.of(organization_id).get(name=each["role"])
    user = User(organization_id=organization_id, role=role, source=Source.SCIM, role_given_by=each["given_by"])
    profile = {name: each[name] for name in ("title", "userType") if name in each}
    if "department" in each:
        profile[ENTERPRISE] = {"department": each["department"]}
    profiles.write(user, {"userName": f"p{number}@{each['domain']}", "active": True, **profile})
    return user


def _judged(user: User, rule_set: evaluation_sql.RuleSet) -> tuple[RoleRule | None, Role | None]:
    names = evaluation.groups_of(user.pk)
    rule = evaluation.first_fit(rule_set.rules, UserFacts.of(profiles.read(user)), names)
    if rule:
        return rule, rule.role
    return None, rule_set.fallback if user.role_given_by == GivenBy.RULE else user.role


def _told(role_changed: list[evaluation_sql.RoleChange]) -> dict[Any, Any]:
    return {each.user_id: (each.rule, each.role) for each in role_changed}
