"""Live data: every kind of value is held without loss, or refused with the reason."""

from __future__ import annotations

import collections
import csv
import math
import pickle
import socket
import sys
import typing
from collections.abc import Callable
from dataclasses import InitVar, dataclass, field, make_dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import attrs
import livetypes
import msgpack
import pytest
from livetypes import (
    Access,
    Attrs,
    Bound,
    Color,
    Derived,
    Everything,
    Frozen,
    FrozenAttrs,
    Initialised,
    Level,
    MoreOptions,
    Nested,
    Node,
    Page,
    Plain,
    Point,
    Started,
    Step,
    Steps,
    T,
    Word,
)
from livetypes_elsewhere import Elsewhere
from typing_extensions import TypeAliasType

import hotswap
from hotswap import LiveDataError
from hotswap.live import Data, converters, unwrap, wrap

NOON = datetime(2024, 5, 1, 12, 0, 0, 5)
BERLIN = ZoneInfo("Europe/Berlin")
Number = TypeAliasType("Number", int)
Table = TypeAliasType("Table", dict[str, list[T]], type_params=(T,))
if sys.version_info >= (3, 12):
    exec("type Json = int | list[Json] | dict[str, Json] | None")
    Json = globals()["Json"]
else:
    Json = TypeAliasType("Json", None)
    object.__setattr__(Json, "__value__", int | list[Json] | dict[str, Json] | None)
UNTYPED = collections.namedtuple("UNTYPED", ["x", "y"])


class Unmade:
    """A plain class without a constructor of its own."""

    x: int

    @classmethod
    def of(cls, x: int) -> Unmade:
        made = cls()
        made.x = x
        return made

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and vars(other) == vars(self)

    __hash__ = None  # type: ignore[assignment]


class Loose(Unmade):
    """A plain class whose constructor takes anything."""

    def __init__(self, *args: Any, **fields: Any) -> None:
        vars(self).update(fields)


@attrs.define(init=False)
class SelfMade:
    """An attrs class whose constructor asks for something else."""

    x: int
    y: int = attrs.Factory(lambda self: self.x, takes_self=True)

    def __init__(self, text: str, /) -> None:
        self.x = self.y = len(text)


def through_bytes(data: Data) -> Data:
    """The data after a way through JSON and through MessagePack."""
    again = Data.from_json(data.to_json())
    packed = Data.from_plain(msgpack.unpackb(msgpack.packb(data.as_plain())))
    assert again == packed == data
    return packed


def everything(**replace: Any) -> Everything:
    values: dict[str, Any] = {
        "number": 2**70,
        "flag": True,
        "ratio": 3,
        "text": "ä\n",
        "raw": b"\x00\xff",
        "when": NOON,
        "day": date(2024, 5, 1),
        "moment": time(12, 30, tzinfo=UTC),
        "span": timedelta(days=-1, microseconds=3),
        "price": Decimal("1.10"),
        "key": UUID(int=7),
        "place": Path("/srv/app"),
        "color": Color.BLUE,
        "word": Word.YES,
        "level": Level.LOW,
        "access": Access.READ | Access.WRITE,
        "step": Step("a"),
        "user": 5,
        "mode": Color.RED,
        "noted": 1,
        "final": 2,
        "anything": [1, {"a": (2.5, {3}), 4: b"x"}, None],
        "names": ["x"],
        "pairs": {(1, "a"): Step("b")},
        "by_name": {"x": [Step("c")]},
        "by_color": {Color.RED: 1},
        "unique": {3, 1, 2},
        "fixed": frozenset({Color.RED}),
        "three": (1, "a", Step("d")),
        "many": (Step("e"), Step("f")),
        "ordered": collections.OrderedDict(b=1, a=2),
        "counted": collections.Counter("aab"),
        "queue": collections.deque([1, 2]),
        "grouped": collections.defaultdict(list, {"a": [1]}),
        "sequence": (1, 2),
        "collection": {1},
        "abstract": frozenset({1}),
        "iterable": [Step("g")],
        "optional": None,
        "either": Point(1, date(2024, 1, 1)),
        "texts": "2024-05-01T12:00:00",
        "money": Decimal("2.50"),
        "lists": ["a"],
        "mixed": {"a": 1},
        "posix": PurePosixPath("/a"),
        "windows": PureWindowsPath("C:/a"),
        "elsewhere": Elsewhere("far"),
    }
    return Everything(**{**values, **replace})


