"""Exports: a spec as a TLA+ module with its configurations, traces to TLC and back, the state graph as dot and Mermaid."""
