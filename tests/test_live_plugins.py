"""Live data of plugins: read by another version, in another process, after a restart; and no version is kept by it."""

from __future__ import annotations

import functools
import json
import linecache
import logging
import os
import subprocess
import sys
import textwrap
import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Generic, NamedTuple, TypedDict, TypeVar

import attrs
import msgpack
import pytest
from conftest import Host, collected, eventually
from hostmaker import IMPORTABLE
from wheelmaker import make_wheel, plugin_source

import hotswap
from hotswap import LiveDataError
from hotswap.live import Data, migration, unwrap, wrap

JOBS_1 = """
    from __future__ import annotations
    import enum
    from dataclasses import dataclass, field
    from datetime import datetime
    from typing import Optional
    import attrs
    import hotswap.live

    class Urgency(enum.Enum):
        LOW = 1
        HIGH = 2

    @dataclass
    class Note:
        text: str

    @attrs.define
    class Tag:
        name: str

    class Plain:
        number: int
        def __init__(self, number): self.number = number

    @dataclass(slots=True)
    class Live_Job:
        path: str
        size: str
        old: int = 0
        urgency: Urgency = Urgency.LOW
        notes: list[Note] = field(default_factory=list)
        about: Note | Tag | None = None
        plain: Optional["Plain"] = None
        next: Optional[Live_Job] = None

    def live_run(job): return f"1.0 ran {job.path} {job.size}"
    def queue(path="a"):
        job = Live_Job(path, "3", 1, Urgency.HIGH, [Note("x")], Tag("t"), Plain(4), Live_Job("b", "4"))
        return hotswap.live.wrap(job)
    def again(data): return hotswap.live.wrap(hotswap.live.unwrap(data, Live_Job))
    def queue_all(): return hotswap.live.wrap([Live_Job("a", "1")], type=list[Live_Job])
"""

JOBS_2 = (
    JOBS_1.replace("1.0 ran", "2.0 ran")
    .replace("path: str", "file: str")
    .replace("size: str", "size: int")
    .replace("job.path", "job.file")
    .replace("        old: int = 0\n", "")
    .replace('"3", 1, ', "3, ")
    .replace('"4")', "4)")
    .replace('"1")', "1)")
    .replace("plain: Optional", "retries: int = 3\n        plain: Optional")
    .replace('Tag("t"), Plain', 'Tag("t"), 3, Plain')
    .replace(
        "        file: str\n",
        """        file: str
        @hotswap.live.migration(before="2.0")
        @staticmethod
        def _(fields):
            fields["file"] = fields.pop("path")
            fields["size"] = int(fields["size"])
            return fields
""",
    )
)
FITTING = JOBS_2[JOBS_2.index("        @hotswap") : JOBS_2.index("        size: int")]


def add(host: Host, version: str, jobs: str) -> None:
    """Put the guardian's wheel into the directory, in place of its older one."""
    for old in host.plugins.glob("guardian-*.whl"):
        old.unlink()
    files = {
        "guardian_plugin.py": plugin_source("from guardian_jobs import *"),
        "guardian_jobs.py": textwrap.dedent(jobs),
    }
    make_wheel(host.plugins, "guardian", version, files)


def queued(manager: hotswap.PluginManager, function: str = "queue", *args: Any) -> Data:
    data = manager.invoke("guardian", function, *args)
    assert isinstance(data, Data)
    return data


def run(manager: hotswap.PluginManager, data: Data) -> Any:
    """What a job queue does: the newest function runs the job as the newest type makes it."""
    vault = manager.current.vault
    return vault.live_funcs["live_run"](unwrap(data, vault))


