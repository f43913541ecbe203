"""The simulated world: clock, network, disks, faults, clients, and one loop that carries out what the nodes ask for."""
