"""Finding the application of a Python project by parsing its files, without running them."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from stacks.docker.builds.detect.folder import Folder

IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
FILES = ("main.py", "app.py", "wsgi.py", "asgi.py", "application.py", "server.py", "api.py")
PLACES = (*FILES, "app/main.py", "app/__init__.py", "src/main.py", "src/app.py", "api/main.py")
CLASSES = {"Flask": "Flask", "FastAPI": "FastAPI", "Starlette": "Starlette", "Quart": "Quart"}
FACTORIES = ("create_app", "make_app")
SETTINGS = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}(\.[A-Za-z_][A-Za-z0-9_]{0,99}){1,5}")


@dataclass(frozen=True)
class Application:
    """A web application: `app.main:app`, or `app:create_app` with factory."""

    framework: str
    file: str
    module: str
    name: str
    factory: bool = False


def find_application(folder: Folder) -> Application | None:
    """Return the first Flask, Quart, FastAPI or Starlette application of the usual files."""
    for file in PLACES:
        tree = _parse(folder.text(file))
        if tree is None:
            continue
        module = file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        found = _instance(tree) or _factory(tree)
        if found:
            framework, name, factory = found
            return Application(framework, file, module, name, factory)
    return None


def django_module(folder: Folder) -> str | None:
    """Return the package with wsgi.py that manage.py's settings name, or the only one there is."""
    packages = [name for name in folder.folders() if folder.has(f"{name}/wsgi.py")]
    packages = [name for name in packages if IDENTIFIER.fullmatch(name)]
    settings = django_settings(folder)
    if settings and settings.split(".")[0] in packages:
        return settings.split(".")[0]
    return packages[0] if len(packages) == 1 else None


def django_settings(folder: Folder) -> str | None:
    """Return the settings module that manage.py sets, such as `shop.settings`."""
    tree = _parse(folder.text("manage.py"))
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.Call) and [
            argument.value for argument in node.args[:1] if isinstance(argument, ast.Constant)
        ] == ["DJANGO_SETTINGS_MODULE"]:
            value = node.args[1] if len(node.args) > 1 else None
            if isinstance(value, ast.Constant) and SETTINGS.fullmatch(str(value.value)):
                return str(value.value)
    return None


def has_static_root(folder: Folder, settings: str) -> bool:
    """Return whether the settings set STATIC_ROOT, which `collectstatic` needs."""
    path = settings.replace(".", "/")
    for file in (f"{path}.py", f"{path}/__init__.py", f"{path.rpartition('/')[0]}/base.py"):
        tree = _parse(folder.text(file))
        for node in ast.walk(tree) if tree else ():
            if isinstance(node, ast.Assign) and any(
                isinstance(target, ast.Name) and target.id == "STATIC_ROOT"
                for target in node.targets
            ):
                return True
    return False


def _parse(text: str) -> ast.Module | None:
    try:
        return ast.parse(text) if text else None
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _instance(tree: ast.Module) -> tuple[str, str, bool] | None:
    """Return what a module assigns: `app = FastAPI()`."""
    for node in tree.body:
        target = node.targets[0] if isinstance(node, ast.Assign) else None
        if isinstance(node, ast.AnnAssign):
            target = node.target
        if not isinstance(target, ast.Name) or not IDENTIFIER.fullmatch(target.id):
            continue
        assert isinstance(node, ast.Assign | ast.AnnAssign)
        framework = _framework(node.value)
        if framework:
            return framework, target.id, False
    return None


def _factory(tree: ast.Module) -> tuple[str, str, bool] | None:
    """Return a factory that can be called without arguments."""
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef) or node.name not in FACTORIES:
            continue
        arguments = node.args
        required = len(arguments.posonlyargs) + len(arguments.args) - len(arguments.defaults)
        if required > 0 or None in arguments.kw_defaults:
            continue
        calls = (_framework(inner) for inner in ast.walk(node) if isinstance(inner, ast.expr))
        framework = next((name for name in calls if name), None)
        if framework:
            return framework, node.name, True
    return None


def _framework(value: ast.expr | None) -> str | None:
    if not isinstance(value, ast.Call):
        return None
    called = value.func
    name = called.id if isinstance(called, ast.Name) else None
    if isinstance(called, ast.Attribute):
        name = called.attr
    return CLASSES.get(name or "")
