"""The tags by which a server's runs and ours know each other. Constants only."""

from typing import Final

RUN_ID: Final = "tracking.run_id"  # our id of the run; of a sweep's parent run SWEEP_RUN and the sweep's id
PUSHED: Final = "tracking.pushed"  # the commit mark, written last: a digest of all that was pushed
SWEEP_RUN: Final = "sweep:"
OURS: Final = "tracking."  # what begins so stands on servers only
