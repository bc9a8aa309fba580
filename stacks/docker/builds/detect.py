"""A Dockerfile for a folder that has none, from what lies in it: Python, Node or static files.

Cloud Native Buildpacks and Nixpacks do more, but fetch builders from registries that a host
without them can't reach: see docs/decisions/0008-detect-without-builders.md.
"""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

from stacks.errors import PortwrightError
from stacks.service_file import Static

PYTHON, NODE, NGINX = "python:3.11", "node:18", "nginx:1.22"
MAX_BYTES = 256 * 1024
PROCFILE_LINE = re.compile(r"^([A-Za-z0-9_-]+):\s*(.+?)\s*$", re.M)
NGINX_CONF = """\
worker_processes 1;
pid /tmp/nginx.pid;
error_log /dev/stderr warn;
events { worker_connections 1024; }
http {
  include /etc/nginx/mime.types;
  default_type application/octet-stream;
  access_log /dev/stdout;
  sendfile on;
  gzip on;
  gzip_types text/css application/javascript application/json image/svg+xml;
  client_body_temp_path /tmp/body; proxy_temp_path /tmp/proxy; fastcgi_temp_path /tmp/fastcgi;
  uwsgi_temp_path /tmp/uwsgi; scgi_temp_path /tmp/scgi;
  server {
    listen 8080;
    root /srv;
    server_tokens off;
    absolute_redirect off;
    location ~ /\\. { return 404; }
    location / { try_files $uri $uri/ FALLBACK; }
  }
}
"""


def dockerfile_for(folder: Path, service: str) -> tuple[str, str]:
    """The text, and in a few words what it was found by.

    service: the line of a Procfile that gives the command; `web` where it has none of
    that name. Raises PortwrightError where nothing is recognised.
    """
    for name, write in (
        ("requirements.txt", python),
        ("pyproject.toml", python),
        ("package.json", node),
    ):
        if (folder / name).is_file():
            return write(folder, procfile(folder, service)), name
    if (folder / "index.html").is_file():
        return static(Static(folder=".")), "index.html"
    raise PortwrightError(
        "there is no Dockerfile, and nothing else that tells how to build",
        remedy="commit a Dockerfile, requirements.txt, pyproject.toml, package.json or index.html there",
        path="build",
    )


def procfile(folder: Path, service: str) -> str | None:
    lines = dict(PROCFILE_LINE.findall(text(folder / "Procfile")))
    return lines.get(service) or lines.get("web")


def python(folder: Path, process: str | None) -> str:
    lines = [f"FROM {PYTHON}", "ENV PYTHONUNBUFFERED=1 PIP_BREAK_SYSTEM_PACKAGES=1", "WORKDIR /app"]
    if text(folder / "requirements.txt").strip():
        lines += [
            "COPY requirements.txt ./",
            "RUN python3 -m pip install --no-cache-dir -r requirements.txt",
        ]
    lines.append("COPY . .")
    if not (folder / "requirements.txt").is_file():
        lines.append("RUN python3 -m pip install --no-cache-dir .")
    main = next((name for name in ("app.py", "main.py") if (folder / name).is_file()), None)
    return finished(lines, process, ["python3", main] if main else None)


def node(folder: Path, process: str | None) -> str:
    try:
        package = json.loads(text(folder / "package.json"))
        scripts = dict(package.get("scripts") or {})
        needs = bool(package.get("dependencies") or package.get("devDependencies"))
    except (ValueError, AttributeError, TypeError):
        raise PortwrightError(
            "package.json is no valid JSON object", remedy="correct it", path="build"
        ) from None
    lines = [f"FROM {NODE}", "WORKDIR /app"]
    if needs and (folder / "package-lock.json").is_file():
        lines += ["COPY package.json package-lock.json ./", "RUN npm ci"]
    elif needs:
        lines += ["COPY package.json ./", "RUN npm install"]
    lines.append("COPY . .")
    if "build" in scripts:
        lines.append("RUN npm run build")
    lines.append("ENV NODE_ENV=production")
    main = next((name for name in ("server.js", "index.js") if (folder / name).is_file()), None)
    start = ["npm", "start"] if "start" in scripts else ["node", main] if main else None
    return finished(lines, process, start)


def finished(lines: list[str], process: str | None, start: list[str] | None) -> str:
    """A line of a Procfile is a shell's, as on Heroku; anything else is arguments."""
    argv = ["/bin/sh", "-c", process] if process else start
    command = [f"CMD {json.dumps(argv)}"] if argv else []
    return "\n".join([*lines, *command]) + "\n"


def static(wanted: Static) -> str:
    """nginx on 8080; the folder is the build's context."""
    fallback = f"/{wanted.fallback}" if wanted.fallback else "=404"
    conf = base64.b64encode(NGINX_CONF.replace("FALLBACK", fallback).encode()).decode()
    return (
        f"FROM {NGINX}\n"
        f"RUN echo {conf} | base64 -d > /etc/nginx/nginx.conf\n"
        "COPY . /srv\n"
        "ENTRYPOINT []\n"
        'CMD ["nginx", "-g", "daemon off;"]\n'
    )


def text(path: Path) -> str:
    """A small file of the checkout; empty where there is none. Links are not followed."""
    if path.is_symlink() or not path.is_file() or path.stat().st_size > MAX_BYTES:
        return ""
    return path.read_text(errors="replace")
