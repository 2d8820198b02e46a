"""Types whose objects the tests hold as live data: one of every kind, with annotations as text."""

from __future__ import annotations

import enum
import functools
from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import KW_ONLY, InitVar, dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    ClassVar,
    Final,
    Generic,
    Literal,
    NamedTuple,
    NewType,
    NotRequired,
    Optional,
    Required,
    TypedDict,
    TypeVar,
    Union,
)
from uuid import UUID

import attrs

if TYPE_CHECKING:
    from collections import Counter, OrderedDict, defaultdict, deque

    from livetypes_elsewhere import Elsewhere

T = TypeVar("T")
Chosen = TypeVar("Chosen", int, str)
UserId = NewType("UserId", int)


class Color(enum.Enum):
    RED = 1
    BLUE = (2, "blue")


class Word(enum.StrEnum):
    YES = "yes"


class Level(enum.IntEnum):
    LOW = 1


class Access(enum.Flag):
    READ = 1
    WRITE = 2


@dataclass
class Step:
    name: str
    seconds: float = 1.0


Bounded = TypeVar("Bounded", bound=Step)


@dataclass(frozen=True, slots=True)
class Frozen:
    at: datetime
    total: int = field(init=False, default=0)


@dataclass
class Initialised:
    left: int
    doubled: int = field(init=False)
    known: ClassVar[int] = 3
    start: InitVar[int] = 5
    _: KW_ONLY
    right: int = 0

    def __post_init__(self, start: int) -> None:
        self.doubled = self.left * 2


@dataclass
class Started:
    """Its constructor asks for what is no field."""

    value: int
    start: InitVar[int]
    other: list[int] = field(default_factory=list)
    number: int = 7

    def __post_init__(self, start: int) -> None:
        self.value += start


@attrs.define
class Attrs:
    path: str
    _private: int = 3
    steps: list[Step] = attrs.Factory(list)
    made: int = attrs.field(init=False, default=4)


@attrs.frozen(kw_only=True)
class FrozenAttrs(Attrs):
    more: Optional[Step] = None  # noqa: UP045


class Plain:
    """A plain class whose constructor takes its fields."""

    name: str
    count: int
    limit: ClassVar[int] = 3

    def __init__(self, name: str, count: int = 1) -> None:
        self.name = name
        self.count = count

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and vars(other) == vars(self)

    __hash__ = None  # type: ignore[assignment]


class Derived(Plain):
    """A plain class with fields of its own, which its constructor does not take, and what is worked out."""

    extra: str = "none"
    _secret: int

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._secret = 1
        self._cache = object()

    def __eq__(self, other: object) -> bool:
        return type(other) is Derived and (other.name, other.count, other.extra, other._secret) == (
            self.name,
            self.count,
            self.extra,
            self._secret,
        )

    __hash__ = None  # type: ignore[assignment]

    @functools.cached_property
    def length(self) -> int:
        return len(self.name)


class Bound:
    """A plain class whose constructor asks for something else."""

    __slots__ = ("size",)
    size: int

    def __init__(self, text: str, /) -> None:
        self.size = len(text)

    def __eq__(self, other: object) -> bool:
        return type(other) is Bound and other.size == self.size

    __hash__ = None  # type: ignore[assignment]


class Point(NamedTuple):
    x: int
    when: date | None = None


class Options(TypedDict, total=False):
    name: Required[str]
    step: Step


class MoreOptions(Options):
    size: NotRequired[int]
    flag: bool


@dataclass
class Page(Generic[T]):
    items: list[T]
    first: T | None = None


@dataclass
class Steps(Page[Step]):
    bounded: Bounded = None  # type: ignore[valid-type, assignment]
    chosen: Chosen = 0  # type: ignore[valid-type, assignment]


@dataclass
class Nested(Generic[T]):
    page: Page[T]


@dataclass
class Node:
    value: int
    children: list[Node] = field(default_factory=list)
    parent: "Node | None" = None  # noqa: UP037


@dataclass
class Everything:
    number: int
    flag: bool
    ratio: float
    text: str
    raw: bytes
    when: datetime
    day: date
    moment: time
    span: timedelta
    price: Decimal
    key: UUID
    place: Path
    color: Color
    word: Word
    level: Level
    access: Access
    step: Step
    user: UserId
    mode: Literal["fast", 3, True, None, Color.RED]
    noted: Annotated[int, "seconds"]
    final: Final[int]  # type: ignore[misc]
    anything: Any
    names: list[str]
    pairs: dict[tuple[int, str], Step]
    by_name: dict[str, list[Step]]
    by_color: Mapping[Color, int]
    unique: set[int]
    fixed: frozenset[Color]
    three: tuple[int, str, Step]
    many: tuple[Step, ...]
    ordered: OrderedDict[str, int]
    counted: Counter[str]
    queue: deque[int]
    grouped: defaultdict[str, list[int]]
    sequence: Sequence[int]
    collection: Collection[int]
    abstract: AbstractSet[int]
    iterable: Iterable[Step]
    optional: Step | None
    either: Step | Point | int | str | None
    texts: datetime | str
    money: Union[Decimal, float]  # noqa: UP007
    lists: list[int] | list[str]
    mixed: dict[str, int] | Step
    posix: PurePosixPath
    windows: PureWindowsPath
    elsewhere: Elsewhere
    open: object = None
