"""``manage.py createsuperuser``: make an operator, a superuser without an organization."""

import os
import sys
from getpass import getpass
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS, connections

from core.addresses import AddressError, canonical, check_address
from users.models import User


class Command(BaseCommand):
    """Django's command, which asks for an e-mail address and a password only."""

    help = "Make an operator, who signs in to the admin by e-mail address and password."
    requires_migrations_checks = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--email", help="the operator's e-mail address")
        parser.add_argument(
            *("--noinput", "--no-input"),
            action="store_false",
            dest="interactive",
            help="ask nothing: --email is needed, and DJANGO_SUPERUSER_PASSWORD has the password",
        )
        parser.add_argument("--database", default=DEFAULT_DB_ALIAS, choices=tuple(connections))

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the operator. Raises CommandError where the address is taken or none."""
        interactive, database = options["interactive"], options["database"]
        email = options["email"] or os.environ.get("DJANGO_SUPERUSER_EMAIL", "")
        if interactive and not sys.stdin.isatty():
            raise CommandError("This is no terminal to ask in. Use --noinput with --email.")
        if not email and not interactive:
            raise CommandError("You must use --email with --noinput.")
        email = (email or input("E-mail address: ")).strip()
        self.check_email(email, database)
        password = ask_password(email) if interactive else os.environ.get("DJANGO_SUPERUSER_PASSWORD")
        User.objects.db_manager(database).create_superuser(email, email, password)
        if options["verbosity"]:
            self.stdout.write(f"{email} is an operator.")

    def check_email(self, email: str, database: str) -> None:
        """Raise CommandError for what can't be the address of a new operator."""
        try:
            check_address(email)
        except AddressError as error:
            raise CommandError(f"{email or 'An empty text'} is no e-mail address: {error}") from None
        if "/" in email:
            raise CommandError("An operator's address has no '/'.")
        if User.objects.using(database).named(canonical(email), None).exists():
            raise CommandError(f"{email} is an operator already.")


def ask_password(email: str) -> str:
    """Ask for a password, twice, until it is one that can be taken."""
    while True:
        password = getpass("Password: ")
        if password != getpass("Password (again): "):
            sys.stderr.write("The passwords are not the same.\n")
            continue
        try:
            validate_password(password, User(user_name=email, email=email))
        except ValidationError as error:
            sys.stderr.write("\n".join(error.messages) + "\n")
            continue
        return password
