"""The entry point for WSGI servers, such as the one in scripts/server.py."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "saasmanager.settings")

application = get_wsgi_application()

# Models can be imported now, and not before.
from organizations.services import outbox  # noqa: E402

outbox.attend()
