"""Our own rules for workflows: every step is run, can fail, ends in time, and runs what it names.

A script in a workflow is commands, one a line; whatever needs a choice is a file that can be run anywhere.
"""

import pathlib
import re
import shlex
import subprocess
import sys

import yaml

PINNED = re.compile(r"^\./|@[0-9a-f]{40} # v[0-9.]+$")
# Lets what fails before it, in it or after it look like success.
HIDING = set("if then elif else fi while until for do done case esac select function { } [[ ! set shopt trap exit return".split())
HIDING |= set("true : eval exec source . coproc time".split())
REDIRECTIONS = {">", ">>", "<", "<<<", ">&"}


def entries(node, path=""):
    """Every key of a document with its value and where it is."""
    pairs = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in pairs:
        yield f"{path}.{key}", key, value
        yield from entries(value, f"{path}.{key}")


def shell(script):
    """What shellcheck says of a script that runs as workflows run it."""
    strict = f"set -eo pipefail\n{script}"
    done = subprocess.run(["shellcheck", "--shell", "bash", "-"], input=strict, text=True, capture_output=True)
    if done.returncode:
        yield done.stdout.strip() or done.stderr.strip()


def hiding(line):
    """What of a line could hide that its command failed; the value of a variable may be what one command says."""
    whole = re.fullmatch(r"\w+=\$\((.*)\)", line)
    command = whole[1] if whole else line
    if "$(" in command or "`" in command:
        yield "a command in a command"
    try:
        words = list(shlex.shlex(command, posix=True, punctuation_chars=True))
    except ValueError as error:
        yield str(error)
        return
    named = next((word for word in words if not re.match(r"\w+=", word)), "")
    if named in HIDING:
        yield named
    yield from (word for word in words if re.fullmatch(r"[();<>|&]+", word) and word not in REDIRECTIONS)


def broken_script(script):
    """Every rule that a step's script breaks."""
    if "${{" in script:
        yield "an expression in a script; hand it over in env"
    for line in script.replace("\\\n", " ").splitlines():
        yield from (f"{what!r} could hide a failure, and is for a file: {line.strip()}" for what in hiding(line.strip()))
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
        elif key == "if":
            yield f"{where}: what is not run has not failed; `on` says when there is anything to do"
        elif key == "shell" and value != "bash":
            yield f"{where}: GitHub lets pipes fail in any other"
        elif key == "run" and isinstance(value, str):
            yield from (f"{where}: {fault}" for fault in broken_script(value))
    if workflow.get("defaults", {}).get("run", {}).get("shell") != "bash":
        yield "defaults.run.shell is not bash"
    for name, job in workflow["jobs"].items():
        if "uses" not in job and "timeout-minutes" not in job:
            yield f"jobs.{name}: no timeout-minutes"


# A workflow as it must be, and what is said of it when a part of it becomes another.
WHOLE = """
defaults: {run: {shell: bash}}
jobs:
  lint:
    timeout-minutes: 45
    steps:
      - run: bash .ci/run lint
"""
STEP, JOB = "- run: bash", "timeout-minutes: 45"
SCRIPT = "bash .ci/run lint"
BREAKS = [
    ("what is not run", JOB, f"if: false\n    {JOB}"),
    ("a step that cannot fail", JOB, f"continue-on-error: true\n    {JOB}"),
    ("no timeout-minutes", JOB, "name: without end"),
    ("defaults.run.shell is not bash", "shell: bash", "working-directory: ."),
    ("what is not run", STEP, "- if: false\n        run: bash"),
    ("what is not run", STEP, "- if: ${{ always() }}\n        run: bash"),
    ("lets pipes fail", STEP, "- shell: sh\n        run: bash"),
    ("not pinned", f"run: {SCRIPT}", "uses: actions/checkout@v7"),
    ("not pinned", f"run: {SCRIPT}", "uses: actions/checkout@main # v7.0.1"),
    ("'if' could hide", SCRIPT, f"if {SCRIPT}; then echo ok; fi"),
    ("'if' could hide", SCRIPT, f"|\n          if {SCRIPT}\n          then echo ok\n          fi"),
    ("'while' could hide", SCRIPT, f"while {SCRIPT}; do echo ok; done"),
    ("'&&' could hide", SCRIPT, f"|\n          {SCRIPT} && echo ok\n          echo ended"),
    ("'||' could hide", SCRIPT, f"{SCRIPT} || true"),
    ("';' could hide", SCRIPT, f"{SCRIPT}; true"),
    ("'&' could hide", SCRIPT, f"|\n          {SCRIPT} &\n          wait"),
    ("'!' could hide", SCRIPT, f"|\n          ! {SCRIPT}"),
    ("'set' could hide", SCRIPT, f"|\n          set +e\n          {SCRIPT}\n          echo ended"),
    ("'trap' could hide", SCRIPT, f"|\n          trap 'exit 0' EXIT\n          {SCRIPT}"),
    ("'exit' could hide", SCRIPT, "exit 0"),
    ("a command in a command", SCRIPT, f'echo "$({SCRIPT})" ended'),
    ("'<(' could hide", SCRIPT, f"cat <({SCRIPT})"),
    ("'No closing quotation' could hide", SCRIPT, "|\n          echo 'a\n          b'"),
    ("-c is not there", SCRIPT, f"bash -c '{SCRIPT}; true'"),
    (".ci/runs is not there", SCRIPT, "bash .ci/runs lint"),
    ("an expression in a script", SCRIPT, "echo '${{ github.ref }}'"),
    ("Double quote", SCRIPT, "echo $HOME"),
]


def unnoticed():
    """What breaks a workflow, and is not said of it; and what is said of one that is whole."""
    yield from broken(WHOLE)
    for sentence, old, new in BREAKS:
        if not any(sentence in fault for fault in broken(WHOLE.replace(old, new, 1))):
            yield f"it is not noticed of {new!r} that {sentence!r}"


faults = [f"{path}: {fault}" for path in sys.argv[1:] for fault in broken(pathlib.Path(path).read_text(encoding="utf-8"))]
faults += unnoticed()
if faults:
    sys.exit("\n".join(faults))
