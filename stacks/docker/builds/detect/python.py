"""Python: requirements.txt, pyproject.toml (pip, uv, Poetry) or a Pipfile."""

from __future__ import annotations

import re
from dataclasses import dataclass

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from stacks.docker.builds.detect.dockerfile import Dockerfile, shell
from stacks.docker.builds.detect.folder import Folder, string, strings, table
from stacks.docker.builds.detect.model import Detected, Source
from stacks.docker.builds.detect.python_entry import (
    django_module,
    django_settings,
    find_application,
    has_static_root,
)
from stacks.docker.builds.detect.versions import choose, choose_python, exact, first_line

DEFAULT = "3.13"
VERSIONS = (DEFAULT, "3.14", "3.12", "3.11", "3.10", "3.9", "3.8")
PORT = 8000
PIP, UV, POETRY = "/root/.cache/pip", "/root/.cache/uv", "/root/.cache/pypoetry"
# Shared libraries that packages need at run time; the build image has their headers.
LIBRARIES = {
    "psycopg2": "libpq5",
    "psycopg": "libpq5",
    "psycopg-c": "libpq5",
    "mysqlclient": "libmariadb3",
    "weasyprint": "libpangoft2-1.0-0",
    "python-magic": "libmagic1",
    "opencv-python": "libgl1",
}
SCRIPT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
# A requirement that reads another file of the checkout.
LOCAL = re.compile(
    r"^\s*(-r|-c|-e|--requirement|--constraint|--editable|\.|/|file:)|@\s*(file:|\.)", re.M
)
MANIFESTS = ("requirements.txt", "pyproject.toml", "Pipfile")


@dataclass(frozen=True)
class Start:
    """How the application starts; `extra` are packages that the image adds for it."""

    argv: list[str] | None
    found: str = ""
    port: int | None = None
    extra: tuple[str, ...] = ()
    collect_static: bool = False


def marker(folder: Folder) -> str | None:
    """Return the file that names the dependencies."""
    return folder.first(*MANIFESTS)


def write(source: Source) -> Detected:
    """Write a Dockerfile with a build stage that fills a virtual environment."""
    folder = source.folder
    version, notices = python_version(folder)
    packages = dependencies(folder)
    start = start_of(source, packages)
    dockerfile = Dockerfile()
    dockerfile.stage(f"python:{version}", "build")
    dockerfile.add("WORKDIR /app")
    dockerfile.run("python -m venv /venv")
    dockerfile.env(VIRTUAL_ENV="/venv", PATH="/venv/bin:$PATH", PYTHONDONTWRITEBYTECODE="1")
    manager = install(dockerfile, folder)
    if start.extra:
        dockerfile.run(f"python -m pip install {' '.join(start.extra)}", caches=[PIP])
        notices += (
            f"The image adds {start.extra[0]} to run the application. "
            "Add it to the dependencies to choose its version.",
        )
    dockerfile.stage(f"python:{version}-slim")
    dockerfile.install([LIBRARIES[name] for name in packages if name in LIBRARIES])
    dockerfile.app_user()
    port = {"PORT": str(start.port)} if start.port else {}
    dockerfile.env(PATH="/venv/bin:$PATH", PYTHONUNBUFFERED="1", **port)
    dockerfile.add("COPY --from=build /venv /venv", "COPY --chown=app:app . .", "USER app")
    if start.collect_static:
        dockerfile.run(
            "SECRET_KEY=unused DJANGO_SECRET_KEY=unused python manage.py collectstatic --noinput"
        )
    if start.argv:
        dockerfile.cmd(start.argv)
    else:
        notices += ("No start command was found. Set `command` or add a Procfile.",)
    found = ", ".join(part for part in (manager, start.found) if part)
    return Detected(dockerfile.text(), f"Python: {found}", notices, start.port)


def python_version(folder: Folder) -> tuple[str, tuple[str, ...]]:
    """Return the Python version that the project asks for, and notices."""
    asked = (
        (".python-version", first_line(folder.text(".python-version")).removeprefix("cpython-")),
        ("runtime.txt", first_line(folder.text("runtime.txt")).removeprefix("python-")),
        ("Pipfile", _pipfile_version(folder)),
    )
    for file, text in asked:
        if text:
            version = exact(text)
            if version and "." in version:
                return version, ()
            return DEFAULT, (f"The version in {file} is not understood. Python {DEFAULT} is used.",)
    project = folder.toml("pyproject.toml") if folder.has("pyproject.toml") else {}
    if wanted := string(project, "project", "requires-python"):
        version = choose_python(wanted, VERSIONS)
    elif wanted := string(project, "tool", "poetry", "dependencies", "python"):
        version = choose(wanted, VERSIONS)
    else:
        return DEFAULT, ()
    if version and "." in version:
        return version, ()
    return DEFAULT, (
        f"The Python version in pyproject.toml is not understood. Python {DEFAULT} is used.",
    )


def _pipfile_version(folder: Folder) -> str:
    content = folder.toml("Pipfile") if folder.has("Pipfile") else {}
    requires = table(content, "requires")
    return string(requires, "python_full_version") or string(requires, "python_version")


def dependencies(folder: Folder) -> list[str]:
    """Return the normalized names of the direct dependencies, with extras as `name[extra]`."""
    found: list[str] = []
    lines = folder.text("requirements.txt").splitlines()
    if folder.has("pyproject.toml"):
        project = folder.toml("pyproject.toml")
        lines += strings(table(project, "project").get("dependencies"))
        lines += table(project, "tool", "poetry", "dependencies")
    if folder.has("Pipfile"):
        lines += table(folder.toml("Pipfile"), "packages")
    for line in lines:
        try:
            requirement = Requirement(line.split(" #")[0].strip())
        except InvalidRequirement:
            continue
        name = canonicalize_name(requirement.name)
        found += [name, *(f"{name}[{extra}]" for extra in sorted(requirement.extras))]
    return [name for name in found if not (name == "psycopg" and "psycopg[binary]" in found)]


