"""The engines: each reads the expression graph of a specification and returns verdicts; none knows a protocol."""
