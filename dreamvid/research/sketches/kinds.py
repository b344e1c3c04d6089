"""Kinds of sketches: name -> function that returns the strokes of one, in drawing order."""

from collections.abc import Callable

import numpy as np

from dreamvid.research.sketches import household, nature, outdoors
from dreamvid.research.sketches.strokes import Stroke

Kind = Callable[[np.random.Generator], list[Stroke]]
KINDS: dict[str, Kind] = {
    kind.__name__.replace("_", " "): kind
    for kind in (
        outdoors.anchor,
        outdoors.arrow,
        outdoors.balloon,
        outdoors.bicycle,
        outdoors.boat,
        household.bottle,
        nature.butterfly,
        nature.cactus,
        household.candle,
        outdoors.car,
        nature.cat,
        household.chair,
        household.clock,
        household.crown,
        household.cup,
        household.envelope,
        nature.face,
        nature.fish,
        nature.flower,
        household.glasses,
        nature.heart,
        outdoors.house,
        household.ice_cream,
        household.key,
        outdoors.kite,
        outdoors.ladder,
        household.lamp,
        nature.leaf,
        nature.moon,
        nature.mushroom,
        nature.snail,
        nature.snowman,
        nature.spider,
        outdoors.spiral,
        nature.star,
        nature.sun,
        household.table,
        outdoors.tent,
        nature.tree,
        outdoors.umbrella,
    )
}