def install(dockerfile: Dockerfile, folder: Folder) -> str:
    """Append the installation of the dependencies; returns what named them."""
    if folder.has("uv.lock") and folder.has("pyproject.toml"):
        dockerfile.run("/usr/local/bin/pip install uv", caches=[PIP])
        dockerfile.env(
            UV_PROJECT_ENVIRONMENT="/venv", UV_LINK_MODE="copy", UV_PYTHON_DOWNLOADS="never"
        )
        sync = "uv sync --frozen --no-dev"
        uv = table(folder.toml("pyproject.toml"), "tool", "uv")
        if not table(uv, "workspace") and not has_path(table(uv, "sources")):
            dockerfile.add("COPY pyproject.toml uv.lock ./")
            dockerfile.run(f"{sync} --no-install-project", caches=[UV])
        dockerfile.add("COPY . .")
        dockerfile.run(f"{sync} --no-editable", caches=[UV])
        return "uv.lock"
    if folder.has("poetry.lock") and folder.has("pyproject.toml"):
        dockerfile.run("/usr/local/bin/pip install poetry", caches=[PIP])
        poetry = table(folder.toml("pyproject.toml"), "tool", "poetry")
        local = has_path(table(poetry, "dependencies"))
        dockerfile.add("COPY . ." if local else "COPY pyproject.toml poetry.lock ./")
        command = "/usr/local/bin/poetry install --no-interaction"
        dockerfile.run(f"{command} --only main --no-root", caches=[POETRY])
        if folder.has_folder("src") and poetry.get("package-mode") is not False:
            dockerfile.add("COPY . .")
            dockerfile.run(f"{command} --only-root", caches=[POETRY])
        return "poetry.lock"
    if folder.has("requirements.txt"):
        text = folder.text("requirements.txt")
        if text.strip() or not folder.has("pyproject.toml"):
            if text.strip():
                local = bool(LOCAL.search(text))
                dockerfile.add("COPY . ." if local else "COPY requirements.txt ./")
                dockerfile.run("python -m pip install -r requirements.txt", caches=[PIP])
            return "requirements.txt"
    if folder.has("pyproject.toml"):
        if table(folder.toml("pyproject.toml"), "build-system"):
            dockerfile.add("COPY . .")
            dockerfile.run("python -m pip install .", caches=[PIP])
        elif strings(table(folder.toml("pyproject.toml"), "project").get("dependencies")):
            # pip installs no dependencies without the project itself; uv does.
            dockerfile.run("/usr/local/bin/pip install uv", caches=[PIP])
            dockerfile.add("COPY pyproject.toml ./")
            dockerfile.run("uv pip install --link-mode copy -r pyproject.toml", caches=[UV])
        return "pyproject.toml"
    locked = folder.has("Pipfile.lock")
    dockerfile.run("/usr/local/bin/pip install pipenv", caches=[PIP])
    dockerfile.add("COPY Pipfile Pipfile.lock ./" if locked else "COPY Pipfile ./")
    command = "pipenv sync" if locked else "pipenv install --skip-lock"
    dockerfile.run(f"/usr/local/bin/{command}", caches=[PIP])
    return "Pipfile.lock" if locked else "Pipfile"


def has_path(sources: dict[str, object]) -> bool:
    """Return whether a dependency lies in the checkout, so that installing it needs the files."""
    return any(isinstance(item, dict) and "path" in item for item in sources.values())


def start_of(source: Source, packages: list[str]) -> Start:
    """Return the command: Procfile, Django, Flask, FastAPI, Starlette, Quart, Streamlit, script."""
    folder = source.folder
    gunicorn = () if "gunicorn" in packages else ("gunicorn",)
    served = {"uvicorn", "fastapi[standard]", "fastapi[all]"} & set(packages)
    uvicorn = () if served else ("uvicorn",)
    package = django_module(folder) if folder.has("manage.py") else None
    settings = django_settings(folder) if package else None
    collect = bool(settings and has_static_root(folder, settings))
    if source.process:
        return Start(shell(source.process), "Procfile", PORT, collect_static=collect)
    if package:
        argv = ["gunicorn", f"{package}.wsgi"]
        return Start(argv, f"Django in {package}", PORT, gunicorn, collect)
    application = find_application(folder)
    if application:
        target = f"{application.module}:{application.name}"
        found = f"{application.framework} in {application.file}"
        if application.framework == "Flask":
            call = "()" if application.factory else ""
            return Start(["gunicorn", target + call], found, PORT, gunicorn)
        factory = "--factory " if application.factory else ""
        command = f"exec uvicorn {factory}{target} --host 0.0.0.0 --port $PORT --proxy-headers"
        return Start(shell(command), found, PORT, uvicorn)
    if script := folder.first("main.py", "app.py", "server.py", "bot.py", "run.py", "src/main.py"):
        if "streamlit" in packages:
            command = f"exec streamlit run {script} --server.address 0.0.0.0 --server.port $PORT"
            return Start(shell(command), f"Streamlit in {script}", PORT)
        return Start(["python", script], script)
    project = folder.toml("pyproject.toml") if folder.has("pyproject.toml") else {}
    scripts = [name for name in table(project, "project", "scripts") if SCRIPT.fullmatch(name)]
    if len(scripts) == 1 and table(project, "build-system"):
        return Start([scripts[0]], f"script {scripts[0]}")
    return Start(None)
