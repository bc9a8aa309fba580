"""What is fetched, what is kept, and what becomes of a mirror that was broken."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from git_server import Forge
from git_upstream import Upstream, take

from jobs.source import Access, checkout, prune
from jobs.source.mirror import MARK
from stacks.errors import PortwrightError

HOUR = 3600.0


@pytest.fixture
def path(upstream: Upstream) -> Access:
    """The same repository as a path on this server, which takes no handshakes."""
    return Access(str(upstream.folder))


def commits(tmp_path: Path) -> set[str]:
    """Every commit whose object is in the mirror."""
    said = subprocess.run(
        ["git", "cat-file", "--batch-all-objects", "--batch-check"],
        cwd=tmp_path / "mirror.git", check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    return {line.split()[0] for line in said.splitlines() if line.split()[1] == "commit"}


def test_one_commit_is_fetched_and_no_history(
    upstream: Upstream, path: Access, tmp_path: Path
) -> None:
    history = [upstream.commit(str(n), {"a": str(n)}) for n in range(3)]
    assert take(path, tmp_path) == (history[2], {"a": "2"})
    assert commits(tmp_path) == {history[2]}
    assert take(path, tmp_path, history[0]) == (history[0], {"a": "0"})
    assert commits(tmp_path) == {history[0], history[2]}


def test_what_is_here_is_not_fetched_again(
    upstream: Upstream, access: Access, forge: Forge, tmp_path: Path
) -> None:
    """A SHA costs no request at all, a branch that has not moved one look."""
    first = upstream.commit("One", {"a": "1"})
    take(access, tmp_path)
    forge.seen.clear()
    assert take(access, tmp_path, first)[0] == first
    assert forge.seen == []
    assert take(access, tmp_path)[0] == first
    assert [line.split("/.git/")[1] for line in forge.seen if "upload-pack" in line][-1:] == [
        "git-upload-pack"
    ]
    assert len([line for line in forge.seen if line.startswith("POST")]) == 1


@pytest.mark.system
@pytest.mark.parametrize("knows_v2", [True, False], ids=["any SHA", "only what is advertised"])
def test_pull_requests_by_sha_and_by_name(
    upstream: Upstream, access: Access, forge: Forge, tmp_path: Path, knows_v2: bool
) -> None:
    forge.knows_v2 = knows_v2
    main = upstream.commit("One", {"a": "1"})
    names = {"refs/pull/7/head": "pull", "refs/merge-requests/8/head": "merge"}
    for name, content in names.items():
        sha = upstream.commit(content, {"a": content})
        upstream.git("update-ref", name, sha)
        upstream.git("reset", "--quiet", "--hard", main)
        assert take(access, tmp_path, sha) == (sha, {"a": content})
        shutil.rmtree(tmp_path / "mirror.git")
        assert take(access, tmp_path, name) == (sha, {"a": content})
        assert commits(tmp_path) == {sha}


def test_a_sha_that_the_server_does_not_hand_out_alone_comes_with_all(
    upstream: Upstream, access: Access, forge: Forge, tmp_path: Path
) -> None:
    forge.knows_v2 = False
    history = [upstream.commit(str(n), {"a": str(n)}) for n in range(3)]
    upstream.git("update-ref", "refs/pull/7/head", history[1])
    assert take(access, tmp_path) == (history[2], {"a": "2"})
    assert take(access, tmp_path, history[0]) == (history[0], {"a": "0"})
    assert commits(tmp_path) == set(history)
    with pytest.raises(PortwrightError, match="no branch, tag or commit"):
        take(access, tmp_path, "1" * 40)
    last = upstream.commit("Last", {"a": "3"})
    assert take(access, tmp_path) == (last, {"a": "3"})


def test_a_branch_goes_before_a_tag_and_both_before_a_sha(
    upstream: Upstream, path: Access, tmp_path: Path
) -> None:
    first = upstream.commit("One", {"a": "1"})
    second = upstream.commit("Two", {"a": "2"})
    upstream.git("tag", "--annotate", "--message", "v1", "v1", first)
    assert take(path, tmp_path, "v1")[0] == first
    assert take(path, tmp_path, "refs/tags/v1")[0] == first
    upstream.git("branch", "v1", second)
    assert take(path, tmp_path, "v1")[0] == second
    upstream.git("branch", first[:10], second)
    assert take(path, tmp_path, first[:10])[0] == second


def test_a_branch_that_takes_the_place_of_a_folder_of_branches(
    upstream: Upstream, path: Access, tmp_path: Path
) -> None:
    first = upstream.commit("One", {"a": "1"})
    upstream.git("branch", "x")
    assert take(path, tmp_path, "x")[0] == first
    upstream.git("branch", "-D", "x")
    upstream.git("branch", "x/y")
    assert take(path, tmp_path, "x/y")[0] == first
    assert take(path, tmp_path, first[:10])[0] == first


def spoil_pack(mirror: Path) -> None:
    for pack in mirror.glob("objects/pack/*.pack"):
        pack.chmod(0o600)
        pack.write_bytes(b"\0" * pack.stat().st_size)


def lose_objects(mirror: Path) -> None:
    shutil.rmtree(mirror / "objects/pack")


def lose_head(mirror: Path) -> None:
    (mirror / "HEAD").write_text("")


def spoil_config(mirror: Path) -> None:
    (mirror / "config").write_text("[core\n")


def spoil_shallow(mirror: Path) -> None:
    (mirror / "shallow").write_text("nonsense\n")


def make_old(mirror: Path) -> None:
    """As earlier versions made it: a mirror of all refs."""
    (mirror / MARK).unlink()


def leave_locks(mirror: Path) -> None:
    for name in ("shallow.lock", "HEAD.lock", "config.lock", "refs/upstream/fetched.lock"):
        (mirror / name).parent.mkdir(parents=True, exist_ok=True)
        (mirror / name).touch()
    (mirror / "objects/pack/tmp_pack_abc").write_bytes(b"half")


@pytest.mark.parametrize(
    "spoil",
    [spoil_pack, lose_objects, lose_head, spoil_config, spoil_shallow, make_old, leave_locks],
)
def test_a_broken_mirror_heals_itself(
    upstream: Upstream, path: Access, tmp_path: Path, spoil: object
) -> None:
    first = upstream.commit("One", {"a": "1"})
    take(path, tmp_path)
    spoil(tmp_path / "mirror.git")  # type: ignore[operator]
    assert take(path, tmp_path, first) == (first, {"a": "1"})
    second = upstream.commit("Two", {"a": "2"})
    assert take(path, tmp_path) == (second, {"a": "2"})
    assert not list((tmp_path / "mirror.git").rglob("*.lock"))
    assert not list((tmp_path / "mirror.git").rglob("tmp_*"))


PROGRAM = """
import sys
from pathlib import Path
from jobs.source import Access, checkout
url, ref, mirror, folder = sys.argv[1:]
print("begun", flush=True)
with checkout(Access(url), ref, Path(mirror), Path(folder)) as found:
    print(found.commit, (found.folder / "a").read_text(), flush=True)
