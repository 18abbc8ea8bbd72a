"""Each overlay on a cluster of its own. The checks are made in this order, as the last ones change what is there."""

import checks
import pytest

EVERYWHERE = ["taken", "complete", "spread", "powerless", "enforced", "bounded", "budgeted", "autoscaled", "repeatable", "upgraded"]
AT_LAST = {"small": ["guarded"], "production": ["adapted", "drained"]}


@pytest.mark.parametrize("check", EVERYWHERE)
def test_it_holds(here, check):
    assert list(getattr(checks, check)(here)) == []


def test_it_holds_at_last(here):
    for check in AT_LAST[here.overlay]:
        assert list(getattr(checks, check)(here)) == []
