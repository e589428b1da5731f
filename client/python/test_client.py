"""Tests of miner_stage_tracker.py: python3 test_client.py

The vectors of testdata/protocol, and what the file promises: nothing lost, nothing
raised, nothing printed, 50 ms at most.
"""

import ast
import contextlib
import errno
import json
import logging
import os
import random
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from unittest import mock

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True

import miner_stage_tracker as client  # noqa: E402

PATIENT = 30.0  # seconds until a test gives up


def vectors(name):
    with open(os.path.join(ROOT, "testdata", "protocol", name), encoding="utf-8") as file:
        return json.load(file)["vectors"]


def records(home):
    """Returns the payloads of a home's journal, each once."""
    return [json.loads(frame.payload.decode()) for frame in frames(home)]


def frames(home):
    for tracker in client._trackers:
        tracker.flush(PATIENT)
    follower = client._Follower(os.path.join(home, "journal"))
    try:
        return list(follower)
    finally:
        follower.close()


class HomeTest(unittest.TestCase):
    """A test with a home of its own."""

    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.home = os.path.join(self.folder, "home")
        self.environment = mock.patch.dict(os.environ, {"MINER_HOME": self.home})
        self.environment.start()
        self.addCleanup(self.environment.stop)
        for name in ("MINER_RUN", "MINER_OWNER"):
            os.environ.pop(name, None)
        client._default._clear()

    def wait(self, true):
        end = time.monotonic() + PATIENT
        while not true():
            self.assertLess(time.monotonic(), end, "it never came true")
            time.sleep(0.01)

    def child(self, code, *arguments, **environment):
        """Starts Python on some code with this client on its path."""
        made = dict(os.environ, PYTHONPATH=HERE, PYTHONDONTWRITEBYTECODE="1")
        made.update(environment)
        return subprocess.Popen([sys.executable, "-c", code] + list(arguments), env=made, cwd=self.folder,
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


class VectorTest(HomeTest):
    def test_frames(self):
        for vector in vectors("frames.json"):
            with self.subTest(vector["name"]):
                line = bytes.fromhex(vector["hex"])
                frame = client.decode_frame(line[1:-1])
                if vector.get("refused"):
                    self.assertIsNone(frame)
                    continue
                payload = vector["payload"].encode()
                self.assertEqual(client.encode_frame(vector["writer"], vector["number"], payload), line)
                number, _, again = vector["number"].partition("@")
                self.assertEqual((frame.writer, frame.number, frame.again, frame.payload),
                                 (vector["writer"], int(number), int(again or 0), payload))

    def test_segments(self):
        for vector in vectors("segments.json"):
            with self.subTest(vector["name"]):
                folder = tempfile.mkdtemp(dir=self.folder)
                for segment in vector["segments"]:
                    path = client._segment_path(folder, segment["number"])
                    with open(path, "wb") as file:
                        for part in segment.get("parts") or [{"hex": segment["hex"], "times": 1}]:
                            file.write(bytes.fromhex(part["hex"]) * part["times"])
                    if "sealed" in segment:
                        os.chmod(path, 0o400)
                        with open(path[:-3] + "seal", "w") as file:
                            json.dump({"segment": segment["number"], "size": segment["sealed"],
                                       "doubtful": segment.get("doubtful", False)}, file)
                begin = vector.get("from", {"segment": 1, "offset": 0})
                follower = client._Follower(folder, begin["segment"], begin["offset"])
                got = [{"writer": f.writer, "n": f.number, "payload": f.payload.decode()} for f in follower]
                self.assertEqual(got, vector["records"])
                for count in ("damaged", "filler", "repeats", "gaps"):
                    self.assertEqual(getattr(follower, count), vector[count], count)

    def test_cuts(self):
        for vector in vectors("cuts.json"):
            with self.subTest(vector["name"]):
                given = vector.get("text", vector.get("unit", "") * vector.get("times", 0))
                if "hex" in vector:
                    given = bytes.fromhex(vector["hex"])
                want = vector.get("want", vector.get("want_unit", "") * vector.get("want_times", 0))
                want += vector.get("want_note", "")
                self.assertEqual(client._text(given, vector["limit"]), want)

    def call(self, tracker, call):
        message = call.get("message", call.get("message_unit", "") * call.get("message_times", 0))
        details = call.get("details")
        if "details_unit" in call:
            details = {"big": call["details_unit"] * call["details_times"]}
        account, platform = call.get("account", ""), call.get("platform", "")
        if call["what"] == "reset":
            tracker.reset_stages()
        elif call["what"] == "progress":
            tracker.stage_progress(call["stage"], call.get("done", 1), call.get("total", 0), account, platform)
        else:
            getattr(tracker, "stage_" + call["what"])(call.get("key") or call["stage"], message, account, details, platform)
        return records(self.home)[-1]

    def test_calls(self):
        for vector in vectors("calls.json"):
            with self.subTest(vector["name"]):
                got = self.call(client.StageTracker(self.home, vector.get("definition")), vector["call"])
                self.assertGreater(got["clock"], 0)
                self.assertRegex(got["time"], r"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z\Z")
                got.pop("late", None)  # on a busy machine
                for field in ("time", "clock", "owner", "run"):
                    del got[field]
                if vector["payload"].get("details") == {"not_recorded": "*"}:
                    self.assertIsInstance(got["details"].pop("not_recorded"), str)
                    got["details"]["not_recorded"] = "*"
                self.assertEqual(got, vector["payload"])

    def test_runs(self):
        for vector in vectors("runs.json"):
            with self.subTest(vector["name"]), mock.patch.dict(os.environ):
                if "MINER_RUN" in vector:
                    os.environ["MINER_RUN"] = vector["MINER_RUN"]
                trackers, known = {"": client.StageTracker(self.home)}, {"given": "given"}
                for definition in vector.get("definitions", ()):
                    trackers[definition["name"]] = client.StageTracker(self.home, definition)
                for step in vector["steps"]:
                    record = self.call(trackers[step.get("definition", "")], step)
                    run = record.get("run", "-")
                    if "recorded" in step:
                        self.assertEqual(record.get("platform", ""), step["recorded"], step)
                    if step["run"] not in known:
                        self.assertNotIn(run, known.values(), step)
                    self.assertEqual(known.setdefault(step["run"], run), run, step)

    def test_records(self):
        for vector in vectors("records.json"):
            with self.subTest(vector["name"]):
                payload = bytes.fromhex(vector["hex"]) if "hex" in vector else vector["payload"].encode()
                got = client.decode_record(payload)
                self.assertEqual(got is None, bool(vector.get("unreadable")))
                for field, value in vector.get("reads", {}).items():
                    self.assertEqual((got or {}).get(field), value, field)

    def test_owner_of_the_environment(self):
        other = self.child("input()")
        self.addCleanup(other.communicate)
        boot, space = client._here()
        owner = {"pid": other.pid, "start": client._process_start(other.pid)[0], "boot": boot, "space": space}
        for vector in vectors("owners.json"):
            with self.subTest(vector["name"]):
                os.environ["MINER_OWNER"] = text = vector["text"].format(**owner)
                named = client.parse_owner(text)
                self.assertEqual(named is not None, vector["owner"])
                self.assertEqual(named is not None and client._gone(named, boot, space), vector["gone"])
                self.assertEqual(client._owner(), owner if vector["inherits"] else client._myself())

    def test_definitions(self):
        for vector in vectors("definitions.json"):
            with self.subTest(vector["name"]):
                if vector.get("refused"):
                    with self.assertRaises(ValueError):
                        client.check_definition(vector["definition"])
                else:
                    got = client.check_definition(vector["definition"])
                    self.assertEqual([stage["number"] for stage in got["stages"]], vector["numbers"])

    def test_headers(self):
        for vector in vectors("headers.json"):
            with self.subTest(vector["name"]):
                home = tempfile.mkdtemp(dir=self.folder)
                os.mkdir(os.path.join(home, "journal"))
                with open(os.path.join(home, "journal", "journal.json"), "w") as file:
                    file.write(vector["text"])
                tracker = client.StageTracker(home)
                tracker.stage_start(1, "m", "u")
                self.assertEqual(bool(tracker.error), bool(vector.get("refused")))
                self.assertEqual(len(records(home)), 0 if vector.get("refused") else 1)
                if not vector.get("refused"):
                    self.assertEqual(client._read_header(os.path.join(home, "journal")).get("id", ""), vector["id"])
                    self.assertEqual(tracker._sink._writer.power, vector["durability"] == "power")

    def test_lines(self):
        levels = {"info": "INFO", "warning": "WARN", "error": "ERROR"}
        for vector in vectors("lines.json"):
            with self.subTest(vector["name"]):
                view = client._View(self.home)
                for step in vector["steps"]:
                    view.events += 1
                    said = view.apply(step["record"])
                    self.assertEqual("%s %s" % (levels[said[0]], said[1]) if said else "", step["line"])


class PromiseTest(HomeTest):
    def test_syntax_is_that_of_python_3_8(self):
        for name in ("miner_stage_tracker.py", "test_stage_tracking.py", "test_client.py"):
            with open(os.path.join(HERE, name), encoding="utf-8") as file:
                ast.parse(file.read(), name, feature_version=(3, 8))

    def test_checksum(self):
        self.assertEqual(client.crc32c(b"123456789"), 0xE3069283)
        source = random.Random(1)
        for size in list(range(70)) + [400, 1000, 5000, 70000]:
            data = bytes(source.getrandbits(8) for _ in range(size))
            want = 0xFFFFFFFF
            for byte in data:
                want = client._TABLE[(want ^ byte) & 255] ^ want >> 8
            self.assertEqual(client.crc32c(data), want ^ 0xFFFFFFFF, size)

    def test_home_is_its_owners_alone(self):
        client.stage_start(0, "Starting")
        self.assertTrue(client.flush(PATIENT))
        modes = {name: stat.S_IMODE(os.stat(os.path.join(self.home, name)).st_mode)
                 for name in (".", "journal", "journal/00000001.seg", "journal/journal.json")}
        self.assertEqual(modes, {".": 0o700, "journal": 0o700, "journal/00000001.seg": 0o600, "journal/journal.json": 0o600})
        self.assertEqual(sorted(os.listdir(os.path.join(self.home, "journal"))), ["00000001.seg", "journal.json"])

    def test_home_is_looked_up_at_the_first_call(self):
        tracker = client.StageTracker()
        os.environ["MINER_HOME"] = self.home + "2"
        tracker.stage_start(1, "m", "u")
        self.assertEqual(len(records(self.home + "2")), 1)
        self.assertFalse(os.path.exists(self.home))

    def test_weird_arguments_are_recorded_as_far_as_they_can(self):
        class Bad:
            def __str__(self):
                raise RuntimeError("no")

            __eq__ = __ne__ = __bool__ = __len__ = __int__ = __repr__ = __hash__ = __str__

        cycle = {}
        cycle["self"] = cycle
        deep = []
        for _ in range(100000):
            deep = [deep]
        weird = [None, Bad(), b"\xff\xfe", "\ud800x", "a\nb\x1e\x00", "ü" * (1 << 20), float("nan"), float("inf"), 1 << 5000,
                 -(1 << 70), "scrape", "", True, 2.5, [], {}, object(), "7", "9" * 5000, lambda: 1, Exception]
        details = weird + [cycle, deep, {"x": float("nan")}, {"x": {1, 2}}, {(1, 2): 3}, {"x": Bad()}, {"x": "\ud800"},
                           {"x": 1 << 100000}, {"x": "y" * (1 << 22)}, {Bad: 1}, {"x": b"bytes"}]
        count = 0
        for value in weird:
            client.stage_start(value, "m", "u")
            client.stage_start(1, value, "u")
            client.stage_start(1, "m", value)
            client.stage_start(1, "m", "u", None, value)
            client.stage_progress(1, value, value, "u")
            count += 5
        for value in details:
            client.stage_complete(1, "m", "u", value)
            count += 1
        client.run_env(Bad(), Bad())
        client.flush(Bad())
        self.assertTrue(client.flush(PATIENT))
        got = records(self.home)
        self.assertEqual(len(got), count)
        for record in got:
            self.assertLessEqual(len(record.get("message", "").encode()), 4096)
            self.assertLessEqual(len(json.dumps(record.get("details", {}), ensure_ascii=False).encode()), 9000)
            self.assertLessEqual(abs(record.get("stage", 0)), (1 << 53) - 1)
        self.assertEqual([r["details"] for r in got if r.get("details") == {"value": None}], [])

    def test_calls_wait_for_their_record(self):
        client.stage_start(1, "m", "u")
        self.assertTrue(client.flush(PATIENT))
        sink, written = client.get_tracker()._sink, 0
        for number in range(200):
            client.stage_progress(1, number, 0, "u")
            written += sink._done == sink._put
        self.assertGreater(written, 100)  # all, where nothing else wants the processor

    def test_owners(self):
        me = client._myself()
        boot, space = me["boot"], me["space"]
        self.assertEqual(me["pid"], os.getpid())
        for change, gone in [({}, False), ({"start": me["start"] + 1}, True), ({"boot": "other"}, True), ({"space": space + 1}, False),
                             ({"space": space + 1, "boot": "other"}, True), ({"pid": 0}, False), ({"pid": 1 << 30}, True)]:
            self.assertEqual(client._gone(dict(me, **change), boot, space), gone, change)
        pid = os.fork()
        if not pid:
            os._exit(0)
        try:
            owner = dict(me, pid=pid, start=client._process_start(pid)[0])
            self.wait(lambda: client._gone(owner, boot, space))  # ended, and not collected
        finally:
            os.waitpid(pid, 0)

    def test_threads_share_one_writer(self):
        def work(name):
            for number in range(100):
                client.stage_progress(3, number, 100, name)

        threads = [threading.Thread(target=work, args=("u%d" % n,)) for n in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertTrue(client.flush(PATIENT))
        got = frames(self.home)
        self.assertEqual([frame.number for frame in got], list(range(1, 1601)))
        seen = {}
        for frame in got:
            record = json.loads(frame.payload.decode())
            self.assertEqual(record.get("done", 0), seen.get(record["account"], 0))
            seen[record["account"]] = record.get("done", 0) + 1

    def test_fork(self):
        stop = threading.Event()

        def noise():
            while not stop.is_set():
                client.stage_progress(1, 1, 1, "noise")

        threads = [threading.Thread(target=noise) for _ in range(3)]
        for thread in threads:
            thread.start()
        children = []
        try:
            for number in range(20):
                pid = os.fork()
                if not pid:
                    client.stage_start(2, "child", "c%d" % number)
                    client.stage_complete(2, "child", "c%d" % number)
                    os._exit(0 if client.flush(PATIENT) else 1)
                children.append(pid)
            for pid in children:
                self.assertEqual(os.waitpid(pid, 0)[1], 0)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        client.stage_start(3, "parent", "p")
        self.assertTrue(client.flush(PATIENT))
        writers = {}
        for frame in frames(self.home):
            writers.setdefault(frame.writer, []).append((frame.number, json.loads(frame.payload.decode())))
        self.assertEqual(len(writers), 21)
        for all_of_one in writers.values():
            self.assertEqual([number for number, _ in all_of_one], list(range(1, len(all_of_one) + 1)))
            self.assertEqual(len({record["owner"]["pid"] for _, record in all_of_one}), 1)
        told = {r["owner"]["pid"] for all_of_one in writers.values() for _, r in all_of_one if r.get("message") == "child"}
        self.assertEqual(told, set(children))

    def test_signal_handler_may_call(self):
        done = []

        def handler(*_):
            client.stage_failed(1, "told to end", "u")
            done.append(1)

        before = signal.signal(signal.SIGALRM, handler)
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
            for _ in range(2000):
                client.stage_start(1, "m", "u")
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        self.assertTrue(client.flush(PATIENT))
        self.assertEqual(len(records(self.home)), 2000 + len(done))

    def test_context_manager(self):
        with client.stage(1, "Fetching", "u") as stage:
            stage.progress(3, 10)
            stage.message = "Fetched 10"
        with self.assertRaises(KeyError):
            with client.stage(2, "Drawing", "u"):
                raise KeyError("brush")
        got = [(r["what"], r.get("message", ""), r.get("done", 0)) for r in records(self.home)]
        self.assertEqual(got, [("started", "Fetching", 0), ("progressed", "", 3), ("completed", "Fetched 10", 0),
                               ("started", "Drawing", 0), ("failed", "'brush'", 0)])

    def test_block_that_exits_ends_its_stage(self):
        for error, what, message in (
            (SystemExit(), "completed", "Drawing"), (SystemExit(0), "completed", "Drawing"),
            (SystemExit(3), "failed", "exit code 3"), (SystemExit("no brush"), "failed", "no brush"),
            (KeyboardInterrupt(), "failed", "interrupted"), (ValueError(), "failed", "ValueError"),
        ):
            with self.subTest(error=repr(error)):
                with self.assertRaises(type(error)):
                    with client.stage(2, "Drawing", "u"):
                        raise error
                last = records(self.home)[-1]
                self.assertEqual((last["what"], last["message"]), (what, message))

    def test_child_records_for_the_same_run(self):
        client.stage_start(3, "m", "u")
        child = self.child("import miner_stage_tracker as m; m.stage_progress(3, 1, 2, 'u')", **client.run_env("u"))
        out, err = child.communicate(timeout=PATIENT)
        self.assertEqual((child.returncode, out, err), (0, b"", b""))
        first, second = records(self.home)
        self.assertEqual((first["run"], first["owner"]), (second["run"], second["owner"]))
        # An owner that is gone is nobody's owner.
        given = client.run_env("u")
        given["MINER_OWNER"] = re.sub(r"\A\d+:\d+", "%d:1" % os.getpid(), given["MINER_OWNER"])
        child = self.child("import miner_stage_tracker as m; m.stage_progress(3, 1, 2, 'u')", **given)
        child.communicate(timeout=PATIENT)
        self.assertEqual(records(self.home)[-1]["owner"]["pid"], child.pid)

    def test_definition_comes_before_its_use(self):
        definition = {"name": "Render", "stages": [{"key": "fetch", "name": "Fetch"}, {"key": "draw", "name": "Draw"}]}
        tracker = client.StageTracker(self.home, definition)
        tracker.stage_start("draw", "m", "u")
        first, second = records(self.home)
        self.assertEqual((first["kind"], first["defined"]["stages"][1]["number"]), ("definition", 2))
        self.assertEqual((second["definition"], second["stage"], second["key"]), ("Render", 2, "draw"))
        self.assertTrue(tracker.flush(PATIENT))
        self.assertEqual(tracker.get_current_stage()["stage_name"], "Draw")
        self.assertIsNone(client.get_tracker().get_current_stage())
        client.StageTracker(self.home, "Content").stage_start(1, "m", "u")
        self.assertEqual(records(self.home)[-1]["definition"], "Content")
        wrong = client.StageTracker(self.home, "")
        wrong.stage_start(1)
        self.assertIn("without a name", wrong.error)
        wrong = client.StageTracker(self.home, {"name": "Render"})
        wrong.stage_start(1)
        self.assertIn("no stages", wrong.error)


    def test_definition_by_its_name(self):
        whole = {"name": "Render", "stages": [{"key": "fetch", "name": "Fetch"}, {"key": "draw", "name": "Draw"}]}
        client.StageTracker(self.home, whole).flush(PATIENT)
        client.StageTracker(self.home, whole).stage_start("fetch", "m", "other")
        tracker = client.StageTracker(self.home, definition="Render")
        before = len(records(self.home))
        tracker.stage_start(2, "m", "u")
        tracker.stage_progress("draw", 1, 2, "u")
        tracker.stage_start("draw", "again", "u")
        first, second, third = records(self.home)[before:]
        self.assertEqual((first["definition"], first["stage"]), ("Render", 2))
        self.assertEqual((second["definition"], second["key"], "stage" in second), ("Render", "draw", False))
        self.assertEqual([second["run"], third["run"]], [first["run"]] * 2)
        now = tracker.get_current_stage()
        self.assertEqual((now["stage"], now["stage_name"], now["attempt"], tracker.error), (2, "Draw", 2, ""))


class FaultTest(HomeTest):
    """What happens when the disk does not do as it should."""

    @contextlib.contextmanager
    def writes(self, write):
        """Puts write(real, file, data) in the place of the journal's writes."""
        real = os.write
        mine = os.path.realpath(self.home)

        def instead(file, data):
            try:
                ours = data[:1] == b"\x1e" and os.readlink("/proc/self/fd/%d" % file).startswith(mine)
            except OSError:
                ours = False
            return write(real, file, data) if ours else real(file, data)

        with mock.patch.object(os, "write", instead):
            yield

    def test_disk_that_hangs_costs_one_patience(self):
        client.stage_start(1, "before", "u")
        self.assertTrue(client.flush(PATIENT))
        go = threading.Event()

        def write(real, file, data):
            go.wait(PATIENT)
            return real(file, data)

        with self.writes(write):
            began = time.monotonic()
            client.stage_start(2, "hangs", "u")
            first = time.monotonic() - began
            began = time.monotonic()
            for _ in range(100):
                client.stage_progress(2, 1, 2, "u")
            others = time.monotonic() - began
            self.assertFalse(client.flush(0.01))
            go.set()
            self.assertTrue(client.flush(PATIENT))
        client.stage_complete(2, "after", "u")
        self.assertGreaterEqual(first, 0.05)
        self.assertLess(first, 2.0)  # far above: the machine may be busy
        self.assertLess(others, 2.0)
        got = records(self.home)
        self.assertEqual(len(got), 103)
        self.assertEqual([r.get("late", False) for r in got], [False, False] + [True] * 100 + [False])

    def test_what_cannot_be_kept_is_counted(self):
        client.stage_start(1, "before", "u")
        self.assertTrue(client.flush(PATIENT))
        go = threading.Event()

        def write(real, file, data):
            go.wait(PATIENT)
            return real(file, data)

        with self.writes(write), mock.patch.object(client, "_PATIENCE", 0.01):
            for _ in range(client._MAX_WAITING + 100):
                client.stage_progress(2, 1, 2, "u")
            go.set()
            self.assertTrue(client.flush(PATIENT))
        self.wait(lambda: records(self.home)[-1]["kind"] == "dropped")
        got = records(self.home)
        self.assertEqual(sum(r.get("dropped", 0) for r in got) + len(got) - 1, client._MAX_WAITING + 101)

    def test_faults_lose_nothing(self):
        faults = {"short": None, "no space": errno.ENOSPC, "I/O error": errno.EIO, "read-only": errno.EROFS}
        for name, code in faults.items():
            with self.subTest(name):
                left = [3]

                def write(real, file, data):
                    if not left[0]:
                        return real(file, data)
                    left[0] -= 1
                    if code is None:
                        return real(file, data[: len(data) // 2])
                    if left[0] == 1:
                        real(file, data)  # it got there all the same
                    raise OSError(code, "fault")

                shutil.rmtree(self.home, True)
                client._default._clear()
                with self.writes(write), mock.patch.object(client, "_RETRY_EVERY", 0.01):
                    client.stage_start(1, name, "u")
                    client.stage_complete(1, name, "u")
                    self.assertTrue(client.flush(PATIENT))
                got = [r["what"] for r in records(self.home)]
                if code == errno.ENOSPC:  # of a disk that says so it is known that nothing was written
                    got = sorted(set(got), reverse=True)
                self.assertEqual(got, ["started", "completed"])
                with open(client._segment_path(os.path.join(self.home, "journal"), 1), "rb") as file:
                    again = len(re.findall(rb"\x1e[0-9a-f]{8} [0-9a-f]{16} [0-9]+@1 ", file.read()))
                self.assertEqual(bool(again), name in ("I/O error", "read-only"))

    def test_sealed_segment_is_left(self):
        client.stage_start(1, "m", "u")
        self.assertTrue(client.flush(PATIENT))
        folder = os.path.join(self.home, "journal")
        os.close(os.open(client._segment_path(folder, 2), os.O_CREAT | os.O_WRONLY, 0o600))
        os.chmod(client._segment_path(folder, 1), 0o400)
        client.stage_complete(1, "m", "u")
        client.stage_start(2, "m", "u")
        self.assertTrue(client.flush(PATIENT))
        follower = client._Follower(folder)
        self.assertEqual([frame.number for frame in follower], [1, 2, 3])
        self.assertEqual((follower.repeats, follower.segment), (1, 2))
        with open(client._segment_path(folder, 2), "rb") as file:
            self.assertIn(b" 2@1 ", file.readline())
            self.assertIn(b" 3 ", file.readline())

    def test_home_that_was_removed_is_made_again(self):
        client.stage_start(1, "m", "u")
        self.assertTrue(client.flush(PATIENT))
        shutil.rmtree(self.home)
        client.stage_start(2, "m", "u")
        self.assertTrue(client.flush(PATIENT))
        self.assertEqual([r["stage"] for r in records(self.home)], [2])

    def test_power(self):
        os.makedirs(os.path.join(self.home, "journal"))
        with open(os.path.join(self.home, "journal", "journal.json"), "w") as file:
            file.write('{"v":1,"id":"%s","durability":"power"}\n' % ("a" * 26))
        real, calls = os.fdatasync, []

        def sync(file):
            calls.append(1)
            if len(calls) == 2:
                raise OSError(errno.EIO, "fault")
            return real(file)

        with mock.patch.object(os, "fdatasync", sync), mock.patch.object(client, "_RETRY_EVERY", 0.01):
            client.stage_start(1, "m", "u")
            client.stage_complete(1, "m", "u")
            self.assertTrue(client.flush(PATIENT))
        follower = client._Follower(os.path.join(self.home, "journal"))
        self.assertEqual([frame.number for frame in follower], [1, 2])
        self.assertEqual(follower.repeats, 1)  # what a failed sync leaves open is written again

    def test_unusable_homes_are_silent(self):
        code = (
            "import sys, time, logging, miner_stage_tracker as m\n"
            "began = time.monotonic()\n"
            "log = logging.getLogger('x'); log.addHandler(logging.NullHandler())\n"
            "r = m.MinerStageReporter(m.get_tracker(), log); r.start_monitoring(0.01)\n"
            "for i in range(300):\n"
            "    m.stage_start(1, 'm', 'u', {'a': 1}); m.stage_progress(1, 1, 2, 'u'); m.stage_failed(1, 'm', 'u')\n"
            "with m.stage(2, 'm', 'u'): pass\n"
            "m.get_tracker().get_current_stage(); m.reset_stages(); m.run_env('u'); m.flush(0.1)\n"
            "r.stop_monitoring()\n"
            "assert time.monotonic() - began < 20, time.monotonic() - began\n"
        )
        file = os.path.join(self.folder, "file")
        with open(file, "w"):
            pass
        read_only = os.path.join(self.folder, "ro")
        os.mkdir(read_only, 0o500)
        loop = os.path.join(self.folder, "loop")
        os.symlink(loop, loop)
        broken = os.path.join(self.folder, "broken")
        os.makedirs(os.path.join(broken, "journal", "00000001.seg"))
        homes = {
            "a file": file, "below a file": os.path.join(file, "home"), "a loop": loop, "a folder for a segment": broken,
            "no permission": os.path.join(read_only, "home"), "not makeable": "/proc/nothing/home",
            "name too long": os.path.join(self.folder, "x" * 300), "null": "/dev/null", "full": "/dev/full/x",
        }
        for name, home in homes.items():
            with self.subTest(name):
                child = self.child(code, MINER_HOME=home)
                out, err = child.communicate(timeout=2 * PATIENT)
                self.assertEqual((child.returncode, out, err), (0, b"", b""))
        with self.subTest("no home at all"):
            child = self.child("import os; del os.environ['MINER_HOME'], os.environ['HOME']\n" + code)
            out, err = child.communicate(timeout=2 * PATIENT)
            self.assertEqual((child.returncode, out, err), (0, b"", b""))
        if os.getuid() == 0:
            with self.subTest("no permission, not root"):
                os.chmod(self.folder, 0o755)
                os.chmod(read_only, 0o555)
                self.assertEqual(self.as_nobody(code, os.path.join(read_only, "nobody")), (0, b"", b""))
                self.assertFalse(os.path.exists(os.path.join(read_only, "nobody")))
            with self.subTest("full disk"):
                self.full_disk(code)

    def as_nobody(self, code, home):
        begin = "import os, logging, miner_stage_tracker; os.setgid(65534); os.setuid(65534)\n"
        child = self.child(begin + code, MINER_HOME=home)
        out, err = child.communicate(timeout=2 * PATIENT)
        return child.returncode, out, err

    def full_disk(self, code):
        disk = os.path.join(self.folder, "disk")
        os.mkdir(disk)
        if subprocess.call(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], stderr=subprocess.DEVNULL):
            self.skipTest("tmpfs cannot be mounted here")
        try:
            home = os.path.join(disk, "home")
            child = self.child(code, MINER_HOME=home)
            out, err = child.communicate(timeout=2 * PATIENT)
            self.assertEqual((child.returncode, out, err), (0, b"", b""))
            self.assertGreater(len(records(home)), 20)
        finally:
            subprocess.check_call(["umount", disk])

    def test_killed_writer_loses_nothing_acknowledged(self):
        code = (
            "import miner_stage_tracker as m, os\n"
            "n = 0\n"
            "while True:\n"
            "    n += 1; m.stage_progress(3, n, 0, 'u'); sink = m.get_tracker()._sink\n"
            "    if sink._done != sink._put: m.flush(30)\n"  # the call gave up waiting: nothing is acknowledged yet
            "    os.write(1, b'%d\\n' % n)\n"
        )
        source = random.Random(3)
        for turn in range(10):
            with self.subTest(turn):
                home = os.path.join(self.folder, "kill%d" % turn)
                child = self.child(code, MINER_HOME=home)
                child.stdout.readline()
                time.sleep(source.random() * 0.05)
                child.kill()
                said = child.stdout.read().split()
                child.wait()
                child.stdout.close()
                child.stderr.close()
                child.stdin.close()
                got = [r["done"] for r in records(home)]
                last = int(said[-1]) if said else 1
                self.assertEqual(got[:last], list(range(1, last + 1)))

    def test_last_words_are_written_at_exit(self):
        code = "import miner_stage_tracker as m, atexit; atexit.register(m.stage_failed, 2, 'late', 'u'); m.stage_start(1, 'm', 'u')"
        child = self.child(code)
        out, err = child.communicate(timeout=PATIENT)
        self.assertEqual((child.returncode, out, err), (0, b"", b""))
        self.assertEqual([r["stage"] for r in records(self.home)], [1, 2])


class ReaderTest(HomeTest):
    def test_current_stage(self):
        tracker = client.get_tracker()
        self.assertIsNone(tracker.get_current_stage())
        client.stage_start(1, "m", "a")
        client.stage_start(3, "m", "b")
        client.stage_complete(3, "m", "b")
        self.assertTrue(client.flush(PATIENT))
        got = tracker.get_current_stage()
        self.assertEqual((got["stage_name"], got["status"], got["username"]), ("Data Scraping", "running", "a"))
        client.stage_failed(1, "m", "a")
        self.assertTrue(client.flush(PATIENT))
        got = tracker.get_current_stage()
        self.assertEqual((got["stage_name"], got["status"], got["username"]), ("Data Scraping", "failed", "a"))
        client.reset_stages()
        self.assertTrue(client.flush(PATIENT))
        self.assertIsNone(tracker.get_current_stage())

    def test_dead_owner_is_lost(self):
        child = self.child("import miner_stage_tracker as m; m.stage_start(4, 'm', 'u'); m.flush(30); print(1, flush=True); input()")
        child.stdout.readline()
        tracker = client.get_tracker()
        self.assertEqual(tracker.get_current_stage()["status"], "running")
        lines = []
        logger = mock.Mock(error=lines.append, info=lines.append)
        reporter = client.MinerStageReporter(tracker, logger)
        reporter.start_monitoring(0.05)
        child.kill()
        child.communicate()
        self.assertEqual(tracker.get_current_stage()["status"], "lost")
        self.wait(lambda: lines)
        reporter.stop_monitoring()
        self.assertEqual(lines, ["❌ Stage 4 Lost - Time Series Analysis for u - Error: process ended"])

    def test_reporter_shows_each_transition_once(self):
        tracker = client.get_tracker()
        client.stage_start(1, "before", "u")
        self.assertTrue(client.flush(PATIENT))
        lines = []
        logger = logging.Logger("test")
        logger.addHandler(logging.Handler())
        logger.handlers[0].emit = lambda record: lines.append("[%s] %s" % (record.levelname, record.getMessage()))
        reporter = client.MinerStageReporter(tracker, logger)
        reporter.start_monitoring(check_interval=0.01)
        reporter.start_monitoring()
        for _ in range(200):
            client.stage_start(2, "100 % of it", "u")
            client.stage_complete(2, "done", "u")
        client.stage_failed(3, "no", "u")
        reporter.stop_monitoring()
        reporter.stop_monitoring()
        want = []
        for _ in range(200):
            want += ["[INFO] ⚙️  Stage 2 - Data Retrieval for u: 100 % of it",
                     "[INFO] ✅ Stage 2 Complete - Data Retrieval for u - done"]
        self.assertEqual(lines, want + ["[ERROR] ❌ Stage 3 Failed - Vector Database for u - Error: no"])

    def test_reporter_without_a_logger_writes_to_standard_error(self):
        child = self.child("import miner_stage_tracker as m; r = m.MinerStageReporter(); r.start_monitoring(0.01);"
                           "m.stage_start(3, 'm', 'u'); r.stop_monitoring(); import sys; print('logging' in sys.modules)", PYTHONUTF8="1")
        out, err = child.communicate(timeout=PATIENT)
        self.assertEqual((child.returncode, out, err.decode()),
                         (0, b"False\n", "⚙️  Stage 3 - Vector Database for u: m\n"))

    def test_status_file_saves_reading(self):
        client.stage_start(1, "m", "u")
        self.assertTrue(client.flush(PATIENT))
        folder = os.path.join(self.home, "journal")
        end = client._end(folder)
        run = records(self.home)[0]["run"]
        owner = client._myself()
        status = {
            "version": 1, "journal": client._read_header(folder)["id"], "events": 1,
            "position": {"segment": end[0], "offset": end[1]},
            "runs": [{"id": run, "definition": "Content", "account": "u", "state": "running", "order": 1, "owner": owner,
                      "stages": [{"number": 1, "name": "From the file", "state": "running", "attempt": 1, "owner": owner, "order": 1}]}],
        }

        def current(**changes):
            with open(os.path.join(self.home, "miner_status.json"), "w") as file:
                json.dump(dict(status, **changes), file)
            return client.StageTracker(self.home).get_current_stage()["stage_name"]

        self.assertEqual(current(), "From the file")
        self.assertEqual(current(journal="b" * 26), "Data Scraping")
        self.assertEqual(current(version=2), "Data Scraping")
        self.assertEqual(current(position={"segment": 1, "offset": end[1] + 1}), "Data Scraping")
        self.assertEqual(current(runs="nonsense"), "Data Scraping")

    def test_large_history_is_not_read_from_its_beginning(self):
        client.stage_start(1, "old", "old")
        with mock.patch.object(client, "_MAX_CATCH_UP", 4096):
            for number in range(100):
                client.stage_progress(1, number, 0, "old")
            client.stage_start(2, "new", "new")
            self.assertTrue(client.flush(PATIENT))
            tracker = client.StageTracker(self.home)
            self.assertEqual(tracker.get_current_stage()["username"], "new")
            self.assertLess(tracker._view.events, 20)

    def test_reader_takes_anything(self):
        """A reader of damaged bytes neither fails, nor hangs, nor invents a record."""
        for number in range(40):
            client.stage_start(number % 8, "m%d" % number, "u", {"n": number})
        self.assertTrue(client.flush(PATIENT))
        path = client._segment_path(os.path.join(self.home, "journal"), 1)
        with open(path, "rb") as file:
            whole = file.read()
        known = set(whole.split(b"\n"))
        source = random.Random(5)
        for turn in range(400):
            text = bytearray(whole)
            for _ in range(source.randint(1, 6)):
                at = source.randrange(len(text))
                kind = source.randrange(4)
                if kind == 0:
                    text[at] ^= 1 << source.randrange(8)
                elif kind == 1:
                    del text[at : at + source.randrange(400)]
                elif kind == 2:
                    text[at:at] = bytes(source.getrandbits(8) for _ in range(source.randrange(60)))
                else:
                    text[at : at + 1] = source.choice([b"\x1e", b"\n", b"\0", b" "])
                text = text or bytearray(b"x")
            with open(path, "wb") as file:
                file.write(text)
            follower = client._Follower(os.path.join(self.home, "journal"))
            for frame in follower:
                line = client.encode_frame(frame.writer, str(frame.number), frame.payload)
                self.assertIn(line[:-1], known, turn)

    def test_fold_takes_anything(self):
        source = random.Random(7)
        values = [None, 0, -1, 1, 3, 7, 1e300, "", "u", "started", "lost", "Content", [], {}, [1], {"pid": 1}, True, "x" * 1000,
                  {"name": "D", "stages": [{"name": "A"}]}, {"name": "D", "stages": [None]}, ["r"], {"pid": "x", "boot": 3}]
        fields = ["v", "kind", "what", "time", "clock", "owner", "definition", "run", "platform", "account", "stage", "key",
                  "message", "details", "done", "total", "defined", "runs", "dropped", "late"]
        kinds = ["stage", "stage", "stage", "definition", "reset", "erased"]
        whats = ["started", "progressed", "completed", "failed", "lost", "stopped", "stalled"]
        folder = os.path.join(self.home, "journal")
        client.stage_start(1, "m", "first")
        self.assertTrue(client.flush(PATIENT))
        with open(client._segment_path(folder, 1), "ab") as file:
            for number in range(1, 3000):
                record = {"v": 1, "kind": source.choice(kinds), "what": source.choice(whats), "run": source.choice("ab")}
                for _ in range(source.randrange(6)):
                    record[source.choice(fields)] = source.choice(values)
                text = json.dumps(record).encode()
                if source.randrange(20) == 0:
                    text = text[: source.randrange(len(text))]
                file.write(client.encode_frame("0" * 16, str(number), text))
        lines = []
        view = client._View(self.home)
        view.catch_up(lambda *line: lines.append(line))
        client.get_tracker().get_current_stage()
        client.stage_start(2, "still here", "last")
        self.assertTrue(client.flush(PATIENT))
        view.catch_up(lambda *line: lines.append(line))
        self.assertIn("still here", lines[-1][1])


class SnippetTest(HomeTest):
    """The README's way to use the client, with and without the file on the path."""

    def test_snippet(self):
        with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as file:
            blocks = re.findall(r"(?ms)^```python\n(.*?)^```", file.read())
        blocks = [block for block in blocks if "miner_stage_tracker" in block]
        self.assertTrue(blocks, "README.md shows no Python")
        for block in blocks:
            self.assertIn("except ImportError", block)
            for there in (True, False):
                child = self.child("def scrape(name): pass\n" + block, **({} if there else {"PYTHONPATH": ""}))
                out, err = child.communicate(timeout=PATIENT)
                self.assertEqual((child.returncode, out, err), (0, b"", b""))
                self.assertEqual(os.path.exists(self.home), there)
                shutil.rmtree(self.home, True)


if __name__ == "__main__":
    unittest.main()
