"""ONE point: spec, build, identity, evaluate, scores, record. Knows nothing of sweeps and of Hydra's composing."""
