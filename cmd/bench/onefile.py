"""The obvious way in Python: lock, read, rewrite, rename one JSON file. Prints nanoseconds a call."""
import fcntl
import json
import os
import sys
import time

folder, accounts, calls = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
path = os.path.join(folder, "status.json")
with open(path, "w") as f:
    json.dump({"account-%d" % i: {"stage": 3, "status": "running", "message": "Indexing 50 posts"} for i in range(accounts)}, f)
for n in range(calls):
    began = time.monotonic_ns()
    with open(path + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with open(path) as f:
            status = json.load(f)
        status["account-0"] = {"stage": 3, "status": "running", "message": "Indexing %d posts" % n}
        with open(path + ".tmp", "w") as f:
            json.dump(status, f)
        os.rename(path + ".tmp", path)
    print(time.monotonic_ns() - began)
