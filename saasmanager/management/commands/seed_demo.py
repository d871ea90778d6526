"""``manage.py seed_demo``: fill an empty database with two organizations that look alive."""

import os
import re
import shlex
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import cycle, islice
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone
from uuid_utils.compat import uuid7

import domains.services
from core.actors import Actor, Channel
from domains.models import Domain
from organizations.models import Mail, Organization
from organizations.services import support
from provisioning.models import Connection, RequestLog, RequestOperation, RunState, SetupStep, TestRun, Token
from provisioning.services import test_runs
from provisioning.services.connections import connections
from provisioning.services.onboarding import Opened, open_organization
from provisioning.services.request_log import entries, results, subject_keys
from provisioning.services.request_log.masking import Masking
from provisioning.services.request_log.setup_steps import Step
from provisioning.simulator.scripts import SCRIPTS
from provisioning.simulator.simulator import Result, StepResult, filled
from saasmanager.management.demo_data import ACME, COMPANIES, CURL, GLOBEX, STORY, Call, Company, Person
from scim.api import subjects
from scim.operations.users import WriteOutcome
from users import profile as profiles
from users.models import GivenBy, Role, Source, User
from users.permissions import NAMES, BuiltIn
from users.profile import Profile
from users.services import account_requests, accounts, groups, personal_tokens
from users.services import roles as role_services
from users.services.personal_tokens import TokenScope

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
LOG_SPAN = timedelta(days=6)
SINCE_THE_LAST_REQUEST = timedelta(minutes=4)
LONG_AGO = timedelta(days=90)
# A command that is to meet the same database and address needs these again.
SURROUNDINGS = ("DEBUG", "DATABASE_URL", "BASE_URL")


class Command(BaseCommand):
    help = "Fill the database with two organizations for a demo; what is there already is kept."

    def handle(self, *args: Any, **options: Any) -> str:
        if not settings.DEBUG:
            raise CommandError("The demo has passwords that everybody knows, so it needs DEBUG=on.", returncode=2)
        if Organization.objects.filter(slug__in=[company.slug for company in COMPANIES]).exists():
            return f"The demo's data is here already and was kept.\n\n{_sign_ins()}\n\n{_how_to_get_a_token()}"
        with transaction.atomic():
            opened, *_ = [seed(company) for company in COMPANIES]
        assert opened.bearer_token is not None  # noqa: S101  (it was asked for)
        return f"{_sign_ins()}\n\n{_scim(opened.organization, opened.bearer_token)}"


def seed(company: Company) -> Opened:
    """Make one organization through the services that pages, commands and SCIM use, then its request log."""
    first = company.people[0]
    opened = open_organization(
        company.name,
        company.slug,
        domains_with_requests=company.domains,
        admin_email=_address(first, company),
        admin_password=first.password,
        enable_scim=True,
    )
    organization, admin = opened.organization, opened.admin
    assert admin is not None  # noqa: S101
    organization.time_zone = company.time_zone
    organization.save(update_fields=["time_zone"])
    page = Actor(organization.pk, f"{first.given} {first.family}", Channel.PAGE, user_id=admin.pk, address="192.0.2.10")

    retired = connections.live_tokens(opened.connection)[0]
    token, bearer_token = connections.generate_token(opened.connection, by=page, name="JumpCloud")
    connections.revoke_token(retired.pk, by=page)
    scim = Actor(organization.pk, f"SCIM token {token}", Channel.SCIM, address="198.51.100.7")

    roles: dict[str, Role] = {role.key: role for role in Role.objects.of(organization.pk)}
    roles |= {name: role_services.create(name, levels, by=page) for name, levels in company.own_roles.items()}
    _fill_in(admin, _profile(first, company), by=page)
    people = [admin]
    for person in company.people[1:]:
        by = scim if person.source == Source.SCIM else page
        user = _add(person, company, roles[BuiltIn.APP_MANAGEMENT], opened.connection, by=by)
        if person.role != BuiltIn.APP_MANAGEMENT:
            user = accounts.change_role(user.pk, roles[person.role], by=page)
        if person.suspended:
            user = accounts.set_active(user.pk, False, by=by)
        people.append(user)
    _group_by_department(company, people, by=scim)
    personal_tokens.make(admin.pk, "SIEM", [TokenScope.READ_AUDIT_LOG], days=365, by=page)
    _add_and_remove_a_leaver(company, roles[BuiltIn.APP_MANAGEMENT], opened.connection, by=scim)
    for person, user in zip(company.people, people, strict=True):
        if person.signed_in_hours_ago is not None:
            user.last_login = timezone.now() - timedelta(hours=person.signed_in_hours_ago)
            user.save(update_fields=["last_login"])
    for name in company.unticked:
        domain = domains.services.find(name, organization_id=organization.pk)
        domains.services.set_user_requests(domain.pk, False, by=page)
    for name in company.unverified:
        domains.services.add(name, by=page)
    Domain.objects.of(organization.pk).update(created_at=timezone.now() - LONG_AGO)
    for name, login in company.asking:
        _let_ask(name, f"{login}@{company.domains[0]}", organization)
    if company.wants_support:
        support.request(True, by=page)
    # What led here is told to nobody: these people have no mail boxes.
    Mail.objects.filter(organization=organization).delete()
    _log(company, organization, token, retired, people)
    _promote(company, token, people, by=scim)
    if company.unticked:
        _test(organization, opened.connection, by=page)
    return Opened(organization, opened.connection, bearer_token, admin, first.password)


