"""Small projects without a Dockerfile. `dockerfiles/NAME` holds what each of them builds.

After a deliberate change, `python tests/stacks/detect/detect_samples.py` writes those files again.
"""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from stacks.docker.builds.detect import Detected, detect

Files = dict[str, str]
DOCKERFILES = Path(__file__).parent / "dockerfiles"
FLASK = "from flask import Flask\n\napp = Flask(__name__)\n"
FASTAPI = "import fastapi\n\napi: fastapi.FastAPI = fastapi.FastAPI()\n"
MANAGE = 'os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")\n'
POETRY = '[tool.poetry.dependencies]\npython = "^3.11"\nflask = "*"\ngunicorn = "*"\n'
SPRING = "<properties><java.version>17</java.version></properties>"
WEB_SDK = (
    '<Project Sdk="Microsoft.NET.Sdk.Web"><PropertyGroup>'
    "<TargetFramework>net8.0</TargetFramework></PropertyGroup></Project>"
)
MIX = (
    '[app: :shop, elixir: "~> 1.15", deps: [{:phoenix, "~> 1.8"}], aliases: ["assets.deploy": []]]'
)


def package(**fields: Any) -> str:
    """Return a package.json; `deps` are dependencies without versions."""
    deps = {name: "1" for name in fields.pop("deps", ())}
    return json.dumps({"dependencies": deps, **fields} if deps else fields)