VALUES: list[tuple[Any, Any]] = [
    *((value, None) for value in (None, True, False, 0, -(2**63), 2**64 - 1, 2**64, -(10**40), 1.5, -0.0, math.inf)),
    *((value, None) for value in ("", "5", "ä€😀", b"", b"\xff", bytearray(b"ab"), Decimal("1.10"))),
    *((value, None) for value in (NOON, NOON.replace(tzinfo=UTC), NOON.replace(tzinfo=timezone(timedelta(hours=-3))))),
    *((datetime(2024, 10, 27, 2, 30, tzinfo=BERLIN, fold=fold), None) for fold in (0, 1)),
    *((value, None) for value in (NOON.replace(fold=1), time(1, 2, 3), time(1, tzinfo=BERLIN, fold=1), date(1, 1, 1))),
    *((value, None) for value in (timedelta.max, timedelta.min, UUID(int=1), Path("a/b"), PurePosixPath("/"))),
    *(
        (value, None)
        for value in (PureWindowsPath("C:\\a"), [], {}, [[], {}], (1, "a"), {1, 2}, frozenset({"x"}), {1: 2})
    ),
    *(
        (value, None)
        for value in ({"!int": 3}, {"!dict": {"!": 1}}, {"a": {"!x": (1,)}}, [2**80, math.inf, {True: None}])
    ),
    *((value, None) for value in (collections.deque([1]), collections.Counter("aa"), collections.OrderedDict(a=(1,)))),
    *((value, None) for value in (Color.RED, Word.YES, Level.LOW, Access.READ, Access(0), UNTYPED(1, (2,)))),
    *((value, None) for value in (Step("a"), Frozen(NOON), Initialised(3, right=4), Attrs("p", 9, [Step("b")]))),
    *((value, None) for value in (FrozenAttrs(path="p", more=Step("x")), Plain("n", 3), Derived("d"), Bound("four"))),
    *((value, None) for value in (Point(1), Started(1, 2, [3], 4), Node(1, [Node(2), Node(3, parent=Node(4))]))),
    (Steps([Step("a")], Step("b"), Step("c"), "x"), None),
    (Page([Step("a")], Step("b")), Page[Step]),
    (Page([1, "a"]), None),
    (Nested(Page([Step("a")])), Nested[Step]),
    ({"name": "x", "step": Step("s"), "flag": True}, MoreOptions),
    ([Step("a")], list[Step]),
    ({"a": [Point(1)]}, dict[str, list[Point]]),
    ({NOON: {Color.RED}}, dict[datetime, set[Color]]),
    ([1, "1", NOON, None], list[int | str | datetime | None]),
    ([Decimal("1.5"), 1.5], list[Decimal | float]),
    ([1, 1.5, True], list[int | float | bool]),
    ([[1], ["a"], []], list[list[int] | list[str]]),
    ([Step("a"), Point(1), Plain("p"), None], list[Step | Point | Plain | None]),
    ({"!Step": 1}, dict[str, int] | None),
    ({"!int": 1}, dict[str, int] | int),
    (2**80, int | str),
    ([], tuple[()] | list[int]),
    ((), tuple[()]),
    ((1, "a"), tuple[int, str]),
    ("fast", typing.Literal["fast", 3]),
    (b"x", typing.Literal[b"x"]),
    ([b"a", bytearray(b"a"), "YQ=="], list[bytes | bytearray | str]),
    ([{1}, frozenset({1}), [1]], list[set[int] | frozenset[int] | list[int]]),
    ([{1}, {"a"}, None], list[set[int] | set[str] | None]),
    ([{"!set": [1]}, {"!dict": [[1, 2]]}], list[dict[str, Any]]),
    ([{"!set": 1}, {"a": 1}, {1: 1}], list[dict[str, int] | dict[int, int] | Step]),
    ([{"!x": 1}, {1: 2}, Step("a")], list[dict | Step]),  # type: ignore[type-arg]
    ([[1], {2}, 3], list[list | set[int] | int]),  # type: ignore[type-arg]
    (Access.READ, Access | int),
    ([Color.RED, 3, True, "x"], list[typing.Literal[Color.RED, 3, True, "x"]]),
    ({"a": 1}, typing.Any),
    ((1, 2), typing.Sequence[int]),
    ([1], typing.Sequence),
    ((1, 2), tuple[int, ...]),
    ([1], list[typing.Annotated[int, ["unhashable"]]]),
    ([1, "a"], list[Number | str]),
    ({"a": [1]}, Table[int]),
    ({"a": [1, {"b": None}]}, Json),
    (Unmade.of(1), None),
    (Loose(x=1), None),
    (everything(), None),
    (
        everything(either=Step("s"), texts=NOON, money=1.5, lists=[], mixed=Step("t"), mode="fast", optional=Step("u")),
        None,
    ),
    (everything(either="s", sequence=[1], collection=[1], abstract={1}, iterable=(Step("v"),), mode=None), None),
]


@pytest.mark.parametrize(("value", "annotation"), VALUES, ids=lambda each: type(each).__name__)
def test_round_trip(value: Any, annotation: Any) -> None:
    """Every kind of value comes back from JSON and from MessagePack equal, and of the same type, all the way down."""
    data = through_bytes(wrap(value, annotation))
    types = {cls.__name__: cls for cls in vars(livetypes).values() if isinstance(cls, type)}
    types |= {"UNTYPED": UNTYPED, "Unmade": Unmade, "Loose": Loose}
    for into in (annotation or type(value), types):
        back = unwrap(data, into)
        assert type(back) is type(value)
        assert back == value
        assert repr(wrap(back, annotation)) == repr(data)
    assert (data.plugin, data.version, data.origin) == (None, None, "the host")


def test_marks_in_keys() -> None:
    """A key that looks like the mark of the very type that is held comes back, in a union or not."""
    for annotation in (dict[str, int], dict[str, int] | None, dict[str, int] | Step, dict[str, int] | int):
        for value in ({"!dict[str, int]": 1}, {"!int": 1}, {"!": 1}):
            assert unwrap(through_bytes(wrap(value, annotation)), annotation) == value


