"""The base of our commands: wrong input is one line with exit status 2; --json ends in a JSON object."""

import json
from dataclasses import dataclass
from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core.refusals import Refusal
from organizations.models import Organization
from organizations.services import outbox

WRONG_INPUT = 2
SLUGS_SHOWN = 10


class Error(CommandError):
    """Wrong input. Django prints the name of the class before the message, so this one is short."""

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()), returncode=WRONG_INPUT)


@dataclass(frozen=True, slots=True)
class Report:
    """What a command did: ``text`` for a person, ``data`` for a program."""

    text: str
    data: dict[str, Any]


class OneLineParser(CommandParser):
    """Says what is wrong with the arguments without the page of usage, which --help shows."""

    def error(self, message: str) -> NoReturn:
        """Raise or, at the command line, print and exit as every other wrong input does."""
        if not self.called_from_command_line:
            raise Error(message)
        self.exit(WRONG_INPUT, f"{Error.__name__}: {' '.join(message.split()).rstrip('.')}. See {self.prog} --help.\n")


class HouseCommand(BaseCommand):
    """A command that takes --json, and for which every Refusal is wrong input.

    Subclasses write ``perform``.
    """

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Django's parser with our way of refusing, and --json."""
        # Django makes its own class of parser, and sub-classing is the only seam that argparse leaves.
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.__class__ = OneLineParser
        parser.add_argument("--json", action="store_true", help="End with one line of JSON, for programs.")
        return parser

    def perform(self, **options: Any) -> Report:
        """Do the work. Raises Error or any Refusal, having changed nothing."""
        raise NotImplementedError

    def handle(self, *args: Any, **options: Any) -> str:
        """Perform, send the mails that came of it, and print."""
        for value in options.values():
            _refuse_broken_text(value)
        try:
            report = self.perform(**options)
        except Refusal as refusal:
            raise Error(refusal.message) from None
        outbox.catch_up()
        return json.dumps(report.data) if options["json"] else report.text


def find_organization(slug: str) -> Organization:
    """The organization of that slug. Raises Error, which names those that there are."""
    organization = Organization.objects.filter(slug=slug).first()
    if organization is None:
        slugs = list(Organization.objects.order_by("slug").values_list("slug", flat=True)[: SLUGS_SHOWN + 1])
        if not slugs:
            raise Error(f"There is no organization '{slug}', nor any other yet: make one with create_organization.")
        shown = ", ".join(slugs[:SLUGS_SHOWN]) + (", …" if len(slugs) > SLUGS_SHOWN else "")
        raise Error(f"There is no organization '{slug}'. Slugs of those that there are: {shown}.")
    return organization


def describe(organization: Organization) -> dict[str, str]:
    """How an organization shows in JSON."""
    return {"id": str(organization.pk), "slug": organization.slug, "name": organization.name}


def _refuse_broken_text(value: object) -> None:
    """Bytes that are no UTF-8 reach Python as lone surrogates, which no database takes."""
    for text in value if isinstance(value, list) else [value]:
        if isinstance(text, str) and not text.isprintable() and any("\ud800" <= char <= "\udfff" for char in text):
            raise Error(f"{text.encode(errors='replace').decode()} is not UTF-8 text.")
