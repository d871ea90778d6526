#!/usr/bin/env python3
"""Django's command line for SaaS Manager."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "saasmanager.settings")
    # A migration or an import may take longer than a web request is allowed to.
    os.environ.setdefault("DATABASE_TIMEOUTS", "off")
    direct = os.environ.get("MIGRATION_DATABASE_URL")
    if direct and sys.argv[1:2] == ["migrate"]:
        # Past the pooler: what a migration sets on its connection, such as a lock, must stay with it.
        os.environ.update(DATABASE_URL=direct, DATABASE_POOLER="off")
    # A command sends its mails at its end, for a thread of it would end amid its work.
    os.environ["MAIL_IN_BACKGROUND"] = "off"
    try:
        import saasmanager.settings  # noqa: F401
    except ImproperlyConfigured as problem:
        sys.exit(f"SaaS Manager cannot start: {problem}")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