def test_a_job_survives_a_reload_and_a_rollback(host: Host) -> None:
    """A job queued under 1.0 runs under 2.0, renamed and retyped fields migrated; one of 2.0 needs what 1.0 lacks."""
    add(host, "1.0", JOBS_1)
    manager = host.loaded()
    data = queued(manager)
    assert (data.type, data.plugin, data.version) == ("Live_Job", "guardian", "1.0")
    assert run(manager, data) == "1.0 ran a 3"
    several = queued(manager, "queue_all")
    add(host, "2.0", JOBS_2)
    manager.reload()
    assert run(manager, data) == "2.0 ran a 3"
    job = unwrap(data, manager.current.vault)
    assert (job.retries, job.next.size, job.about.name, job.plain.number, job.urgency.name) == (3, 4, "t", 4, "HIGH")
    assert not hasattr(job, "old")
    assert data.value["size"] == "3"
    (one,) = unwrap(several, manager.current.vault)
    assert one.size == 1
    del job, one
    newer = queued(manager)
    manager.rollback()
    with pytest.raises(LiveDataError) as caught:
        run(manager, newer)
    assert caught.value.data is newer
    assert str(caught.value).splitlines() == [
        "Live_Job, written by guardian 2.0, read by guardian 1.0, does not fit: 4 faults",
        "  - Live_Job.path: missing (give it a default in Live_Job, or declare"
        " @hotswap.live.migration(before=...) in Live_Job)",
        "  - Live_Job.size: 3 is no str",
        "  - Live_Job.next.path: missing (give it a default in Live_Job, or declare"
        " @hotswap.live.migration(before=...) in Live_Job)",
        "  - Live_Job.next.size: 4 is no str",
    ]


def test_a_rollback_reads_what_fits(host: Host) -> None:
    """Data of a newer version is read by an older one as far as the fields fit: what it does not know is dropped."""
    host.add("guardian", "1.0", "@__import__('dataclasses').dataclass\nclass Live_Job:\n    path: str\n")
    newer = Data("Live_Job", {"path": "a", "extra": [1]}, "guardian", "2.0")
    assert unwrap(newer, host.loaded().current.vault).path == "a"


