"""Logs of real systems: readers, writers, and what must hold of them."""
