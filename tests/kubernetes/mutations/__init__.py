"""One change for each way in which a rule can be broken: the rule must notice it. All are made to the production overlay.

The files are those of rules/.
"""

from mutations import addresses, doors, flows, log, pods, scale, stores, watch, wiring

MUTATIONS = [one for of in [pods, wiring, addresses, scale, watch, flows, doors, log, stores] for one in of.MUTATIONS]
