"""What the documents say is so: settings, commands, links and pictures."""

import ast
import re
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
README = (ROOT / "README.md").read_text()
ROOMS = {"saasmanager", "scim", "provisioning", "signin", "users", "domains", "organizations"}

READERS = re.compile(r"env\.(bool|int|float|str|list|db|email_url)|os\.environ\.get|setting|number")


def settings_read() -> dict[str, ast.expr | None]:
    """Every variable that the server reads, with its default where that is plain to see."""
    found: dict[str, ast.expr | None] = {}
    for path in ("saasmanager/settings.py", "scripts/serve.py"):
        for node in ast.walk(ast.parse((ROOT / path).read_text())):
            if not isinstance(node, ast.Call):
                continue
            names = [arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
            if READERS.fullmatch(ast.unparse(node.func)) and names and re.fullmatch(r"[A-Z][A-Z_]+", names[0]):
                keywords = [keyword.value for keyword in node.keywords if keyword.arg == "default"]
                default = next((value for value in keywords if isinstance(value, ast.Constant)), None)
                found[names[0]] = default
    return found


def settings_table() -> dict[str, str]:
    table = README.partition("### Settings")[2].partition("\n#")[0]
    return dict(re.findall(r"^\| `([A-Z_]+)` \| (.*?) \|", table, re.MULTILINE))


def test_the_table_names_every_setting_and_no_other() -> None:
    assert len(settings_read()) >= 15
    assert set(settings_table()) == set(settings_read())


def test_the_table_gives_the_defaults() -> None:
    for name, default in settings_read().items():
        if isinstance(default, ast.Constant):
            value = default.value
            said = {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)
            assert settings_table()[name] == f"`{said}`", name


def test_the_readme_names_every_command_of_ours_and_its_options() -> None:
    ours = {name: app for name, app in get_commands().items() if app in ROOMS}
    assert {"create_organization", "scim", "domain"} <= set(ours)
    # Django's own, of which only one goes on at a time.
    del ours["migrate"]
    for name, app in ours.items():
        assert f"`manage.py {name}" in README, name
        command = load_command_class(app, name)
        parser = command.create_parser("manage.py", name)
        own = [
            option
            for action in parser._actions
            for option in action.option_strings
            if option.startswith("--") and option not in command.suppressed_base_arguments | DJANGOS_OPTIONS
        ]
        for option in own:
            assert f"{option}" in README, f"{name} {option}"


DJANGOS_OPTIONS = {
    "--help", "--version", "--verbosity", "--settings", "--pythonpath", "--traceback", "--no-color", "--force-color",
    "--skip-checks",
}  # fmt: skip


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_document_refers_to_exists(document: Path) -> None:
    text = document.read_text()
    for target in re.findall(r"\]\((?!https?://|#)([^)#]+)(?:#[^)]*)?\)", text):
        assert (document.parent / target).exists(), target
    for fragment in re.findall(r"\]\(#([^)]+)\)", text):
        headings = [re.sub(r"[^\w\- ]", "", line).strip().lower().replace(" ", "-") for line in text.splitlines()]
        assert fragment in headings, fragment


# What the set-up article puts in bold type that is not ours to name.
JUMPCLOUDS = {
    "API Type", "SCIM API", "SCIM Version", "SCIM 2.0", "Token Key", "Test User Email", "Test Connection",
    "Group Management", "Activate", "User Authentication > SSO Applications", "Identity Management", "User Groups",
    "On this page:", "without a slash at its end",
}  # fmt: skip


def labels_of_the_product() -> str:
    """All words of the templates, and the texts that code hands to them."""
    files = [*(ROOT / "templates").rglob("*.html"), ROOT / "console" / "sections.py"]
    files += [path for room in sorted(ROOMS) for path in (ROOT / room).rglob("*.py")]
    return "\n".join(path.read_text() for path in files)


def test_the_set_up_article_calls_everything_as_the_pages_do() -> None:
    product = labels_of_the_product()
    article = " ".join((ROOT / "docs" / "jumpcloud.md").read_text().split())
    bold = {label for text in re.findall(r"\*\*([^*]+)\*\*", article) for label in text.split(" > ")}
    assert len(bold) > 20
    unknown = {label for label in bold if label not in product} - {part for j in JUMPCLOUDS for part in j.split(" > ")}
    assert not unknown


def texts_in_the_code() -> list[str]:
    """Every text of the server's own code, an ellipsis where a value is put in."""
    texts = []
    for package in ("scim", "provisioning", "users", "domains", "core"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                parts = node.values if isinstance(node, ast.JoinedStr) else [node]
                texts.append("".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in parts))
    return [text.lower() for text in texts]


def test_the_set_up_article_quotes_the_request_log_word_for_word() -> None:
    article = (ROOT / "docs" / "jumpcloud.md").read_text()
    quotes = re.findall(r"(?<!\*)\*([^*\n]+)\*(?!\*)", article)
    texts = texts_in_the_code()
    assert len(quotes) > 15
    for quote in quotes:
        assert any(quote.lower() in text for text in texts), quote


def test_every_picture_is_in_the_list_of_pictures() -> None:
    pictures = ROOT / "docs" / "pictures"
    listed = re.findall(r"\]\(([\w-]+\.png)\)", (pictures / "README.md").read_text())
    assert sorted(path.name for path in pictures.glob("*.png")) == sorted(listed)


@pytest.mark.parametrize("decision", sorted((ROOT / "docs" / "decisions").glob("*.md")), ids=lambda path: path.stem)
def test_a_decision_has_a_number_a_context_a_choice_and_a_price(decision: Path) -> None:
    text = decision.read_text()
    number = int(decision.name[:4])
    assert text.startswith(f"# {number}. ")
    for part in ("**Context.**", "**Choice.**", "**What it costs.**"):
        assert part in text


def test_decisions_are_numbered_without_gaps() -> None:
    numbers = [int(path.name[:4]) for path in sorted((ROOT / "docs" / "decisions").glob("*.md"))]
    assert numbers == list(range(1, len(numbers) + 1))


def test_the_changelog_says_each_thing_once_under_the_usual_headings() -> None:
    text = (ROOT / "CHANGELOG.md").read_text()
    entries = re.split(r"^(?:- |#+ )", text, flags=re.MULTILINE)
    assert sorted(entries) == sorted(set(entries))
    latest = text.partition("\n## [")[2].partition("\n## [")[0]
    headings = re.findall(r"^### (\w+)$", latest, re.MULTILINE)
    order = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]
    assert headings == [each for each in order if each in headings]