"""


def start(url: str, ref: str, tmp_path: Path, name: str) -> subprocess.Popen[str]:
    argv = [sys.executable, "-c", PROGRAM, url, ref, tmp_path / "mirror.git", tmp_path / name]
    return subprocess.Popen([str(a) for a in argv], stdout=subprocess.PIPE, text=True)


@pytest.mark.system
def test_a_worker_that_is_killed_while_it_fetches(upstream: Upstream, tmp_path: Path) -> None:
    """The next one waits for nobody and finds no halves."""
    large = subprocess.run(["head", "-c", str(48 << 20), "/dev/urandom"], capture_output=True)
    sha = upstream.commit("Large", {"a": "1", "b": large.stdout})
    process = start(str(upstream.folder), "main", tmp_path, "killed")
    deadline = time.monotonic() + 60
    while not list((tmp_path / "mirror.git").glob("objects/pack/tmp_pack*")):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.002)
    for pid in [process.pid, *group_of(process.pid)]:
        os.kill(pid, signal.SIGKILL)
    process.wait()
    assert list((tmp_path / "mirror.git").glob("objects/pack/tmp_pack*"))
    commit, found = take(Access(str(upstream.folder)), tmp_path)
    assert (commit, found["a"]) == (sha, "1")
    assert not list((tmp_path / "mirror.git").glob("objects/pack/tmp_pack*"))


def group_of(parent: int) -> list[int]:
    """All that descend from a process."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            stat = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if entry.name.isdigit() and int(stat[1]) == parent:
            found += [int(entry.name), *group_of(int(entry.name))]
    return found


