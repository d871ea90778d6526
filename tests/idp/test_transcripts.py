"""What JumpCloud, Okta, OneLogin, Microsoft Entra ID and scripts say to the server, said to the real server."""

import json
from pathlib import Path
from typing import Any

import pytest

from provisioning.services.onboarding import open_organization
from tests.idp.runner import TRANSCRIPTS, simulate
from tests.servers import Server


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("transcript", TRANSCRIPTS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_the_identity_provider_gets_the_answers_it_counts_on(transcript: Path, real_server: Server) -> None:
    opened = open_organization("Acme", "acme", domains_with_requests=["example.com"], enable_scim=True)

    def send(method: str, path: str, headers: dict[str, str], body: Any) -> tuple[int, dict[str, str], Any]:
        answer = real_server.request(
            method,
            f"/scim/acme/v2{path}",
            headers={"Authorization": f"Bearer {opened.bearer_token}"} | headers,
            body=None if body is None else json.dumps(body),
        )
        return answer.status, answer.headers, answer.json() if answer.body else None

    simulate(transcript, send)


def test_every_client_has_transcripts() -> None:
    assert {transcript.parent.name for transcript in TRANSCRIPTS} == {
        "entra",
        "jumpcloud",
        "okta",
        "onelogin",
        "scripts",
    }