def _add(person: Person, company: Company, role: Role, connection: Connection, *, by: Actor) -> User:
    by_scim = person.source == Source.SCIM
    new = accounts.NewUser(
        _profile(person, company),
        role,
        person.source,
        given_by=GivenBy.DEFAULT if by_scim else GivenBy.MANUAL,
        managed_by=connection.pk if by_scim else None,
        password=person.password,
        outsider="freelance" in person.login,
    )
    return accounts.create(new, by=by)


def _let_ask(name: str, address: str, organization: Organization) -> None:
    """Ask for an account and follow the mailed link."""
    account_requests.ask(name, address, organization=organization)
    mail = Mail.objects.filter(organization=organization, to=address).latest("pk")
    link = re.search(r"/sign-up/confirm/([\w-]+)/", mail.text)
    assert link is not None  # noqa: S101  (the address is of a domain with the checkmark)
    account_requests.confirm(link[1], address="192.0.2.44", request_id="")


def _group_by_department(company: Company, people: list[User], *, by: Actor) -> None:
    departments: dict[str, list[UUID]] = {}
    for person, user in zip(company.people, people, strict=True):
        if person.source == Source.SCIM:
            departments.setdefault(person.department, []).append(user.pk)
    for name, members in departments.items():
        groups.create(name, members=members, by=by)


def _fill_in(user: User, profile: Profile, *, by: Actor) -> None:
    found = accounts.find(user.pk, organization_id=by.organization_id)
    accounts.update(found, {**profiles.read(found), **profile}, by=by)


def _add_and_remove_a_leaver(company: Company, role: Role, connection: Connection, *, by: Actor) -> None:
    leaver = _add(Person("xavier", "Xavier", "Roux", "Intern", "IT"), company, role, connection, by=by)
    accounts.delete(accounts.find(leaver.pk, organization_id=by.organization_id), by=by)


def _address(person: Person, company: Company) -> str:
    return person.login if "@" in person.login else f"{person.login}@{company.domains[0]}"


def _profile(person: Person, company: Company) -> Profile:
    address, number = _address(person, company), company.people.index(person) if person in company.people else 99
    managed = {"externalId": f"5f2b{number:020x}"} if person.source == Source.SCIM else {}
    return {
        "userName": address,
        **managed,
        "name": {"givenName": person.given, "familyName": person.family},
        "displayName": f"{person.given} {person.family}",
        "title": person.title,
        "emails": [{"value": address, "type": "work", "primary": True}],
        "phoneNumbers": [{"value": f"tel:+1-555-555-01{number:02}", "type": "work", "primary": True}],
        ENTERPRISE: {"employeeNumber": f"{1000 + number}", "department": person.department},
    }


