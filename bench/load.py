"""A steady load on a host behind Traefik, and what became of each request."""

from __future__ import annotations

import http.client
import threading
import time
from dataclasses import dataclass, field

TIMEOUT = 15.0


@dataclass
class Load:
    """fast: clients that ask ten times a second; slow: clients on 2 s requests. All keep alive."""

    port: int
    host: str
    fast: int = 2
    slow: int = 3
    requests: int = 0
    failures: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)
    threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Load:
        for path, count, pause in (("/", self.fast, 0.1), ("/slow", self.slow, 0.0)):
            for _ in range(count):
                thread = threading.Thread(target=self.client, args=(path, pause), daemon=True)
                thread.start()
                self.threads.append(thread)
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        for thread in self.threads:
            thread.join(TIMEOUT)

    def client(self, path: str, pause: float) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT)
        while not self.over.wait(pause):
            try:
                connection.request("GET", path, headers={"Host": self.host})
                answer = connection.getresponse()
                answer.read()
                what = "" if answer.status == 200 else f"status {answer.status}"
            except (OSError, http.client.HTTPException) as error:
                what = f"{type(error).__name__}: {error}"
                connection.close()
            if what:
                time.sleep(0.2)  # one bad moment is not to count a thousand times
            with self.lock:
                self.requests += 1
                if what:
                    self.failures.append(f"{time.strftime('%H:%M:%S')} {self.host}{path}: {what}")


def ask(port: int, host: str, path: str) -> tuple[int, str]:
    """One request: status (0 where nothing answers) and body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
    try:
        connection.request("GET", path, headers={"Host": host})
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        return 0, str(error)
    finally:
        connection.close()
