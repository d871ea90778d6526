"""The addresses of the project."""

from django.urls import include, path
from django.views.generic import RedirectView

from saasmanager.site import site

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="settings:index")),
    path("settings/", site.urls),
    path("", include("users.urls")),
    path("", include("scim.urls")),
]
