"""The addresses of the project."""

from django.urls import include, path
from django.views.generic import RedirectView

from saasmanager import health
from saasmanager.site import site

urlpatterns = [
    path("livez", health.livez),
    path("readyz", health.readyz),
    path("", RedirectView.as_view(pattern_name="settings:index")),
    path("settings/", site.urls),
    path("", include("users.urls")),
    path("", include("scim.urls")),
]