def _log(company: Company, organization: Organization, token: Token, retired: Token, people: list[User]) -> None:
    managed = [user for user in people if user.source == Source.SCIM]
    calls = list(islice(_calls(company), company.log_rows))
    rounds = calls[-1][0] + 1
    end = timezone.now() - SINCE_THE_LAST_REQUEST
    rows = []
    reached: dict[Step, SetupStep] = {}
    for round, position, call in calls:
        # Visits come all day and night, but not to the minute; the requests of one follow each other closely.
        left = rounds - 1 - round
        moment = end - LOG_SPAN * (left + left * 7 % 10 / 12) / rounds + timedelta(seconds=position * 0.4)
        row = _row(call, company, managed[round % len(managed)], len(people), moment)
        row.organization = organization
        row.token = retired if call.anonymous else token
        row.connection_id, row.token_label = row.token.connection_id, f"{row.token.prefix}…"
        rows.append(row)
        for step in (call.step, None if call.anonymous else Step.REQUEST):
            if step:
                place = {"organization": organization, "connection_id": token.connection_id, "step": step}
                _reach(reached.setdefault(step, SetupStep(**place)), row)
    RequestLog.objects.bulk_create(rows)
    SetupStep.objects.bulk_create(reached.values())
    last = next(row for row in reversed(rows) if row.token == token)
    token.last_used_at, token.last_used_address, token.last_used_client = last.created_at, last.address, last.client
    # It was used for days, so it is that old.
    token.created_at, retired.created_at = end - LOG_SPAN, end - LONG_AGO
    token.save(update_fields=["created_at", "last_used_at", "last_used_address", "last_used_client"])
    retired.save(update_fields=["created_at"])


def _reach(setup_step: SetupStep, row: RequestLog) -> None:
    """Note how the step went at a request that is later than those before."""
    if row.status < 400:
        setup_step.done_at, setup_step.done_request_id = row.created_at, row.pk
        setup_step.done_method, setup_step.done_status = row.method, row.status
        return
    setup_step.failed_at, setup_step.failed_request_id, setup_step.failed_status = row.created_at, row.pk, row.status
    setup_step.failed_method = row.method
    setup_step.failed_cause, setup_step.failed_result = row.cause, row.result
    setup_step.failed_arguments = row.arguments


def _promote(company: Company, token: Token, people: list[User], *, by: Actor) -> None:
    """The last request of all: a script gives two people other titles at once, which can be undone."""
    identity, started = uuid7(), timezone.now()
    by = replace(by, request_id=str(identity))
    promoted = [user for user in people if user.source == Source.SCIM and user.is_active][1:3]
    for user in promoted:
        profile = profiles.read(user)
        work = {**profile[ENTERPRISE], "costCenter": "4130"}
        _fill_in(user, {"title": f"Senior {profile['title'].lower()}", ENTERPRISE: work}, by=by)
    RequestLog.objects.create(
        id=identity,
        organization_id=by.organization_id,
        created_at=started,
        request_id=str(identity),
        method="POST",
        path=f"/scim/{company.slug}/v2/Bulk",
        status=200,
        result=results.bulk(len(promoted), {WriteOutcome.CHANGED: len(promoted)}, 0),
        duration_us=(timezone.now() - started) // timedelta(microseconds=1),
        token=token,
        connection_id=token.connection_id,
        token_label=str(token),
        client=CURL,
        address=by.address,
        user_label=entries.some_of([user.user_name for user in promoted]),
        operations=len(promoted),
        failed_operations=0,
    )
    RequestOperation.objects.bulk_create(
        RequestOperation(
            organization_id=by.organization_id,
            request_id=identity,
            position=position,
            method="PATCH",
            resource="User",
            user_id=user.pk,
            user_label=user.user_name,
            subject_key=subject_keys.key([user.user_name]),
            status=200,
        )
        for position, user in enumerate(promoted, 1)
    )