def test_marks_of_older_unions() -> None:
    """What a union has marked is read where there is one type alone now."""
    for value, union in ((5, int | Access), (1.5, float | typing.Literal[1.5]), (2**70, int | str)):
        assert unwrap(Data("x", wrap(value, union).value), type(value)) == value
    assert unwrap(Data("x", {"!bool": True}), bool) is True


@dataclass
class Card:
    number: str = "none"


@dataclass
class Transfer:
    iban: str = "-"


class Retyped:
    """Stands for what one version calls `Job`, with the field's older type, and the next with its newer."""

    x: Any


def reread(value: Any, older: Any, newer: Any) -> Any:
    """The value of a field that had one type when it was wrapped, and has another when it is unwrapped."""
    types = [type("Job", (Retyped,), {"__annotations__": {"x": each}}) for each in (older, newer)]
    job = types[0]()
    job.x = value
    return unwrap(through_bytes(wrap(job)), types[1]).x


RETYPED: list[tuple[Any, Any, Any, str]] = [
    (Transfer("DE"), Card | Transfer, Card, "holds a Transfer, which Card does not allow"),
    (Transfer("DE"), Card | Transfer, Card | None, "holds a Transfer, which Card | None does not allow"),
    (Transfer("DE"), Card | Transfer, Card | Step, "holds a Transfer, which Card | Step does not allow"),
    (Transfer("DE"), Card | Transfer, Any, "holds a Transfer, which Any does not allow"),
    (Transfer("DE"), Card | Transfer, dict[str, Any], "holds a Transfer, which dict[str, Any] does not allow"),
    (Transfer("DE"), Transfer, Card, "has 'iban' and no field of Card"),
    ({"a": 1}, dict[str, int], Card, "has 'a' and no field of Card"),
    (NOON, datetime | str, str, "holds a datetime, which str does not allow"),
    (NOON, datetime | date, date, "holds a datetime, which date does not allow"),
    (NOON, datetime | str, int, "holds a datetime, which int does not allow"),
    (NOON, datetime | str, float, "holds a datetime, which float does not allow"),
    (NOON, datetime | str, Color, "holds a datetime, which Color does not allow"),
    (b"abc", bytes, str, "holds a bytes, which str does not allow"),
    ("YWJj", str, bytes, "'YWJj' is no bytes"),
    (b"abc", bytes, bytearray, "holds a bytes, which bytearray does not allow"),
    ([1, 1], list[int], set[int], "a list is no set[int]"),
    ([[1, 2], [1, 3]], list[list[int]], dict[int, int], "a list is no dict[int, int]"),
    ({1}, set[int], list[int], "holds a set, which list[int] does not allow"),
    ([1], set[int] | list[int], set[int], "a list is no set[int]"),
    ([1, 2, 3], list[int], timedelta, "a list is no timedelta"),
    (timedelta(1), timedelta, tuple[int, int, int], "holds a timedelta, which tuple[int, int, int] does not allow"),
    ("none", str, bool | None, "'none' is no bool"),
]


@pytest.mark.parametrize(("value", "older", "newer", "fault"), RETYPED)
def test_another_type_of_a_field(value: Any, older: Any, newer: Any, fault: str) -> None:
    """What was held as one type is not read as another, of which something would be lost or made up."""
    with pytest.raises(LiveDataError) as caught:
        reread(value, older, newer)
    assert misfits(caught.value) == {"Job.x": fault}


KEPT: list[tuple[Any, Any, Any, Any]] = [
    (Transfer("DE"), Card | Transfer, Transfer, Transfer("DE")),
    (Card("7"), Card | Transfer, Card | None, Card("7")),
    (Card("7"), Card | None, Card, Card("7")),
    (NOON, datetime | str, datetime, NOON),
    ("a", datetime | str, str, "a"),
    ("a", datetime | str, Any, "a"),
    ([1], list[int] | list[str], list[int], [1]),
    ([NOON], list | dict[str, int] | tuple[int, ...], Any, [NOON]),
    ({1: 2}, dict | Step, dict[int, int], {1: 2}),
    ({1: 2}, dict | dict[str, int], dict, {1: 2}),
    ({1}, set[int] | set[str], set[int], {1}),
    ({1}, set[int], set[int] | list[int] | None, {1}),
    ({1}, set[int], set[int | str], {1}),
    ({1}, set[int], Any, {1}),
    (2**70, int, int | str, 2**70),
    ("x", str, bytes | str, "x"),
    ([1, 2], list[int], tuple[int, ...], (1, 2)),
    ("1.10", str, Decimal, Decimal("1.10")),
]


@pytest.mark.parametrize(("value", "older", "newer", "read"), KEPT)
def test_a_type_of_a_field_that_fits(value: Any, older: Any, newer: Any, read: Any) -> None:
    """A union may shrink to what was held, a type may grow into a union, and what loses nothing is read."""
    found = reread(value, older, newer)
    assert (type(found), found) == (type(read), read)


