"""What a log line may hold: JSON (plain text while debugging), made of known fields only."""

import re
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

# Anything else that a library binds or passes along is left out: no headers, no bodies, no cookies, no query strings.
FIELDS = frozenset(
    {
        "event", "level", "logger", "timestamp", "exception",
        "request_id", "request", "code", "user_id", "organization_id", "duration_ms", "reason", "count",
        # What structlog itself needs between its processors; its formatter takes these out again.
        "_record", "_from_structlog", "exc_info", "stack_info",
    }
)  # fmt: skip
# An id has 36 characters. What is longer in a path is a secret: the key of a password reset, a misplaced token.
LONGEST_PATH_SEGMENT = 40
SECRET_SEGMENT = re.compile(rf"/[^/\s?]{{{LONGEST_PATH_SEGMENT + 1},}}")


def known_fields_only(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    return {name: value for name, value in event.items() if name in FIELDS}


def address_without_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Cut `request` ("GET /path?query") down to its method and path, long segments masked, also in Django's words."""
    if isinstance(event.get("request"), str):
        segments = event["request"].partition("?")[0].split("/")
        event["request"] = "/".join(s if len(s) <= LONGEST_PATH_SEGMENT else "***" for s in segments)
    # Django's own lines on refused requests have the path in their words: "Gone: /invitation/...".
    if isinstance(event.get("event"), str):
        event["event"] = SECRET_SEGMENT.sub("/***", event["event"])
    return event


PROCESSORS: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    known_fields_only,
    address_without_secrets,
]


def configure(*, level: str, readable: bool) -> dict[str, Any]:
    """Point structlog at the standard library's handlers and return Django's LOGGING.

    `readable` writes for a person at a terminal; otherwise one JSON object a line, for a log collector.
    """
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *PROCESSORS,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    rendering: list[Processor] = (
        [structlog.dev.ConsoleRenderer(colors=False)]
        if readable
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": PROCESSORS,
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level},
        # Django's own default handlers mail and print; every line goes one way here.
        "loggers": {"django": {"handlers": [], "level": level, "propagate": True}},
    }
