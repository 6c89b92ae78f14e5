"""What no accident may do: leave half a file, follow a link out of out/, or lose what a stranger put there."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from project import HERE

if TYPE_CHECKING:
    from project import Project

KILLS = 100  # that hit a render at work
TEMPLATE = "out/Staging/sample-ecs-taskrole-backend-cfn.yml"
RENDER = [sys.executable, "render.py"]


def contents(project: Project) -> dict[str, bytes]:
    """Return the content of every file of out/ that is not hidden, by path."""
    return {path: content for path, (content, _) in project.tree().items() if "/." not in path}


def edit(project: Project) -> None:
    """Change every template, back and forth."""
    words = ["What the task role", "All that the role"]
    text = project.read("templates/taskrole.yml.j2")
    words.sort(key=lambda word: word not in text)
    project.replace("templates/taskrole.yml.j2", *words)


def test_killed_at_any_moment_out_holds_whole_files_and_the_next_render_completes(project: Project) -> None:
    services = project.read("services.yml").partition("services:")
    more = "".join(
        f'  worker-{i}:\n    task_role: "${{VPCName}}-Worker{i}-${{EnvType}}"\n    policies: {{sqs: full}}\n'
        for i in range(20)
    )
    project.write("services.yml", services[0] + services[1] + "\n" + more + services[2])
    project.render()
    one = contents(project)
    edit(project)
    start = time.monotonic()
    project.render()
    duration = time.monotonic() - start
    two = contents(project)
    rng = random.Random(6)  # noqa: S311 - moments to kill at
    interrupted = 0
    while interrupted < KILLS:
        edit(project)
        with subprocess.Popen(RENDER, cwd=project.folder, stdout=subprocess.DEVNULL) as render:
            time.sleep(rng.uniform(0.5, 1) * duration)
            render.kill()
        killed = render.returncode == -signal.SIGKILL
        interrupted += killed
        duration *= 1.02 if killed else 0.9  # however busy the machine is, and becomes: most kills hit, and late
        found = contents(project)
        assert found.keys() == one.keys()
        assert all(content in (one[path], two[path]) for path, content in found.items())
    project.render()
    assert contents(project) in (one, two)
    assert not [path for path in project.tree() if "/." in path], "what a killed render left unfinished is removed"


def test_two_renders_at_once_wait_for_each_other(project: Project) -> None:
    project.render()
    edit(project)
    renders = [subprocess.Popen(RENDER, cwd=project.folder, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    printed = [render.communicate()[0] for render in renders]
    assert [render.returncode for render in renders] == [0] * 4
    assert sum("wrote" in text for text in printed) == 1
    assert project.run("render.py", "--check").returncode == 0


def in_namespace(project: Project, mount: str) -> subprocess.CompletedProcess[str]:
    """Run render.py where `mount` has changed what out/ is, in a mount namespace of its own."""
    script = f'{mount} || exit 77; shift; exec "$@"'
    command = ["unshare", "--map-root-user", "--mount", "sh", "-c", script, "sh", "out", *RENDER]
    done = subprocess.run(command, cwd=project.folder, capture_output=True, text=True, check=False)
    if done.returncode in (1, 77) and "render.py" not in done.stderr and "out/" not in done.stderr:
        pytest.skip("this machine gives no mount namespaces")
    return done


def test_on_a_full_disk_it_says_so_and_every_file_is_whole(project: Project) -> None:
    project.render()
    before = contents(project)
    edit(project)
    fill = 'cp -r "$1" .old; mount -t tmpfs -o size=72k tmpfs "$1" && cp -r .old/* "$1" && { yes | head -c 99999 > "$1"/.fill; true; }'
    done = in_namespace(project, fill + " 2>/dev/null")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith("No space left on device")
    assert contents(project) == before


def test_a_write_that_fails_half_way_leaves_the_old_file(project: Project) -> None:
    project.render()
    before = contents(project)
    edit(project)
    limited = ["sh", "-c", 'ulimit -f 1; exec "$@"', "sh", *RENDER]  # files of 512 bytes at most
    done = subprocess.run(limited, cwd=project.folder, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.endswith(": File too large\n")
    assert "Traceback" not in done.stderr
    assert contents(project) == before
    project.render()


def test_a_read_only_out_is_an_error_and_not_a_traceback(project: Project) -> None:
    project.render()
    edit(project)
    done = in_namespace(project, 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1"')
    assert done.returncode == 2
    assert done.stderr.startswith("out/")
    assert done.stderr.endswith(": Read-only file system\n")


def test_a_folder_where_a_file_should_be_is_an_error(project: Project) -> None:
    (project.folder / TEMPLATE).unlink()
    project.write(f"{TEMPLATE}/mine.txt", "mine\n")
    assert f"{TEMPLATE}: is a folder, where a file should be written; move it away" in project.refused()


def test_a_link_in_out_is_not_followed(project: Project, tmp_path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    victim = outside / "victim.yml"
    victim.write_text("precious\n")
    (project.folder / TEMPLATE).unlink()
    (project.folder / TEMPLATE).symlink_to(victim)
    project.run("render.py")
    assert victim.read_text() == "precious\n"
    assert not (project.folder / TEMPLATE).is_symlink()

    shutil.rmtree(project.folder / "out/Dev")
    (project.folder / "out/Dev").symlink_to(outside)
    assert project.refused() == ["out/Dev: must be a folder, and no symbolic link; move it away"]
    assert [path.name for path in outside.iterdir()] == ["victim.yml"]


def test_a_linked_folder_of_partials_is_not_read(project: Project, tmp_path) -> None:
    shutil.move(project.folder / "policies/sqs", tmp_path / "sqs")
    (project.folder / "policies/sqs").symlink_to(tmp_path / "sqs")
    assert any("no folder policies/sqs/" in fault for fault in project.refused())


def test_a_pipe_or_a_device_is_not_read(project: Project) -> None:
    os.mkfifo(project.folder / "policies/sqs/pipe.yml.j2")
    (project.folder / "policies/sqs/zero.yml.j2").symlink_to("/dev/zero")
    project.render()
    odd = {"out/Dev/pipe.yml", "out/Dev/pipe.yml.j2", "out/Dev/zero.yml", "out/Dev/zero.yml.j2"}
    for path in odd:
        if "pipe" in path:
            os.mkfifo(project.folder / path)
        else:
            (project.folder / path).symlink_to("/dev/zero")
    done = project.run("render.py")
    said = {line.split(":")[0] for line in (done.stdout + done.stderr).splitlines() if "move it away" in line}
    assert (done.returncode, said) == (1, odd)


def test_locale_and_umask_change_nothing_but_the_mode(project: Project) -> None:
    before = contents(project)
    shutil.rmtree(project.folder / "out")
    command = ["sh", "-c", 'umask 027; exec "$@"', "sh", *RENDER]
    bare = {"PATH": os.environ["PATH"], "LC_ALL": "C", "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command, cwd=project.folder, env=bare, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert contents(project) == before
    assert (project.folder / TEMPLATE).stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("version", ["3.10", "3.13"])  # the oldest and the newest
def test_every_supported_python_renders_the_same_bytes(project: Project, version: str, tmp_path) -> None:
    chosen = os.environ | {"PYENV_VERSION": version}  # where python3.x is a shim of pyenv
    made = (
        subprocess.run([f"python{version}", "-m", "venv", tmp_path / "venv"], env=chosen, check=False)
        if (shutil.which(f"python{version}"))
        else None
    )
    if made is None or made.returncode:
        pytest.skip(f"Python {version} is not installed")
    python, requirements = tmp_path / "venv/bin/python", HERE / "requirements/render.txt"
    assert requirements.is_file()
    pip = [python, "-m", "pip", "install", "-qq", "--require-hashes", "--requirement", requirements]
    if subprocess.run(pip, capture_output=True, check=False).returncode:
        pytest.skip("the package index cannot be reached")
    before = contents(project)
    shutil.rmtree(project.folder / "out")
    done = subprocess.run([python, "render.py"], cwd=project.folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert contents(project) == before
