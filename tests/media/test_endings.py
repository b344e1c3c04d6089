"""Files that end early: found wherever they are cut, and never where they are whole."""

from pathlib import Path

import pytest

from dreamvid.core.errors import SourceError
from dreamvid.media import probe
from dreamvid.media.endings import ends_early
from media import clips

FASTSTART = ("-movflags", "+faststart")
AAC = ("-c:a", "aac")
FOOTER = 1100  # at most so many bytes of an MXF file follow all frames
KINDS = {
    "film.avi": ("-c:v", "mpeg4", *AAC),
    "film.mp4": (*clips.X264, *AAC, *FASTSTART),
    "parts.mp4": (*clips.X264, *AAC, "-movflags", "+frag_keyframe+empty_moov"),
    "film.mov": (*clips.X264, "-c:a", "pcm_s16le", *FASTSTART),
    "film.wmv": ("-c:v", "wmv2", "-c:a", "wmav2"),
    "film.ogv": ("-c:v", "libtheora", "-c:a", "libvorbis"),
    "film.flv": (*clips.X264, *AAC),
    "film.gif": ("-c:v", "gif"),
    "film.mxf": ("-c:v", "mpeg2video", "-c:a", "pcm_s16le"),
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("whole")
    sound = clips.tone(folder / "tone.wav", 0.5)

    def make(name: str) -> Path:
        path = folder / name
        return path if path.exists() else clips.film(path, *KINDS[name], count=12, inputs=("-i", str(sound)))

    return make


@pytest.mark.parametrize("name", KINDS)
def test_a_file_that_is_cut_anywhere_ends_early(name: str, whole, tmp_path: Path) -> None:
    data = whole(name).read_bytes()
    assert not ends_early(whole(name))
    cut = tmp_path / name
    silent = []
    for size in range(len(data) // 5, len(data) - FOOTER, max(1, len(data) // 300)):
        cut.write_bytes(data[:size])
        if not ends_early(cut):
            silent.append(size)
    assert len(silent) <= (2 if name == "parts.mp4" else 0), silent  # parts may end wherever one ends


@pytest.mark.parametrize("name", KINDS)
def test_what_stands_behind_the_end_is_no_sign_of_it(name: str, whole, tmp_path: Path) -> None:
    longer = tmp_path / name
    longer.write_bytes(whole(name).read_bytes() + b"\0" * 1000)
    assert not ends_early(longer)


@pytest.mark.parametrize("name", ["film.avi", "film.wmv", "film.mxf"])
def test_a_film_cut_between_frames_is_refused_or_mended(name: str, whole, tmp_path: Path) -> None:
    """Nothing in the decode of these tells that frames are missing."""
    data = whole(name).read_bytes()
    cut = tmp_path / name
    for tenth in (5, 7):
        cut.write_bytes(data[: len(data) * tenth // 10])
        with pytest.raises(SourceError, match=r"--tolerate-damage"):
            probe.probe(str(cut))
        info = probe.probe(str(cut), tolerate_damage=True)
        assert info.promised is not None
        assert info.frames < 12


def test_a_film_whose_sound_alone_is_cut_loses_no_frame(whole, tmp_path: Path) -> None:
    data = whole("film.mov").read_bytes()
    cut = tmp_path / "film.mov"
    cut.write_bytes(data[:-200])
    with pytest.raises(SourceError, match="cut short"):
        probe.probe(str(cut))
    info = probe.probe(str(cut), tolerate_damage=True)
    assert (info.frames, info.damaged, info.promised) == (12, (), 12)
