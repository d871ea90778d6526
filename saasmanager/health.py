"""What a load balancer asks: is the process alive (/livez), and can it serve (/readyz)."""

import threading
from collections.abc import Callable

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

_migrated = threading.Event()


class Probes:
    """Middleware that answers before anything asks for a host's name or HTTPS: a probe has neither, only an address."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self.views = {"/livez": livez, "/readyz": readyz}

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.views.get(request.path_info, self.get_response)(request)


@never_cache
@require_safe
def livez(request: HttpRequest) -> JsonResponse:
    """200 while the process answers; asks nothing of the database, whose loss a restart would not fix."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when the database answers and every migration is applied, else 503 with the reason."""
    reason = _why_not_ready()
    if reason:
        return JsonResponse({"status": "unavailable", "reason": reason}, status=503)
    return JsonResponse({"status": "ok"})


def _why_not_ready() -> str | None:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        pending = 0 if _migrated.is_set() else _pending_migrations()
    except DatabaseError:
        # A connection that was lost stays open in Django's eyes: drop it, so that the next probe dials again.
        connection.close()
        return "The database does not answer."
    if pending:
        return f"Migrations are not applied yet ({pending}): run `manage.py migrate`."
    # New migrations come with new code, so with a new process: once complete is complete.
    _migrated.set()
    return None


def _pending_migrations() -> int:
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