@pytest.mark.system
def test_two_environments_fetch_at_once(upstream: Upstream, tmp_path: Path) -> None:
    """Also while the mirror is made, and from then on with new commits on both sides."""
    for round_ in range(3):
        wanted = {}
        for branch in ("main", "staging"):
            upstream.git("checkout", "--quiet", "-B", branch)
            wanted[branch] = upstream.commit(branch, {"a": f"{branch}{round_}"})
        started = {
            branch: start(str(upstream.folder), branch, tmp_path, branch) for branch in wanted
        }
        said = {branch: process.communicate()[0] for branch, process in started.items()}
        assert said == {
            branch: f"begun\n{sha} {branch}{round_}\n" for branch, sha in wanted.items()
        }


def test_a_checkout_in_use_does_not_need_its_mirror(upstream: Upstream, tmp_path: Path) -> None:
    upstream.commit("One", {"web/a": "1"})
    tree = upstream.git("rev-parse", "HEAD:web")
    mirror = tmp_path / "mirror.git"
    with checkout(Access(str(upstream.folder)), "main", mirror, tmp_path / "c/1") as found:
        shutil.rmtree(mirror)
        assert found.tree("web") == found.tree("./web/") == tree
        assert found.subject == "One"


def test_one_checkout_waits_for_another_that_fetches(upstream: Upstream, tmp_path: Path) -> None:
    from jobs.source.mirror import locked

    upstream.commit("One", {"a": "1"})
    done: list[str] = []
    thread = threading.Thread(
        target=lambda: done.append(take(Access(str(upstream.folder)), tmp_path)[0])
    )
    with locked(tmp_path / "mirror.git"):
        thread.start()
        thread.join(0.5)
        assert done == [] and not (tmp_path / "mirror.git").exists()
    thread.join()
    assert len(done) == 1


def test_pruning_forgets_what_was_not_used(upstream: Upstream, tmp_path: Path) -> None:
    access = Access(str(upstream.folder))
    shas = [upstream.commit(str(n), {"a": str(n)}) for n in range(3)]
    mirror = tmp_path / "mirror.git"
    for sha in shas:
        take(access, tmp_path, sha)
    old = time.time() - 2 * HOUR
    for path in (mirror / "refs").rglob("*"):
        if path.is_file():
            os.utime(path, (old, old))
    take(access, tmp_path, shas[1])
    prune(mirror, HOUR)
    assert commits(tmp_path) == {shas[1]}
    assert {path.name for path in (mirror / "refs/kept").iterdir()} == {shas[1]}
    assert take(access, tmp_path, shas[0])[1] == {"a": "0"}
    assert take(access, tmp_path, "main")[1] == {"a": "2"}


def test_pruning_what_is_broken_or_not_there(upstream: Upstream, tmp_path: Path) -> None:
    mirror = tmp_path / "mirror.git"
    prune(mirror, HOUR)
    assert not list(tmp_path.glob("*mirror*"))
    upstream.commit("One", {"a": "1"})
    take(Access(str(upstream.folder)), tmp_path)
    spoil_pack(mirror)
    prune(mirror, HOUR)
    assert not mirror.exists()


def test_a_mirror_that_has_grown_too_large_is_made_anew(upstream: Upstream, tmp_path: Path) -> None:
    """Each fetch is within the limit; together they are not."""
    access = Access(str(upstream.folder), max_bytes=1 << 20)
    for number in range(5):
        content = subprocess.run(["head", "-c", "900000", "/dev/urandom"], capture_output=True)
        last = upstream.commit(str(number), {"a": content.stdout})
        assert take(access, tmp_path)[0] == last
    assert commits(tmp_path) == {last}
