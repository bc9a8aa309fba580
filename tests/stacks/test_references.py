"""`${db.url}` and its kin: resolved, masked, and told by path where they lead nowhere."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stacks.compile import compile_spec
from stacks.errors import PortwrightError
from stacks.freeze import freeze
from stacks.parse import load
from stacks.program import opened
from stacks.project_file import secrets_named
from stacks.spec import BuiltImage, Spec, Template

DB = "db: {image: 'postgres:15', env: {POSTGRES_PASSWORD: {secret: pw}, POSTGRES_DB: shop}}"


def frozen(services: str, head: str = "", environment: str = "production") -> Spec:
    wanted = load(f"name: shop\n{head}\nservices:\n" + services)
    images = {name: BuiltImage("sha256:1", "x:1") for name in wanted.services}
    return freeze(
        wanted, environment=environment, commit="c", subject="", images=images,
        secret_versions={"pw": 3},
    )  # fmt: skip


def env(text: str, others: str = DB) -> object:
    return frozen(f"  web: {{image: x, env: {{V: '{text}'}}}}\n  {others}").services["web"].env["V"]


def filled(value: object, secret: str) -> str:
    spec = frozen(f"  web: {{image: x, env: {{V: '{value}'}}}}\n  {DB}")
    web = next(r for r in compile_spec(spec, "pw") if r.service == "web")
    item = next(e for e in web.args["envs"] if not isinstance(e, str))
    return opened(item, {("pw", 3): secret}).removeprefix("V=")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${db.host}", "db"), ("${db.port}", "5432"), ("${db.address}", "db:5432"),
        ("${db.env.POSTGRES_DB}", "shop"), ("a${db.host}b${db.port}c", "adbb5432c"),
        ("$${db.url}", "${db.url}"), ("$HOME $5 $", "$HOME $5 $"), ("{db}", "{db}"),
    ],
)  # fmt: skip
def test_plain_ones(text: str, value: str) -> None:
    assert env(text) == value


@given(st.text(min_size=1, max_size=30).filter(lambda t: "\0" not in t))
def test_any_password_makes_a_url_that_leads_to_the_database(password: str) -> None:
    url = urlsplit(filled("${db.url}", password))
    assert (url.scheme, url.hostname, url.port, url.path) == ("postgresql", "db", 5432, "/shop")
    assert (url.username, unquote(url.password or "")) == ("postgres", password)


@pytest.mark.parametrize(
    ("image", "variables", "url"),
    [
        ("redis:7", "{}", "redis://cache:6379"),
        ("mysql:8", "{MYSQL_USER: u, MYSQL_PASSWORD: p/w, MYSQL_DATABASE: d}", "mysql://u:p%2Fw@cache:3306/d"),
        ("mysql:8", "{MYSQL_ROOT_PASSWORD: r}", "mysql://root:r@cache:3306"),
        ("mongo:7", "{}", "mongodb://cache:27017"),
        ("rabbitmq:3", "{}", "amqp://guest@cache:5672"),
        ("example.com:5000/bitnami/valkey", "{}", "redis://cache:6379"),
    ],
)  # fmt: skip
def test_what_known_images_speak(image: str, variables: str, url: str) -> None:
    assert env("${cache.url}", f"cache: {{image: '{image}', env: {variables}}}") == url


def test_a_web_service_and_its_domain() -> None:
    other = "api: {image: x, port: 9000, domains: [{host: www.a.example, redirect: a.example}, a.example]}"
    assert env("${api.url}", other) == "http://api:9000"
    assert env("${api.domain}", other) == "a.example"


def test_a_secret_stays_one_inside_a_text() -> None:
    value = env("pre ${db.env.POSTGRES_PASSWORD} post")
    assert isinstance(value, Template)
    assert filled("pre ${db.env.POSTGRES_PASSWORD} post", "s3") == "pre s3 post"


@pytest.mark.parametrize(
    ("text", "told", "remedy"),
    [
        ("${bd.url}", "services.web.env.V: ${bd.url}: there is no service 'bd'", "choose from db, web"),
        ("${db.env.X}", "services.web.env.V: ${db.env.X}: db has no variable 'X'", "POSTGRES_DB"),
        ("${db.urll}", "services.web.env.V: ${db.urll}: a service has no 'urll'", "use one of host"),
        ("${db}", "services.web.env.V: ${db} is no reference", "$${"),
        ("${db.url", "services.web.env.V: ${db.url is no reference", "$${"),
        ("${web.port}", "services.web.env.V: ${web.port}: web has no port", "services.web.port"),
        ("${web.env.V}", "variables go in a circle: web.env.V → web.env.V", "write one"),
    ],
)  # fmt: skip
def test_where_it_leads_nowhere(text: str, told: str, remedy: str) -> None:
    with pytest.raises(PortwrightError) as caught:
        env(text)
    assert told in caught.value.message and remedy in caught.value.remedy


def test_a_circle_over_services_shows_its_path() -> None:
    with pytest.raises(PortwrightError) as caught:
        frozen("  a: {image: x, env: {A: '${b.env.B}'}}\n  b: {image: x, env: {B: '${a.env.A}'}}")
    assert "a.env.A → b.env.B → a.env.A" in caught.value.message


def test_services_may_name_one_another() -> None:
    spec = frozen(
        "  a: {image: x, port: 1, env: {B: '${b.url}'}}\n"
        "  b: {image: x, port: 2, env: {A: '${a.url}'}}"
    )
    assert spec.services["a"].env == {"B": "http://b:2"}


def test_shared_variables_and_what_differs_in_an_environment() -> None:
    head = (
        "env: {A: shared, B: shared, C: shared, D: shared}\n"
        "environments: {staging: {env: {B: env, C: env}, services: {web: {env: {D: own}, replicas: 2}}}}"
    )
    services = "  web: {image: x, port: 1, env: {C: service}, domains: [a.example]}"
    here, there = frozen(services, head), frozen(services, head, "staging")
    assert here.services["web"].env == {"A": "shared", "B": "shared", "C": "service", "D": "shared"}
    assert there.services["web"].env == {"A": "shared", "B": "env", "C": "service", "D": "own"}
    assert [r.host for r in there.services["web"].routes] == ["web.shop.staging.localhost"]
    assert (here.services["web"].replicas, there.services["web"].replicas) == (1, 2)


def test_secrets_of_builds_count_among_those_that_an_environment_needs() -> None:
    wanted = load(
        "name: shop\nservices:\n  web:\n    build:\n      context: .\n"
        "      secrets: {token: {secret: npm_token}}\n      ssh: {default: {secret: deploy_key}}\n"
    )
    assert secrets_named(wanted.services) == {"npm_token", "deploy_key"}
