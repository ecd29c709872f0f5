"""MLflow both ways, and other stores: push, mirror, import, merge."""
