"""What a system does: step-driven nodes in a deterministic simulated world.

Imports nothing of `model`, `properties` or `traces`.
"""
