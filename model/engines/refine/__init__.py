"""Refinement: every step of one spec is a stutter or a few steps of another, on all reachable states within bounds."""
