"""``manage.py scim_test_run``: send what an identity provider would, to any SCIM server, and report."""

import secrets
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from typing import Any

from django.core.management.base import CommandParser

from core.addresses import domain_of
from organizations.management.base import Error, HouseCommand, Report
from provisioning.simulator.client import Client
from provisioning.simulator.scripts import SCRIPTS
from provisioning.simulator.simulator import Result, Send, StepResult, Unreachable, simulate

MARKS = {Result.PASSED: "ok", Result.FAILED: "FAILED", Result.SKIPPED: "skipped", Result.CLEANED: "cleaned up"}
FAILED = 1


class Command(HouseCommand):
    help = (
        "Play what JumpCloud, Okta or Entra ID sends when a set-up is tried out, against any SCIM server."
        " A test user is created, changed and removed. Ends with status 1 if a step failed."
    )
    # It asks a server, which may be elsewhere, and nothing of this installation.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("client", choices=sorted(SCRIPTS), metavar="|".join(sorted(SCRIPTS)))
        parser.add_argument("--base-url", required=True, help="such as https://saas.example.com/scim/acme/v2")
        parser.add_argument("--token", required=True, help="the bearer token; it is not in the report")
        parser.add_argument(
            "--email", help="the test user's address, which nobody has; default: one beside the first user's"
        )
        parser.add_argument("--groups", action="store_true", help="with a test group")

    def perform(self, **options: Any) -> Report:
        script = SCRIPTS[options["client"]]
        try:
            client = Client(options["base_url"], options["token"])
        except ValueError as error:
            raise Error(str(error)) from None
        outcomes = []
        with closing(client):
            email = options["email"] or _unused_address(client)
            for outcome in simulate(script, email=email, send=client, groups=options["groups"]):
                outcomes.append(outcome)
                if not options["json"]:
                    self.stdout.write(_line(outcome))
        self.failed = any(outcome.result is Result.FAILED for outcome in outcomes)
        counts = Counter(outcome.result for outcome in outcomes)
        data = {
            "client": script.client,
            "base_url": options["base_url"],
            "email": email,
            "passed": not self.failed,
            "steps": [_describe(outcome) for outcome in outcomes],
        }
        return Report(f"{script.client} with {email}: {_summary(counts)}.", data)

    def handle(self, *args: Any, **options: Any) -> str:
        """Perform and print; ends with status 1 if a step failed."""
        report = super().handle(*args, **options)
        if self.failed:
            self.stdout.write(report)
            raise SystemExit(FAILED)
        return report


def _summary(counts: Mapping[Result, int]) -> str:
    """Count the script's steps; removing the test user afterwards is none of them."""
    total = counts[Result.PASSED] + counts[Result.FAILED] + counts[Result.SKIPPED]
    passed = f"{counts[Result.PASSED]} of {total} steps passed"
    return f"{passed}, {counts[Result.SKIPPED]} skipped" if counts[Result.SKIPPED] else passed


def _unused_address(send: Send) -> str:
    """An address that nobody will have, in the domain of the first user that the server lists. Raises Error."""
    try:
        answer = send("GET", "/Users?count=1", {"Accept": "application/scim+json"}, None)
    except Unreachable as error:
        raise Error(f"{error} Is the Base URL right?") from None
    match answer.body:
        case {"Resources": [{"userName": str(user_name)}, *_]} if "@" in user_name:
            return f"scim.play.{secrets.token_hex(4)}@{domain_of(user_name)}"
    raise Error(
        f"The server's first user (status {answer.status}) shows no e-mail domain to make a test user in. "
        "Give an address that nobody has: --email test.user@example.com"
    )


def _line(outcome: StepResult) -> str:
    status = outcome.status or "   "
    first = f"{MARKS[outcome.result]:10}  {status}  {outcome.milliseconds:7.1f} ms  {outcome.words}"
    return "\n".join([first, *(f"{'':28}{why}" for why in outcome.why)])


def _describe(outcome: StepResult) -> dict[str, Any]:
    return {
        "step": outcome.words,
        "request": f"{outcome.method} {outcome.path}",
        "result": outcome.result.value,
        "status": outcome.status,
        "milliseconds": round(outcome.milliseconds, 1),
        "why": list(outcome.why),
    }
