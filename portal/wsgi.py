"""What gunicorn serves: `gunicorn --threads 16 portal.wsgi:app`. Settings: the environment."""

from __future__ import annotations

from portal import create_app

app = create_app()