BUILD = {"build": "vite build"}
SAMPLES: dict[str, Files] = {
    "python-pip-flask": {"requirements.txt": "flask\npsycopg2\n", "app.py": FLASK},
    "python-pip-local": {"requirements.txt": "-r more.txt\ngunicorn\n", "Procfile": "web: run\n"},
    "python-pip-script": {"requirements.txt": "\n", "runtime.txt": "python-3.12.4", "main.py": ""},
    "python-pip-django": {
        "requirements.txt": "django\ngunicorn\n",
        "manage.py": MANAGE,
        "shop/wsgi.py": "",
        "shop/settings.py": "STATIC_ROOT = 'static'\n",
    },
    "python-pyproject": {
        "pyproject.toml": "[project]\nrequires-python = '<3.13'\ndependencies = ['uvicorn']\n",
        "main.py": FASTAPI,
    },
    "python-pyproject-script": {
        "pyproject.toml": "[build-system]\nrequires = []\n[project.scripts]\nshop = 'shop:main'\n",
    },
    "python-uv": {
        "pyproject.toml": "[project]\ndependencies = ['fastapi[standard]']\n",
        "uv.lock": "",
        ".python-version": "3.12\n",
        "app/main.py": FASTAPI,
    },
    "python-poetry": {
        "pyproject.toml": POETRY,
        "poetry.lock": "",
        "app.py": "import flask\n\ndef create_app(config=None):\n    return flask.Flask('x')\n",
        "src/shop/__init__.py": "",
    },
    "python-pipenv": {"Pipfile": "[packages]\nflask = '*'\n", "Pipfile.lock": "", "app.py": FLASK},
    "node-npm": {
        "package.json": package(deps=["express"], scripts={"start": "node server.js --all"}),
        "package-lock.json": "{}",
        ".nvmrc": "lts/iron\n",
    },
    "node-npm-bare": {"package.json": "{}", "server.js": ""},
    "node-npm-start": {
        "package.json": package(deps=["tsx"], scripts={"start": "tsx a.ts", "postinstall": "x"})
    },
    "node-pnpm-next-standalone": {
        "package.json": package(
            deps=["next"],
            packageManager="pnpm@9.1.0+sha512.abc",
            scripts={"build": "next build", "start": "next start"},
            engines={"node": ">=18 <23"},
        ),
        "pnpm-lock.yaml": "lockfileVersion: '9.0'\n",
        "next.config.mjs": "export default { output: 'standalone' }",
        "public/logo.svg": "",
    },
    "node-pnpm-lockfile-6": {
        "package.json": package(deps=["express"], scripts={"start": "node ."}),
        "pnpm-lock.yaml": "lockfileVersion: '6.0'\n",
    },
    "node-npm-next": {"package.json": package(deps=["next"], scripts={"build": "next build"})},
    "node-yarn-1-cra": {
        "package.json": package(
            deps=["react-scripts"], scripts={**BUILD, "start": "react-scripts start"}
        ),
        "yarn.lock": "# yarn lockfile v1\n",
    },
    "node-yarn-4-vite": {
        "package.json": package(deps=["vite"], scripts=BUILD),
        "yarn.lock": "__metadata:\n  version: 8\n",
        "vite.config.ts": "export default { build: { outDir: './site/' } }",
    },
    "node-bun": {
        "package.json": package(deps=["hono"], scripts={"start": "bun run server.ts"}),
        "bun.lock": "",
    },
    "node-npm-nuxt": {"package.json": package(deps=["nuxt"], scripts={"build": "nuxt build"})},
    "node-npm-remix": {
        "package.json": package(
            deps=["@remix-run/serve"],
            scripts={"build": "remix vite:build", "start": "remix-serve ./build/server/index.js"},
        )
    },
    "node-npm-sveltekit": {
        "package.json": package(deps=["@sveltejs/kit", "@sveltejs/adapter-node"], scripts=BUILD)
    },
    "node-npm-astro": {"package.json": package(deps=["astro"], scripts={"build": "astro build"})},
    "node-npm-eleventy": {
        "package.json": package(deps=["@11ty/eleventy"], scripts={"build": "eleventy"})
    },
    "node-npm-nest": {
        "package.json": package(
            deps=["@nestjs/core", "@prisma/client"],
            scripts={"build": "nest build", "start": "nest start", "start:prod": "node dist/main"},
        )
    },
    "go": {
        "go.mod": "module example.com/shop/v2\n\ngo 1.22\n",
        "go.sum": "",
        "cmd/web/main.go": "package main\n",
        "cmd/jobs/main.go": "package main\n",
        "templates/index.html": "",
    },
    "rust": {"Cargo.toml": "[package]\nname = 'shop'\n", "Cargo.lock": "", "src/main.rs": ""},
    "ruby-rails": {
        "Gemfile": "ruby '~> 3.3.1'\ngem 'rails'\ngem 'pg'\ngem 'propshaft'\n",
        "Gemfile.lock": "",
        "config/application.rb": "",
        "package.json": "{}",
    },
    "ruby-rack": {"Gemfile": "gem 'puma'\n", "config.ru": "", ".ruby-version": "ruby-3.3.5\n"},
    "ruby-jekyll": {"Gemfile": "gem 'jekyll'\n", "_config.yml": ""},
    "php-laravel": {
        "composer.json": json.dumps(
            {"require": {"php": "^8.2", "laravel/framework": "^12", "ext-gd": "*"}}
        ),
        "composer.lock": "{}",
        "public/index.php": "",
        "package.json": package(scripts=BUILD),
        "vite.config.js": "",
    },
    "php-symfony": {
        "composer.json": json.dumps(
            {"require": {"php": "~8.3.0", "symfony/framework-bundle": "7"}}
        ),
        "public/index.php": "",
    },
    "php-plain": {"index.php": ""},
    "java-maven-wrapper": {
        "pom.xml": SPRING,
        "mvnw": "",
        ".mvn/wrapper/maven-wrapper.properties": "",
    },
    "java-maven": {"pom.xml": "<artifactId>quarkus-maven-plugin</artifactId>"},
    "java-gradle-wrapper": {
        "build.gradle": "plugins { id 'org.springframework.boot' }\nsourceCompatibility = '17'\n",
        "gradlew": "",
        "gradle/wrapper/gradle-wrapper.jar": "",
    },
    "java-gradle": {"build.gradle.kts": "plugins { application }\nkotlin { jvmToolchain(25) }\n"},
    "dotnet": {"Shop.csproj": WEB_SDK},
    "elixir-phoenix": {"mix.exs": MIX, "mix.lock": "", "config/config.exs": ""},
    "deno": {
        "deno.json": '{"tasks": {"start": "deno run main.ts"}}',
        "deno.lock": "",
        "main.ts": "",
    },
    "hugo": {"hugo.toml": "", "content/index.md": ""},
    "static": {"index.html": ""},
}


def write_files(folder: Path, files: Files) -> Path:
    """Write the files of a project into a folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, newline="")
    return folder


def detect_files(files: Files, service: str = "web") -> Detected:
    """Return what is detected in a folder with these files."""
    with TemporaryDirectory() as folder:
        return detect(write_files(Path(folder), files), service)


def snapshot(files: Files) -> str:
    """Return everything that detection says of a project, as it is kept in `dockerfiles/`."""
    detected = detect_files(files)
    notices = "".join(f"# notice: {notice}\n" for notice in detected.notices)
    return f"# {detected.found}; port {detected.port}\n{notices}{detected.dockerfile}"


if __name__ == "__main__":
    for name, files in SAMPLES.items():
        (DOCKERFILES / name).write_text(snapshot(files))
