"""What gunicorn serves: `gunicorn --config python:portal.server portal.wsgi:app`. Settings: the environment."""

from __future__ import annotations

from portal import create_app
from stacks.errors import explained

with explained():
    app = create_app()
