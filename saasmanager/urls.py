"""The addresses of the project."""

from django.conf import settings
from django.contrib import admin
from django.templatetags.static import static
from django.urls import include, path
from django.utils.functional import lazy
from django.views.generic import RedirectView

from console.site import site
from saasmanager.operators import FORMER_URL, from_former_address

urlpatterns = [
    path("favicon.ico", RedirectView.as_view(url=lazy(static, str)("console/mark.svg"))),
    path("", RedirectView.as_view(pattern_name="settings:index")),
    path("settings/", site.urls),
    path(settings.OPERATOR_URL, admin.site.urls),
    path(FORMER_URL, from_former_address),
    path(f"{FORMER_URL}<path:rest>", from_former_address),
    path("", include("users.api.urls")),
    path("", include("signin.urls")),
    path("", include("scim.urls")),
]

handler400 = "saasmanager.errors.bad_request"
