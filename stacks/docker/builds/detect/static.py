"""Static files, served by nginx on port 8080 without root."""

from __future__ import annotations

import re

from stacks.docker.builds.detect.dockerfile import Dockerfile
from stacks.docker.builds.detect.folder import Folder
from stacks.docker.builds.detect.model import Detected, Source
from stacks.service_file import Static

NGINX = "nginx:1.28-alpine"
PORT = 8080
FALLBACK = re.compile(r"(?!.*\.\.)[A-Za-z0-9._/@+-]{1,200}")
CONFIG = """\
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


def static(wanted: Static) -> str:
    """Return the Dockerfile of a `static:` service; its folder is the build context."""
    dockerfile = Dockerfile()
    serve(dockerfile, fallback=wanted.fallback)
    return dockerfile.text()


def serve(dockerfile: Dockerfile, built: str = "", fallback: str | None = None) -> None:
    """Append the stage that serves files: of the context, or of a folder of the stage `build`.

    fallback: the file that answers where no other does, such as `index.html`.
    """
    if fallback is not None and not FALLBACK.fullmatch(fallback):
        raise ValueError(f"not a plain path: {fallback!r}")
    dockerfile.stage(NGINX)
    answer = f"/{fallback}" if fallback else "=404"
    dockerfile.heredoc("/etc/nginx/nginx.conf", CONFIG.replace("FALLBACK", answer))
    dockerfile.add(f"COPY --from=build {built} /srv" if built else "COPY . /srv")
    dockerfile.add("USER nginx", "ENTRYPOINT []")
    dockerfile.cmd(["nginx", "-g", "daemon off;"])


def index_html(folder: Folder) -> str | None:
    """Return the marker of a folder that is served without a build."""
    return folder.first("index.html")


def write_static(source: Source) -> Detected:
    """Write a Dockerfile for a folder with an index.html."""
    return Detected(static(Static(folder=".")), "Static files: index.html", port=PORT)
