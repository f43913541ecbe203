"""Symmetry for the back end in numpy: of the states that are the same but for the names of the nodes, only the least is kept."""

import numpy as np

from model.engines.compiled.backend import Reduction
from model.engines.compiled.row_table import Places, Rows


def least_images(by: Reduction, states: Rows) -> tuple[Rows, Places]:
    """Per state the least of its images, and how many permutations lead there, which is how many leave the state as it is.

    States are compared by their components from the last to the first, as in `symmetry.h`.
    """
    best, ties = states.copy(), np.ones(len(states), dtype=np.int64)
    for becomes, tables in list(zip(by.becomes, by.tables, strict=True))[1:]:
        image, order = np.zeros_like(states), np.zeros(len(states), dtype=np.int8)
        for component, images in enumerate(tables):
            image[:, becomes[component]] = images[states[:, component]]
        for component in range(len(tables)):  # what the last one says counts most
            np.copyto(order, np.int8(-1), where=image[:, component] < best[:, component])
            np.copyto(order, np.int8(1), where=image[:, component] > best[:, component])
        less = order < 0
        best[less] = image[less]
        ties = np.where(less, 1, ties + (order == 0))
    return best, ties
