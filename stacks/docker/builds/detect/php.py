"""PHP: Laravel, Symfony or plain files, served by Apache without root."""

from __future__ import annotations

import re

from stacks.docker.builds.detect.dockerfile import Dockerfile, shell
from stacks.docker.builds.detect.folder import Folder, string, table
from stacks.docker.builds.detect.model import Detected, Source
from stacks.docker.builds.detect.versions import choose

DEFAULT = "8.4"
VERSIONS = (DEFAULT, "8.5", "8.3", "8.2", "8.1", "8.0", "7.4")
PORT = 8080
COMPOSER = "composer:2"
# Extension -> Debian packages that its build needs. Others are part of the image.
EXTENSIONS: dict[str, tuple[str, ...]] = {
    "bcmath": (),
    "exif": (),
    "gd": ("libpng-dev", "libjpeg-dev", "libfreetype-dev"),
    "gmp": ("libgmp-dev",),
    "intl": ("libicu-dev",),
    "mysqli": (),
    "pcntl": (),
    "pdo_mysql": (),
    "pdo_pgsql": ("libpq-dev",),
    "pgsql": ("libpq-dev",),
    "soap": ("libxml2-dev",),
    "sockets": (),
    "xsl": ("libxslt1-dev",),
    "zip": ("libzip-dev",),
}
LARAVEL = ("bcmath", "pcntl", "pdo_mysql", "pdo_pgsql", "zip")
SYMFONY = ("intl", "pdo_mysql", "pdo_pgsql", "zip")


def marker(folder: Folder) -> str | None:
    """Return composer.json or index.php."""
    return folder.first("composer.json", "index.php", "public/index.php")


def write(source: Source) -> Detected:
    """Write a Dockerfile with Apache on `$PORT`, and `public` as its root where it exists."""
    folder = source.folder
    project = folder.json("composer.json") if folder.has("composer.json") else {}
    requires = table(project, "require")
    version, notices = php_version(requires)
    framework, extensions = framework_of(requires)
    extensions |= {name.removeprefix("ext-") for name in requires if name.startswith("ext-")}
    if unknown := sorted(name for name in requires if is_unknown(name)):
        notices += (f"Extensions that the image may lack: {', '.join(unknown[:5])}.",)
    known = sorted(extensions & EXTENSIONS.keys())
    assets = has_assets(folder)
    dockerfile = Dockerfile()
    if assets:
        dockerfile.stage("node:24", "assets")
        dockerfile.add("WORKDIR /app", "COPY . .")
        command = "npm ci" if folder.has("package-lock.json") else "npm install"
        dockerfile.run(command, caches=["/root/.npm"])
        dockerfile.run("npm run build")
    dockerfile.stage(f"php:{version}-apache")
    packages = [package for name in known for package in EXTENSIONS[name]]
    dockerfile.install(["git", "unzip", *packages] if requires else packages)
    if known:
        configure = ["docker-php-ext-configure gd --with-freetype --with-jpeg"]
        dockerfile.run(
            *(configure if "gd" in known else []), f"docker-php-ext-install {' '.join(known)}"
        )
    root = "/var/www/html/public" if folder.has_folder("public") else "/var/www/html"
    # Symfony has one entry for all paths, and no .htaccess that says so.
    fallback = f"<Directory {root}>\\nFallbackResource /index.php\\n</Directory>\\n"
    single = folder.has("public/index.php") and not folder.has("public/.htaccess")
    dockerfile.run(
        "a2enmod rewrite",
        *([f"printf '{fallback}' > /etc/apache2/conf-enabled/app.conf"] if single else []),
        "sed -i 's/^Listen 80$/Listen ${PORT}/' /etc/apache2/ports.conf",
        "sed -i -e 's/:80>/:${PORT}>/' -e 's#/var/www/html#" + root + "#' "
        "/etc/apache2/sites-available/000-default.conf",
        'mv "$PHP_INI_DIR/php.ini-production" "$PHP_INI_DIR/php.ini"',
    )
    environment = {"Laravel": {"APP_ENV": "production", "LOG_CHANNEL": "stderr"},
                   "Symfony": {"APP_ENV": "prod"}}.get(framework, {})  # fmt: skip
    dockerfile.env(PORT=str(PORT), **environment)
    dockerfile.add("WORKDIR /var/www/html")
    if requires:
        dockerfile.env(COMPOSER_ALLOW_SUPERUSER="1")
        compose(dockerfile, folder)
    dockerfile.add("COPY --chown=www-data:www-data . .")
    if assets:
        dockerfile.add(
            "COPY --from=assets --chown=www-data:www-data /app/public/build ./public/build"
        )
    if requires:
        dockerfile.run("composer dump-autoload --no-dev --no-scripts --optimize")
    if framework == "Laravel":
        dockerfile.run("install -d -o www-data -g www-data bootstrap/cache storage/framework/views")
    dockerfile.add("USER www-data")
    dockerfile.cmd(shell(source.process) if source.process else ["apache2-foreground"])
    found = ", ".join(part for part in (marker(folder) or "", framework) if part)
    return Detected(dockerfile.text(), f"PHP: {found}", notices, PORT)


