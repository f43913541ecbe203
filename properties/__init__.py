"""What must hold: invariants, step properties, reachability, liveness, histories. Never imports the implementation."""
