"""The addresses of the API, without a slash at their end."""

from django.urls import path, re_path

from users.api import audit_logs, problems

urlpatterns = [
    path("api/audit/v1/logs", audit_logs.LogsView.as_view(), name="audit-logs"),
    path("api/audit/v1/openapi.json", audit_logs.describe, name="audit-openapi"),
    re_path(r"^api/", problems.NowhereView.as_view()),
]