def compose(dockerfile: Dockerfile, folder: Folder) -> None:
    """Append the installation of the packages, before the sources are copied."""
    lock = " composer.lock" if folder.has("composer.lock") else ""
    dockerfile.add(f"COPY --from={COMPOSER} /usr/bin/composer /usr/local/bin/composer")
    local = re.search(r"\"type\"\s*:\s*\"path\"", folder.text("composer.json"))
    dockerfile.add("COPY . ." if local else f"COPY composer.json{lock} ./")
    dockerfile.run(
        "COMPOSER_CACHE_DIR=/root/.composer/cache composer install --no-dev --no-scripts "
        "--no-autoloader --no-interaction --prefer-dist",
        caches=["/root/.composer/cache"],
    )


def framework_of(requires: dict[str, object]) -> tuple[str, set[str]]:
    """Return the framework and the extensions that its projects usually need."""
    if "laravel/framework" in requires:
        return "Laravel", set(LARAVEL)
    if "symfony/framework-bundle" in requires:
        return "Symfony", set(SYMFONY)
    return "", {"pdo_mysql", "mysqli"} if not requires else set()


def is_unknown(name: str) -> bool:
    """Return whether a requirement is an extension that PECL may have, but the image has not."""
    built_in = {"ctype", "curl", "dom", "fileinfo", "filter", "hash", "iconv", "json", "libxml",
                "mbstring", "opcache", "openssl", "pdo", "pdo_sqlite", "phar", "posix", "readline",
                "session", "simplexml", "sodium", "sqlite3", "tokenizer", "xml", "xmlreader",
                "xmlwriter", "zlib"}  # fmt: skip
    extension = name.removeprefix("ext-")
    safe = re.fullmatch(r"ext-[A-Za-z0-9_]{1,40}", name)
    return bool(safe) and extension not in EXTENSIONS and extension not in built_in


def has_assets(folder: Folder) -> bool:
    """Return whether Vite builds files into `public/build`, as in Laravel."""
    if not folder.has("package.json") or not folder.first("vite.config.js", "vite.config.ts"):
        return False
    return bool(string(folder.json("package.json"), "scripts", "build"))


def php_version(requires: dict[str, object]) -> tuple[str, tuple[str, ...]]:
    """Return the PHP version that composer.json asks for, and notices."""
    wanted = string(requires, "php")
    if not wanted:
        return DEFAULT, ()
    version = choose(wanted, VERSIONS, loose_tilde=True)
    if version and "." in version:
        return version, ()
    return DEFAULT, (f"The PHP version in composer.json is not understood. PHP {DEFAULT} is used.",)