def test_after_a_restart_and_in_another_process(host: Host) -> None:
    """JSON written by one process is read by another manager, and by another process with another version."""
    add(host, "1.0", JOBS_1)
    with host.manager() as manager:
        manager.load()
        text = queued(manager).to_json()
        packed = msgpack.packb(queued(manager).as_plain())
    assert run(host.loaded(), Data.from_json(text)) == "1.0 ran a 3"
    assert Data.from_plain(msgpack.unpackb(packed)).to_json() == text
    add(host, "2.0", JOBS_2)
    code = """
        import sys, hotswap
        from hotswap.live import Data, unwrap
        with hotswap.PluginManager(sys.argv[1], state_dir=sys.argv[2]) as manager:
            manager.load()
            vault = manager.current.vault
            print(vault.live_funcs["live_run"](unwrap(Data.from_json(sys.stdin.read()), vault)))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(host.plugins), str(host.state_dir) + "2"],
        input=text,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([IMPORTABLE, str(Path(__file__).parent)])},
    )
    assert done.stdout == "2.0 ran a 3\n"


def test_misfits_name_both_versions(host: Host) -> None:
    """Without the migration the error names the type, the fields, both versions and the way out, and has the data."""
    add(host, "1.0", JOBS_1)
    manager = host.loaded()
    data = queued(manager)
    add(host, "2.0", JOBS_2.replace(FITTING, ""))
    manager.reload()
    with pytest.raises(LiveDataError) as caught:
        run(manager, data)
    error = caught.value
    assert error.data == data
    assert error.__cause__ is None
    assert error.__context__ is None
    assert [fault.where for fault in error.faults] == [
        "Live_Job.file",
        "Live_Job.size",
        "Live_Job.next.file",
        "Live_Job.next.size",
    ]
    assert "written by guardian 1.0, read by guardian 2.0" in str(error)
    assert "migration(before=...)" in str(error)


def test_unknown_type(host: Host) -> None:
    """A type that no plugin has any more is named, with who wrapped it and what there is."""
    add(host, "1.0", JOBS_1)
    vault = host.loaded().current.vault
    data = Data("Live_Gone", {}, "warden", "1.0")
    with pytest.raises(
        LiveDataError,
        match=r"Live_Gone, written by warden 1\.0: there is no live type 'Live_Gone'; there are: Live_Job",
    ):
        unwrap(data, vault)
    for name in ("list[Live_Gone]", "1 +", "list[3]", "None[int]", "Live_Job.x", ""):
        with pytest.raises(LiveDataError, match="there is no live type"):
            unwrap(Data(name, [], "warden", "1.0"), SimpleNamespace(live_types={}))
    renamed = unwrap(Data("Live_Gone", {"path": "a", "size": "1"}), {"Live_Gone": vault.live_types["Live_Job"]})
    assert type(renamed).__name__ == "Live_Job"


# ------------------------------------------------------------------------------------------------------- migrations


def data_of(version: str | None, **fields: Any) -> Data:
    return Data("Job", fields, "guardian" if version else None, version)


def step(name: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda fields: {**fields, "steps": [*fields.get("steps", []), name]}


@dataclass(slots=True)
class Base:
    steps: list[str] = field(default_factory=list)

    @migration(before="2.0")
    @staticmethod
    def _(fields: dict[str, Any]) -> dict[str, Any]:
        return step("base 2")(fields)


@dataclass(slots=True, frozen=True, eq=True)
class Slotted:
    steps: list[str] = field(default_factory=list)

    @migration(before="3.0")
    def _(fields: dict[str, Any]) -> dict[str, Any]:  # type: ignore[misc]
        return step("3")(fields)

    @migration(before="2.0")
    @classmethod
    def _(cls, fields: dict[str, Any]) -> dict[str, Any]:
        return step(f"{cls.__name__} 2")(fields)

    @migration(before="1.5")
    @staticmethod
    def one_five(fields: dict[str, Any]) -> dict[str, Any]:
        fields["steps"].append("1.5")
        return fields


@dataclass
class WithPartial:
    steps: list[str] = field(default_factory=list)
    _ = migration(before="2.0")(functools.partial(lambda name, fields: step(name)(fields), "partial 2"))


@attrs.define
class WithAttrs:
    steps: list[str] = attrs.Factory(list)

    @migration(before="2.0")
    @staticmethod
    def _(fields: dict[str, Any]) -> dict[str, Any]:
        return step("attrs 2")(fields)


@dataclass
class Heir(Base):
    @migration(before="2.0")
    @staticmethod
    def _(fields: dict[str, Any]) -> dict[str, Any]:
        return step("heir 2")(fields)


@dataclass
class Early:
    steps: list[str] = field(default_factory=list)

    @migration(before="2.0rc1")
    @staticmethod
    def _(fields: dict[str, Any]) -> dict[str, Any]:
        return step("rc1")(fields)


@dataclass
class Posted:
    steps: list[str] = field(default_factory=list)

    @migration(before="1.9.post1")
    @staticmethod
    def _(fields: dict[str, Any]) -> dict[str, Any]:
        return step("post")(fields)


class Tuple(NamedTuple):
    steps: list[str]

    @migration(before="2.0")
    @staticmethod
    def _(fields: dict[str, Any]) -> dict[str, Any]:
        return step("tuple 2")(fields)


@dataclass
class Around:
    inner: Base
    more: list[Base] = field(default_factory=list)


@pytest.mark.parametrize(
    ("cls", "version", "steps"),
    [
        (Slotted, "1.0", ["1.5", "Slotted 2", "3"]),
        (Slotted, "1.5", ["Slotted 2", "3"]),
        (Slotted, "2.0rc1", ["3"]),
        (Slotted, "1.9.dev1", ["Slotted 2", "3"]),
        (Early, "2.0b1", ["rc1"]),
        (Early, "2.0rc1", []),
        (Posted, "1.9.post1.dev2", []),
        (Posted, "1.9.dev2", ["post"]),
        (Slotted, "2.0", ["3"]),
        (Slotted, "3.0.1", []),
        (Slotted, None, []),
        (WithAttrs, "1.0", ["attrs 2"]),
        (WithPartial, "1.0", ["partial 2"]),
        (Heir, "1.0", ["base 2", "heir 2"]),
        (Tuple, "1.0", ["tuple 2"]),
    ],
)
def test_migrations_run_in_order(cls: Any, version: str | None, steps: list[str]) -> None:
    """Those run that are for later versions than the data's, ascending; of bases first; the data stays as it is.

    A pre-release has written the form of its release, unless a migration names a pre-release.
    """
    data = data_of(version, steps=[])
    assert unwrap(data, {"Job": cls}).steps == steps
    assert data.value == {"steps": []}


def test_migrations_of_nested_types() -> None:
    """A nested type's migrations run too, for each of its objects."""
    around = unwrap(data_of("1.0", inner={}, more=[{}, {}]), {"Job": Around})
    assert [each.steps for each in (around.inner, *around.more)] == [["base 2"]] * 3


