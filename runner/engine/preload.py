"""What the fork server imports last: objects that are there by now are left to no garbage collection.

Without this the first collection in each worker copies every page that it shares with the server, and the
server, ending, looks through all of scikit-learn for circles.
"""

import gc

gc.freeze()
