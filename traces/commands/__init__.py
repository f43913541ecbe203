"""What the subcommands of `lockstep` do: one module each, and what they share. Nothing here prints; a command returns a `Report`."""
