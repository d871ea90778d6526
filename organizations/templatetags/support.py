"""What the templates of the pages show of operators who look at the organization."""

from typing import Any

from django import template
from django.template import Context

from organizations.services import support

register = template.Library()


@register.inclusion_tag("settings/support/banner.html", takes_context=True)
def support_banner(context: Context) -> dict[str, Any]:
    """Who looks at the organization at its own request, and the way to end it; nothing where nobody does."""
    user = context["request"].user
    support_access = getattr(user, "support_access", None)
    return {
        "support_access": support_access,
        "operators_present": [] if support_access else support.operators_present(user.organization),
        "organization": user.organization,
        "may_end": user.has_perm("organization.edit"),
        "csrf_token": context.get("csrf_token"),
    }
