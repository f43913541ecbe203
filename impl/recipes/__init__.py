"""Recipes: small applications on ZooKeeper's clients, as its documentation describes them, with what they do not promise.

Each is a pure step function over `impl/zookeeper/handle.py`. What they have in common: an ephemeral says who is alive as the
ensemble knows it, and a client that is cut off or asleep learns last that its own is gone; so two processes can hold the same
thing at the same time, and only a fencing token (the czxid of the ephemeral) tells a resource which of them is the later one.
"""
