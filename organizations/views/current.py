"""The organization of whoever is signed in."""

from __future__ import annotations

from django.http import HttpRequest

from console.requests import tenant_of
from organizations.models import Organization


def organization_of(request: HttpRequest) -> Organization:
    """The organization of whoever is signed in."""
    organization: Organization = tenant_of(request)
    return organization
