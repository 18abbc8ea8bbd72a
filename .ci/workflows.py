"""Our own rules for workflows: every step can fail, ends in time, and runs what it names.

A script in a workflow is short; whatever needs a choice is a file that can be run anywhere.
"""

import pathlib
import re
import subprocess
import sys

import yaml

# What makes a failure look like none.
HIDDEN = re.compile(r"\|\||\bset \+|;\s*true\b|\bexit 0\b|^\s*trap\b|&\s*$|^\s*!", re.MULTILINE)
PINNED = re.compile(r"^\./|@[0-9a-f]{40} # v[0-9.]+$")


def entries(node, path=""):
    """Every key of a document with its value and where it is."""
    pairs = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in pairs:
        yield f"{path}.{key}", key, value
        yield from entries(value, f"{path}.{key}")


def shell(script):
    """What shellcheck says of a script that runs as workflows run it."""
    done = subprocess.run(["shellcheck", "--shell", "bash", "-"], input=f"set -eo pipefail\n{script}", text=True, capture_output=True)
    if done.returncode:
        yield done.stdout.strip() or done.stderr.strip()


def broken_script(script):
    """Every rule that a step's script breaks."""
    if "${{" in script:
        yield "an expression in a script; hand it over in env"
    if HIDDEN.search(script):
        yield "hides a failure"
    for named in re.findall(r"\bbash ([^\s)]+)", script):
        if not pathlib.Path(named).is_file():
            yield f"{named} is not there"
    yield from shell(script)


def broken(text):
    """Every rule that a workflow breaks."""
    for used in re.findall(r"^\s*(?:- )?uses: (.*)$", text, re.MULTILINE):
        if not PINNED.search(used):
            yield f"{used}: not pinned by its commit, with its version as a comment"
    workflow = yaml.safe_load(text)
    for where, key, value in entries(workflow):
        if key == "continue-on-error":
            yield f"{where}: a step that cannot fail"
        elif key == "if" and re.search(r"\b(always|failure|cancelled)\(\)", str(value)):
            yield f"{where}: runs after a failure"
        elif key == "shell" and value != "bash":
            yield f"{where}: GitHub lets pipes fail in any other"
        elif key == "run" and isinstance(value, str):
            yield from (f"{where}: {fault}" for fault in broken_script(value))
    if workflow.get("defaults", {}).get("run", {}).get("shell") != "bash":
        yield "defaults.run.shell is not bash"
    for name, job in workflow["jobs"].items():
        if "uses" not in job and "timeout-minutes" not in job:
            yield f"jobs.{name}: no timeout-minutes"


faults = [f"{path}: {fault}" for path in sys.argv[1:] for fault in broken(pathlib.Path(path).read_text(encoding="utf-8"))]
if faults:
    sys.exit("\n".join(faults))
