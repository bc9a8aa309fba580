"""Which kinds of projects are recognized, in the order in which they are tried.

A language that carries a web interface comes before the interface's own tools: a Rails or
Laravel application usually has a package.json, a Node application rarely a Gemfile. Deno comes
before Node for the same reason, Hugo and bare files come last. Changing the order changes what
existing projects build: a test holds it.
"""

from __future__ import annotations

from stacks.docker.builds.detect import (
    deno,
    dotnet,
    elixir,
    go,
    hugo,
    java,
    node,
    php,
    python,
    ruby,
    rust,
    static,
)
from stacks.docker.builds.detect.model import Detector

FRONTEND = frozenset({"Node"})
DETECTORS = (
    Detector("Ruby", ruby.marker, ruby.write, FRONTEND),
    Detector("PHP", php.marker, php.write, FRONTEND),
    Detector("Elixir", elixir.marker, elixir.write, FRONTEND),
    Detector(".NET", dotnet.marker, dotnet.write),
    Detector("Java", java.marker, java.write),
    Detector("Go", go.marker, go.write),
    Detector("Rust", rust.marker, rust.write),
    Detector("Deno", deno.marker, deno.write, FRONTEND),
    Detector("Python", python.marker, python.write),
    Detector("Node", node.marker, node.write),
    Detector("Hugo", hugo.marker, hugo.write),
    Detector("static files", static.index_html, static.write_static),
)
QUIET = frozenset({"static files"})
