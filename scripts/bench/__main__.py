"""One run of the bench: a database, both servers on it, every operation in turn, a report."""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from scripts import postgres, serve
from scripts.bench import calls, report
from scripts.bench.calls import Call, Target
from scripts.bench.client import WrongAnswerError
from scripts.bench.measuring import SETTLING, Result, measure
from scripts.bench.operations import BY_NAME, OPERATIONS, Operation
from scripts.bench.report import Counted, Failed, Report
from scripts.bench.servers import BARE, CONNECTIONS, OURS, WORKERS, Server, ServerError, environment_of, serving

BASE_PATH = "/scim/bench/v2"


@dataclass(frozen=True, slots=True)
class Stand:
    """Both servers on one filled database, and what a process needs that runs either application by itself."""

    ours: Server
    bare: Server
    environment: Mapping[str, str]
    file: Path
    database: str


def main(arguments: Sequence[str]) -> int:
    """Run the bench and return the exit status. Raises what its parts raise when they can't work."""
    options = parse(arguments)
    if options.profile:
        for users in options.users:
            with _stand(users, options.database) as stand:
                _profile(options.profile, stand)
        return 0
    found = _measure(options)
    print(found.as_text())
    if options.json:
        options.json.write_text(json.dumps(found.as_json(), indent=1) + "\n")
    return 1 if found.failed or (options.strict and found.is_below_a_floor) else 0


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The options; ends the program with status 2 and a line about what is wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.bench",
        description="How fast the server is beside the least that such a server must do, in rounds that alternate.",
        epilog=f"Operations: {', '.join(BY_NAME)}.",
    )
    parser.add_argument(
        "--users", type=_sizes, default=[1_000, 100_000], metavar="N,N", help="people to begin with (1000,100000)"
    )
    parser.add_argument("--rounds", type=_number, default=9, metavar="N", help="rounds of each operation (9)")
    parser.add_argument("--seconds", type=_seconds, default=1.0, metavar="S", help="seconds a round and side (1)")
    parser.add_argument(
        "--settling", type=_seconds, default=SETTLING, metavar="S", help=f"seconds of quiet around each ({SETTLING})"
    )
    parser.add_argument("--ops", type=_operations, default=OPERATIONS, metavar="OP,OP", help="only these operations")
    parser.add_argument("--database", choices=("postgresql", "sqlite"), default="postgresql")
    parser.add_argument("--json", type=_file, metavar="FILE", help="write the whole report there, too")
    parser.add_argument("--strict", action="store_true", help="exit with status 1 if anything is below its floor")
    parser.add_argument(
        "--profile", type=_operation, metavar="OP", help="measure nothing; say where a request's time goes"
    )
    return parser.parse_args(arguments)


def _number(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"a whole number from 1 on, not {text!r}")
    return int(text)


def _sizes(text: str) -> list[int]:
    return [_number(part) for part in text.split(",")]


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"a number of seconds, not {text!r}")
    return seconds


def _operation(text: str) -> str:
    if text not in BY_NAME:
        raise argparse.ArgumentTypeError(f"there is no operation {text!r}; there are {', '.join(BY_NAME)}")
    return text


def _operations(text: str) -> list[Operation]:
    wanted = {_operation(name) for name in text.split(",")}
    return [operation for operation in OPERATIONS if operation.name in wanted]


def _file(text: str) -> Path:
    file = Path(text)
    if not file.parent.is_dir() or file.is_dir():
        raise argparse.ArgumentTypeError(f"a file in a folder that exists, not {text!r}")
    return file