def test_constructors_that_change_values() -> None:
    """An object comes back with the values it had, whatever its constructor makes of them."""

    @dataclass(frozen=True)
    class Doubled:
        a: int
        more: InitVar[int] = 5
        b: int = field(init=False)

        def __post_init__(self, more: int) -> None:
            object.__setattr__(self, "a", self.a * 2 + more)
            object.__setattr__(self, "b", self.a + 1)

    @attrs.define
    class Rounded:
        x: int = attrs.field(converter=lambda x: x // 10)

    class Shown:
        text: str

        def __init__(self, text: str) -> None:
            self._text = text

        @property  # type: ignore[no-redef]
        def text(self) -> str:
            return self._text.upper()

    made = Doubled(2)
    assert (made.a, made.b) == (9, 10)
    assert unwrap(wrap(made), Doubled) == made
    assert unwrap(Data("Doubled", {"a": 1}), Doubled).b == 8
    assert unwrap(wrap(Rounded(55)), Rounded) == Rounded(55)
    assert unwrap(wrap(Shown("a")), Shown).text == "A"


def test_what_wrap_never_makes() -> None:
    """Data that was made by hand is checked like any other."""
    for value, annotation in ((5, Decimal), ({}, list), ([], dict), ([(1,)], list), ({"!set": 1}, Any)):
        with pytest.raises(LiveDataError, match=r" is no |makes no "):
            unwrap(Data("Any", value), annotation)


def test_integers_of_any_size() -> None:
    """An integer of more digits than Python writes in decimal is held, and named by its size where it does not fit."""
    large = -(10**5000)
    assert unwrap(through_bytes(wrap([large], list[int])), list[int]) == [large]
    with pytest.raises(LiveDataError, match="an int of 16610 bits is no str"):
        wrap(large, str)


def test_zones_change() -> None:
    """A time in a zone whose rules have changed since it was held keeps its zone and the time on its clocks."""
    held = Data("datetime", "2024-07-01T12:00:00+01:00[Europe/Berlin]")
    assert unwrap(held, datetime) == datetime(2024, 7, 1, 12, tzinfo=BERLIN)


def test_into_any() -> None:
    """Where anything is asked for, the data's own type decides."""
    for into in (Any, object):
        assert unwrap(wrap((1, {2})), into) == (1, {2})


def test_nan() -> None:
    """Not-a-number comes back, although it is not equal to itself and JSON does not know it."""
    assert math.isnan(unwrap(through_bytes(wrap(math.nan)), float))
    assert unwrap(through_bytes(wrap(Decimal("NaN"))), Decimal).is_nan()


def test_zones_and_folds() -> None:
    """The time zone comes back by its name, and of an hour that is there twice the right one."""
    first, second = (datetime(2024, 10, 27, 2, 30, tzinfo=BERLIN, fold=fold) for fold in (0, 1))
    for moment in (first, second):
        back = unwrap(through_bytes(wrap(moment)), datetime)
        assert (back.tzinfo, back.fold, back.utcoffset()) == (BERLIN, moment.fold, moment.utcoffset())


def test_what_is_held() -> None:
    """Plain data is what one would write by hand, and says which member of a union it is only where it has to."""

    @dataclass
    class Job:
        path: str
        retry: int | str
        next: Step | None
        after: Step | Point
        when: datetime | str
        price: Decimal | float

    job = Job("a", 3, Step("x"), Point(1), NOON, Decimal("1.5"))
    assert wrap(job).value == {
        "path": "a",
        "retry": 3,
        "next": {"name": "x", "seconds": 1.0},
        "after": {"!Point": {"x": 1, "when": None}},
        "when": {"!datetime": "2024-05-01T12:00:00.000005"},
        "price": "1.5",
    }
    assert unwrap(wrap(job), Job) == job
    assert wrap({"b", "a"}).value == {"!set": ["a", "b"]}
    assert wrap([b"a", "a"], list[bytes | str]).value == [{"!bytes": "YQ=="}, "a"]
    assert wrap([{1: 2}, {"a": 1}], list[dict[int, int] | dict[str, int]]).value == [{"!dict": [[1, 2]]}, {"a": 1}]
    assert wrap([Step("a")], list[Step]).type == "list[Step]"
    assert wrap({}, typing.Optional[dict[str, Step | int]]).type == "dict[str, Step | int] | None"  # noqa: UP045


def test_data() -> None:
    """Data compares, pickles, and shares nothing with what was wrapped."""
    items = [1, [2]]
    data = wrap(items)
    items[1].append(3)  # type: ignore[attr-defined]
    assert pickle.loads(pickle.dumps(data)) == data == Data("list", [1, [2]])
    unwrap(data, list).append(4)
    assert data.value == [1, [2]]
    assert Data("int", 1, "guardian", "1.0").origin == "guardian 1.0"
    with pytest.raises(AttributeError):
        data.type = "x"  # type: ignore[misc]


def misfits(error: LiveDataError) -> dict[str, str]:
    return {fault.where: fault.what for fault in error.faults}


class Zone(tzinfo):
    def utcoffset(self, _: Any) -> timedelta:
        return timedelta(hours=1)


class Untold:
    def __init__(self) -> None:
        self.x = 1


class Halfway:
    known: int
    late: int

    def __init__(self) -> None:
        self.known = 1
        self.unknown = 2
        self._left_out = 3


class Contract(typing.Protocol):
    x: int


class Failure(Exception):
    code: int = 3


@dataclass
class Wide:
    contract: Contract | None = None
    step: Step | None = None
    sock: socket.socket | None = None
    call: Callable[[], int] | None = None
    anything: Any = None
    text: str = ""
    floating: float = 0.0
    kind: type[int] | None = None
    pair: tuple[int, int] = (1, 2)
    groups: collections.defaultdict[str, list] | None = None  # type: ignore[type-arg]
    by_key: dict[int, int] = field(default_factory=dict)
    level: int = 0
    choice: typing.Literal["a", "b"] = "a"


class SubStep(Step):
    pass


class Undecorated(Step):
    more: int = 0
    limit: int = 3


def undecorated() -> Undecorated:
    made = Undecorated("a")
    assert unwrap(wrap(made), Undecorated) == made
    made.more = 1
    return made


@attrs.define(slots=False)
class Attrs2:
    name: str


def with_more(value: Any) -> Any:
    value.more, value._left_out = 1, 2
    return value


REFUSED: list[tuple[Any, Any, dict[str, str]]] = [
    (lambda: 3, None, {"function": "function cannot be held"}),
    (Untold(), None, {"Untold": "Untold has no fields that hotswap knows of"}),
    (Failure(), None, {"Failure": "Failure is built upon a class of C, whose own content no field holds"}),
    (Halfway(), None, {"Halfway.late": "has no value", "Halfway.unknown": "has no annotation"}),
    ([Step("a")], None, {"list[0]": "a Step, which nothing says how to make again"}),
    ({"a": (1, {2: Color.RED})}, None, {"dict['a'][1][2]": "a Color, which nothing says how to make again"}),
    ({"a": object()}, None, {"dict['a']": "a object, which nothing says how to make again"}),
    (Wide(step=SubStep("a")), None, {"Wide.step": "a SubStep is no Step"}),
    (Wide(anything=Step("a")), None, {"Wide.anything": "a Step, which nothing says how to make again"}),
    (Wide(text="\udc80"), None, {"Wide.text": r"'\udc80' is not Unicode text"}),
    (Wide(text=Word.YES), None, {"Wide.text": "a Word is no str"}),
    (Wide(floating=2**60 + 1), None, {"Wide.floating": f"{2**60 + 1} has more digits than a float"}),
    (Wide(floating=10**400), None, {"Wide.floating": f"{10**400!r:.57}... has more digits than a float"}),
    (Wide(level=True), None, {"Wide.level": "True is no int"}),
    (Wide(level=Level.LOW), None, {"Wide.level": "a Level is no int"}),
    (Wide(choice="c"), None, {"Wide.choice": "'c' is no Literal['a', 'b']"}),  # type: ignore[arg-type]
    (Wide(kind=int), None, {"Wide.kind": "type[int] cannot be held"}),
    (Wide(call=len), None, {"Wide.call": "Callable[[], int] cannot be held"}),  # type: ignore[arg-type]
    (Wide(contract=Step("x")), None, {"Wide.contract": "Contract is a Protocol, which says nothing of what is in it"}),  # type: ignore[arg-type]
    (Wide(pair=(1, 2, 3)), None, {"Wide.pair": "has 3 items and not the 2 of tuple[int, int]"}),  # type: ignore[arg-type]
    (Wide(pair=(1, "a")), None, {"Wide.pair[1]": "'a' is no int"}),  # type: ignore[arg-type]
    (Wide(by_key={"a": 1}), None, {"Wide.by_key{}": "'a' is no int"}),  # type: ignore[dict-item]
    (Wide(by_key={1: "a"}), None, {"Wide.by_key[1]": "'a' is no int"}),  # type: ignore[dict-item]
    (
        Wide(groups=collections.defaultdict(set)),
        None,
        {"Wide.groups": "its default_factory is not list, which the annotation says"},
    ),
    (Wide(text=3, level="a"), None, {"Wide.text": "3 is no str", "Wide.level": "'a' is no int"}),  # type: ignore[arg-type]
    (NOON.replace(tzinfo=Zone()), None, {"datetime": "the time zone Zone has no name"}),
    (
        {"name": "a", "flag": True, "other": 1},
        MoreOptions,
        {"MoreOptions['other']": "MoreOptions declares no such key"},
    ),
    ({"name": "a"}, MoreOptions, {"MoreOptions.flag": "has no value"}),
    (1.5, int | str, {"int | str": "1.5 is no int | str"}),
    ([Step(3)], list[Step | None], {"list[Step | None][0].name": "3 is no str"}),  # type: ignore[arg-type]
    ([Step(3)], list[Step | int], {"list[Step | int][0].name": "3 is no str"}),  # type: ignore[arg-type]
    ("5", int, {"int": "'5' is no int"}),
    ((1, 2), list[int], {"list[int]": "a tuple is no list[int]"}),
    (1, bool, {"bool": "1 is no bool"}),
    ("1", float, {"float": "'1' is no float"}),
    (1, Color, {"Color": "1 is no Color"}),
    (2**70, typing.Literal[2**70], {f"Literal[{2**70}]": f"Literal[{2**70}] has what is no literal: {2**70}"}),
    ({"a-b": 1}, typing.TypedDict("Dashed", {"a-b": int}), {"Dashed": "the key 'a-b' of Dashed is no identifier"}),
    (csv.reader([]), None, {"reader": "reader has no fields that hotswap knows of"}),
    (False, None | Page, {"Page | None": "False is no Page"}),
    (0, type(None), {"None": "0 is no None"}),
    (undecorated(), None, {"Undecorated.more": "is annotated in Undecorated, and no field of it"}),
    (make_dataclass("Counter", ["number"])(1), None, {"Counter": "Counter is also the name of a type of Python's"}),
    (
        {"a": [1, object()]},
        dict[str, Any],
        {"dict[str, Any]['a'][1]": "a object, which nothing says how to make again"},
    ),
    ([1], tuple[int], {"tuple[int]": "a list is no tuple[int]"}),
    ([1], dict[str, int], {"dict[str, int]": "a list is no dict[str, int]"}),
    ([1], dict, {"dict": "a list is no dict"}),
    (Level.LOW, Access, {"Access": "a Level is no Access"}),
    (b"", str, {"str": "a bytes is no str"}),
    (1, datetime, {"datetime": "1 is no datetime"}),
    (1, timedelta, {"timedelta": "1 is no timedelta"}),
    (1, None | Page, {"Page | None": "1 is no Page"}),
    (collections.deque([1], maxlen=3), None, {"deque": "its maxlen 3 would be lost"}),
    ("a", bytes, {"bytes": "'a' is no bytes"}),
    (with_more(Step("a")), None, {"Step.more": "is no field of Step"}),
    (with_more(Attrs2("a")), None, {"Attrs2.more": "is no field of Attrs2"}),
]


@pytest.mark.parametrize(("value", "annotation", "faults"), REFUSED)
def test_refused(value: Any, annotation: Any, faults: dict[str, str]) -> None:
    """What would not come back as it was is refused when it is wrapped, each misfit with its path."""
    with pytest.raises(LiveDataError) as caught:
        wrap(value, annotation)
    assert misfits(caught.value) == faults
    assert caught.value.data is None


def test_not_understood() -> None:
    """An annotation that names what cannot be found is an error of the field, at whatever value."""

    @dataclass
    class Lost:
        x: Nowhere | None = None  # type: ignore[name-defined]  # noqa: F821
        y: "1 +" = None  # type: ignore[syntax]  # noqa: F722

    with pytest.raises(LiveDataError, match="2 faults") as caught:
        wrap(Lost())
    assert "its annotation Nowhere | None cannot be understood (NameError" in str(caught.value)
    assert "'1 +' cannot be understood (SyntaxError" in str(caught.value)


def test_cycles() -> None:
    """What contains itself, or is nested too deeply, is refused, with the path of where it does."""
    node = Node(1)
    node.children.append(Node(2, parent=node))
    items: list[Any] = []
    items.append({"a": (items,)})
    deep: list[Any] = []
    chain: dict[str, Any] = {}
    for _ in range(100_000):
        deep, chain = [deep, None], {"next": chain}
    for value, where in ((node, "Node.children[0].parent"), (items, "list[0]['a'][0]")):
        with pytest.raises(LiveDataError, match="contains itself: it is the value of the whole again") as caught:
            wrap(value)
        assert list(misfits(caught.value)) == [where]
    with pytest.raises(LiveDataError, match="is nested too deeply"):
        wrap(deep)
    with pytest.raises(LiveDataError, match="is nested too deeply"):
        unwrap(Data("list", deep), list)
    with pytest.raises(LiveDataError, match="is nested too deeply"):
        unwrap(Data("Chain", chain), Chain)
    with pytest.raises(LiveDataError, match="is nested too deeply"):
        wrap(Endless())


@pytest.mark.parametrize("steps", [["next"], ["children"], ["by_name"], ["next", "children", "by_name"]])
def test_what_is_held_can_be_read(steps: list[str]) -> None:
    """However an object is nested: what is not refused as too deep can be read, too."""
    made, refused = Chain(), None
    for count in range(200):
        step = steps[count % len(steps)]
        made = Chain(**{step: {"next": made, "children": [made], "by_name": {"a": made}}[step]})
        try:
            data = wrap(made)
        except LiveDataError as error:
            refused = error
            break
        assert wrap(unwrap(data, Chain)) == data
    assert refused is not None
    assert "is nested too deeply: more than 100 levels" in str(refused)


@dataclass
class Chain:
    next: Chain | int | None = None
    children: list[Chain | None] = field(default_factory=list)
    by_name: dict[str, Chain | str] = field(default_factory=dict)


class Endless:
    x: int

    @property
    def x(self) -> int:  # type: ignore[no-redef]
        return self.x


@dataclass
class Picky:
    x: int

    def __hash__(self) -> int:
        return {1: 5}[self.x]


@dataclass
class Strict:
    number: int = 0
    ratio: float = 0.0
    text: str = ""
    flag: bool = False
    step: Step | None = None
    color: Color = Color.RED
    access: Access = Access.READ
    when: datetime = NOON
    span: timedelta = timedelta(0)
    raw: bytes = b""
    items: list[int] = field(default_factory=list)
    by_name: dict[str, int] = field(default_factory=dict)
    by_number: dict[int, int] = field(default_factory=dict)
    pair: tuple[int, str] = (1, "a")
    either: int | Step = 0
    texts: datetime | str = ""
    choice: typing.Literal["a", 1] = "a"
    anything: Any = None


MISFITTING: list[tuple[dict[str, Any], dict[str, str]]] = [
    ({"number": "5"}, {".number": "'5' is no int"}),
    ({"number": True}, {".number": "True is no int"}),
    ({"number": 5.0}, {".number": "5.0 is no int"}),
    ({"number": {"!int": "x"}}, {".number": "'x' is no int"}),
    ({"number": {"!int": "0x05"}}, {".number": "'0x05' is no int"}),
    ({"number": {"!int": None}}, {".number": "None is no int"}),
    ({"ratio": "1"}, {".ratio": "'1' is no float"}),
    ({"ratio": 2**60 + 1}, {".ratio": f"{2**60 + 1} has more digits than a float"}),
    ({"ratio": {"!float": "1"}}, {".ratio": "'1' is no float"}),
    ({"text": 5}, {".text": "5 is no str"}),
    ({"flag": 1}, {".flag": "1 is no bool"}),
    ({"step": {"seconds": "a"}}, {".step.name": "missing", ".step.seconds": "'a' is no float"}),
    ({"color": "GREEN"}, {".color": "'GREEN' is no member of Color (RED, BLUE)"}),
    ({"access": 64}, {".access": "64 has flags that Access has not"}),
    ({"when": "2024-05-01"}, {".when": "'2024-05-01' is no datetime"}),
    ({"when": "2024-05-01T12:00:00[Nowhere/Else]"}, {".when": "'2024-05-01T12:00:00[Nowhere/Else]' is no datetime"}),
    ({"span": [1, 2, 3]}, {".span": "a list is no timedelta"}),
    (
        {"span": {"!timedelta": [1, 2]}},
        {".span": "a list is no timedelta: a list of days, seconds, microseconds"},
    ),
    (
        {"span": {"!timedelta": [10**10, 0, 0]}},
        {".span": "a list is no timedelta: a list of days, seconds, microseconds"},
    ),
    ({"raw": "YQ=="}, {".raw": "'YQ==' is no bytes"}),
    ({"raw": {"!bytes": "?"}}, {".raw": "'?' is no bytes"}),
    ({"raw": {"!bytes": 5}}, {".raw": "5 is no bytes"}),
    ({"items": [1, "a", 2, None]}, {".items[1]": "'a' is no int", ".items[3]": "None is no int"}),
    ({"items": "ab"}, {".items": "'ab' is no list[int]"}),
    ({"by_name": {"a": "b"}}, {".by_name['a']": "'b' is no int"}),
    ({"by_name": []}, {".by_name": "a list is no dict[str, int]"}),
    ({"by_number": {"!dict": [[1, 2], [3]]}}, {".by_number[1]": "has 1 items and not the 2 of tuple[int, int]"}),
    ({"pair": [1, 2]}, {".pair[1]": "2 is no str"}),
    ({"pair": "a"}, {".pair": "'a' is no tuple[int, str]"}),
    ({"either": "a"}, {".either": "'a' is no Step | int"}),
    ({"either": {"!Step": {}}}, {".either.name": "missing"}),
    (
        {"texts": "2024-05-01T12:00:00"},
        {".texts": "'2024-05-01T12:00:00' fits datetime and str, and does not say which it is"},
    ),
    ({"choice": "b"}, {".choice": "'b' is no Literal['a', 1]"}),
    ({"choice": []}, {".choice": "a list is no Literal['a', 1]"}),
    ({"anything": {"!dict": 3}}, {".anything": "3 is no list of pairs"}),
    ({"anything": {"!dict": [[[], 1]]}}, {".anything": "makes no dict: TypeError: unhashable type: 'list'"}),
    ({"anything": {"!set": [[]]}}, {".anything": "makes no set: TypeError: unhashable type: 'list'"}),
]


@pytest.mark.parametrize(("fields", "faults"), MISFITTING)
def test_strict(fields: dict[str, Any], faults: dict[str, str]) -> None:
    """Nothing is converted silently: each misfit is named by its path, and the data is in the error."""
    data = Data("Strict", fields)
    with pytest.raises(LiveDataError) as caught:
        unwrap(data, Strict)
    assert misfits(caught.value) == {f"Strict{path}": what for path, what in faults.items()}
    assert caught.value.data is data
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


def test_ways_out() -> None:
    """A migration is advised where there is a version to migrate from: not for the data of the host."""
    for version, advised in ((None, ""), ("1.0", ", or declare @hotswap.live.migration(before=...) in Step")):
        with pytest.raises(LiveDataError) as caught:
            unwrap(Data("Step", {}, version and "guardian", version), Step)
        assert caught.value.faults[0].way_out == "give it a default in Step" + advised


def test_lenient() -> None:
    """An int is a float; what an older union marked is read, and what it did not mark if one member fits."""
    fields = {"ratio": 3, "text": {"!str": "x"}, "texts": "soon", "when": {"!datetime": "2024-05-01T12:00:00"}}
    read = unwrap(Data("Strict", {**fields, "step": {"!Step": {"name": "a"}}, "removed": 1}), Strict)
    assert (read.ratio, type(read.ratio), read.text, read.texts, read.step) == (3.0, float, "x", "soon", Step("a"))


def test_constructors_that_object() -> None:
    """What a constructor raises is told in words."""

    @dataclass
    class Positive:
        value: int

        def __post_init__(self) -> None:
            if self.value < 0:
                raise ValueError("below zero")

    with pytest.raises(LiveDataError, match=r"Positive: Positive\(\.\.\.\) raised ValueError: below zero") as caught:
        unwrap(Data("Positive", {"value": -1}), Positive)
    assert caught.value.__context__ is None


def test_defaults_that_the_constructor_makes() -> None:
    """A field whose default needs the constructor has to be in the data where the constructor cannot be called."""
    assert unwrap(wrap(SelfMade("abc")), SelfMade).y == 3
    with pytest.raises(LiveDataError, match=r"SelfMade\(\.\.\.\) raised TypeError: a default is made by the constr"):
        unwrap(Data("SelfMade", {"x": 1}), SelfMade)


def test_defaults_without_the_constructor() -> None:
    """Where the constructor cannot be called, fields that the data lacks have their defaults all the same."""
    started = unwrap(Data("Started", {"value": 1}), Started)
    assert (started.value, started.other, started.number) == (1, [], 7)


def test_hashes_that_object() -> None:
    """What a class's `__hash__` raises is told in words, in sets and in mappings."""
    assert unwrap(wrap({Picky(1): {Picky(1)}}, dict[Picky, set[Picky]]), dict[Picky, set[Picky]]) == {
        Picky(1): {Picky(1)}
    }
    held = ((set[Picky], {"!set": [{"x": 2}]}), (dict[Picky, int], {"!dict": [[{"x": 2}, 1]]}))
    for annotation, value in held:
        with pytest.raises(LiveDataError, match=r": makes no (set|dict)\[Picky.*\]: KeyError: 2 \(let its"):
            unwrap(Data("x", value), annotation)


HOSTILE = [
    *("a|" * 100_000 + "a", "(" * 300, "-" * 5000 + "1", "1" * 5000, "\0", "Any[int]", "int | 5", "list[[int]]"),
    *("Literal[[]]", "Literal[{1}]", "Literal[Live_Step.__init__]", "Live_Step.__init__", "__import__('os')", "[][0]"),
]


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_names_of_types_from_outside(name: str) -> None:
    """The name of a type is a name: nothing is executed by it, and what is none is an error that says so."""
    with pytest.raises(LiveDataError, match="there is no live type"):
        unwrap(Data(name, []), {"Live_Step": Step})


@pytest.mark.parametrize("zone", ["", ".", "Europe", "../../etc/passwd", "a" * 5000, "zone.tab", "/etc/passwd", "\0"])
def test_zones_from_outside(zone: str) -> None:
    """What is no time zone is an error, whatever is found under that name."""
    with pytest.raises(LiveDataError, match="is no datetime"):
        unwrap(Data("datetime", f"2024-05-01T12:00:00+00:00[{zone}]"), datetime)


def test_many_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many names of types come from outside, a limited number of them is remembered."""
    monkeypatch.setattr(converters, "_MANY", 50)
    for number in range(100):
        assert unwrap(Data(f"Literal[{number}]", number), {}) == number
    assert len(converters.converter_for([int])._forms) < 60


def test_another_type() -> None:
    """Data of one type is not read as another by mistake."""
    with pytest.raises(LiveDataError, match=r"live data of the host: it is a Step and no Point") as caught:
        unwrap(wrap(Step("a")), Point)
    assert "unwrap it with {'Step': Point} if Point is its new name" in str(caught.value)


def test_members_that_cannot_be_told_apart() -> None:
    """Two classes of one name in a union, and two literals of one form, are refused."""
    twin = make_dataclass("Step", ["x"])
    with pytest.raises(LiveDataError, match="called Step cannot be told apart"):
        wrap([Step("a")], list[Step | twin])  # type: ignore[valid-type]
    with pytest.raises(LiveDataError, match="are both held as 'RED'"):
        wrap("RED", typing.Literal["RED", Color.RED])


NO_DATA: list[tuple[Any, list[str]]] = [
    (3, ["a int and no dict"]),
    ({}, ["type: missing", "value: missing", "plugin: missing", "version: missing"]),
    ({"type": 1, "value": 2, "plugin": 3, "version": None, "x": 1}, ["x: unknown", "type: a int", "plugin: a int"]),
    (
        {"type": "int", "value": 2**64, "plugin": None, "version": "two"},
        ["version: 'two'", "value: an int of more than 64 bits"],
    ),
    (
        {"type": "x", "value": {1: [math.nan, (1,)]}, "plugin": None, "version": None},
        ["value: the key 1", "[1][0]: nan is", "[1][1]: a tuple"],
    ),
    ({"type": "x", "value": {"\udc80": "\udc80"}, "plugin": None, "version": None}, [r"key '\udc80'", "value['"]),
    ({"type": "x", "value": [10**5000], "plugin": None, "version": "9" * 5000}, ["is no version", "value[0]: an int"]),
]


@pytest.mark.parametrize(("plain", "parts"), NO_DATA)
def test_no_data(plain: Any, parts: list[str]) -> None:
    """What `as_plain` did not return is refused, with all that is wrong with it."""
    with pytest.raises(LiveDataError, match="this is no live data") as caught:
        Data.from_plain(plain)
    assert len(caught.value.faults) == len(parts)
    for fault, part in zip(caught.value.faults, parts, strict=True):
        assert part in str(fault)


def test_no_json() -> None:
    """What is no JSON is refused, and data that contains itself."""
    for text in ("{", b"\xff", "[" * 100_000):
        with pytest.raises(LiveDataError, match="this is no live data: not JSON"):
            Data.from_json(text)
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(LiveDataError, match=r"value\[0\]: contains itself"):
        Data.from_plain({"type": "list", "value": endless, "plugin": None, "version": None})


def test_static_types() -> None:
    """A type checker knows what `unwrap` returns of a class."""
    step: Step = unwrap(wrap(Step("a")), Step)
    assert step.name == "a"
    assert hotswap.live.Data is Data
