"""What every test needs: the overlays, rendered once."""

import os

import pytest
import yaml
from manifests import DEPLOY, OVERLAYS, System, made_secrets, render


@pytest.fixture(scope="session")
def systems():
    kubectl = os.environ.get("KUBECTL", "kubectl")
    [adapter] = render(kubectl, DEPLOY / "metrics-adapter")
    rules, secrets = yaml.safe_load(adapter["data"]["config.yaml"])["rules"], made_secrets()
    return {name: System(render(kubectl, DEPLOY / "overlays" / name), rules, secrets) for name in OVERLAYS}
