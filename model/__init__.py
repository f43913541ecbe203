"""What the protocols may do: executable specifications in plain typed Python, read by several engines."""
