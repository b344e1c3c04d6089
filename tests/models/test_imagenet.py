"""ImageNet's classes: a thousand names, and the words that mean them."""

import pytest

from dreamvid.core.errors import NetError
from dreamvid.models import hub, imagenet, zoo
from dreamvid.models.net import Net, plainly


@pytest.fixture(scope="module")
def net() -> Net:
    return zoo.get("efficientnet_lite0", "random:0")


def test_there_are_a_thousand_classes_and_no_two_names_are_alike() -> None:
    names = imagenet.names()
    assert len(names) == len({plainly(name) for name in names}) == 1000
    assert all(name and name == name.strip() for name in names)


def test_a_word_means_classes_that_there_are() -> None:
    words = imagenet.synonyms()
    assert {index for meant in words.values() for index in meant} == set(range(1000))
    assert all(word == word.strip() and len(set(meant)) == len(meant) for word, meant in words.items())


def test_they_are_in_the_order_of_torchvisions() -> None:
    from torchvision.models import SqueezeNet1_1_Weights

    theirs = SqueezeNet1_1_Weights.DEFAULT.meta["categories"]
    words = {plainly(word): meant for word, meant in imagenet.synonyms().items()}
    alike = [index for index, name in enumerate(theirs) if index in words.get(plainly(name), ())]
    assert len(alike) >= 998  # Cardigan is two words here, and one name is written in another way


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        ("golden retriever", 207),
        ("Golden_Retriever", 207),
        ("207", 207),
        ("castle", 483),
        ("Tinca tinca", 0),
        ("999", 999),
        ("crane bird", 134),
        ("crane-machine", 517),
        ("maillot", 638),  # the name of one class and a synonym of the next
    ],
)
def test_a_class_is_found_by_name_synonym_and_number(net: Net, wanted: str, index: int) -> None:
    assert net.class_index(wanted) == index


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("crane", r"'crane' matches several classes of .*: give crane bird \(134\) or crane machine \(517\)"),
        ("1000", r"\(it has 1000\): give a number from 0 to 999"),
        ("tinca tinka", r"nearest: tinca tinca"),
    ],
)
def test_what_means_no_class_or_several_is_refused_in_one_line(net: Net, wanted: str, said: str) -> None:
    with pytest.raises(NetError, match=said) as error:
        net.class_index(wanted)
    assert "\n" not in str(error.value)


def test_torchvisions_nets_know_the_synonyms_and_tell_their_two_cardigans_apart() -> None:
    net = hub.net_of("squeezenet1_1", hub.build("squeezenet1_1"), "sha")
    assert net.class_index("Tinca tinca") == 0 and net.class_index("crane machine") == 517
    assert net.class_index("crane") == 517  # its own name, and of no other class
    with pytest.raises(NetError, match=r"several classes of squeezenet1_1: give Cardigan \(264\) or cardigan \(474\)"):
        net.class_index("cardigan")


def test_a_group_is_many_classes_and_no_word_of_one() -> None:
    words = {plainly(word) for word in imagenet.synonyms()}
    for word, indices in imagenet.groups().items():
        assert plainly(word) not in words
        assert list(indices) == sorted(set(indices)) and len(indices) > 1 and indices[-1] < 1000


@pytest.mark.parametrize(
    ("group", "inside", "outside"),
    [
        ("animal", ["tench", "puffer", "macaw"], ["abacus", "castle"]),
        ("dog", ["Chihuahua", "pug", "Mexican hairless"], ["timber wolf", "tabby"]),
        ("bird", ["cock", "toucan", "albatross"], ["tusker", "grey whale"]),
        ("wild_cat", ["cougar", "cheetah"], ["tabby", "brown bear"]),
        ("building", ["castle", "palace", "mosque", "yurt"], ["carton", "mosquito net"]),
        ("ship", ["schooner", "yawl", "gondola"], ["screen"]),
        ("train", ["steam locomotive", "streetcar"], ["trailer truck"]),
        ("Landscape", ["alp", "volcano"], ["bubble"]),
        ("fungus", ["mushroom", "bolete"], ["corn"]),
    ],
)
def test_a_group_holds_what_its_word_says(net: Net, group: str, inside: list[str], outside: list[str]) -> None:
    names = {net.class_name(index) for index in net.class_indices(group)}
    assert names.issuperset(inside) and names.isdisjoint(outside)


def test_what_takes_one_class_says_that_a_word_is_a_group(net: Net) -> None:
    assert net.class_indices("castle") == (483,)
    with pytest.raises(NetError, match=r"'dog' is a group of many classes of .*: give one of them"):
        net.class_index("dog")
