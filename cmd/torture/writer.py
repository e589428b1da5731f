"""A writer in Python, as writer.go is one in Go: folder of the client, home,
seed, number, lanes, name of its accounts, the longest pause between calls in
milliseconds. It ends when its standard input does."""

import os
import random
import sys
import threading
import time

PATIENCE = 0.050  # seconds that a call may wait for a disk
LAST = 7


def text(dice):
    kind = dice.randrange(50)
    if kind == 0:
        return "long " * dice.randrange(1200)
    if kind == 1:
        return "a\nb\r\x1e\x1b[31m\x00\udcff"
    return "one line of text, as most are: " + "x" * dice.randrange(80)


def lane(tracker, number, n, lanes, name, calm, dice):
    stages = [[0, False] for _ in range(4)]  # of each account: the stage, and whether it runs
    seq, prompt, fast = 0, True, 0
    while True:
        seq += 1
        which = dice.randrange(len(stages))
        account, at = "%s-%d-%d" % (name, n, which), stages[which]
        details = {"w": number, "lane": n, "seq": seq}
        say, roll = text(dice), dice.randrange(10)
        began = time.perf_counter()
        if at[1] and roll < 2:
            tracker.stage_progress(at[0], roll, 10, username=account)
        if not at[1] and at[0] >= LAST - 1:
            tracker.stage_complete(LAST, say, account, details)
            at[0] = 0
        elif not at[1]:
            at[:] = at[0] + 1, True
            tracker.stage_start(at[0], say, account, details)
        elif roll < 8:
            at[1] = False
            tracker.stage_complete(at[0], say, account, details)
        else:
            stage, at[:] = at[0], (0, False)
            tracker.stage_failed(stage, say, account, details)
        prompt = prompt and time.perf_counter() - began < PATIENCE
        safe = lanes == 1 and prompt and dice.randrange(4) > 0
        if not safe and (dice.randrange(8) == 0 or not prompt):
            if not tracker.flush(30):
                continue
            safe = prompt = True
        if safe:
            os.write(1, b"%d %d\n" % (n, seq))
        if fast > 0:
            fast -= 1
            continue
        if dice.randrange(100) == 0:
            fast = dice.randrange(100)
        time.sleep(dice.random() * calm)


def main():
    client, home, seed, number, lanes, name, calm = sys.argv[1:]
    sys.path.insert(0, client)
    import miner_stage_tracker

    tracker = miner_stage_tracker.StageTracker(home)
    for n in range(int(lanes)):
        given = (tracker, int(number), n, int(lanes), name, int(calm) / 1000, random.Random(int(seed) + n))
        threading.Thread(target=lane, args=given, daemon=True).start()
    sys.stdin.read()


main()