def _test(organization: Organization, connection: Connection, *, by: Actor) -> None:
    """Somebody has tested the set-up with a domain that lacks the checkmark; the log knows that refusal."""
    refused = RequestLog.objects.of(organization.pk).filter(cause="domain-without-user-requests")[0]
    email = f"scim.test@{refused.arguments['domain']}"
    steps = [step for step in SCRIPTS["jumpcloud"].steps if not step.groups]
    known = {"email:quoted": email.replace("@", "%40")}
    outcomes = [StepResult(step.words, "GET", filled(step.path, known), Result.PASSED, 200, 3.1) for step in steps[:2]]
    why = ("The answer is 400, not 201.",)
    create = steps[2]
    outcomes.append(
        StepResult(create.words, create.method, create.path, Result.FAILED, 400, 4.2, why, refused.request_id)
    )
    skipped = ("An earlier step did not come off.",)
    outcomes += [StepResult(step.words, step.method, step.path, Result.SKIPPED, why=skipped) for step in steps[3:]]
    TestRun.objects.create(
        organization=organization,
        connection_id=connection.pk,
        token_id=uuid7(),
        acted_as="SCIM token 'Test' (smgr_7Qm2Xd…)",
        script="jumpcloud",
        email=email,
        groups=False,
        started_by_label=by.label,
        started_at=refused.created_at,
        seen_at=refused.created_at,
        finished_at=refused.created_at,
        state=RunState.FAILED,
        outcomes=[test_runs.as_kept(outcome) for outcome in outcomes],
    )


def _calls(company: Company) -> Iterator[tuple[int, int, Call]]:
    """The story without end: number of the visit, position in it, and the request."""
    rounds = [calls for calls in STORY if company.unticked or not any("{unticked}" in call.result for call in calls)]
    for round, calls in enumerate(cycle(rounds)):
        for position, call in enumerate(calls):
            yield round, position, call


def _row(call: Call, company: Company, person: User, count: int, moment: datetime) -> RequestLog:
    words = {
        "user": person.user_name,
        "address": person.user_name.replace("@", "%40"),
        "id": person.pk,
        "slug": company.slug,
        "domain": company.domains[0],
        "unticked": next(iter(company.unticked), ""),
        "count": count,
    }
    identity, query = _id_at(moment), call.query.format(**words)
    label = person.user_name if call.about_a_person else call.about.format(**words)
    label = label or subjects.of_query(query, Masking(settings.SCIM_SENSITIVE)).label
    return RequestLog(
        id=identity,
        created_at=moment,
        request_id=str(identity),
        method=call.method,
        path=f"/scim/{company.slug}/v2{call.path.format(**words)}",
        query=query,
        status=call.status,
        cause=call.cause,
        result=call.result.format(**words),
        notices=list(call.notices),
        arguments={name: text.format(**words) for name, text in call.arguments.items()},
        duration_us=1_400 + identity.int % 900 + (5_200 if call.method != "GET" else 0),
        client=call.client or company.client,
        address="198.51.100.7",
        user_id=person.pk if call.about_a_person else None,
        user_label=label,
        subject_key=subject_keys.key([label]),
    )


def _id_at(moment: datetime) -> UUID:
    """An id as it would have been made at that moment (its first 48 bits count milliseconds): the log sorts by id."""
    return UUID(bytes=int(moment.timestamp() * 1000).to_bytes(6) + uuid7().bytes[6:])


def _sign_ins() -> str:
    lines = [f"Address  {settings.BASE_URL}"]
    for company in COMPANIES:
        for person in company.people:
            if person.password:
                who = f"{company.name}, {NAMES[BuiltIn(person.role)]}"
                lines.append(f"  {who:22} {_address(person, company):22} {person.password}")
    return "\n".join([*lines, f"Sign in at {settings.BASE_URL}/sign-in/{ACME.slug}/ or /sign-in/{GLOBEX.slug}/."])


def _scim(organization: Organization, bearer_token: str) -> str:
    base_url = connections.base_url(organization)
    return (
        f"SCIM of {organization} is on. The token is shown only now.\n"
        f"  Base URL      {base_url}\n"
        f"  Bearer token  {bearer_token}\n"
        f"Try it:\n"
        f"  curl -H 'Authorization: Bearer {bearer_token}' '{base_url}/Users?count=3'"
    )


def _how_to_get_a_token() -> str:
    surroundings = [f"{name}={shlex.quote(os.environ[name])}" for name in SURROUNDINGS if name in os.environ]
    command = " ".join([*surroundings, f".venv/bin/python manage.py scim {ACME.slug} generate-token"])
    return f"  Base URL      {settings.BASE_URL}/scim/{ACME.slug}/v2\nA new Bearer token, shown once:\n  {command}"
