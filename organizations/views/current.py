"""The organization of whoever is signed in."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from organizations.models import Organization


def organization_of(request: HttpRequest) -> Organization:
    """The organization of whoever is signed in."""
    user: Any = request.user
    organization: Organization = user.organization
    return organization
