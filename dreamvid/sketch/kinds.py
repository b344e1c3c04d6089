"""The kinds of things that are sketched: name -> what makes the strokes of one, in drawing order."""

from collections.abc import Callable

import numpy as np

from dreamvid.sketch import nature, things
from dreamvid.sketch.strokes import Stroke

Kind = Callable[[np.random.Generator], list[Stroke]]
KINDS: dict[str, Kind] = {
    kind.__name__.replace("_", " "): kind
    for kind in (
        things.anchor,
        things.arrow,
        things.balloon,
        things.bicycle,
        things.boat,
        things.bottle,
        nature.butterfly,
        nature.cactus,
        things.candle,
        things.car,
        nature.cat,
        things.chair,
        things.clock,
        things.crown,
        things.cup,
        things.envelope,
        nature.face,
        nature.fish,
        nature.flower,
        things.glasses,
        nature.heart,
        things.house,
        things.ice_cream,
        things.key,
        things.kite,
        things.ladder,
        things.lamp,
        nature.leaf,
        nature.moon,
        nature.mushroom,
        nature.snail,
        nature.snowman,
        nature.spider,
        things.spiral,
        nature.star,
        nature.sun,
        things.table,
        things.tent,
        nature.tree,
        things.umbrella,
    )
}
