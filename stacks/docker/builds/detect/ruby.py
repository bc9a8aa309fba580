"""Ruby: a Gemfile with Rails, Rack or Jekyll."""

from __future__ import annotations

import re

from stacks.docker.builds.detect.dockerfile import Dockerfile, shell
from stacks.docker.builds.detect.folder import Folder
from stacks.docker.builds.detect.model import Detected, Source
from stacks.docker.builds.detect.static import PORT as NGINX_PORT
from stacks.docker.builds.detect.static import serve
from stacks.docker.builds.detect.versions import choose, exact, first_line, tool_version

DEFAULT = "3.4"
VERSIONS = (DEFAULT, "4.0", "3.3", "3.2", "3.1", "3.0", "2.7")
PORT = 3000
# bundler keeps the downloaded gems here; without the cache they would stay in the image.
CACHES = ("/usr/local/bundle/cache",)
LIBRARIES = {"pg": "libpq5", "mysql2": "libmariadb3", "ruby-vips": "libvips42",
             "image_processing": "libvips42", "sqlite3": "libsqlite3-0"}  # fmt: skip
GEMFILE_RUBY = re.compile(r"(?m)^\s*ruby\s+[\"']([^\"'\n]{1,60})[\"']")
GEM = re.compile(r"(?m)^\s*gem\s+[\"']([A-Za-z0-9._-]+)[\"']")
LOCKED = re.compile(r"(?m)^    ([A-Za-z0-9._-]+) \(")


def marker(folder: Folder) -> str | None:
    """Return the Gemfile, where it exists."""
    return folder.first("Gemfile")


def write(source: Source) -> Detected:
    """Write a Dockerfile for Rails, a Rack application or a Jekyll site."""
    folder = source.folder
    gems = {*GEM.findall(folder.text("Gemfile")), *LOCKED.findall(folder.text("Gemfile.lock"))}
    version, notices = ruby_version(folder)
    dockerfile = Dockerfile()
    dockerfile.stage(f"ruby:{version}", "build")
    assets = folder.has("package.json") and ("rails" in gems or "jekyll" in gems)
    if assets:
        dockerfile.install(["nodejs", "npm"])
    dockerfile.add("WORKDIR /app")
    locked = " Gemfile.lock" if folder.has("Gemfile.lock") else ""
    dockerfile.env(BUNDLE_WITHOUT="development:test", **({"BUNDLE_FROZEN": "1"} if locked else {}))
    # `ruby file: ".ruby-version"`, local gems and gemspecs read other files.
    local = re.search(r"(?m)^\s*gemspec\b|\b(path|file):", folder.text("Gemfile"))
    dockerfile.add("COPY . ." if local else f"COPY Gemfile{locked} ./")
    dockerfile.run("bundle install --jobs 4", caches=CACHES)
    dockerfile.add("COPY . .")
    if assets:
        command = "npm ci" if folder.has("package-lock.json") else "npm install"
        if folder.has("yarn.lock"):
            command = "npm install --global yarn && yarn install"
        dockerfile.run(command, caches=["/root/.npm"])
    if "jekyll" in gems and folder.first("_config.yml", "_config.yaml"):
        dockerfile.run("JEKYLL_ENV=production bundle exec jekyll build")
        serve(dockerfile, built="/app/_site")
        return Detected(dockerfile.text(), "Ruby: Gemfile, Jekyll", notices, NGINX_PORT)
    rails = "rails" in gems and folder.has("config/application.rb")
    if rails and gems & {"sprockets-rails", "propshaft"}:
        dockerfile.run(
            "RAILS_ENV=production SECRET_KEY_BASE=unused SECRET_KEY_BASE_DUMMY=1 "
            "bundle exec rails assets:precompile"
        )
    dockerfile.stage(f"ruby:{version}-slim")
    dockerfile.install([LIBRARIES[name] for name in gems if name in LIBRARIES])
    dockerfile.app_user()
    environment = {
        "BUNDLE_WITHOUT": "development:test",
        "PORT": str(PORT),
        "RACK_ENV": "production",
    }
    if rails:
        environment |= {"RAILS_ENV": "production", "RAILS_LOG_TO_STDOUT": "1"}
        environment |= {"RAILS_SERVE_STATIC_FILES": "1"}
    dockerfile.env(**environment)
    dockerfile.add("COPY --from=build /usr/local/bundle /usr/local/bundle")
    dockerfile.add("COPY --from=build --chown=app:app /app ./", "USER app")
    argv, kind = start_of(source, gems, rails)
    if argv:
        dockerfile.cmd(argv)
    else:
        notices += ("No start command was found. Set `command` or add a Procfile.",)
    return Detected(dockerfile.text(), f"Ruby: Gemfile{kind}", notices, PORT if argv else None)


def start_of(source: Source, gems: set[str], rails: bool) -> tuple[list[str] | None, str]:
    """Return the command, and what it starts."""
    if source.process:
        return shell(source.process), ", Procfile"
    if rails:
        return ["bundle", "exec", "rails", "server", "--binding", "0.0.0.0"], ", Rails"
    if source.folder.has("config.ru"):
        server = (
            "puma --bind tcp://0.0.0.0:$PORT"
            if "puma" in gems
            else "rackup --host 0.0.0.0 --port $PORT"
        )
        return shell(f"exec bundle exec {server}"), ", Rack"
    file = source.folder.first("app.rb", "main.rb", "server.rb")
    return (["bundle", "exec", "ruby", file], f", {file}") if file else (None, "")


def ruby_version(folder: Folder) -> tuple[str, tuple[str, ...]]:
    """Return the Ruby version that the project asks for, and notices."""
    if text := first_line(folder.text(".ruby-version")).removeprefix("ruby-"):
        if version := exact(text):
            return version, ()
        return DEFAULT, (
            f"The version in .ruby-version is not understood. Ruby {DEFAULT} is used.",
        )
    if version := tool_version(folder.text(".tool-versions"), "ruby"):
        return version, ()
    wanted = GEMFILE_RUBY.search(folder.text("Gemfile"))
    if not wanted:
        return DEFAULT, ()
    if version := choose(wanted[1], VERSIONS, loose_tilde=True):
        return version, ()
    return DEFAULT, (f"The Ruby version in the Gemfile is not understood. Ruby {DEFAULT} is used.",)
