"""ImageNet's classes: a thousand names, and the words that mean them."""

import pytest

from dreamvid.errors import NetError
from dreamvid.nets import hub, imagenet, zoo
from dreamvid.nets.net import Net, plainly


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
        ("crane", r"'crane' means several classes of .*: give crane bird \(134\) or crane machine \(517\)"),
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
