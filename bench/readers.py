"""`python -m bench.readers {port, run, count, cookie}`: reads one Run's stream with many readers,
each as a browser does it: it comes back with the last event's id. Prints what each has seen."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from typing import Any

PATIENCE = 120.0
PAUSE = 0.5


class Reader:
    def __init__(self, asked: dict[str, Any]) -> None:
        self.asked = asked
        self.lines = 0
        self.connections = 0
        self.last = ""
        self.ended = False

    async def read(self) -> None:
        while not self.ended:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await self.once()
            if not self.ended:
                await asyncio.sleep(PAUSE)

    async def once(self) -> None:
        self.connections += 1
        reader, writer = await asyncio.open_connection("127.0.0.1", self.asked["port"])
        try:
            writer.write(self.request().encode())
            status = await reader.readline()
            if b" 200 " not in status:
                return
            name = ""
            while (line := await reader.readline()) and not self.ended:
                key, _, value = line.decode().rstrip("\r\n").partition(": ")
                if key == "event":
                    name = value
                elif key == "id" and name == "log":
                    self.last = value
                elif key == "data" and name == "log":
                    self.lines += 1
                self.ended = name == "end"
        finally:
            writer.close()

    def request(self) -> str:
        resumed = f"Last-Event-ID: {self.last}\r\n" if self.last else ""
        return (
            f"GET /api/runs/{self.asked['run']}/log/stream HTTP/1.1\r\nHost: localhost\r\n"
            f"User-Agent: {self.asked['agent']}\r\nCookie: {self.asked['cookie']}\r\n{resumed}Connection: close\r\n\r\n"
        )


async def main(asked: dict[str, Any]) -> list[dict[str, Any]]:
    readers = [Reader(asked) for _ in range(asked["count"])]
    tasks = [asyncio.create_task(each.read()) for each in readers]
    await asyncio.wait(tasks, timeout=PATIENCE)
    for task in tasks:
        task.cancel()
    return [
        {"lines": each.lines, "ended": each.ended, "connections": each.connections}
        for each in readers
    ]


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(json.loads(sys.argv[1])))))
