"""Draw features.jpg: units from early to late, two classes, and what of a photograph excites a unit.

python samples/make_features.py [OUTPUT]
"""

import sys
from pathlib import Path

from dreamvid.analysis.contact_sheet import Cell, enlarged, outlined, sheet
from dreamvid.config.presets import resolve
from dreamvid.dream import objectives
from dreamvid.media import opencv
from dreamvid.research.features import crops, deconv, feature_session, units

HERE = Path(__file__).resolve().parent
CHANNELS = ("vertical stripes", "polished pebbles", "googly eyes", "red roses", "owl eyes")
CLASSES = ("sunflower", "dalmatian")
SIDE = 160


def main() -> None:
    output = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "features.jpg"
    at = feature_session.open_feature_session(
        resolve(overrides=[*feature_session.FROM_NOTHING, ("net.name", "dreamnet")])
    )
    wanted = {name: feature_session.of_unit(units.parse(name, at.net)) for name in CHANNELS}
    wanted |= {name: objectives.class_logit(at.net.class_index(name)) for name in CLASSES}
    cells = []
    for name, objective in wanted.items():
        dreamer = at.dreamer(objective)
        cells.append(Cell(name, feature_session.picture(dreamer, feature_session.beginning(dreamer, SIDE, SIDE))))
    eyes = units.parse("owl eyes", at.net)
    net = at.exact(eyes.layer)
    (crop,) = crops.strongest_crops(net, eyes, [HERE / "chelsea.jpg"], count=1, side=SIDE)
    box = crop.field
    back = deconv.as_picture(deconv.projection(net, eyes, crop, "guided")[box.rows, box.columns])
    cells += [
        Cell("owl eyes: strongest", outlined(crop.photo, box)),
        Cell("its field", enlarged(crop.pixels, SIDE)),
        Cell("projected back", enlarged(back, SIDE)),
    ]
    cv2 = opencv.load()
    cv2.imwrite(str(output), sheet(cells, len(CHANNELS))[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 85])


if __name__ == "__main__":
    main()