def _measure(options: argparse.Namespace) -> Report:
    machine = report.machine()
    results: list[Result] = []
    counted: list[Counted] = []
    not_offered: list[tuple[str, int]] = []
    failed: list[Failed] = []
    for users in options.users:
        with _stand(users, options.database) as stand:
            machine["database"] = stand.database
            for operation in options.ops:
                if not _is_offered(operation, stand.ours):
                    not_offered.append((operation.name, users))
                    continue
                if options.database == "sqlite":
                    operation = operation.on_sqlite()
                try:
                    result = measure(
                        *(operation, stand.ours, stand.bare),
                        rounds=options.rounds,
                        seconds=options.seconds,
                        settling=options.settling,
                    )
                except (WrongAnswerError, OSError) as problem:
                    # What was measured before has taken minutes, and the next operation may well work.
                    failed.append(Failed(operation.name, users, str(problem)))
                    _report_line(f"{users:,} users, {operation.name}: failed. {problem}")
                    continue
                results.append(result)
                _report_line(f"{users:,} users, {operation.name}: {result.ratio:.2f} ({report.rating(result)})")
            # They do not depend on how many users there are.
            counted = _counted(stand)
    chosen = {
        "users": options.users,
        "rounds": options.rounds,
        "seconds": options.seconds,
        "operations": [operation.name for operation in options.ops],
        "connections": CONNECTIONS,
        "workers": WORKERS,
    }
    return Report(machine, chosen, results, counted, not_offered, failed)


@contextmanager
def _stand(users: int, kind: str) -> Iterator[Stand]:
    with _database(kind) as url, tempfile.TemporaryDirectory(prefix="saasmanager-bench-") as folder:
        port, file = postgres.free_port(), Path(folder) / "target.json"
        environment = environment_of(port, url)
        _report_line(f"{users:,} users: filling {kind} ...")
        # A command may take its time, a request may not.
        _run("scripts.bench.seeding", str(users), str(file), environment={**environment, "DATABASE_TIMEOUTS": "off"})
        seeded = json.loads(file.read_text())
        database = seeded.pop("database")
        target = Target(base_path=BASE_PATH, **seeded)
        with (
            serving(OURS, port, target, environment) as ours,
            serving(BARE, postgres.free_port(), target, environment) as bare,
        ):
            yield Stand(_with_late_cursor(ours), _with_late_cursor(bare), environment, file, database)


@contextmanager
def _database(kind: str) -> Iterator[str]:
    """The DATABASE_URL of a new database, which is gone afterwards."""
    if kind == "postgresql":
        with postgres.throw_away(durable=True) as url:
            yield url
    else:
        with tempfile.TemporaryDirectory(prefix="saasmanager-bench-") as folder:
            yield f"sqlite:///{folder}/bench.sqlite3"


def _with_late_cursor(server: Server) -> Server:
    with server.connected() as (connection, *_):
        cursor = calls.walk(server.target, connection.ask)
    return replace(server, target=replace(server.target, late_cursor=cursor))


def _is_offered(operation: Operation, ours: Server) -> bool:
    if not operation.feature:
        return True
    with ours.connected() as (connection, *_):
        config = json.loads(connection.ask(Call("GET", "/ServiceProviderConfig", b'"authenticationSchemes":')))
    return bool(config[operation.feature]["supported"])


def _counted(stand: Stand) -> list[Counted]:
    return [Counted(**each) for each in json.loads(_inside(OURS, stand.ours, stand))]


def _profile(name: str, stand: Stand) -> None:
    if not _is_offered(BY_NAME[name], stand.ours):
        sys.exit(f"The server does not offer {name}.")
    for title, application, server in (("Bare baseline", BARE, stand.bare), ("Ours", OURS, stand.ours)):
        print(f"=== {title}: {name}, {server.target.users:,} users, {stand.database} ===")
        print(_inside(application, server, stand, name))


def _inside(application: str, server: Server, stand: Stand, *arguments: str) -> str:
    stand.file.write_text(json.dumps(asdict(server.target)))
    return _run("scripts.bench.inside", application, str(stand.file), *arguments, environment=stand.environment)


def _run(module: str, *arguments: str, environment: Mapping[str, str]) -> str:
    """What a part of the bench prints that needs Django to itself. Ends the run if the part fails, with its words."""
    done = subprocess.run(
        # Only `make serve` collects the static files; nothing here asks for one.
        [sys.executable, "-W", "ignore:No directory at", "-m", module, *arguments],
        cwd=serve.ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
    )
    if done.returncode:
        sys.exit(f"{module} ended with status {done.returncode}.")
    return done.stdout


def _report_line(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    # Being asked to stop is no reason to leave servers and files behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    try:
        sys.exit(main(sys.argv[1:]))
    except (postgres.PostgresqlError, ServerError, WrongAnswerError, OSError) as problem:
        sys.exit(f"The bench can't go on. {problem}")
    except KeyboardInterrupt:
        sys.exit("stopped")
