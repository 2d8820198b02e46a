from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory, timestamp_pb2


def handed_out():
    stamp = timestamp_pb2.Timestamp(seconds=5)
    return [stamp.SerializeToString, stamp.__repr__, stamp.ToDatetime, stamp.ListFields]


def smoke():
    file = descriptor_pb2.FileDescriptorProto(name="compat.proto", package="compat", syntax="proto3")
    message = file.message_type.add(name="Point")
    message.field.add(name="x", number=1, type=5, label=1, json_name="x")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    Point = message_factory.GetMessageClass(pool.FindMessageTypeByName("compat.Point"))
    assert Point.FromString(Point(x=7).SerializeToString()).x == 7
    assert json_format.Parse('{"x": 3}', Point()).x == 3
    stamp = timestamp_pb2.Timestamp()
    stamp.FromJsonString("2024-02-03T00:00:00Z")
    assert stamp.ToDatetime().year == 2024
    from google.protobuf.internal import api_implementation

    assert api_implementation.Type() == "upb"
    try:
        Point.FromString(b"\xff")
    except Exception as error:
        assert type(error).__name__ == "DecodeError"
    return [Point, pool, stamp]
