"""Which packages are tried, in which two versions, and which third version the host holds."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"


@dataclass(frozen=True)
class Case:
    """One package in two versions.

    The smoke test of a case is the file `smokes/<distribution>.py`: its `smoke()` raises unless the package does real
    work properly, and returns objects from which the package's modules can be reached; its `handed_out()`, if it has
    one, returns functions of C code that the host calls.
    """

    name: str
    kind: str
    first: str
    second: str
    host: str | None = None
    """The version that the host holds; None: the host has no copy."""
    distribution: str = ""
    """Distribution name, where it is not the case's name."""
    module: str = ""
    """An import name, where it is not the case's name."""
    extra: tuple[str, ...] = ()
    """What the smoke test needs beside the package itself."""
    pythons: tuple[str, ...] = ("3.11", "3.12", "3.13")
    """The versions of Python for which both versions are on offer as wheels."""
    private: tuple[str, ...] = ()
    """Distributions of which the host's copy will not do, although its version would."""
    states_version: bool = True
    """False: `__version__` is not the distribution's version."""

    @property
    def project(self) -> str:
        """The distribution's name."""
        return self.distribution or self.name

    @property
    def imported(self) -> str:
        """The module whose `__version__` and place are looked at."""
        return self.module or self.name

    @property
    def smoke(self) -> Path:
        """The file of the smoke test."""
        return HERE / "smokes" / f"{self.project.replace('-', '_').replace('.', '_')}.py"

    def requirements(self, version: str) -> tuple[str, ...]:
        """What one side of the case needs."""
        return (f"{self.project}=={version}", *self.extra)


