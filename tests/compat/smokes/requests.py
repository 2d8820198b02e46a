import http.server
import threading

import requests
from requests.adapters import HTTPAdapter


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b'{"path": "%s"}' % self.path.encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def smoke():
    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            with requests.Session() as session:
                session.trust_env = False
                session.mount("http://", HTTPAdapter(max_retries=1))
                answer = session.get(f"http://127.0.0.1:{server.server_port}/x", params={"q": "ä"}, timeout=5)
                assert answer.json() == {"path": "/x?q=%C3%A4"}, answer.text
        finally:
            server.shutdown()
            thread.join()
    try:
        requests.get("http://127.0.0.1:9/", timeout=2)
    except requests.exceptions.ConnectionError:
        pass
    else:
        raise AssertionError("nobody listens there")
    from requests import certs

    assert b"BEGIN CERTIFICATE" in open(certs.where(), "rb").read()  # noqa: SIM115, PTH123
    assert requests.packages.urllib3.__name__.endswith("urllib3")
    return [session, answer]
