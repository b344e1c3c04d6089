"""The gradients that take the place of those of ReLUs."""

from concurrent.futures import ThreadPoolExecutor

from dreamvid.models.relu_rules import active, ruled


def test_a_rule_holds_in_its_own_thread_alone() -> None:
    with ThreadPoolExecutor(1) as other, ruled("guided"):
        assert active()
        assert not other.submit(active).result()
    assert not active()
