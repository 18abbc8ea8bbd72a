"""The rules hold for every overlay, and none of them holds for everything."""

import re

import pytest
from manifests import DEPLOY, OVERLAYS
from mutations import MUTATIONS
from rules import RULES

STEPS = ["-l 'app.kubernetes.io/name in", "PROGRAMS='app.kubernetes.io/name in"]


@pytest.mark.parametrize("overlay", OVERLAYS)
@pytest.mark.parametrize("rule", RULES)
def test_a_rule_holds(systems, overlay, rule):
    assert list(RULES[rule](systems[overlay])) == []


@pytest.mark.parametrize(("rule", "name", "mutate"), MUTATIONS, ids=[f"{rule}: {name}" for rule, name, _ in MUTATIONS])
def test_a_rule_can_be_broken(systems, rule, name, mutate):
    system = systems["production"].copy()
    mutate(system)
    assert list(RULES[rule](system)) != []


def test_every_rule_can_be_broken():
    assert {rule for rule, _, _ in MUTATIONS} == set(RULES)


def test_every_overlay_is_known():
    assert sorted(folder.name for folder in (DEPLOY / "overlays").iterdir()) == sorted(OVERLAYS)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_steps_of_an_upgrade_apply_everything_once_and_programs_last(systems, overlay):
    """The selectors of README.md: first what has no name, then stores and migration, then programs."""
    readme = (DEPLOY / "README.md").read_text()
    stores, programs = (set(re.search(start + r" \(([a-z, -]+)\)", readme)[1].split(", ")) for start in STEPS)
    for one in systems[overlay].objects:
        name = one["metadata"].get("labels", {}).get("app.kubernetes.io/name")
        if one["kind"] in ("Deployment", "StatefulSet", "Job"):
            assert name in (programs if one["kind"] == "Deployment" else stores)
        else:
            assert name is None or name in stores | programs
        assert one["kind"] != "ConfigMap" or name is None, "settings are there before those who read them"
