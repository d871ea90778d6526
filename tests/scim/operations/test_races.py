"""Many clients at once on the real server: nothing is lost, nothing is doubled, nobody gets a fault."""

from collections.abc import Callable

import psycopg
import pytest
from django.db import IntegrityError, connection

from scim.operations.users import as_scim_errors
from scim.protocol.errors import InvalidValue, Uniqueness
from scripts import race_brake, race_rounds
from scripts.race_rounds import Round
from tests.conftest import CI
from tests.servers import Server


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", [*race_rounds.ROUNDS, *race_brake.ROUNDS], ids=lambda kind: kind.__name__)
def test_whoever_comes_first(kind: Callable[[Round], None], real_server: Server) -> None:
    # On SQLite writers take turns, so that little depends on who comes first.
    rounds = 20 if CI and connection.vendor == "postgresql" else 5
    outcome = race_rounds.run_rounds(kind, real_server.url, rounds)
    assert not outcome.wrong
    assert outcome.rounds == rounds


def test_who_refers_to_what_is_deleted_at_that_moment_is_told_so() -> None:
    with pytest.raises(InvalidValue, match="has just deleted"), as_scim_errors():
        raise IntegrityError from psycopg.errors.ForeignKeyViolation()
    with pytest.raises(Uniqueness, match="has just taken"), as_scim_errors():
        raise IntegrityError from psycopg.errors.UniqueViolation()
