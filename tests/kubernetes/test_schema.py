"""Every object is one that Kubernetes takes, by its own schemas: of the oldest version that is supported and of a new one."""

import kubernetes_validate
import pytest
from manifests import DEPLOY, OVERLAYS, load

# 1.30 is the first whose preStop can sleep without a program for it.
VERSIONS = ["1.30", "1.37"]
# Not Kubernetes' own; the rules `references`, `jobs` and `watched` read them.
WITHOUT_SCHEMA = {"ServiceMonitor", "PrometheusRule"}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_object_fits_its_schema(systems, overlay, version):
    for one in systems[overlay].objects:
        if one["kind"] not in WITHOUT_SCHEMA:
            kubernetes_validate.validate(one, version, strict=True)


@pytest.mark.parametrize("path", ["replicas", "spec.replica", "spec.template.spec.containers.0.image"])
def test_a_schema_can_be_missed(systems, path):
    from mutations.ways import change

    system = systems["production"].copy()
    change("StatefulSet", "nats", path, ["three"])(system)
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(system.one("StatefulSet", "nats"), VERSIONS[0], strict=True)


def test_the_example_of_external_secrets_names_every_secret(systems):
    examples = load((DEPLOY / "external-secrets.yaml").read_text())
    assert {one["spec"]["target"]["name"] for one in examples} == set(systems["production"].secrets)
