"""The pictures that are held: within a bound, and of those that pass only the last few."""

from little import texture

from dreamvid.studio.pictures import PASSING, Pictures


def test_of_what_passes_only_the_last_few_are_held() -> None:
    pictures = Pictures()
    lasting = pictures.put(texture(seed=1000))
    passing = [pictures.put(texture(seed=seed), passing=True) for seed in range(3)]
    assert pictures.put(texture(seed=1)) == passing[1]  # it comes again, to stay
    pictures.keep(passing[2])
    later = [pictures.put(texture(seed=seed), passing=True) for seed in range(3, 4 + PASSING)]
    held = [name for name in (lasting, *passing, *later) if pictures.get(name) is not None]
    assert held == [lasting, *passing[1:], *later[-PASSING:]]
    assert pictures._bytes == sum(map(len, pictures._held.values()))


def test_what_was_not_asked_for_the_longest_goes_first() -> None:
    pictures = Pictures(most=5600)
    first, second = pictures.put(texture(seed=0)), pictures.put(texture(seed=1))
    assert pictures.get(first) is not None
    for seed in (2, 3):
        pictures.put(texture(seed=seed))
    assert pictures.get(first) is not None and pictures.get(second) is None