def test_broken_migrations() -> None:
    """A migration that raises, or returns no fields, is named with its cause, and the data is not lost."""

    @dataclass
    class Raising:
        inner: int = 0

        @migration(before="2.0")
        @staticmethod
        def _(fields: dict[str, Any]) -> dict[str, Any]:
            raise KeyError("path")

    @dataclass
    class Forgetful:
        inner: int = 0

        @migration(before="2.0")
        @staticmethod
        def _(fields: dict[str, Any]) -> None: ...

    data = data_of("1.0", inner=1)
    with pytest.raises(
        LiveDataError, match=r"Job: migration\(before='2\.0'\) of Raising raised KeyError: 'path' \(.*test_live_plugins"
    ) as caught:
        unwrap(data, {"Job": Raising})
    assert (caught.value.data, caught.value.__cause__, caught.value.__context__) == (data, None, None)
    with pytest.raises(LiveDataError, match="of Forgetful returned a NoneType and not the dict of fields"):
        unwrap(data, {"Job": Forgetful})


def test_misplaced_migrations() -> None:
    """What is no version, no function, or stands outside of a class, is refused when it is declared."""
    with pytest.raises(ValueError, match="migration\\(before='two'\\): no version"):
        migration(before="two")
    with pytest.raises(TypeError, match="belongs into the body of the class"):
        migration(before="2.0")(step("x"))
    with pytest.raises(TypeError, match="marks functions, and 3 is none"):

        class Job:
            x = migration(before="2.0")(3)


# ------------------------------------------------------------------------------------------------------ not keeping


def test_reloads_leave_nothing(host: Host) -> None:
    """A version that has wrapped and unwrapped is collected after each reload; no cache grows."""
    sizes = []
    gone: list[weakref.ref[Any]] = []
    manager = host.manager()
    data = Data("Live_Job", {"path": "a", "size": "3"}, "guardian", "0.1")
    for number in range(1, 7):
        add(host, f"1.{number}", JOBS_1)
        if number == 1:
            manager.load()
        else:
            manager.reload()
        job = unwrap(queued(manager, "again", queued(manager)), manager.current.vault)
        gone += [weakref.ref(type(each)) for each in (job, job.about, job.plain, job.notes[0])]
        unwrap(queued(manager, "queue_all"), manager.current.vault)
        with pytest.raises(LiveDataError) as caught:
            unwrap(Data("Live_Job", {"about": 3}), manager.current.vault)
        unwrap(data, manager.current.vault)
        kept = caught.value
        del job, caught
        assert eventually(lambda: not manager.leaks())
        sizes.append((len(linecache.cache), len(logging.root.manager.loggerDict)))
    assert kept.faults
    assert [ref() for ref in gone[:-4]] == [None] * len(gone[:-4])
    assert sizes[2] == sizes[-1]


def test_types_that_refer_to_one_another_late(host: Host) -> None:
    """A field whose values are seen only in a later call keeps no version either."""
    jobs = """
        from __future__ import annotations
        from dataclasses import dataclass
        from typing import Optional
        import hotswap.live

        @dataclass
        class Live_Job:
            note: Optional[Note] = None

        @dataclass
        class Note:
            next: Optional[Note] = None

        def late():
            hotswap.live.wrap(Live_Job())
            return hotswap.live.wrap(Live_Job(Note()))
    """
    add(host, "1.0", jobs)
    manager = host.loaded()
    gone = weakref.ref(manager.current.vault.live_types["Live_Job"])
    queued(manager, "late")
    add(host, "1.1", jobs)
    manager.reload()
    assert eventually(lambda: collected(gone))
    assert not manager.leaks()


