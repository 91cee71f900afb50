# SPDX-License-Identifier: GPL-3.0-or-later
"""What takes how long, asked so that a busy machine changes nothing: what is alike, and what does not wait for something else. Not for measuring:
tests/bench."""
import concurrent.futures
import time

from gateway import wait_until

ROUNDS = 5


def alike(asks, tries=9, ratio=2, floor_s=0.0):
    """Whether these take the same time. asks: {name: function}. They take turns, and of each the quickest try counts: other work of the machine only adds.
    Of some rounds one must do: what differs by itself differs in all of them."""
    for _ in range(ROUNDS):
        best = dict.fromkeys(asks, float("inf"))
        for _ in range(tries):
            for name, ask in asks.items():
                begin = time.perf_counter()
                ask()
                best[name] = min(best[name], time.perf_counter() - begin)
        if max(best.values()) < min(best.values()) * ratio + floor_s:
            return
    raise AssertionError(f"{ratio} times as long in each of {ROUNDS} rounds: {best}")


def overtakes(slow, asked, quick):
    """slow() waits for somebody outside who counts in asked(); meanwhile quick() is answered, before it. Returns slow()'s value. Should the machine rest for
    all that while, once more."""
    for _ in range(ROUNDS):
        before = asked()
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            waits = pool.submit(slow)
            wait_until(lambda: asked() > before or waits.done(), "it waits")
            quick()
            first = not waits.done()
            value = waits.result()
        if first:
            return value
    raise AssertionError(f"held up {ROUNDS} times")
