"""An application in this process, without a server: its statements, and where its time goes."""

import cProfile
import io
import pstats
import re
import statistics
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from importlib import import_module
from operator import itemgetter
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import orjson
from django.db import connection

from scripts import serve
from scripts.bench import operations
from scripts.bench.calls import Call, Calls, Target

WARM_UP = 20
SECONDS = 3.0
SHOWN = 25
CONTROL = re.compile(r"(BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE)\b")


def main(application: str, file: Path, operation: str) -> None:
    """Profile an operation, in words; without one, print how many statements each of some requests costs, as JSON."""
    module, _, name = application.partition(":")
    asker = Asker(getattr(import_module(module), name), Target(**orjson.loads(file.read_bytes())))
    if operation:
        profile(operation, asker)
    else:
        print(orjson.dumps([count_of(each, asker) for each in operations.COUNTS]).decode())


class Asker:
    """Sends requests straight into a WSGI application, and looks at the statements that come out at the other side."""

    def __init__(self, application: Callable[..., Any], target: Target) -> None:
        self.application = application
        self.target = target
        self.statements: Counter[str] = Counter()
        self.seconds: defaultdict[str, float] = defaultdict(float)

    def ask(self, call: Call) -> bytes:
        """One request. Raises RuntimeError for an answer with another status than the one that was wanted."""
        status: list[str] = []
        answer = self.application(self._environ(call), lambda line, _headers: status.append(line))
        body = b"".join(answer)
        answer.close()
        if int(status[0][:3]) != call.status:
            raise RuntimeError(f"{call.method} {call.path}: {status[0]} {body[:500].decode(errors='replace')}")
        return body

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Count and time the statements meanwhile, transaction control left out."""
        self.statements.clear()
        self.seconds.clear()
        with connection.execute_wrapper(self._watch):
            yield

    def _watch(self, execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        started = time.perf_counter()
        try:
            return execute(sql, *rest)
        finally:
            if not CONTROL.match(sql):
                self.statements[sql] += 1
                self.seconds[sql] += time.perf_counter() - started

    def _environ(self, call: Call) -> dict[str, Any]:
        path, _, query = call.path.partition("?")
        return {
            "REQUEST_METHOD": call.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote(self.target.base_path + path),
            "QUERY_STRING": query,
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": "127.0.0.1",
            "HTTP_AUTHORIZATION": f"Bearer {self.target.token}",
            "HTTP_ACCEPT": "application/scim+json",
            "HTTP_USER_AGENT": "bench",
            "CONTENT_TYPE": "application/scim+json" if call.body else "",
            "CONTENT_LENGTH": str(len(call.body)) if call.body else "",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(call.body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
        }


def count_of(count: operations.Count, asker: Asker) -> dict[str, Any]:
    """The statements of one request that is not the first of its kind; what those left behind is not known here."""
    calls = count.calls(asker.target)
    for _ in range(2):
        asker.ask(next(calls))
    with asker.watching():
        asker.ask(next(calls))
    return {"name": count.name, "statements": asker.statements.total(), "floor": count.floor, "goal": count.goal}


def profile(name: str, asker: Asker) -> None:
    """Say what a request of the operation costs: in all, statement by statement, function by function.

    The threads that work behind the answers, such as the request log's, are not in it, and COPY is no statement here.
    """
    calls = operations.BY_NAME[name].ours(asker.target)
    for _ in range(WARM_UP):
        asker.ask(next(calls))
    waits = _ask_for_a_while(asker, calls)
    print(f"A request takes {statistics.median(waits) * 1e6:,.0f} us (median of {len(waits)}).\n")

    with asker.watching():
        answers = len(_ask_for_a_while(asker, calls))
    print("Its statements: how many a request, microseconds in all of them, text")
    for sql, seconds in sorted(asker.seconds.items(), key=itemgetter(1), reverse=True):
        print(f"{asker.statements[sql] / answers:6.2f}  {seconds / answers * 1e6:8,.0f}  {sql[:2000]}")

    profiler = cProfile.Profile()
    answers = len(_ask_for_a_while(asker, calls, profiler))
    functions = [
        (_place(function), called / answers, own / answers * 1e6, total / answers * 1e6)
        for function, (_primitive, called, own, total, _callers) in pstats.Stats(profiler).stats.items()  # type: ignore[attr-defined]
    ]
    ours = [function for function in functions if function[0].startswith("ours:") and "/bench/" not in function[0]]
    columns = "  calls       own     total"
    print(
        "\nThe profiler makes every function slower, the small ones most. Calls a request, own and total microseconds."
    )
    for title, chosen, by in (("by their own time", functions, 2), ("of the project, by total time", ours, 3)):
        print(f"\nFunctions {title}\n{columns}")
        for place, called, own, total in sorted(chosen, key=itemgetter(by), reverse=True)[:SHOWN]:
            print(f"{called:7.1f}{own:10,.1f}{total:10,.1f}  {place}")


def _place(function: tuple[str, int, str]) -> str:
    """Where a function stands, without what all paths have in common."""
    file, line, name = function
    if "site-packages/" in file:
        file = file.partition("site-packages/")[2]
    elif file.startswith(f"{serve.ROOT}/"):
        file = f"ours: {file.removeprefix(f'{serve.ROOT}/')}"
    return name if file == "~" else f"{file}:{line} {name}"


def _ask_for_a_while(asker: Asker, calls: Calls, profiler: cProfile.Profile | None = None) -> list[float]:
    """How many seconds each of many requests took; the profiler sees nothing else."""
    waits: list[float] = []
    end = time.perf_counter() + SECONDS
    while not waits or time.perf_counter() < end:
        call = next(calls)
        started = time.perf_counter()
        with profiler or nullcontext():
            asker.ask(call)
        waits.append(time.perf_counter() - started)
    return waits


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), "".join(sys.argv[3:]))
