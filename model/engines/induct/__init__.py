"""Induction in a bounded instance: every query is decided, and a failure is a state and a step that can be looked at."""
