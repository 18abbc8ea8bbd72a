"""The rules hold for every overlay, and none of them holds for everything."""

import pytest
from manifests import DEPLOY, OVERLAYS
from mutations import MUTATIONS
from rules import RULES


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
