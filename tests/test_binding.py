"""What `import_()` asks for, which exports fit it, and what is assigned."""

from __future__ import annotations

import dataclasses
import sys
import types
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Generic, Literal, Optional, Protocol, TypedDict, TypeVar, Union

import pytest

from hotswap import ignore
from hotswap.binding import Requires, bind, misfits, wanted
from hotswap.errors import ContractError

T = TypeVar("T")
FILE = "alpha 1.0 (alpha)"


class Speaks(Protocol):
    def speak(self, word: str, loud: bool = False) -> str: ...


class Speaker:
    def speak(self, word: str, loud: bool = False) -> str:
        return word


def asked(asks: object) -> dict[str, str]:
    return {want.dependency.attribute: str(want.dependency) for want in wanted("alpha", asks, FILE)}


# ------------------------------------------------------------------------------------------------------- wanted


@dataclass
class Deps:
    beta: Speaks = None  # type: ignore[assignment]
    Gamma_Ray: Annotated[Speaks, Requires(">=1.2")] = None  # type: ignore[assignment]
    extra: Speaks | None = None
    older: Optional[Speaks] = None  # noqa: UP045
    both: Annotated[Speaks, Requires(">=1"), "words", Requires("<2")] | None = None
    whole: Annotated[Speaks | None, Requires(">=3")] = None
    order: None = None
    cache: dict[str, int] = ignore(default_factory=dict)  # noqa: RUF009  # makes a field
    noted: int = ignore(default=3, metadata={"unit": "m"})
    _private: Speaks = None  # type: ignore[assignment]
    shared: ClassVar[Speaks]
    bare: ClassVar = 3
    start: dataclasses.InitVar[int] = 0


def test_what_is_asked_for() -> None:
    """Annotations give names in canonical form, versions and what may be absent, in their order."""
    assert asked(Deps()) == {
        "beta": "beta",
        "Gamma_Ray": "gamma-ray>=1.2",
        "extra": "extra (optional)",
        "older": "older (optional)",
        "both": "both<2,>=1 (optional)",
        "whole": "whole>=3 (optional)",
        "order": "order (optional)",
    }
    assert (Deps().cache, Deps().noted) == ({}, 3)
    assert asked(None) == {}


def test_plain_classes() -> None:
    """A plain class serves as well as a dataclass, with what it inherits."""

    class Base:
        beta: Speaks

    class Asks(Base):
        gamma: Speaks
        cache: dict[str, int] = ignore()

    assert asked(Asks()) == {"beta": "beta", "gamma": "gamma"}


def test_empty_dataclass() -> None:
    """A dataclass without fields asks for nothing."""

    @dataclass
    class Empty: ...

    assert asked(Empty()) == {}


class Bare:
    beta = None


@pytest.mark.parametrize(
    ("asks", "said"),
    [
        (Deps, "returns the class Deps"),
        (Bare(), "returns an object of type Bare"),
        ({"beta": None}, "returns an object of type dict"),
        (types.SimpleNamespace(beta=None), "returns an object of type SimpleNamespace"),
        (asked, "returns an object of type function"),
        (sys, "returns an object of type module"),
    ],
)
def test_no_import_object(asks: object, said: str) -> None:
    """What is no instance of a class with annotations is refused with the way out."""
    with pytest.raises(ContractError, match=said) as caught:
        wanted("alpha", asks, FILE)
    assert "None or an instance of a class with annotated attributes" in str(caught.value)
    assert caught.value.stage == "bound"


def test_annotation_that_cannot_be_evaluated() -> None:
    """An annotation that names nothing is an error which keeps nothing of the plugin."""
    asks = type("Asks", (), {"__annotations__": {"beta": "Nowhere"}})()
    with pytest.raises(ContractError, match="name 'Nowhere' is not defined") as caught:
        wanted("alpha", asks, FILE)
    assert caught.value.__context__ is None


