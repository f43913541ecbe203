"""What happened: one trace format for every engine and every real system, and the tools that read it."""
