"""The sample: a page, a health check and notes kept in Postgres. Standard library and psycopg2."""

import contextlib
import html
import json
import os
import signal
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import psycopg2

VERSION = Path(__file__).with_name("VERSION").read_text().strip()
COLOR = os.environ.get("COLOR", "gray")
RELEASE = os.environ.get("PORTWRIGHT_RELEASE", "?")
# Proxies keep connections open: those that wait for a request must not hold up the end.
STOPPING = threading.Event()
IDLE = set()
PAGE = """<!doctype html><meta name=viewport content="width=device-width"><title>Sample</title>
<body style="font:1.2rem system-ui;background:{color};color:#fff;display:grid;place-items:center;height:90vh">
<main><h1>It runs.</h1><p>Version {version}, brought by release {release}.<p>{notes} notes in the database.</main>
"""


def query(sql, *values):
    """Rows of one statement; the table is made when it is missing."""
    connection = psycopg2.connect(
        host=os.environ.get("DATABASE_HOST", "db"),
        user="postgres",
        password=os.environ["DATABASE_PASSWORD"],
        connect_timeout=3,
    )
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute("CREATE TABLE IF NOT EXISTS notes (id serial PRIMARY KEY, text text)")
            cursor.execute(sql, values)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle_one_request(self):
        IDLE.add(self.connection)
        if STOPPING.is_set():
            no_more_requests(self.connection)
        super().handle_one_request()
        if STOPPING.is_set():
            self.close_connection = True

    def parse_request(self):
        IDLE.discard(self.connection)
        return super().parse_request()

    def finish(self):
        IDLE.discard(self.connection)
        super().finish()

    def do_GET(self):
        url = urlparse(self.path)
        try:
            if url.path == "/health":
                query("SELECT 1")
                self.answer_json(
                    200, {"status": "ok", "version": VERSION, "release": RELEASE, "database": True}
                )
            elif url.path == "/notes":
                self.answer_json(
                    200, [row[0] for row in query("SELECT text FROM notes ORDER BY id")]
                )
            elif url.path == "/slow":
                time.sleep(min(float(parse_qs(url.query).get("seconds", ["2"])[0]), 30))
                self.answer_json(200, {"slept": True})
            elif url.path == "/":
                notes = query("SELECT count(*) FROM notes")[0][0]
                page = PAGE.format(
                    color=html.escape(COLOR), version=VERSION, release=RELEASE, notes=notes
                )
                self.answer(200, "text/html; charset=utf-8", page.encode())
            else:
                self.answer_json(404, {"error": "no such page"})
        except psycopg2.Error as error:
            self.answer_json(
                503, {"status": "database", "error": str(error).strip(), "version": VERSION}
            )

    def do_POST(self):
        if urlparse(self.path).path != "/notes":
            self.answer_json(404, {"error": "no such page"})
            return
        text = self.rfile.read(min(int(self.headers.get("Content-Length", 0)), 10_000)).decode()
        try:
            query("INSERT INTO notes (text) VALUES (%s)", text)
        except psycopg2.Error as error:
            self.answer_json(503, {"status": "database", "error": str(error).strip()})
        else:
            self.answer_json(201, {"kept": text})

    def answer_json(self, status, value):
        self.answer(status, "application/json", json.dumps(value).encode())

    def answer(self, status, kind, body):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if STOPPING.is_set():
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Health checks would fill the log."""


def no_more_requests(connection):
    """What has arrived is still read and answered; then the connection ends."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RD)


def main():
    server = ThreadingHTTPServer(("0.0.0.0", 8000), Handler)
    # Requests in flight are finished before the process ends.
    server.daemon_threads = False
    server.block_on_close = True

    def stop(*_):
        STOPPING.set()
        for connection in list(IDLE):
            no_more_requests(connection)
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    print(f"version {VERSION} listens on port 8000", flush=True)
    server.serve_forever()
    server.server_close()


if __name__ == "__main__":
    main()
