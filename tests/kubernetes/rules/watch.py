"""Whether what is watched is what alerts and dashboards ask for."""

import json
import re

import yaml
from manifests import MONITORING, ROOT
from rules.wiring import matches
from texts import statements

# Asked for, and scraped by others or nowhere: machines by whoever watches them, the assistant where there is one.
ELSEWHERE = {"node", "syncboard-assistant"}


def produced(system):
    """The name of each job that Prometheus makes of a monitor, as its operator says: the Service's, a label of it, or another."""
    for monitor in system.of("ServiceMonitor"):
        for service in system.of("Service"):
            labels = service["metadata"].get("labels", {})
            if not matches(monitor["spec"]["selector"], labels):
                continue
            for endpoint in monitor["spec"]["endpoints"]:
                job = labels.get(monitor["spec"].get("jobLabel"), service["metadata"]["name"])
                for rule in endpoint.get("relabelings", []):
                    if rule.get("targetLabel") == "job":
                        if set(rule) - {"targetLabel", "replacement"}:
                            raise NotImplementedError(f"a job by {rule}")
                        job = rule["replacement"]
                yield job


def expressions(system):
    """Whatever rules and dashboards ask Prometheus."""
    for one in system.of("PrometheusRule"):
        for group in one["spec"]["groups"]:
            yield from (rule["expr"] for rule in group["rules"])
    for board in boards(system).values():
        for panel in json.loads(board)["panels"]:
            yield from (target["expr"] for target in panel["targets"])


def boards(system):
    """The files that Grafana's sidecar finds."""
    found = {}
    for one in system.of("ConfigMap"):
        if one["metadata"].get("labels", {}).get("grafana_dashboard") == "1":
            found.update(one["data"])
    return found


def jobs(system):
    """The jobs that are scraped are those that are asked for."""
    known = {one["job_name"] for one in yaml.safe_load((MONITORING / "prometheus.yml").read_text())["scrape_configs"]}
    asked = set()
    for expression in expressions(system):
        for operator, name in re.findall(r'\bjob(=~|=)"([^"]*)"', expression):
            found = {job for job in known if re.fullmatch(name if operator == "=~" else re.escape(name), job)}
            if not found:
                yield f"{name} is no job: {expression}"
            asked |= found
    scraped = list(produced(system))
    if not system.of("ServiceMonitor"):
        if asked:
            yield f"{sorted(asked)} are asked for, and nothing is scraped"
        return
    for job in sorted({job for job in scraped if scraped.count(job) > 1}):
        yield f"two are scraped as {job}"
    for job in sorted(asked - ELSEWHERE - set(scraped)):
        yield f"nobody scrapes {job}, which is asked for"
    for job in sorted(set(scraped) - asked):
        yield f"nobody asks for {job}, which is scraped"


def watched(system):
    """Alerts and dashboards are those of deploy/monitoring, and exporters log in as users who see as little as anywhere."""
    if not system.of("ServiceMonitor"):
        return
    found = {group["name"]: group for one in system.of("PrometheusRule") for group in one["spec"]["groups"]}
    wanted = {group["name"]: group for file in files("rules") for group in yaml.safe_load(file.read_text())["groups"]}
    for name in sorted(set(found) | set(wanted)):
        if found.get(name) != wanted.get(name):
            yield f"the rules {name} are not those of deploy/monitoring: deploy/kubernetes/prometheus/rules prints them"
    found, wanted = boards(system), {file.name: file.read_text() for file in files("grafana/dashboards")}
    for name in sorted(set(found) | set(wanted)):
        if found.get(name) != wanted.get(name):
            yield f"{name} is not the dashboard of deploy/monitoring"
    role = system.one("ConfigMap", "syncboard-monitor")["data"]["monitor.sql"]
    if statements(role) != statements((ROOT / "deploy/compose/monitor.sql").read_text()):
        yield "the role of PostgreSQL's exporter is not that of the stacks"
    [may] = re.findall(r"^user monitor on >\$\(.*\) (-@all .*)$", (ROOT / "deploy/compose/secrets").read_text(), re.MULTILINE)
    if f" {may}\n" not in system.secrets["syncboard-redis"]["users.acl"]:
        yield "the user of the cache's exporter is not that of the stacks"


def files(folder):
    return sorted((MONITORING / folder).iterdir())
