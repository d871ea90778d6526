"""The example of a section in docs/architecture.md does what it says."""

import re
import textwrap
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.test import override_settings
from django.urls import path

from console import actions, sections
from console.site import site
from organizations.models import Organization
from saasmanager import urls
from tests.signed_in import SignedIn
from tests.tenants import Tenant
from users.permissions import BuiltIn

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "architecture.md"
TEMPLATE = """{% extends "settings/section.html" %}{% block body %}
{{ message }} {% if organization.wants_support %}On{% else %}Off{% endif %}{% endblock %}"""
SCRIPT = {"hx-request": "true"}


def example(folder: Path) -> ModuleType:
    """The module of the example."""
    page = GUIDE.read_text().partition("### A page with an action")[2]
    found = re.search(r"```python\n(.*?)```", page, re.DOTALL)
    assert found
    (folder / "example.py").write_text(textwrap.dedent(found[1]))
    spec = spec_from_file_location("example", folder / "example.py")
    assert spec and spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def _documented(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A project that has the section of the example, too."""
    monkeypatch.setattr(actions, "_actions", [*actions._actions])
    monkeypatch.setattr(sections, "_sections", [*sections._sections])
    monkeypatch.setattr(sections, "_contexts", {**sections._contexts})
    sections.register(example(tmp_path).HELP)
    (tmp_path / "settings" / "help").mkdir(parents=True)
    (tmp_path / "settings" / "help" / "section.html").write_text(TEMPLATE)
    (templates,) = settings.TEMPLATES
    with_help = {**templates, "DIRS": [*templates["DIRS"], tmp_path]}
    others = [each for each in urls.urlpatterns if getattr(each, "namespace", "") != "settings"]
    project = ModuleType("project")
    project.urlpatterns = [path("settings/", site.urls), *others]  # type: ignore[attr-defined]
    with override_settings(ROOT_URLCONF=project, TEMPLATES=[with_help]):
        yield


@pytest.mark.usefixtures("_documented")
def test_it_is_shown_and_changed_by_those_who_may(acme: Tenant, signed_in: SignedIn) -> None:
    client = signed_in(acme)
    assert "<h2>Help</h2>" in client.get("/settings/organization/").content.decode()
    piece = client.post("/settings/organization/help/", {"wanted": "on"}, headers=SCRIPT).content.decode()
    assert "Help is on its way. On" in piece and "<html" not in piece
    answer = client.post("/settings/organization/help/", {"wanted": "off"})
    assert answer["location"] == "/settings/organization/#help"
    assert "Nobody may look." in client.get("/settings/organization/").content.decode()
    assert client.post("/settings/organization/help/", {"wanted": "x"}, headers=SCRIPT).status_code == 400
    reader = signed_in(acme, BuiltIn.READ_ONLY)
    assert reader.post("/settings/organization/help/", {"wanted": "on"}).status_code == 403
    assert not Organization.objects.get(pk=acme.id).wants_support
