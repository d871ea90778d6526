"""Refusal: a rule of the house said no, in words that a page, a command and a SCIM answer can all show."""

from typing import ClassVar


class Refusal(Exception):
    """Base of every "no" that a service can give; nothing has been changed when it is raised.

    ``code`` is the word that the request log and the tables of error answers know it by. The message is a full
    sentence that says what to do.
    """

    code: ClassVar[str] = "refused"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
