from concurrent import futures

import grpc


class Echo(grpc.GenericRpcHandler):
    def service(self, details):
        if details.method == "/compat.Echo/Say":
            return grpc.unary_unary_rpc_method_handler(lambda request, context: request.upper())
        return None


def handed_out():
    from functools import partial

    return [partial(grpc.insecure_channel, "127.0.0.1:9"), partial(grpc.server, futures.ThreadPoolExecutor(1))]


def smoke():
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=1))
    server.add_generic_rpc_handlers((Echo(),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        with grpc.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.enable_http_proxy", 0)]) as channel:
            say = channel.unary_unary("/compat.Echo/Say")
            assert say(b"abc", timeout=10) == b"ABC"
            try:
                channel.unary_unary("/compat.Echo/None")(b"", timeout=10)
            except grpc.RpcError as error:
                assert error.code() is grpc.StatusCode.UNIMPLEMENTED
            else:
                raise AssertionError("implemented?")
    finally:
        server.stop(None).wait()
    return [grpc.StatusCode.OK]
