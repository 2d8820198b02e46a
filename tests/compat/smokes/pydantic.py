import datetime
from typing import Annotated, Literal

import pydantic
from pydantic import BaseModel, Field, TypeAdapter, ValidationError, computed_field, field_validator


class Address(BaseModel):
    city: str


class Person(BaseModel):
    name: Annotated[str, Field(min_length=1)]
    born: datetime.date
    kind: Literal["a", "b"] = "a"
    home: "Address | None" = None
    friends: list["Person"] = []

    @field_validator("name")
    @classmethod
    def upper(cls, value):
        return value.upper()

    @computed_field
    @property
    def year(self) -> int:
        return self.born.year


def handed_out():
    from functools import partial

    return [
        partial(Person.__pydantic_validator__.validate_json, b'{"name": "a", "born": "2024-02-03"}'),
        Person.model_json_schema,
    ]


def smoke():
    person = Person.model_validate_json('{"name": "ann", "born": "2024-02-03", "friends": [{"name": "b", "born": 0}]}')
    assert person.model_dump(mode="json")["born"] == "2024-02-03"
    assert person.year == 2024 and person.friends[0].name == "B"
    assert Person.model_json_schema()["$defs"]["Person"]["properties"]["kind"]["enum"] == ["a", "b"]
    try:
        Person(name="", born="x")
    except ValidationError as error:
        assert {each["loc"][0] for each in error.errors()} == {"name", "born"}
    else:
        raise AssertionError("valid?")
    adapter = TypeAdapter(dict[int, Address])
    assert adapter.validate_python({"1": {"city": "x"}})[1].city == "x"

    @pydantic.validate_call
    def double(x: int):
        return 2 * x

    assert double("3") == 6
    import pickle

    assert pickle.loads(pickle.dumps(person)) == person
    from pydantic.dataclasses import dataclass

    made = dataclass(type("Made", (), {"__annotations__": {"n": int}, "__module__": __name__}))
    assert made("4").n == 4
    return [person, adapter, Person.__pydantic_validator__]