CASES = (
    Case("click", "pure", "8.1.7", "8.2.1", "8.3.0"),
    Case("jinja2", "pure", "3.1.2", "3.1.5", "3.1.6"),
    Case("rich", "pure", "13.7.1", "14.0.0", "13.9.4"),
    Case("requests", "pure", "2.31.0", "2.32.3", "2.32.5"),
    Case("attrs", "pure", "23.2.0", "24.2.0", "25.4.0", module="attr"),
    Case("packaging", "pure", "23.2", "24.2", "25.0"),
    Case("structlog", "pure", "24.1.0", "24.4.0"),
    Case("httpx", "pure", "0.27.2", "0.28.1"),
    Case("networkx", "pure, entry points", "3.2.1", "3.3", "3.4.2"),
    Case("sympy", "pure", "1.12.1", "1.13.3"),
    Case("django", "pure, data files", "4.2.20", "5.1.4"),
    Case("flask", "pure", "3.0.3", "3.1.0"),
    Case("marshmallow", "pure", "3.22.0", "3.26.1"),
    Case("boto3", "pure, data files", "1.34.162", "1.35.99"),
    Case("babel", "pure, data files, entry points", "2.14.0", "2.16.0"),
    Case("stevedore", "pure, entry points", "5.2.0", "5.4.1"),
    Case("keyring", "pure, entry points", "25.2.1", "25.6.0"),
    Case("certifi", "data files", "2024.7.4", "2024.12.14", "2025.8.3"),
    Case("tzdata", "data files", "2024.1", "2024.2", "2025.2"),
    Case("pytz", "data files", "2024.1", "2024.2"),
    Case("jaraco-functools", "namespace package", "4.0.2", "4.1.0", module="jaraco.functools"),
    Case("ruamel-yaml", "namespace package", "0.18.6", "0.18.10", module="ruamel.yaml"),
    Case("google-auth", "namespace package", "2.35.0", "2.38.0", module="google.auth"),
    Case("protobuf", "C, namespace package", "5.28.3", "5.29.5", "6.31.1", module="google.protobuf"),
    Case(
        "googleapis-common-protos",
        "C, namespace package",
        "1.65.0",
        "1.69.2",
        "1.70.0",
        module="google.rpc.status_pb2",
        private=("protobuf",),
    ),
    Case("zope-interface", "C, namespace package", "7.1.1", "7.2", "8.0.1", "zope.interface", "zope.interface"),
    Case("sqlalchemy", "Cython, entry points", "2.0.36", "2.0.41", "2.0.44"),
    Case(
        "sqlalchemy-14",
        "C, entry points",
        "1.4.53",
        "2.0.41",
        "2.0.44",
        "sqlalchemy",
        "sqlalchemy",
        (),
        ("3.11", "3.12"),
    ),
    Case("pyyaml", "Cython", "6.0.2", "6.0.3", module="yaml"),
    Case("numpy", "C, Cython", "2.1.3", "2.2.6", "2.3.3"),
    Case("numpy-1", "C, Cython", "1.26.4", "2.1.3", "2.3.3", "numpy", "numpy", (), ("3.11", "3.12")),
    Case("pandas", "Cython", "2.2.3", "2.3.1"),
    Case("scipy", "C, Cython", "1.14.1", "1.15.3"),
    Case("matplotlib", "C, data files", "3.9.4", "3.10.3"),
    Case("lxml", "Cython, data files", "5.3.2", "5.4.0", "6.0.2"),
    Case("msgpack", "Cython", "1.1.0", "1.1.1", "1.1.2"),
    Case("regex", "C", "2024.9.11", "2024.11.6", states_version=False),
    Case("psutil", "C", "6.0.0", "6.1.1", "7.0.0"),
    Case("pillow", "C", "10.4.0", "11.1.0", "11.3.0", module="PIL"),
    Case("markupsafe", "C", "3.0.1", "3.0.2", "3.0.3"),
    Case("aiohttp", "C, Cython", "3.10.11", "3.11.18"),
    Case("grpcio", "Cython", "1.68.1", "1.71.0", module="grpc"),
    Case("greenlet", "C++", "3.1.1", "3.2.4", "3.2.3"),
    Case("pyzmq", "Cython", "26.2.1", "26.4.0", module="zmq"),
    Case("pyarrow", "C++, Cython", "18.1.0", "19.0.1"),
    Case("orjson", "Rust", "3.10.12", "3.10.18", "3.11.3"),
    Case("pydantic", "Rust", "2.9.2", "2.10.6", "2.11.9"),
    Case("fastapi", "pure, on pydantic", "0.115.0", "0.115.12", extra=("httpx==0.28.1",)),
    Case("cryptography", "Rust", "43.0.3", "44.0.3", "45.0.7"),
    Case("polars", "Rust", "1.12.0", "1.20.0"),
    Case("jsonschema", "pure on Rust, data files", "4.22.0", "4.23.0", "4.25.1"),
    Case("rpds-py", "Rust", "0.20.1", "0.22.3", "0.24.0", module="rpds"),
    Case("bcrypt", "Rust", "4.2.1", "4.3.0"),
)
"""In the order of the table."""


@dataclass(frozen=True)
class Suite:
    """A package's own tests, from its source distribution."""

    name: str
    version: str
    tests: str = "tests"
    """The directory of the tests inside the source distribution."""
    needs: tuple[str, ...] = ()
    """What the tests import beside pytest and the package; the host's."""
    options: tuple[str, ...] = ()
    """For pytest, in and outside of the realm."""

    @property
    def imported(self) -> str:
        """The package's import name."""
        return {"attrs": "attr"}.get(self.name, self.name)


SUITES = (
    Suite("click", "8.1.8"),
    Suite("packaging", "24.1", needs=("pretend",)),
    Suite("attrs", "24.2.0", needs=("hypothesis", "cloudpickle"), options=("--hypothesis-seed=0",)),
    Suite("jinja2", "3.1.5", needs=("trio",)),
    Suite("structlog", "24.4.0", needs=("freezegun", "pretend", "pytest-asyncio<1", "time-machine")),
)

HOST_REQUIREMENTS = (
    "cattrs>=24.1",
    "pluggy>=1.5",
    "resolvelib>=1.1",
    "pytest>=8.2,<9",
    *(f"{case.project}=={case.host}" for case in CASES if case.host is not None),
    *(need for suite in SUITES for need in suite.needs),
)
"""The host's environment: what hotswap needs, the third versions, and what the suites need."""
