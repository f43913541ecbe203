"""Bounded model checking: a run of so many steps is one formula; the solver chooses the schedule, or only the parameters."""
