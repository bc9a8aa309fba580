"""The first command: everything comes up, a second run changes nothing, stop and start keep it."""

from __future__ import annotations

import json

import httpx
from harness import Platform


def test_the_sample_answers_through_traefik(platform: Platform) -> None:
    assert platform.health() == {
        "status": "ok", "version": "1.0", "release": "1", "database": True,
    }  # fmt: skip


def test_the_first_run_tells_steps_urls_and_what_to_try(platform: Platform) -> None:
    output = (platform.folder.parent / "first-output").read_text()
    total = output.split("[1/")[1].split("]")[0]
    assert f"[{total}/{total}] Sample project, deployed" in output
    assert f"Portal               {platform.url}" in output
    assert f"http://web.sample.localhost:{platform.ports[1]}" in output
    assert "/setup?token=" in output
    assert "Three things to try" in output
    results = json.loads((platform.home / "log/quickstart.json").read_text())
    assert len(results) == int(total) and all(r["seconds"] >= 0 for r in results)


def test_a_second_run_changes_nothing_and_says_so(platform: Platform) -> None:
    before = sorted(c.id for c in platform.containers())
    output = platform.quickstart()
    assert "Nothing changed: everything was already as it should be." in output
    # The link worked once: it is not shown again.
    assert "/setup?token=" not in output
    assert sorted(c.id for c in platform.containers()) == before


def test_the_owner_link_works_once(platform: Platform) -> None:
    assert httpx.get(f"{platform.url}/setup", params={"token": "x"}).status_code == 410


def test_stop_stops_all_of_it_and_a_new_start_brings_it_back(platform: Platform) -> None:
    platform.get("web.sample.localhost", "/notes", "POST", "kept over a stop")
    output = platform.quickstart("stop")
    assert "Stopped: portal, worker, 2 containers, 1 builder, traefik, redis." in output
    assert "Docker goes on" in output
    assert all(c.status == "exited" for c in platform.containers())
    assert platform.quickstart("stop").startswith("Nothing of it was running.")
    output = platform.quickstart()
    assert "Nothing changed" not in output
    assert platform.health()["release"] == "1"
    assert "kept over a stop" in platform.get("web.sample.localhost", "/notes").json()


def test_keys_are_for_root_alone(platform: Platform) -> None:
    keys = platform.home / "keys"
    assert keys.stat().st_mode & 0o777 == 0o700
    assert {k.stat().st_mode & 0o777 for k in keys.iterdir()} == {0o600}
    assert (platform.home / "run/redis.sock").stat().st_mode & 0o777 == 0o700
