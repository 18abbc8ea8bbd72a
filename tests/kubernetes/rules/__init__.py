"""The rules: each takes a System and yields a sentence for whatever breaks it."""

from rules.addresses import addresses
from rules.doors import doors, limits
from rules.flows import flows
from rules.log import log, room
from rules.pods import accounts, images, probes, resources, restricted, settings, stopping
from rules.scale import autoscaling, budgets, connections, lag, quota
from rules.stores import kept, made, space
from rules.watch import jobs, watched
from rules.wiring import references, secrets, selectors

RULES = {
    rule.__name__: rule
    for rule in [
        restricted,
        resources,
        probes,
        stopping,
        images,
        accounts,
        settings,
        references,
        selectors,
        addresses,
        secrets,
        autoscaling,
        budgets,
        quota,
        connections,
        lag,
        jobs,
        watched,
        flows,
        doors,
        limits,
        log,
        room,
        kept,
        space,
        made,
    ]
}