def test_objects_of_a_freed_plugin(host: Host) -> None:
    """An object that is wrapped only when its plugin has been freed is refused: nobody knows its version any more."""
    add(host, "1.0", JOBS_1)
    manager = host.loaded()
    job = manager.current.vault.live_types["Live_Job"]("a", "1")
    add(host, "2.0", JOBS_2)
    manager.reload()
    assert eventually(lambda: [retired.state for retired in manager.retired()] == ["freed"])
    with pytest.raises(
        LiveDataError, match="Live_Job cannot be held as live data: Live_Job: its plugin has been freed"
    ):
        wrap(job)


T = TypeVar("T")


@dataclass
class Envelope(Generic[T]):
    """A host class around a plugin's."""

    content: T


def test_host_classes_around_plugin_classes(host: Host) -> None:
    """A host's generic class around a plugin's type is held, and does not keep the plugin."""
    add(host, "1.0", JOBS_1)
    manager = host.loaded()
    cls = manager.current.vault.live_types["Live_Job"]
    data = wrap(Envelope(cls("a", "1")), Envelope[cls])  # type: ignore[valid-type]
    assert (data.type, data.plugin) == ("Envelope[Live_Job]", "guardian")
    assert unwrap(data, Envelope[cls]).content.path == "a"  # type: ignore[valid-type]
    assert unwrap(data, {"Envelope": Envelope, "Live_Job": cls}).content.size == "1"
    gone = weakref.ref(cls)
    del cls
    add(host, "1.1", JOBS_1)
    manager.reload()
    assert eventually(lambda: collected(gone))


def test_two_plugins_in_one_type(host: Host) -> None:
    """A type made of two plugins' classes is held, and neither keeps the other."""
    add(host, "1.0", JOBS_1)
    host.add("warden", "1.0", "@__import__('dataclasses').dataclass\nclass Live_Ward:\n    x: int = 0\n")
    manager = host.loaded()
    types = manager.current.vault.live_types
    one, other = types["Live_Job"], types["Live_Ward"]
    data = wrap([one("a", "1"), other(3)], list[one | other])  # type: ignore[valid-type]
    assert [type(each) for each in unwrap(data, manager.current.vault)] == [one, other]
    gone = weakref.ref(other)
    del types, other
    host.add("warden", "1.1", "")
    manager.reload()
    assert eventually(lambda: collected(gone))
    assert one is manager.current.vault.live_types["Live_Job"]


def test_local_classes_are_not_kept() -> None:
    """A class that a function made is forgotten with its last user."""

    def use() -> weakref.ref[type]:
        @dataclass
        class Local:
            x: int
            next: Local | None = None

        assert unwrap(wrap(Local(1, Local(2))), Local) == Local(1, Local(2))
        return weakref.ref(Local)

    assert collected(use())


def test_threads() -> None:
    """Many threads that wrap and unwrap a type nobody has used before all succeed."""

    class Options(TypedDict):
        x: int

    @dataclass
    class Fresh:
        path: str
        options: Options
        next: Fresh | int | None = None

    Fresh.__annotations__["options"] = Options
    Fresh.__dataclass_fields__["options"].type = Options  # type: ignore[assignment]
    job = Fresh("a", {"x": 1}, Fresh("b", {"x": 2}, 5))
    start, results = threading.Barrier(8), []

    def work() -> None:
        start.wait()
        results.append([unwrap(wrap(job), Fresh) == job for _ in range(20)])

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [[True] * 20] * 8


def test_import_is_light() -> None:
    """Neither hotswap nor hotswap.live imports cattrs before the first wrap."""
    asked = "print('cattrs' in sys.modules)"
    code = f"import sys, hotswap, hotswap.live as live; {asked}; live.wrap(1); {asked}"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": IMPORTABLE},
    )
    assert done.stdout == "False\nTrue\n"


def test_as_json() -> None:
    """The JSON is one object of four keys on one line."""
    data = wrap({"ä": [1, None]})
    assert json.loads(data.to_json()) == {"type": "dict", "value": {"ä": [1, None]}, "plugin": None, "version": None}
    assert data.to_json() == '{"type":"dict","value":{"ä":[1,null]},"plugin":null,"version":null}'
