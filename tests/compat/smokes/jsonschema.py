import jsonschema
from jsonschema import Draft202012Validator, FormatChecker

SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$defs": {"n": {"type": "integer", "minimum": 2}},
    "type": "object",
    "properties": {"a": {"$ref": "#/$defs/n"}, "mail": {"type": "string", "format": "email"}},
    "required": ["a"],
}


def smoke():
    Draft202012Validator.check_schema(SCHEMA)
    validator = Draft202012Validator(SCHEMA, format_checker=FormatChecker())
    assert validator.is_valid({"a": 3, "mail": "x@y"})
    errors = sorted(error.json_path for error in validator.iter_errors({"a": 1, "mail": "x"}))
    assert errors == ["$.a", "$.mail"]
    try:
        jsonschema.validate({}, SCHEMA)
    except jsonschema.ValidationError as error:
        assert error.validator == "required"
    else:
        raise AssertionError("valid?")
    from referencing import Registry, Resource

    registry = Registry().with_resource("urn:x", Resource.from_contents(SCHEMA))
    assert Draft202012Validator({"$ref": "urn:x"}, registry=registry).is_valid({"a": 2})
    assert isinstance(validator, jsonschema.protocols.Validator)
    return [validator, registry]
