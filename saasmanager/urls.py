"""The addresses of the project."""

from django.urls import path

from saasmanager import health

urlpatterns = [
    path("livez", health.livez),
    path("readyz", health.readyz),
]