def test_requires() -> None:
    """A version specifier says what it is, and is refused at once if it is none."""
    assert repr(Requires(">=1.2")) == "Requires('>=1.2')"
    with pytest.raises(ValueError, match=r"hotswap\.Requires\('newest'\) is no version specifier"):
        Requires("newest")


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the statement came with Python 3.12")
def test_type_alias() -> None:
    """A type alias means what stands behind it."""
    names: dict[str, Any] = {"Speaks": Speaks, "Annotated": Annotated, "Requires": Requires}
    text = "type Alias = Annotated[Speaks, Requires('>=4')] | None\nclass Asks:\n    beta: Alias"
    exec(compile(text, "asks", "exec", dont_inherit=True), names)
    assert asked(names["Asks"]()) == {"beta": "beta>=4 (optional)"}
    assert list(misfits(None, names["Alias"])) == []
    assert list(misfits(3, names["Alias"])) == ["it lacks speak, which Speaks has"]


# --------------------------------------------------------------------------------------------------------- bind


def test_binding() -> None:
    """Exports are assigned to the attributes that ask for them; what is absent stays None, order takes no value."""
    asks, speaker = Deps(), Speaker()
    exports = {"beta": speaker, "gamma-ray": speaker, "extra": None, "order": speaker, "unasked": 1}
    bind("alpha", asks, wanted("alpha", asks, FILE), exports, FILE)
    assert (asks.beta, asks.Gamma_Ray, asks.extra, asks.older, asks.order) == (speaker, speaker, None, None, None)


def test_binding_lists_every_fault() -> None:
    """Every export that does not fit is listed with every difference, and nothing unfit is assigned."""
    asks = Deps()
    with pytest.raises(ContractError) as caught:
        bind("alpha", asks, wanted("alpha", asks, FILE), {"beta": None, "gamma-ray": 3, "extra": Speaker()}, FILE)
    assert [str(fault) for fault in caught.value.faults] == [
        f"{FILE}: Deps.beta: the export of beta does not fit: it is None",
        f"{FILE}: Deps.Gamma_Ray: the export of gamma-ray does not fit: it lacks speak, which Speaks has",
    ]
    assert asks.beta is None
    assert isinstance(asks.extra, Speaker)


def test_frozen_class() -> None:
    """A frozen import object is refused with the way out."""

    @dataclass(frozen=True)
    class Frozen:
        beta: Any = None

    asks = Frozen()
    with pytest.raises(ContractError, match=r"Frozen\.beta: cannot be assigned: .*do not freeze the class"):
        bind("alpha", asks, wanted("alpha", asks, FILE), {"beta": 1}, FILE)


def test_slots() -> None:
    """An import object with slots takes its exports."""

    @dataclass(slots=True)
    class Slotted:
        beta: Any = None

    asks = Slotted()
    bind("alpha", asks, wanted("alpha", asks, FILE), {"beta": 1}, FILE)
    assert asks.beta == 1


# ------------------------------------------------------------------------------------------------------ misfits


class Words(TypedDict):
    word: str


class Rich(Protocol[T]):
    name: str
    _inner: int

    @property
    def size(self) -> int: ...

    @staticmethod
    def make(word: str) -> str: ...

    @classmethod
    def build(cls, word: str) -> str: ...

    def __len__(self) -> int: ...

    def __getitem__(self, key: T) -> T: ...

    def __eq__(self, other: object) -> bool: ...


class RichExport(list[int]):
    name = "n"
    _inner = 1
    size = 3

    @staticmethod
    def make(word: str) -> str:
        return word

    @classmethod
    def build(cls, word: str) -> str:
        return word


class Calls(Protocol):
    def __call__(self, word: str) -> str: ...


class Louder(Speaks, Protocol):
    def shout(self, *words: str, **how: str) -> None: ...


class Waits(Protocol):
    async def wait(self) -> int: ...


class Loose(Protocol):
    def wait(self) -> Awaitable[int]: ...


class Now(Protocol):
    def wait(self) -> int: ...


class Ticks(Protocol):
    def ticks(self) -> AsyncIterator[int]: ...


class KeyOnly(Protocol):
    def do(self, a: int, /, b: int = 0, *, c: int, d: int = 0) -> None: ...


class Native(Protocol):
    def get(self, key: str, /) -> object: ...
    def unsigned(self, a: int) -> object: ...


def having(**members: Any) -> Any:
    return types.SimpleNamespace(**members)


def box(**members: Any) -> Any:
    return type("Box", (), members)()


async def waits() -> int:
    return 1


def says_int() -> int:
    return 1


def says_none() -> None: ...


async def ticks() -> AsyncIterator[int]:
    yield 1


