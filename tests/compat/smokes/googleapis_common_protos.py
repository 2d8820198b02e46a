from google.api import annotations_pb2, http_pb2
from google.protobuf import any_pb2, json_format, struct_pb2
from google.rpc import error_details_pb2, status_pb2


def smoke():
    status = status_pb2.Status(code=3, message="bad")
    detail = error_details_pb2.BadRequest(
        field_violations=[error_details_pb2.BadRequest.FieldViolation(field="f", description="d")]
    )
    status.details.add().Pack(detail)
    back = status_pb2.Status.FromString(status.SerializeToString())
    unpacked = error_details_pb2.BadRequest()
    assert back.details[0].Unpack(unpacked) and unpacked.field_violations[0].field == "f"
    struct = struct_pb2.Struct()
    struct.update({"a": [1, "x"]})
    assert json_format.MessageToDict(struct) == {"a": [1.0, "x"]}
    rule = http_pb2.HttpRule(get="/v1")
    assert isinstance(rule, http_pb2.HttpRule) and annotations_pb2.http.name == "http"
    from google.protobuf.internal import api_implementation

    assert api_implementation.Type() == "upb"
    return [status, detail, any_pb2.Any]
