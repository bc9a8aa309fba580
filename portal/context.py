"""What a view needs from the application that serves it."""

from __future__ import annotations

from typing import cast

from flask import current_app

from jobs.requests import Doorbell
from jobs.settings import Settings


def settings() -> Settings:
    return cast(Settings, current_app.extensions["settings"])


def doorbell() -> Doorbell:
    return cast(Doorbell, current_app.extensions["doorbell"])
