"""granian, with the application loaded before it forks its workers: one that was killed is back at once."""

from granian.cli import entrypoint

import saasmanager.wsgi  # noqa: F401

if __name__ == "__main__":
    entrypoint()
