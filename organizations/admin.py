"""The outbox in the operators' admin, with the support access of operators."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.admin import action, display, register
from django.db.models import QuerySet
from django.http import HttpRequest

from console.operator_admin import OperatorAdmin, moment_column, register_directory
from console.requests import operator_for
from console.templatetags.console import moment
from organizations.models import Mail, SupportAccess
from organizations.services import directory, outbox

register_directory(directory)

HIDDEN = "hidden"


@register(Mail)
class MailAdmin(OperatorAdmin[Mail]):
    """The outbox: which mails wait, left or failed, and why."""

    actions = ("try_now",)
    list_display = ("kind", "tenant", "state", "attempts", "reason", "created", "due", "settled")
    list_filter = ("state",)
    fields = list_display
    personal_fields = ("to", "subject", "answer", "body")
    created = moment_column("created_at", "Created")
    settled = moment_column("settled_at", "Settled")

    def label(self, row: Any) -> str:
        """What the mail is about; its subject may name people."""
        return f"Mail {row.name}"

    @display(description="About")
    def kind(self, mail: Mail) -> str:
        """The name of its template."""
        return mail.name

    @display(description="Next attempt")
    def due(self, mail: Mail) -> str:
        """When it is tried again, while it waits."""
        return moment(mail.due_at) if mail.state == Mail.State.WAITING else "none"

    @display(description="Failure")
    def reason(self, mail: Mail) -> str:
        """Why it did not leave, as far as that names nobody."""
        return without_people(mail.failure) or "none"

    @display(description="Failure in full")
    def answer(self, mail: Mail) -> str:
        """Why it did not leave, in the words of the mail server."""
        return mail.failure or "none"

    @display(description="Text")
    def body(self, mail: Mail) -> str:
        """What it says while it waits, without its links: some of them open an account."""
        return without_links(mail.text) or "no longer kept"

    @action(description="Try now", permissions=["view"])
    def try_now(self, request: HttpRequest, queryset: QuerySet[Mail]) -> None:
        """Send waiting mails without waiting for their turn."""
        chosen = list(queryset.exclude(organization=None)[: self.list_per_page])
        tried = 0
        for mail in chosen:
            assert mail.organization_id is not None  # noqa: S101  (excluded above)
            tried += outbox.try_now(mail.pk, by=operator_for(request, mail.organization_id))
        if tried:
            messages.success(request, f"{tried} mail{'' if tried == 1 else 's'} will leave at once.")
        if rest := len(chosen) - tried:
            messages.info(request, f"{rest} not changed: only mails that wait for longer than five minutes are.")


def without_people(failure: str) -> str:
    """Return the codes of a mail server's answer (RFC 5321, RFC 3463), or an error of the network, and no more.

    The words behind a code often repeat the address.
    """
    if failure.startswith("[Errno"):
        return failure
    first, *rest = failure.split(" ", 2) if failure else [""]
    if len(first) == 3 and first.isdecimal():
        enhanced = rest[0] if rest and rest[0].replace(".", "").isdecimal() else ""
        return f"{first} {enhanced}".rstrip()
    return HIDDEN if failure else ""


def without_links(text: str) -> str:
    """Return a text whose links are left out."""
    lines = (" ".join("[link]" if "://" in word else word for word in line.split(" ")) for line in text.splitlines())
    return "\n".join(lines)


@register(SupportAccess)
class SupportAccessAdmin(OperatorAdmin[SupportAccess]):
    """Which operator looked at which organization, and when."""

    list_display = ("operator_label", "tenant", "entered", "left")
    fields = list_display
    entered = moment_column("entered_at", "Entered")
    left = moment_column("left_at", "Left")
