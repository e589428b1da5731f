"""Calls of the Python client: prints the nanoseconds that each took."""

import os
import sys
import time

folder, _, calls = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
os.environ["MINER_HOME"] = os.path.join(folder, "python")
sys.path.insert(0, os.path.join("client", "python"))

from miner_stage_tracker import stage_start  # noqa: E402  the path is set above

took = []
for _ in range(calls):
    began = time.perf_counter_ns()
    stage_start(3, "Indexing 50 posts in vector database", "elonmusk")
    took.append(time.perf_counter_ns() - began)
print("\n".join(map(str, took)))
