import zmq


def smoke():
    with zmq.Context() as context, context.socket(zmq.REP) as server, context.socket(zmq.REQ) as client:
        port = server.bind_to_random_port("tcp://127.0.0.1")
        client.connect(f"tcp://127.0.0.1:{port}")
        client.send_json({"a": 1})
        assert server.recv_json() == {"a": 1}
        server.send_multipart([b"x", b"y"])
        assert client.recv_multipart() == [b"x", b"y"]
        try:
            server.recv(zmq.NOBLOCK)
        except zmq.Again:
            pass
        else:
            raise AssertionError("a message?")
    return [context, zmq.Socket]
