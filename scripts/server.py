"""The server: granian, with the application loaded before it forks workers, so that one is replaced at once."""

from granian.cli import entrypoint

import saasmanager.wsgi  # noqa: F401

if __name__ == "__main__":
    entrypoint()
