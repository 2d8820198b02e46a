import datetime

import marshmallow
from marshmallow import Schema, ValidationError, fields, post_load, validate


class Author(Schema):
    name = fields.Str(required=True, validate=validate.Length(min=1))


class Book(Schema):
    title = fields.Str()
    date = fields.Date()
    author = fields.Nested(Author)
    related = fields.List(fields.Nested("Book", only=("title",)))

    @post_load
    def made(self, data, **kwargs):
        return {**data, "made": True}


def smoke():
    book = Book().load({"title": "T", "date": "2024-02-03", "author": {"name": "A"}, "related": [{"title": "R"}]})
    assert book["date"] == datetime.date(2024, 2, 3)
    assert book["made"] and book["related"][0]["title"] == "R"
    try:
        Book().load({"author": {"name": ""}, "x": 1})
    except ValidationError as error:
        assert set(error.messages) == {"author", "x"}
    else:
        raise AssertionError("valid?")
    assert Book(many=True).dump([{"title": "T"}]) == [{"title": "T"}]
    return [Book, marshmallow.class_registry]