for _function in (says_int, says_none):  # annotations as the interpreter keeps them without the __future__ import
    _function.__annotations__ = {"return": {"says_int": int, "says_none": None}[_function.__name__]}


@pytest.mark.parametrize(
    ("export", "annotation"),
    [
        (Speaker(), Speaks),
        (having(speak=lambda word, loud=False: word), Speaks),
        (having(speak=lambda *args, **kwargs: None), Speaks),
        (Speaker(), Annotated[Speaks, "x"]),
        (Speaker(), Union[int, Speaks]),  # noqa: UP007
        (RichExport(), Rich[int]),
        (lambda word: word, Calls),
        (3, Any),
        (None, Any),
        (None, object),
        (None, None),
        (3, type(None)),
        (None, Speaks | None),
        (3, int),
        ([], list[int]),
        (int, type[int]),
        (print, Callable[[str], None]),
        ("anything", Literal["a"]),
        ("anything", T),
        (3, Words),
        (having(speak=Speaker().speak, shout=lambda *words, **how: None), Louder),
        (having(wait=waits), Waits),
        (having(wait=lambda: waits()), Waits),
        (having(wait=waits), Loose),
        (having(wait=says_int), Now),
        (having(ticks=ticks), Ticks),
        (having(do=lambda a, /, b=0, *, c, d=0: None), KeyOnly),
        (having(get={}.get, unsigned={}.update), Native),
        (having(get=lambda key: key, unsigned=lambda a: a), Native),
    ],
)
def test_what_fits(export: object, annotation: Any) -> None:
    """An export fits that every call the annotation allows would find usable."""
    assert list(misfits(export, annotation)) == []


class Trap:
    @property
    def speak(self) -> None:
        raise RuntimeError("sprung")


class Here:
    class Speaker: ...


@pytest.mark.parametrize(
    ("export", "annotation", "said"),
    [
        (None, Speaks, ["it is None"]),
        ("text", int, ["it is of type str, not int"]),
        ("text", int | float | None, ["it is of type str, not int", "it is of type str, not float"]),
        (Here.Speaker(), Speaker, ["it is of type test_binding.Speaker, not test_binding.Speaker"]),
        (Trap(), Speaks, ["its speak raises RuntimeError: sprung"]),
        (having(speak=3), Speaks, ["speak is int, no function"]),
        (having(speak=lambda: 1), Speaks, ["too many positional arguments"]),
        (having(speak=lambda word: 1), Speaks, ["too many positional arguments"]),
        (having(speak=lambda text, loud=False: 1), Speaks, ["the export has <lambda>(text, loud=False)"]),
        (having(speak=lambda a, b, c: 1), Speaks, ["missing a required argument: 'b'"]),
        (having(speak=waits), Now, ["it lacks wait, which Now has"]),
        (having(wait=waits), Now, ["the export's is async"]),
        (having(wait=says_int), Waits, ["the export's is not async, and returns int"]),
        (having(wait=says_none), Waits, ["the export's is not async, and returns None"]),
        (Speaker, Speaks, ["missing a required argument"]),
        (having(speak=Speaker().speak, shout=lambda: 1), Louder, ["shout(self, *words"]),
        (having(speak=Speaker().speak, shout=lambda *w: 1), Louder, ["unexpected keyword argument"]),
        (having(do=lambda a, b=0, *, c: None), KeyOnly, ["'d'"]),
        (having(do=lambda a, b=0, **k: None, x=1), KeyOnly, []),
        (object(), Calls, ["it lacks __call__, which Calls has"]),
        (
            having(),
            Rich[int],
            [
                "lacks __getitem__",
                "lacks __len__",
                "lacks _inner",
                "lacks build",
                "lacks make",
                "lacks name",
                "lacks size",
            ],
        ),
        (box(speak=Speaker().speak), Louder, ["it lacks shout, which Louder has"]),
    ],
)
def test_what_does_not_fit(export: object, annotation: Any, said: list[str]) -> None:
    """Every difference between an export and what is asked for is told in words."""
    found = list(misfits(export, annotation))
    assert len(found) == len(said), found
    assert [part for part, line in zip(said, found, strict=True) if part not in line] == []


def test_generic_protocol_base_is_no_member() -> None:
    """What typing itself puts into a Protocol is asked of nobody."""

    class Empty(Protocol, Generic[T]): ...

    assert list(misfits(object(), Empty)) == []
