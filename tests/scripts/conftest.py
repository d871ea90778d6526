"""A copy of the project to run its commands in, so that no test touches a developer's own database."""

import shutil
from pathlib import Path

import pytest

from scripts import serve

NOT_COPIED = shutil.ignore_patterns(".venv", ".git", ".*_cache", "__pycache__", "*.sqlite3*", "staticfiles", "docs")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy = Path(shutil.copytree(serve.ROOT, tmp_path_factory.mktemp("copy") / "project", ignore=NOT_COPIED))
    (copy / ".venv").symlink_to(serve.ROOT / ".venv")
    return copy
