"""A web service to be measured and tested. /slow takes 2 s, /env tells a variable, /ill falls ill.

SIGTERM: DIE=1 ends at once, whatever is being answered; else what is being answered is finished.
"""

import os
import signal
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

STATE = {"well": True}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path, _, query = self.path.partition("?")
        if path == "/slow":
            time.sleep(2)
        if path == "/ill":
            STATE["well"] = False
        if path == "/die":
            os._exit(3)
        status = 200 if STATE["well"] or path != "/health" else 500
        text = (
            os.environ.get(query, "") if path == "/env" else f"{socket.gethostname()} {self.path}"
        )
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = 128


def main():
    if "once" in sys.argv[1:]:
        print("job done", os.environ.get("WORD", ""), flush=True)
        sys.exit(int(os.environ.get("CODE", "0")))
    time.sleep(float(os.environ.get("BOOT", "0")))
    server = Server(("0.0.0.0", int(os.environ.get("PORT", "8000"))), Handler)

    def stop(*_):
        if os.environ.get("DIE"):
            os._exit(0)
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    server.serve_forever()
    # Kept-alive connections that ask for nothing must not hold up the end.
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and threading.active_count() > 1:
        time.sleep(0.05)
    os._exit(0)


main()
