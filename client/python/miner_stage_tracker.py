"""Tells which stage of which account a pipeline is working on.

    from miner_stage_tracker import stage_start, stage_complete, stage_failed

    stage_start(1, "Processing twitter account with fresh scraping", "elonmusk")
    stage_complete(1, "Successfully processed twitter account", "elonmusk")

Records go to the journal in the miner's home ($MINER_HOME, else ~/.miner);
``miner`` and ``MinerStageReporter`` show them. docs/protocol.md of the project
is the format; this file is a whole client of it, writer and reader, and needs
nothing but the standard library of Python 3.8 or newer, on Linux. Elsewhere,
and wherever the home cannot be used, every call does nothing.

No call raises, prints, touches the logging configuration, or waits longer than
50 ms for a disk (time that the interpreter gives to other threads not counted):
a record that takes longer is written behind the caller's back, and when too many
wait they are dropped and counted in the journal. When a call returns in time, its
record is in the kernel's hands and survives a kill -9. Calls are safe from any
thread, in signal handlers, and after a fork.
"""

import atexit
import base64
import errno
import hashlib
import json
import math
import mmap
import os
import re
import stat
import sys
import threading
import time
import weakref
from _thread import allocate_lock, start_new_thread
from json.encoder import encode_basestring as _quote
from queue import SimpleQueue
from threading import RLock
from time import sleep
from typing import Any, Dict, Iterator, List, Mapping, Optional, Tuple, Union

__all__ = [
    "MinerStageReporter",
    "StageTracker",
    "flush",
    "get_tracker",
    "reset_stages",
    "run_env",
    "stage",
    "stage_complete",
    "stage_failed",
    "stage_progress",
    "stage_start",
]

PROTOCOL_VERSION = 1

_PATIENCE = 0.05  # seconds that a call waits for the disk at most
_RETRY_EVERY = 0.25  # seconds between tries to write what cannot be written
_MAX_WAITING = 8192  # records that wait at most
_MAX_BUFFERED = 8 << 20  # bytes of them
_SEAL_PATIENCE = 0.2  # seconds that a reader waits for a seal
_MAX_RECORD = 128 << 10  # bytes of a record, frame included
_MAX_MESSAGE = 4 << 10  # bytes of UTF-8; longer text is cut and says so
_MAX_NAME = 512
_MAX_DETAILS = 8 << 10  # bytes of JSON
_MAX_NUMBER = (1 << 53) - 1  # what every JSON reader holds exactly
_MAX_RUNS = 10000  # accounts of ended runs that a writer remembers
_MAX_PLATFORMS = 16  # runs of one account that it remembers
_MAX_CATCH_UP = 8 << 20  # bytes of journal that a reader without a status file goes back

_SEALED = 0o400
_RS = 0x1E

Stage = Union[int, str]  # a stage's number, or its key


# --- Checksum and frames ------------------------------------------------------


def _crc_table():
    # type: () -> Tuple[int, ...]
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return tuple(table)


def _crc_folds():
    # type: () -> Tuple[Tuple[int, Tuple[int, ...]], ...]
    # Powers of x that leave few terms when divided by the CRC's polynomial.
    wanted = (86, 200, 400, 887, 1662, 3196, 6305, 13664, 29493, 100183)
    folds, rest = [], 1
    for power in range(max(wanted) + 1):
        if power in wanted:
            folds.append((power, tuple(e for e in range(32) if rest >> e & 1)))
        rest = rest << 1
        if rest >> 32:
            rest ^= 0x11EDC6F41
    return tuple(reversed(folds))


_TABLE = _crc_table()
_FOLDS = _crc_folds()


def crc32c(data):
    # type: (bytes) -> int
    """Returns the CRC-32C of data.

    The library has no CRC-32C, and a loop over the bytes takes longer than the
    rest of a call. So the message is taken as one polynomial in a long integer,
    and its first part is folded onto the rest again and again: it is multiplied
    by a power of x that leaves few terms modulo the CRC's polynomial, which is a
    few shifts of a long integer. The last bytes go through the table.
    """
    size = 8 * len(data)
    rest = 0xFFFFFFFF
    if size >= 32:
        # The lowest bit is the first of the message and has the highest power.
        value, rest = int.from_bytes(data, "little") ^ rest, 0
        for power, terms in _FOLDS:
            while size > power + 31:
                first = size - power
                head = value & ((1 << first) - 1)
                size = max(power, first + 31)
                value = value >> first << size - power
                for term in terms:
                    value ^= head << size - term - first
        odd = -size % 8
        data = (value << odd).to_bytes((size + odd) // 8, "little")
    for byte in data:
        rest = _TABLE[(rest ^ byte) & 255] ^ rest >> 8
    return rest ^ 0xFFFFFFFF


def encode_frame(writer, number, payload):
    # type: (str, str, bytes) -> bytes
    """Returns the line that holds a payload: writer is 16 hexadecimal digits,
    number the writer's own count in decimal, or with "@" and a segment."""
    body = b"%s %s %s" % (writer.encode(), number.encode(), payload)
    return b"\x1e%08x %s\n" % (crc32c(body), body)


class Frame:
    """What stands in a line of the journal."""

    __slots__ = ("writer", "number", "again", "payload")

    def __init__(self, writer, number, again, payload):
        # type: (str, int, int, bytes) -> None
        self.writer = writer
        self.number = number
        self.again = again  # the segment from which on it may stand already, 0 for none
        self.payload = payload


_CONTROL = re.compile(b"[\x00-\x1f]")
_FRAME = re.compile(rb"([0-9a-f]{8}) ([0-9a-f]{16}) ([1-9][0-9]{0,19})(?:@([1-9][0-9]{0,19}))? ")


def decode_frame(text):
    # type: (bytes) -> Optional[Frame]
    """Returns what stands between RS and LF, None when that is no whole record."""
    head = _FRAME.match(text)
    if head is None or int(head.group(1), 16) != crc32c(text[9:]):
        return None
    number, again = int(head.group(3)), int(head.group(4) or 0)
    if number >> 64 or again >> 64 or _CONTROL.search(text, head.end()):
        return None
    return Frame(head.group(2).decode(), number, again, text[head.end() :])


# --- What a record may hold -----------------------------------------------------

_SURROGATES = re.compile("[\ud800-\udfff]+")
_ESCAPED = re.compile("[\udc80-\udcff]")  # bytes that are no UTF-8, as Python hands them on

_TEXTS = ("kind", "what", "definition", "run", "platform", "account", "key", "message", "mode")
_SIGNED = ("clock", "stage", "done", "total")
_TIME = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.[0-9]+)?(?:Z|[+-]([0-9]{2}):([0-9]{2}))\Z")


def decode_record(payload):
    # type: (bytes) -> Optional[Dict[str, Any]]
    """Returns the fields of a record that have a value, None when it cannot be read."""
    try:
        given = json.loads(payload.decode(), parse_constant=int)  # NaN and its like are no JSON: int refuses them
        if not isinstance(given, dict) or not _is_whole(given.get("v"), 1, PROTOCOL_VERSION):
            return None
        record = {name: value for name, value in given.items() if value is not None}
        for name in _TEXTS:
            value = record.get(name, "")
            if not isinstance(value, str):
                return None
            if not value.isascii():
                record[name] = _SURROGATES.sub("\ufffd", value)
        owner = record.get("owner")
        if not isinstance(owner, dict) or not _is_date(record.get("time")) or "clock" not in record:
            return None
        record["owner"] = owner = {name: owner[name] for name in ("pid", "start", "boot", "space") if owner.get(name) is not None}
        boot, runs = owner.get("boot"), record.get("runs", [])
        whole = (
            all(_is_whole(record.get(name, 0), -1 << 63, (1 << 63) - 1) for name in _SIGNED)
            and _is_whole(owner.get("pid"), 1, (1 << 63) - 1) and isinstance(boot, str) and boot
            and all(_is_whole(number, 0, (1 << 64) - 1)
                    for number in (owner.get("start", 0), owner.get("space", 0), record.get("dropped", 0)))
            and isinstance(record.get("late", False), bool) and isinstance(record.get("module", {}), dict)
            and isinstance(runs, list) and all(run is None or isinstance(run, str) for run in runs)
            and record.get("kind") and (record["kind"] != "stage" or record.get("what") and record.get("run"))
        )
        if not whole:
            return None
        for name in ("stage", "done", "total"):
            if name in record:
                record[name] = max(-_MAX_NUMBER, min(_MAX_NUMBER, record[name]))
        if not isinstance(record.get("details", {}), dict):
            del record["details"]  # the stage counts all the same
        return record
    except (ValueError, RecursionError):
        return None


def _is_whole(value, least, most):
    # type: (Any, int, int) -> bool
    return type(value) is int and least <= value <= most


def _is_date(text):
    # type: (Any) -> bool
    """Tells whether text is a time of RFC 3339."""
    match = _TIME.match(text) if isinstance(text, str) else None
    if match is None:
        return False
    year, month, day, hour, minute, second, east, past = (int(part or 0) for part in match.groups())
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    days = (31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    return (1 <= month <= 12 and 1 <= day <= days[month - 1] and hour < 24 and minute < 60 and second < 60
            and east < 24 and past < 60)


def cut(text, limit):
    # type: (str, int) -> str
    """Returns text in at most limit bytes of UTF-8, cut between characters and
    saying how long it was. What is no UTF-8 becomes U+FFFD."""
    if len(text) <= limit and text.isascii():
        return text
    size = 0
    for at in range(0, len(text), 1 << 16):  # a piece at a time: the text may be huge
        piece = text[at : at + (1 << 16)]
        size += len(piece.encode("utf-8", "surrogatepass")) - 2 * len(_ESCAPED.findall(piece))
    begin = _SURROGATES.sub("\ufffd", text[: 1 << 16])
    if size <= limit and len(begin.encode()) <= limit:
        return begin
    note = "… (cut, %d bytes)" % size
    room = limit - len(note.encode())
    return begin.encode()[:room].decode("utf-8", "ignore") + note


def _text(value, limit):
    # type: (Any, int) -> str
    """Returns what a host handed over as text within a limit; it runs the host's code."""
    if type(value) is not str:
        try:
            if value is None:
                value = ""
            elif isinstance(value, (bytes, bytearray, memoryview)):
                value = bytes(value).decode("utf-8", "surrogateescape")
            else:
                value = "".join(str(value))  # the text itself, also of a subclass of str
        except Exception:
            value = "(a %s that cannot be shown)" % type(value).__name__
    return cut(value, limit)


def _details(details):
    # type: (Any) -> str
    """Returns details as a JSON object within its limit; it runs the host's code."""
    try:
        if not isinstance(details, dict):
            details = dict(details) if isinstance(details, Mapping) else {"value": details}
        if _too_large(details):
            text, size = "", "more than %d" % _MAX_DETAILS
        else:
            text = json.dumps(details, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain)
            text = _SURROGATES.sub("\ufffd", text)
            size = str(len(text.encode()))
            if len(text.encode()) <= _MAX_DETAILS:
                return text
        reason = "%s bytes of details exceed %d" % (size, _MAX_DETAILS)
    except Exception as error:
        reason = "encode details: " + _text(error, _MAX_NAME)
    return '{"not_recorded":%s}' % _quote(_text(reason, _MAX_NAME))


def _plain(value):
    # type: (Any) -> str
    """Shows in details what JSON does not know: dates, paths, numbers of other libraries."""
    if isinstance(value, (set, frozenset)):
        raise TypeError("a set has no order")
    return _text(value, _MAX_MESSAGE)


def _too_large(details):
    # type: (Any) -> bool
    """Tells whether details certainly exceed their limit, without going far into
    them: they may be endless, or refer to themselves."""
    room, todo = _MAX_DETAILS, [details]
    while todo:
        value = todo.pop()
        room -= 1
        if isinstance(value, str):
            room -= len(value)
        elif isinstance(value, int):
            room -= value.bit_length() // 4
        elif isinstance(value, dict):
            room -= len(value)
            if room >= 0:
                todo.extend(value)
                todo.extend(value.values())
        elif isinstance(value, (list, tuple)):
            room -= len(value)
            if room >= 0:
                todo.extend(value)
        if room < 0:
            return True
    return False


def _number(stage):
    # type: (Any) -> Tuple[int, str]
    """Returns a stage's number and key: one that is no number is a key."""
    if type(stage) is int:
        return max(-_MAX_NUMBER, min(_MAX_NUMBER, stage)), ""
    try:
        if isinstance(stage, str) and len(stage) > 20:
            raise ValueError("no number is that long")
        if isinstance(stage, float) and math.isinf(stage):
            return (_MAX_NUMBER if stage > 0 else -_MAX_NUMBER), ""
        number = int(stage)
        if not isinstance(stage, float) or number == stage:
            return max(-_MAX_NUMBER, min(_MAX_NUMBER, number)), ""
    except Exception:
        pass
    return 0, _text(stage, _MAX_NAME)


def _count(value):
    # type: (Any) -> int
    try:
        return max(-_MAX_NUMBER, min(_MAX_NUMBER, int(value)))
    except Exception:
        return 0


def _random_id():
    # type: () -> str
    return base64.b32encode(os.urandom(16)).decode().rstrip("=").lower()


# --- Definitions ------------------------------------------------------------------

_DEFAULT = {
    "name": "Content",
    "stages": [
        {"number": 0, "name": "Initialization", "description": "system start, modules launched, watchdog set up"},
        {"number": 1, "name": "Data Scraping", "description": "posts are collected from the platform"},
        {"number": 2, "name": "Data Retrieval", "description": "raw data is read back, validated, cleaned"},
        {"number": 3, "name": "Vector Database", "description": "posts are indexed: embeddings are built"},
        {"number": 4, "name": "Time Series Analysis", "description": "engagement patterns, trends, forecast"},
        {"number": 5, "name": "Content Generation", "description": "recommendations are written"},
        {"number": 6, "name": "Exportation", "description": "results and content plan are saved"},
        {"number": 7, "name": "Complete", "description": "the pipeline ended well", "instant": True},
    ],
}  # type: Dict[str, Any]


_STAGE_FIELDS = {
    "number": int, "key": str, "name": str, "description": str, "weight": (int, float), "expected": (int, float),
    "stall_after": (int, float), "parts": int, "optional": bool, "instant": bool,
}  # type: Dict[str, Any]
_MAX_STAGES = 1000
_MAX_DEFINITION = 64 << 10  # bytes of its texts
_LONGEST = 1e9  # seconds


def check_definition(definition, recorded=False):
    # type: (Any, bool) -> Dict[str, Any]
    """Returns a definition with every stage numbered. ValueError says what is wrong with it.
    One that was recorded may have fields of newer programs, which are left out, and has all numbers.

    A definition is {"name": …, "stages": [{"name": …}, …]}; a stage may also have
    number, key, description, weight, expected and stall_after (seconds), parts,
    optional and instant. Numbers rise; a stage without one has its place in the
    list, from 1 on.
    """
    if not isinstance(definition, dict) or not recorded and set(definition) - {"name", "stages"}:
        raise ValueError("a definition has a name and stages, and nothing else")
    name, given = definition.get("name"), definition.get("stages")
    if not isinstance(name, str) or not 0 < len(name.encode()) <= _MAX_NAME:
        raise ValueError("definition without a name of at most %d bytes" % _MAX_NAME)
    if not isinstance(given, list) or not 0 < len(given) <= _MAX_STAGES:
        raise ValueError("definition %r has no stages, or more than %d" % (name, _MAX_STAGES))
    stages = []  # type: List[Dict[str, Any]]
    for place, stage in enumerate(given, 1):
        try:
            stages.append(_check_stage(stage, place, recorded))
        except ValueError as error:
            raise ValueError("definition %r: stage %d %s" % (name, place, error))
    for before, stage in zip(stages, stages[1:]):
        if stage["number"] <= before["number"]:
            raise ValueError("definition %r: stage %d comes after stage %d" % (name, stage["number"], before["number"]))
    keys = [stage["key"] for stage in stages if stage.get("key")]
    if len(keys) != len(set(keys)):
        raise ValueError("definition %r: two stages share a key" % name)
    texts = [stage.get(field, "") for stage in stages for field in ("name", "key", "description")]
    if len("".join([name] + texts).encode()) > _MAX_DEFINITION:
        raise ValueError("definition %r is larger than %d bytes" % (name, _MAX_DEFINITION))
    if name == _DEFAULT["name"] and stages != _DEFAULT["stages"]:
        raise ValueError("definition %r is built in: choose another name" % name)
    return {"name": name, "stages": stages}


def _check_stage(given, place, recorded):
    # type: (Any, int, bool) -> Dict[str, Any]
    """Returns a stage with its number. ValueError is the end of a sentence about it."""
    if not isinstance(given, dict):
        raise ValueError("is no object")
    stage = {field: value for field, value in given.items()
             if value is not None and (field in _STAGE_FIELDS or not recorded)}
    if "number" not in stage and recorded:
        raise ValueError("has no number")
    stage.setdefault("number", place)
    for field, value in stage.items():
        wanted = _STAGE_FIELDS.get(field)
        if wanted is None:
            raise ValueError("has an unknown field %r" % field)
        if not isinstance(value, wanted) or isinstance(value, bool) and wanted is not bool:
            raise ValueError("has %s %r" % (field, value))
    if not stage.get("name"):
        raise ValueError("has no name")
    if max(len(stage["name"].encode()), len(stage.get("key", "").encode())) > _MAX_NAME:
        raise ValueError("has a name or key of more than %d bytes" % _MAX_NAME)
    if abs(stage["number"]) > _MAX_NUMBER:
        raise ValueError("has a number beyond %d" % _MAX_NUMBER)
    if not 0 <= stage.get("weight", 0) < math.inf or not 0 <= stage.get("parts", 0) <= _MAX_NUMBER:
        raise ValueError("has a weight or number of parts that is negative or too large")
    if not 0 <= stage.get("expected", 0) <= _LONGEST or not 0 <= stage.get("stall_after", 0) <= _LONGEST:
        raise ValueError("has a time that is not from 0 to %d seconds" % _LONGEST)
    if re.match(r"[+-]?[0-9]+\Z", stage.get("key", "")):
        raise ValueError("has the key %r, which reads as a number" % stage["key"])
    return stage


def _stage_by_key(definition, key):
    # type: (Dict[str, Any], str) -> Optional[Dict[str, Any]]
    for stage in definition["stages"]:
        if key and stage.get("key") == key:
            return stage
    return None


def _stage_by_number(definition, number):
    # type: (Dict[str, Any], int) -> Optional[Dict[str, Any]]
    for stage in definition["stages"]:
        if stage.get("number") == number:
            return stage
    return None


# --- Processes ---------------------------------------------------------------------


def _process_start(pid):
    # type: (int) -> Tuple[int, bool]
    """Returns when a process started, in clock ticks since boot, and whether it has ended."""
    with open("/proc/%d/stat" % pid, "rb") as file:
        text = file.read()
    fields = text[text.rindex(b")") + 1 :].split()  # the command before it may hold anything
    # One whose first thread alone has ended reads as a zombie too, and lives on in the others.
    return int(fields[19]), fields[0] in (b"Z", b"X") and int(fields[17]) <= 1


def _here():
    # type: () -> Tuple[str, int]
    """Returns the id of this boot and the process's pid namespace."""
    with open("/proc/sys/kernel/random/boot_id") as file:
        return file.read().strip(), os.stat("/proc/self/ns/pid").st_ino


def _myself():
    # type: () -> Dict[str, Any]
    boot, space = _here()
    pid = os.getpid()
    return {"pid": pid, "start": _process_start(pid)[0], "boot": boot, "space": space}


def _gone(owner, boot, space):
    # type: (Mapping[str, Any], str, int) -> bool
    """Tells whether a process is certainly no more, seen from a boot and pid namespace."""
    if not owner.get("pid"):
        return False
    if owner.get("boot") != boot:
        return True
    if owner.get("space") != space:
        return False  # of a foreign namespace nothing can be said
    try:
        start, ended = _process_start(owner["pid"])
        return ended or start != owner.get("start") and not _other_time(owner["pid"])
    except (FileNotFoundError, ProcessLookupError):
        return True
    except Exception:
        return False


def _other_time(pid):
    # type: (int) -> bool
    """Tells whether a process lives in another time namespace, where the time of
    its start reads as another one than here."""
    try:
        return os.stat("/proc/self/ns/time").st_ino != os.stat("/proc/%d/ns/time" % pid).st_ino
    except OSError:
        return False


def _owner():
    # type: () -> Dict[str, Any]
    """Returns in whose name this process records: the one in $MINER_OWNER while it lives, else itself."""
    me = _myself()
    given = parse_owner(os.environ.get("MINER_OWNER", ""))
    if given and given["space"] == me["space"] and not _gone(given, me["boot"], me["space"]):
        return given
    return me


_OWNER = re.compile(r"([0-9]{1,20}):([0-9]{1,20}):([^:]+):([0-9]{1,20})\Z")


def parse_owner(text):
    # type: (str) -> Optional[Dict[str, Any]]
    """Returns the process that $MINER_OWNER names, None when it names none."""
    match = _OWNER.match(text)
    if match is None:
        return None
    owner = {"pid": int(match.group(1)), "start": int(match.group(2)), "boot": match.group(3), "space": int(match.group(4))}
    return owner if 0 < owner["pid"] < 1 << 31 and owner["start"] >> 64 == owner["space"] >> 64 == 0 else None


def _home():
    # type: () -> str
    home = os.environ.get("MINER_HOME") or ""
    if not home and os.environ.get("HOME"):
        home = os.path.join(os.environ["HOME"], ".miner")
    return os.path.abspath(home) if home else ""


# --- Writing -----------------------------------------------------------------------

_FOR_NOW = frozenset(
    (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EINTR, errno.EAGAIN, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EBUSY)
)
_NETWORK = frozenset(
    ("nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "coda", "lustre", "ceph", "gpfs", "fuse.sshfs")
)
_JOURNAL_ID = re.compile(r"[a-z2-7]{26}\Z")
_SEGMENT = re.compile(r"([0-9]{8,20})\.seg\Z")


def _segments(folder):
    # type: (str) -> List[int]
    """Returns the numbers of the segments, lowest first."""
    found = []
    for name in os.listdir(folder):
        match = _SEGMENT.match(name)
        if match and int(match.group(1)) and "%08d" % int(match.group(1)) == match.group(1):
            found.append(int(match.group(1)))
    return sorted(found)


def _segment_path(folder, number):
    # type: (str, int) -> str
    return os.path.join(folder, "%08d.seg" % number)


def _sealed_size(folder, number, sure=False):
    # type: (str, int, bool) -> Optional[int]
    """Returns how many bytes of a segment its seal covers, None without a seal; with sure, also when it is doubtful."""
    try:
        with open(os.path.join(folder, "%08d.seal" % number), "rb") as file:
            seal = json.loads(file.read(4096).decode())
        size = seal["size"]
        return size if type(size) is int and size >= 0 and not (sure and seal.get("doubtful")) else None
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None


def _make_folders(folder):
    # type: (str) -> None
    """Makes a folder and those above it, each for its owner only."""
    if not os.path.isdir(folder):
        above = os.path.dirname(folder)
        if above and above != folder:
            _make_folders(above)
        try:
            os.mkdir(folder, 0o700)
        except FileExistsError:
            if not os.path.isdir(folder):
                raise NotADirectoryError(errno.ENOTDIR, "not a folder", folder)


def _refuse_network(folder):
    # type: (str) -> None
    """Raises OSError on a network file system, where an append is not atomic."""
    device = os.stat(folder).st_dev
    wanted = "%d:%d" % (os.major(device), os.minor(device))
    with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as file:
        for line in file:
            fields = line.split()
            if fields[2] == wanted and fields[fields.index("-") + 1] in _NETWORK:
                raise OSError(errno.ENOTSUP, "network file systems cannot hold a journal", folder)


def _read_header(folder):
    # type: (str) -> Dict[str, Any]
    """Returns what journal.json says; {} when it cannot be read."""
    try:
        with open(os.path.join(folder, "journal.json"), "rb") as file:
            header = json.loads(file.read(1 << 16).decode())
        if not isinstance(header, dict) or type(header.get("v")) is not int:
            return {}
        known = header["v"] == PROTOCOL_VERSION and _JOURNAL_ID.match(str(header.get("id"))) and header.get("durability") in ("process", "power")
        return header if known or header["v"] > PROTOCOL_VERSION else {}
    except (OSError, ValueError, RecursionError):
        return {}


class _Writer:
    """Appends records to a journal. One thread owns it."""

    def __init__(self, folder):
        # type: (str) -> None
        self.folder = folder
        self.id = os.urandom(8).hex()
        self.number = 0
        self.file = -1
        self.segment = 0
        # Records up to doubt may stand in segment since, or a later one, already.
        self.doubt = self.since = 0
        self.unsafe = False  # a segment that was left may not be on the disk
        _make_folders(folder)
        _refuse_network(folder)
        self._make_header()
        header = _read_header(folder)
        if isinstance(header.get("v"), int) and header["v"] > PROTOCOL_VERSION:
            raise OSError(errno.ENOTSUP, "the journal's version is newer than this client", folder)
        self.power = header.get("durability") == "power"
        self._open()

    def _make_header(self):
        # type: () -> None
        path = os.path.join(self.folder, "journal.json")
        if os.path.lexists(path):
            return
        made = "%s.%s.tmp" % (path, self.id)
        text = json.dumps({"v": PROTOCOL_VERSION, "id": _random_id(), "durability": "process"}, separators=(",", ":"))
        file = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            os.write(file, text.encode() + b"\n")
            os.fsync(file)
            os.link(made, path)
        except FileExistsError:  # another was faster: its header holds
            pass
        finally:
            os.close(file)
            os.unlink(made)

    def _open(self):
        # type: () -> None
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        found = _segments(self.folder)
        newest = found[-1] if found else 1
        try:
            file = os.open(_segment_path(self.folder, newest), flags, 0o600)
        except PermissionError:
            # A segment that is sealed between the look and the open refuses all but root.
            if stat.S_IMODE(os.stat(_segment_path(self.folder, newest)).st_mode) == _SEALED:
                raise OSError(errno.EAGAIN, "the newest segment has just been sealed")
            raise
        self.close()
        self.file, self.segment = file, newest
        if self.power and not found:
            self._sync_folder()

    def _sync_folder(self):
        # type: () -> None
        folder = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def append(self, payload):
        # type: (bytes) -> None
        """Writes one record. After an OSError it may be there or not: append the same again."""
        if self.file < 0:
            self._open()
        number = self.number + 1
        while True:
            name = "%d@%d" % (number, self.since) if number <= self.doubt else str(number)
            line = encode_frame(self.id, name, payload)
            if len(line) > _MAX_RECORD:
                raise ValueError("record is too large")
            try:
                written = os.write(self.file, line)
            except OSError as error:
                if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                    self._doubt(number, self.segment)  # nobody knows what it left
                raise
            if written != len(line):  # a fragment, which readers skip
                raise OSError(errno.ENOSPC, "short write")
            about = os.fstat(self.file)
            if stat.S_IMODE(about.st_mode) != _SEALED and about.st_nlink:
                self.number = number
                return
            # Sealed, or taken away with its folder: nobody knows whether the record counts.
            self._doubt(number, self.segment)
            if self.power:
                try:
                    os.fdatasync(self.file)
                except OSError:
                    self.unsafe = True
            before = self.segment
            if not about.st_nlink:
                _make_folders(self.folder)
                before = 0
            self._open()
            if self.segment == before:
                raise OSError(errno.EAGAIN, "the newest segment is sealed and has no successor yet")

    def _doubt(self, number, segment):
        # type: (int, int) -> None
        if number > self.doubt:
            self.doubt, self.since = number, segment

    def sync(self):
        # type: () -> None
        """Brings what was appended to the disk, in a journal that asks for that."""
        if self.power and self.file >= 0:
            unsafe, self.unsafe = self.unsafe, False
            os.fdatasync(self.file)
            if unsafe:
                raise OSError(errno.EIO, "a sealed segment could not be brought to the disk")

    def take_back(self, number, segment):
        # type: (int, int) -> None
        """Makes the records after number be appended again; the first went to segment."""
        if self.number > number:
            self.since = self.since if self.doubt > number else segment
            self.doubt, self.number = self.number, number

    def close(self):
        # type: () -> None
        if self.file >= 0:
            file, self.file = self.file, -1
            os.close(file)


class _Sink:
    """Brings records to the journal from a thread of its own, so that a disk
    that hangs holds up nobody but that thread."""

    def __init__(self, folder, dropped_record):
        # type: (str, Any) -> None
        self.folder = folder
        self.order = RLock()  # entered again by a signal handler
        self.error = ""  # why nothing is ever written, "" while something may be
        self._dropped_record = dropped_record
        self._queue = SimpleQueue()  # type: SimpleQueue
        self._begun = False  # the thread
        self._hung = False  # a write takes longer than the patience: calls only buffer
        self._writer = None  # type: Optional[_Writer]
        # Each counter has one writing side: put and refused under order, the others the thread.
        self._put = self._put_bytes = self._done = self._done_bytes = 0
        self.refused = self._told = 0

    def put(self, payload):
        # type: (bytes) -> Optional[list]
        """Hands over a record; the caller holds order. None when it could not be kept."""
        if not self._begun and not self._begin():
            return None
        size = len(payload)
        if self._put - self._done >= _MAX_WAITING or self._put_bytes - self._done_bytes + size > _MAX_BUFFERED:
            self.refused += 1
            return None
        turn = allocate_lock()
        turn.acquire()
        # The record, its caller's turn, whether its call does not wait for it any more, what is written.
        item = [payload, turn, self._hung, b""]
        self._put += 1
        self._put_bytes += size
        self._queue.put(item)
        return item

    def wait(self, item):
        # type: (Optional[list]) -> None
        """Waits until a record is written, as long as the patience lasts."""
        if item is None or item[2] or item[1].acquire(True, _PATIENCE):
            return
        item[2] = True
        self._hung = True

    def flush(self, timeout):
        # type: (float) -> bool
        """Waits until all that was handed over is written."""
        turn = allocate_lock()
        turn.acquire()
        with self.order:
            if not self._begun or self.error:
                return not self.error
            self._put += 1
            self._queue.put([b"", turn, False, b""])
        return turn.acquire(True, max(0.0, min(timeout, threading.TIMEOUT_MAX)))

    def _begin(self):
        # type: () -> bool
        if self.error:
            return False
        self._begun = True  # first: a signal handler that calls meanwhile must not begin another one
        try:
            # What this file needs of threads is all taken when it is imported: a host
            # that replaces them later (gevent's monkey patches) would leave half of each.
            start_new_thread(self._run, ())
        except RuntimeError:  # no more threads
            self._begun = False
            raise
        return True

    def _run(self):
        # type: () -> None
        while self._writer is None:
            try:
                self._writer = _Writer(self.folder)
            except Exception as error:
                if not isinstance(error, OSError) or error.errno not in _FOR_NOW:
                    self.error = _text(error, _MAX_NAME) or "the home cannot be used"
                    self._give_up()
                    return
                self._hung = True
                sleep(_RETRY_EVERY)
        while True:
            items = [self._queue.get()]
            try:
                while self._writer.power and not self._queue.empty() and len(items) < _MAX_WAITING:
                    items.append(self._queue.get())  # what waits together is synced together
                self._deliver(items)
                self._hung = False
                if self._queue.empty():
                    count = self.refused - self._told
                    if count > 0:
                        self._told += count
                        self._deliver([[self._dropped_record(count), None, False, b""]])
            except Exception:  # of memory, most likely; the thread goes on
                self._told -= len(items)
            for item in items:
                self._finish(item)

    def _give_up(self):
        # type: () -> None
        while True:
            self._finish(self._queue.get())

    def _finish(self, item):
        # type: (list) -> None
        self._done += 1
        self._done_bytes += len(item[0])
        item[1].release()

    def _deliver(self, items):
        # type: (List[list]) -> None
        """Writes records, and brings them to the disk if the journal asks for that."""
        writer = self._writer  # type: Any
        while True:
            number, segment = writer.number, writer.segment
            for item in items:
                self._write(item)
            try:
                writer.sync()
                return
            except OSError:  # of what was not brought there nothing is certain
                writer.take_back(number, segment)
                self._hung = True
                sleep(_RETRY_EVERY)

    def _write(self, item):
        # type: (list) -> None
        """Writes one record, again and again until it is written."""
        if item[0] and not item[3]:  # once written it stays the same, however often it is written
            item[3] = b'{"v":1,"late":true,' + item[0][len(b'{"v":1,') :] if item[2] else item[0]
        while item[0]:
            try:
                return self._writer.append(item[3])  # type: ignore
            except OSError:
                self._hung = True
                sleep(_RETRY_EVERY)
            except ValueError:  # too large for ever
                self._told -= 1
                return None


class StageTracker:
    """Records what happens to stages in one home. Its calls never raise, and do
    nothing where the home cannot be used; ``error`` says why then.

    home is a path, by default $MINER_HOME, else ~/.miner, looked up at the first
    call. definition lists the stages (see check_definition), by default the
    eight of the content pipeline. It may also be the name of a definition that
    the home has from elsewhere, miner.yaml for example: then only a failure, a
    start of an earlier stage number or reset_stages() begins another run.
    """

    def __init__(self, home="", definition=None):
        # type: (str, Union[Dict[str, Any], str, None]) -> None
        self._given = home, definition
        self._clear()
        _trackers.add(self)

    def _clear(self):
        # type: () -> None
        self._guard = RLock()
        self._opened = False
        self._error = ""
        self._sink = None  # type: Optional[_Sink]
        self._view = None  # type: Optional[_View]
        self._runs = {}  # type: Dict[str, List[_Run]]  # by account, the oldest first
        self._stamp = (-1, "")  # a second and its text
        self.home = ""
        self.definition = _DEFAULT

    @property
    def error(self):
        # type: () -> str
        """Why the calls do nothing, "" when they may do something."""
        return self._error or (self._sink.error if self._sink else "")

    # -- the calls

    def stage_start(self, stage_number, message="", username="", details=None, platform=""):
        # type: (Stage, str, str, Optional[Mapping[str, Any]], str) -> None
        """Records that a stage begins; stage_number is its number, or its key."""
        self._stage("started", stage_number, message, username, details, platform)

    def stage_complete(self, stage_number, message="", username="", details=None, platform=""):
        # type: (Stage, str, str, Optional[Mapping[str, Any]], str) -> None
        """Records that a stage ended well."""
        self._stage("completed", stage_number, message, username, details, platform)

    def stage_failed(self, stage_number, message="", username="", details=None, platform=""):
        # type: (Stage, str, str, Optional[Mapping[str, Any]], str) -> None
        """Records that a stage failed, and with it the run; message says why."""
        self._stage("failed", stage_number, message, username, details, platform)

    def stage_progress(self, stage_number, done, total=0, username="", platform=""):
        # type: (Stage, int, int, str, str) -> None
        """Records how far a stage is: done of total, total 0 when unknown."""
        self._stage("progressed", stage_number, "", username, None, platform, (done, total))

    def stage(self, stage_number, message="", username="", details=None, platform=""):
        # type: (Stage, str, str, Optional[Mapping[str, Any]], str) -> _StageContext
        """Returns a context manager: the stage starts with the block, is complete
        at its end, and failed when an exception leaves it (which goes on)."""
        return _StageContext(self, stage_number, message, username, details, platform)

    def reset_stages(self):
        # type: () -> None
        """Ends this process's open runs and clears ended ones from view."""
        try:
            if self._ready():
                with self._sink.order:  # type: ignore
                    self._runs.clear()
                    item = self._emit('"kind":"reset"')
                self._sink.wait(item)  # type: ignore
        except Exception:
            pass

    def get_current_stage(self):
        # type: () -> Optional[Dict[str, Any]]
        """Returns the newest running stage in the home, else the newest ended one,
        of any process: a dict with stage, stage_name, status (running, completed,
        failed, lost, stalled, stopped), username, message and more. None when there
        is none. A stage whose process is gone is lost."""
        try:
            self._ready()
            if not self.home:
                return None
            with self._guard:
                if self._view is None:
                    self._view = _View(self.home)
                self._view.catch_up()
                return self._view.current(self.definition["name"])
        except Exception:
            return None

    def run_env(self, username="", platform="", env=None):
        # type: (str, str, Optional[Mapping[str, str]]) -> Dict[str, str]
        """Returns an environment for a child that shall record for the same run,
        in this process's name: a copy of env (by default this process's) with
        MINER_HOME, MINER_OWNER and, when username is given, MINER_RUN."""
        made = dict(os.environ if env is None else env)
        try:
            if self._ready():
                made["MINER_HOME"] = self.home
                made["MINER_OWNER"] = "%(pid)d:%(start)d:%(boot)s:%(space)d" % self._owner
                account = _text(username, _MAX_NAME)
                if account:
                    with self._sink.order:  # type: ignore
                        made["MINER_RUN"] = self._run_of("", None, account, _text(platform, _MAX_NAME), touch=False)[0]
        except Exception:
            pass
        return made

    def flush(self, timeout=1.0):
        # type: (float) -> bool
        """Waits until every record handed over so far is written, timeout seconds
        at most. Returns whether it is so."""
        try:
            return self._sink.flush(timeout) if self._sink else not self._error
        except Exception:
            return False

    # -- what they are made of

    def _ready(self):
        # type: () -> bool
        if not self._opened:
            with self._guard:
                if not self._opened:
                    self._open()
                    self._opened = True
        return self._sink is not None and not self._sink.error and not sys.is_finalizing()

    def _open(self):
        # type: () -> None
        home, definition = self._given
        try:
            self.home = os.path.abspath(home) if home else _home()
            if isinstance(definition, str) and definition != _DEFAULT["name"]:
                if not definition:
                    raise ValueError("definition without a name of at most %d bytes" % _MAX_NAME)
                self.definition = {"name": cut(definition, _MAX_NAME), "stages": []}
            elif definition is not None and not isinstance(definition, str):
                self.definition = check_definition(definition)
            if not self.home:
                raise ValueError("no home: set MINER_HOME")
            self._owner = _owner()
            self._in_run = cut(os.environ.get("MINER_RUN", ""), _MAX_NAME)
            self._owner_json = json.dumps(self._owner, separators=(",", ":"))
            self._name_json = _quote(cut(self.definition["name"], _MAX_NAME))
            if self._sink is not None:
                return  # a signal handler called meanwhile, and was faster
            self._sink = _Sink(os.path.join(self.home, "journal"), self._dropped)
            if isinstance(definition, dict):
                text = json.dumps(self.definition, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain)
                if len(text.encode("utf-8", "surrogatepass")) > _MAX_RECORD - 1024:
                    raise ValueError("definition %r is too large for a record" % self.definition["name"])
                with self._sink.order:
                    self._emit('"kind":"definition","defined":' + _SURROGATES.sub("\ufffd", text))
            atexit.register(_flush_at_exit, weakref.ref(self))
        except Exception as error:
            self._sink = None
            self._error = _text(error, _MAX_NAME) or "the home cannot be used"

    def _stage(self, what, stage, message, username, details, platform, progress=None):
        # type: (str, Any, Any, Any, Any, Any, Optional[tuple]) -> None
        try:
            if not self._ready():
                return
            number, key = _number(stage)
            account, where = _text(username, _MAX_NAME), _text(platform, _MAX_NAME)
            fields = '"kind":"stage","what":"%s","definition":%s' % (what, self._name_json)
            place = number  # type: Optional[int]
            if key:
                known = _stage_by_key(self.definition, key)
                number, place = (known["number"],) * 2 if known else (0, None)
                fields += ',"key":' + _quote(key)
            if number:
                fields += ',"stage":%d' % number
            if account:
                fields += ',"account":' + _quote(account)
            said = _text(message, _MAX_MESSAGE)
            if said:
                fields += ',"message":' + _quote(said)
            if details is not None:
                more = _details(details)
                if more != "{}":
                    fields += ',"details":' + more
            if progress:
                fields += ',"done":%d,"total":%d' % (_count(progress[0]), _count(progress[1]))
            sink = self._sink
            with sink.order:  # type: ignore
                run, where = self._run_of(what, place, account, where)
                if where:
                    fields += ',"platform":' + _quote(where)
                item = self._emit(fields + ',"run":' + _quote(run))
            sink.wait(item)  # type: ignore
        except Exception:
            pass

    def _emit(self, fields):
        # type: (str) -> Optional[list]
        return self._sink.put(self._record(fields))  # type: ignore

    def _record(self, fields):
        # type: (str) -> bytes
        second, nanos = divmod(time.time_ns(), 1000000000)
        stamp = self._stamp
        if second != stamp[0]:
            self._stamp = stamp = second, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        return (
            '{"v":1,%s,"time":"%s.%09dZ","clock":%d,"owner":%s}'
            % (fields, stamp[1], nanos, time.monotonic_ns(), self._owner_json)
        ).encode()

    def _dropped(self, count):
        # type: (int) -> bytes
        with self._sink.order:  # type: ignore
            return self._record('"kind":"dropped","dropped":%d' % count)

    def _run_of(self, what, number, account, platform, touch=True):
        # type: (str, Optional[int], str, str, bool) -> Tuple[str, str]
        """Returns the run that a call belongs to, and its platform; the caller holds
        the sink's order. The number is None for a key without a known place."""
        if self._in_run and account:
            return self._in_run, platform
        run, starts = self._meant(account, platform), what == "started"
        if run is None or run.ended and starts:
            if len(self._runs) >= _MAX_RUNS:
                self._runs = {k: of for k, of in self._runs.items() if not all(r.ended for r in of)}
            run = self._keep(account, _Run(platform))
        if platform and not run.platform:
            run.platform = platform
            self._keep(account, run)
        if starts and account and number is not None and number < run.stage:
            run = self._keep(account, _Run(run.platform))
        if touch:
            stages = self.definition["stages"]
            last = what == "completed" and bool(stages) and number == stages[-1]["number"]
            run.stage = run.stage if number is None else number
            run.ended = bool(account) and (what == "failed" or last)
        return run.id, run.platform

    def _meant(self, account, platform):
        # type: (str, str) -> Optional[_Run]
        """Returns the run that a call about an account means. A platform that only
        one of them names is no difference: then an open run goes before an ended
        one, one on the same platform before another, and a newer before an older."""
        best, rank = None, (False, False)
        for run in reversed(self._runs.get(account, ())):
            same = run.platform == platform
            mine = not run.ended, same
            if (same or account and not (platform and run.platform)) and (best is None or mine > rank):
                best, rank = run, mine
        return best

    def _keep(self, account, run):
        # type: (str, _Run) -> _Run
        """Remembers the account's newest run, in place of the one on its platform."""
        others = [old for old in self._runs.get(account, ()) if old is not run and old.platform != run.platform]
        self._runs[account] = others[1 - _MAX_PLATFORMS :] + [run]
        return run


class _Run:
    """A run that a process opened without being given one."""

    __slots__ = ("id", "platform", "stage", "ended")

    def __init__(self, platform):
        # type: (str) -> None
        self.id = _random_id()
        self.platform = platform
        self.stage = -_MAX_NUMBER
        self.ended = False


class _StageContext:
    """A stage that lasts as long as a block. Set ``message`` for what its end shall say.

    A block that leaves the program with exit code 0 has completed its stage."""

    def __init__(self, tracker, number, message, username, details, platform):
        # type: (StageTracker, Stage, str, str, Optional[Mapping[str, Any]], str) -> None
        self._tracker = tracker
        self._about = username, details, platform
        self.number = number
        self.message = message

    def progress(self, done, total=0):
        # type: (int, int) -> None
        """Records how far the stage is."""
        self._tracker.stage_progress(self.number, done, total, self._about[0], self._about[2])

    def __enter__(self):
        # type: () -> _StageContext
        self._tracker.stage_start(self.number, self.message, *self._about)
        return self

    def __exit__(self, kind, error, trace):
        # type: (Any, Any, Any) -> bool
        username, _, platform = self._about
        code = getattr(error, "code", None) if isinstance(error, SystemExit) else 1
        if kind is None or code is None or code == 0:
            self._tracker.stage_complete(self.number, self.message, username, None, platform)
            return False
        said = _text(error, _MAX_MESSAGE) or _text(kind.__name__, _MAX_NAME)
        if isinstance(error, KeyboardInterrupt):
            said = "interrupted"
        elif isinstance(error, SystemExit) and isinstance(code, int):
            said = "exit code %d" % code
        self._tracker.stage_failed(self.number, said, username, None, platform)
        return False


# --- Reading -----------------------------------------------------------------------


class _Follower:
    """Reads a journal from a place on, each record once."""

    def __init__(self, folder, segment=1, offset=0):
        # type: (str, int, int) -> None
        self.folder = folder
        self.segment = max(segment, 1)
        self.offset = offset  # after what was handed out or passed over
        self.begin = (self.segment, offset)
        self.damaged = self.filler = self.repeats = self.gaps = 0
        self._file = -1
        self._end = None  # type: Optional[int]  # how far the segment counts, once it is seen sealed
        self._rest = b""  # the line that is not whole yet; it begins at offset
        self._lines = []  # type: List[bytes]  # whole lines before it, the last one first
        self._long = False  # the beginning of the next line was too long to be kept
        self._seen = {}  # type: Dict[str, int]
        self._seen_before = {}  # type: Dict[str, int]

    def __iter__(self):
        # type: () -> Iterator[Frame]
        """Yields the records that are there now."""
        while True:
            while self._lines:
                line = self._lines.pop()
                at, self.offset = self.offset, self.offset + len(line) + 1
                frame = self._take(line, at)
                if frame is not None:
                    yield frame
            if not self._fill():
                return

    def _take(self, line, at):
        # type: (bytes, int) -> Optional[Frame]
        if not self._long and not line.strip(b" "):
            self.filler += 1
            return None
        start = line.rfind(b"\x1e")
        if start != 0 and not self._long:  # a fragment stands before the record, or no record is there
            self.damaged += 1
        self._long = False
        if start < 0:
            return None
        frame = decode_frame(line[start + 1 :]) if len(line) - start < _MAX_RECORD else None
        if frame is None and self._file >= 0 and len(line) - start < _MAX_RECORD:  # it may have been read while it was written
            frame = decode_frame(os.pread(self._file, len(line) - start - 1, at + start + 1))
        if frame is None:
            self.damaged += 1
            return None
        if not self._fresh(frame):
            self.repeats += 1
            return None
        return frame

    def _fresh(self, frame):
        # type: (Frame) -> bool
        """Tells whether a record is new, and remembers it. A writer is forgotten
        when thousands of others have written since."""
        last = self._seen.get(frame.writer) or self._seen_before.get(frame.writer)
        if last is not None and frame.number <= last:
            return False
        if frame.writer not in self._seen and len(self._seen) >= 16 << 10:
            self._seen_before, self._seen = self._seen, {}
        self._seen[frame.writer] = frame.number
        if last is not None and (frame.again > self.begin[0] or self.begin == (frame.again, 0)):
            return True  # all of a row that was written again was seen here
        return not frame.again or not self._passed_over(frame)

    def _passed_over(self, frame):
        # type: (Frame) -> bool
        """Looks for a record before the place at which this follower began."""
        last, end = self.begin
        needle = b" %s %d" % (frame.writer.encode(), frame.number)
        for number in range(max(frame.again, last - 64), last + 1):
            try:
                with open(_segment_path(self.folder, number), "rb") as file:
                    counts = end if number == last else _sealed_size(self.folder, number, sure=True)
                    size = min(os.fstat(file.fileno()).st_size, counts or 0)
                    if not size:  # or followers may have left it before all that stands there was there
                        continue
                    with mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ) as view:
                        at = view.find(needle)
                        while at >= 0:
                            start, stop = view.rfind(b"\x1e", 0, at), view.find(b"\n", at)
                            found = decode_frame(view[start + 1 : stop]) if 0 <= start and at < stop else None
                            if found and found.writer == frame.writer and found.number == frame.number:
                                return True
                            at = view.find(needle, at + 1)
            except OSError:
                continue  # gone, or not to be read: what was there is not known
        return False

    def _fill(self):
        # type: () -> bool
        """Reads on. Tells whether anything was gained: bytes, or a new segment."""
        if self._file < 0 and not self._open():
            return False
        if len(self._rest) > _MAX_RECORD:
            keep = self._rest.rfind(b"\x1e")  # a record that has only begun is kept
            if keep <= 0 or len(self._rest) - keep > _MAX_RECORD:
                keep = len(self._rest)
            self.offset += keep
            self._rest = self._rest[keep:]
            self.damaged += 0 if self._long else 1
            self._long = True
        begin = self.offset + len(self._rest)
        data = os.pread(self._file, 256 << 10, begin)
        marked = self._end is None and stat.S_IMODE(os.fstat(self._file).st_mode) == _SEALED
        if marked:
            self._end = self._sealed_end()
        if self._end is not None:
            data = data[: max(0, self._end - begin)]
        if data:
            self._lines = (self._rest + data).split(b"\n")
            self._rest = self._lines.pop()
            self._lines.reverse()
        if data or marked or self._end is None:  # marked: what came before the mark was seen is still to be read
            return bool(data) or marked
        if self._rest and not self._long:
            self.damaged += 1
        self.close()
        self.segment, self.offset, self._rest, self._long = self.segment + 1, 0, b"", False
        return True

    def _open(self):
        # type: () -> bool
        try:
            self._file = os.open(_segment_path(self.folder, self.segment), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            try:
                later = [n for n in _segments(self.folder) if n > self.segment]
            except FileNotFoundError:
                return False
            if later:  # retention was faster
                self.gaps += later[0] - self.segment
                self.segment, self.offset = later[0], 0
            return bool(later) and self._open()
        self._end = None
        return True

    def _sealed_end(self):
        # type: () -> int
        """Returns how much of a sealed segment counts: what its seal says. The seal
        follows the mark at once; without one, as its keeper died, all counts."""
        until = time.monotonic() + _SEAL_PATIENCE
        while True:
            size = _sealed_size(self.folder, self.segment)
            if size is not None:
                return size
            if time.monotonic() >= until:
                return os.fstat(self._file).st_size
            sleep(0.002)

    def close(self):
        # type: () -> None
        if self._file >= 0:
            file, self._file = self._file, -1
            os.close(file)


class _View:
    """What is known of the stages of a home: a fold of its journal.

    It covers what lines about stages and get_current_stage need: stage, reset,
    definition and erased records, attempts, states and owners. It leaves out
    modules, the miner, durations and the history from which a keeper tells that
    a stage has stalled: it believes the keeper's word for that.
    """

    def __init__(self, home):
        # type: (str) -> None
        self.home = home
        self.folder = os.path.join(home, "journal")
        self._journal = None  # type: Any
        self._start("", None)

    def _start(self, journal, end):
        # type: (str, Optional[Tuple[int, int]]) -> None
        self.events = 0
        self.runs = {}  # type: Dict[int, Dict[str, Any]]  # by the identity of the dict
        self.ids = {}  # type: Dict[str, List[Dict[str, Any]]]
        self.accounts = {}  # type: Dict[Tuple[str, str, str], List[Dict[str, Any]]]
        self.definitions = {}  # type: Dict[str, Dict[str, Any]]
        segment, offset = 1, 0
        if end:
            place = self._snapshot(journal, end)
            segment, offset = place or self._near(end)
        self.follower = _Follower(self.folder, segment, offset)

    def _identity(self):
        # type: () -> Tuple[Any, ...]
        try:
            about = os.stat(os.path.join(self.folder, "journal.json"))
            return about.st_dev, about.st_ino
        except OSError:
            return ()

    def catch_up(self, shown=None, upto=None):
        # type: (Any, Optional[Tuple[int, int]]) -> None
        """Folds what is new; calls shown(level, line, place) for what has a line."""
        identity = self._identity()
        if identity != self._journal:
            end = _end(self.folder)
            if end is None:
                return
            self.follower.close()
            journal = _read_header(self.folder).get("id")
            if upto is not None:
                end = min(end, upto)
            self._start(journal if isinstance(journal, str) else "", end)
            self._journal = identity
        for frame in self.follower:
            event = decode_record(frame.payload)
            if event is None:
                continue
            self.events += 1
            try:
                said = self.apply(event)
            except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
                continue  # not a record that this client understands
            if shown is not None and said is not None:
                shown(said[0], said[1], (self.follower.segment, self.follower.offset))

    def _snapshot(self, journal, end):
        # type: (str, Tuple[int, int]) -> Optional[Tuple[int, int]]
        """Takes over the status file when it is one of this journal, and returns its place."""
        try:
            with open(os.path.join(self.home, "miner_status.json"), "rb") as file:
                status = json.loads(file.read().decode())
            place = status["position"]["segment"], status["position"]["offset"]
            if status["version"] != 1 or status.get("journal", "") != journal or not (0, 0) < place <= end:
                return None
            for definition in status.get("definitions") or []:
                self._define(definition)
            for run in sorted(status.get("runs") or [], key=lambda run: run.get("began", 0)):
                stages = {stage["key"] if stage.get("unknown") else stage["number"]: stage for stage in run["stages"]}
                self._add(dict(run, stages=stages))
            self.events = status["events"]
            return place
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            self.runs, self.ids, self.accounts, self.definitions, self.events = {}, {}, {}, {}, 0
            return None

    def _near(self, end):
        # type: (Tuple[int, int]) -> Tuple[int, int]
        """Returns a place that is not too far before the end to be read from: what
        happened before it is left out. Nobody keeps such a home."""
        segment, offset = end
        found = [n for n in _segments(self.folder) if n <= segment]
        left = _MAX_CATCH_UP - offset
        while left > 0 and len(found) > 1:
            found.pop()
            left -= os.stat(_segment_path(self.folder, found[-1])).st_size
        if not found:
            return 1, 0
        return found[-1], max(0, -left) if found[-1] != segment else max(0, offset - _MAX_CATCH_UP)

    # -- the fold

    def apply(self, event):
        # type: (Dict[str, Any]) -> Optional[Tuple[str, str]]
        """Folds one record. Returns the level and text of its line, None when it has none."""
        kind = event.get("kind")
        if kind == "stage":
            changed = self._apply_stage(event)
            return _line(event, *changed) if changed else None
        if kind == "definition":
            self._define(event.get("defined"))
        elif kind == "reset":
            owner = event.get("owner")
            self._forget([r for r in self.runs.values()
                          if (r["owner"] == owner or r["state"] not in _OPEN) and not _is_held(r, owner)])
        elif kind == "erased":
            erased = set(event.get("runs") or [])  # run ids by their digests
            self._forget([run for run in self.runs.values()
                          if hashlib.sha256(run["id"].encode()).hexdigest()[:32] in erased])
        return None

    def _define(self, definition):
        # type: (Any) -> None
        try:
            definition = check_definition(definition, recorded=True)
            self.definitions[definition["name"]] = definition
        except ValueError:
            pass

    def _definition(self, name):
        # type: (str) -> Dict[str, Any]
        return _DEFAULT if name == _DEFAULT["name"] else self.definitions.get(name, {"name": name, "stages": []})

    def _apply_stage(self, event):
        # type: (Dict[str, Any]) -> Optional[Tuple[Dict[str, Any], Dict[str, Any]]]
        what, number, key = event.get("what"), event.get("stage", 0), event.get("key", "")
        definition = self._definition(event.get("definition") or _DEFAULT["name"])
        named = _stage_by_key(definition, key)
        if named:
            number = named["number"]
        place = key if key and not named and not number else number  # a key that no definition has is no number
        about = event.get("run", ""), definition["name"], event.get("platform", ""), event.get("account", "")
        run = self._find(*about)
        stage = run["stages"].get(place) if run else None
        if not _is_news(event, stage):
            return None
        if run is None:
            run = self._add({"id": about[0], "definition": about[1], "platform": about[2], "account": about[3],
                             "state": "running", "owner": event.get("owner") or {}, "stages": {}})
        known = named or (None if isinstance(place, str) else _stage_by_number(definition, number))
        if stage is None:
            title = known["name"] if known else place if isinstance(place, str) else "Stage %d" % number
            stage = {"number": number, "name": title, "state": "waiting", "attempt": 0}
            if isinstance(place, str):
                stage.update(key=place, unknown=True)
            run["stages"][place] = stage
        run["order"] = stage["order"] = self.events
        if what == "started":
            self._begin(run, stage, event)
        elif what == "progressed":
            if event.get("done") or event.get("total"):
                stage.update(done=event.get("done", 0), total=event.get("total") or stage.get("total", 0))
            for field in ("message", "details"):
                if event.get(field):
                    stage[field] = event[field]
            stage["heard"] = max(stage.get("heard") or 0, event.get("clock") or 0)
            if stage["state"] == "stalled":  # it speaks again
                stage["state"] = "running"
        elif what == "stalled":
            stage["state"] = "stalled"
        else:
            if what in ("completed", "failed") and stage["state"] not in _OPEN:
                run["owner"] = event.get("owner") or {}
            stage.update(state=_WORDS[what], message=event.get("message", ""), since=event.get("time", ""), owner={},
                         attempt=max(stage["attempt"], 1))
            if event.get("details") is not None:
                stage["details"] = event["details"]
            if what != "completed" or not run["account"] or _ends(definition, known):
                run["state"] = stage["state"]
            elif all(other["state"] != run["state"] for other in run["stages"].values()):
                run["state"] = "running"  # nothing is left of what ended it: it goes on
        if run["state"] in _OPEN:
            run["state"] = "stalled" if any(s["state"] == "stalled" for s in run["stages"].values()) else "running"
        self._supersede(run)
        return run, stage

    def _begin(self, run, stage, event):
        # type: (Dict[str, Any], Dict[str, Any], Dict[str, Any]) -> None
        """Opens a stage: a new attempt, before which nothing of the later stages
        counts. Attempts are counted until one goes well."""
        owner, when = event.get("owner") or {}, event.get("time", "")
        if stage["state"] == "completed":
            stage["attempt"] = 0
        stage.update(state="running", message=event.get("message", ""), attempt=stage["attempt"] + 1, since=when,
                     started=when, heard=event.get("clock") or 0, owner=owner, done=0, total=0, details=event.get("details"))
        run["owner"], run["state"] = owner, "running"
        for later in run["stages"].values():
            if later["number"] > stage["number"] and not later.get("unknown") and not stage.get("unknown"):
                later.update(state="waiting", owner={}, attempt=0 if later["state"] == "completed" else later["attempt"])

    def _find(self, name, definition, platform, account):
        # type: (str, str, str, str) -> Optional[Dict[str, Any]]
        """Returns the run of a record. One that leaves out the account, or the
        platform, means the only run with that id."""
        same = self.ids.get(name, [])
        for run in same:
            if (run["definition"], run["platform"], run["account"]) == (definition, platform, account):
                return run
        if len(same) == 1 and same[0]["definition"] == definition:
            run = same[0]
            if not account or account == run["account"] and (platform == run["platform"] or not platform or not run["platform"]):
                return run
        return None

    def _add(self, run):
        # type: (Dict[str, Any]) -> Dict[str, Any]
        run.setdefault("platform", "")
        run.setdefault("account", "")
        self.runs[id(run)] = run
        self.ids.setdefault(run["id"], []).append(run)
        self.accounts.setdefault((run["definition"], run["platform"], run["account"]), []).append(run)
        return run

    def _forget(self, runs):
        # type: (List[Dict[str, Any]]) -> None
        for run in runs:
            del self.runs[id(run)]
            account = run["definition"], run["platform"], run["account"]
            for index, about in ((self.ids, run["id"]), (self.accounts, account)):  # type: Any, Any
                left = [other for other in index[about] if other is not run]
                if left:
                    index[about] = left
                else:
                    del index[about]

    def _supersede(self, run):
        # type: (Dict[str, Any]) -> None
        """Forgets what leaves the view as a run changes: runs of its account in which
        no stage is open, but the one that began last; without account, others of
        its process too."""
        same = self.accounts[run["definition"], run["platform"], run["account"]]
        if len(same) > 1:
            resting = [old for old in same[:-1] if not any(stage["state"] in _OPEN for stage in old["stages"].values())]
            if run["account"] or any(old is run for old in resting):
                others = []
            else:
                others = [old for old in same if old is not run and old["owner"] == run["owner"]
                          and not any(old is other for other in resting)]
            self._forget(resting + others)

    # -- what it shows

    def bereaved(self):
        # type: () -> List[Dict[str, Any]]
        """Returns the records that are due for running stages whose process is gone."""
        boot, space = _here()
        gone, due = {}, []  # type: Dict[Tuple[Any, ...], bool], List[Dict[str, Any]]
        for run in self.runs.values():
            for stage in run["stages"].values():
                if stage["state"] in _OPEN:
                    owner = stage.get("owner") or {}
                    known = owner.get("pid"), owner.get("start"), owner.get("boot"), owner.get("space")
                    if known not in gone:
                        gone[known] = _gone(owner, boot, space)
                    if gone[known]:
                        due.append({
                            "kind": "stage", "what": "lost", "owner": owner, "definition": run["definition"],
                            "run": run["id"], "platform": run["platform"], "account": run["account"],
                            "stage": stage["number"], "key": stage.get("key", ""), "message": "process ended",
                        })
        return due

    def current(self, definition):
        # type: (str) -> Optional[Dict[str, Any]]
        """Returns the newest running stage of a definition, else the newest ended one."""
        boot, space = _here()
        best = None  # type: Any
        for run in self.runs.values():
            if run["definition"] != definition or not run["stages"]:
                continue
            stage = max(run["stages"].values(), key=lambda s: (s["state"] != "waiting", s.get("order", 0)))
            open_now = stage["state"] in _OPEN and run["state"] in _OPEN
            lost = stage["state"] in _OPEN and _gone(stage.get("owner") or {}, boot, space)
            rank = open_now and not lost, run["order"]
            if best is None or rank > best[0]:
                best = rank, run, stage, "lost" if lost else stage["state"]
        if best is None:
            return None
        _, run, stage, status = best
        return {
            "stage": stage["number"], "stage_name": stage["name"], "status": status, "username": run["account"],
            "platform": run["platform"], "message": stage.get("message", "") if status != "lost" else "process ended",
            "attempt": stage["attempt"], "since": stage.get("since", ""), "started": stage.get("started", ""),
            "done": stage.get("done", 0), "total": stage.get("total", 0), "details": stage.get("details") or {},
            "run": run["id"], "definition": run["definition"],
        }


_OPEN = ("running", "stalled")
_WORDS = {
    "started": "running", "progressed": "running", "completed": "completed", "failed": "failed",
    "lost": "lost", "stopped": "stopped", "stalled": "stalled",
}
# Characters that move the cursor, change the screen or turn the direction of writing.
_HARMFUL = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ufff9-\ufffb]")


def _plain_text(text):
    # type: (Any) -> str
    return _HARMFUL.sub(" ", str(text))


def _is_held(run, owner):
    # type: (Dict[str, Any], Any) -> bool
    """Tells whether only other processes than owner have stages of a run open."""
    holders = [stage.get("owner") for stage in run["stages"].values() if stage["state"] in _OPEN]
    return bool(holders) and owner not in holders


def _is_news(event, stage):
    # type: (Dict[str, Any], Optional[Dict[str, Any]]) -> bool
    """Tells whether a record says something new of a stage, None for one not seen yet."""
    what = event.get("what")
    if what in ("started", "completed", "failed"):
        return True
    if stage is None or stage["state"] not in _OPEN:
        return False
    if what == "progressed":
        return True
    if what not in ("lost", "stopped", "stalled") or stage.get("owner") != event.get("owner"):
        return False  # said of the process that began the attempt, and of no other
    heard = (event.get("details") or {}).get("heard") or 0
    return what != "stalled" or stage["state"] == "running" and (stage.get("heard") or 0) <= heard


def _ends(definition, stage):
    # type: (Dict[str, Any], Optional[Dict[str, Any]]) -> bool
    """Tells whether a run is complete with a stage: only optional ones come after it."""
    stages = definition["stages"]
    return stage is not None and all(later.get("optional") for later in stages if later["number"] > stage["number"])


def _saying(lead, message):
    # type: (str, str) -> str
    """Returns a message with what leads to it, nothing when it is empty."""
    message = _plain_text(message).rstrip(" ")
    return lead + message if message else ""


def _line(event, run, stage):
    # type: (Dict[str, Any], Dict[str, Any], Dict[str, Any]) -> Optional[Tuple[str, str]]
    """Returns the operator's line for a change of a stage, and its level."""
    what = event["what"]
    label = "Stage " + _plain_text(stage["key"]) if stage.get("unknown") else "Stage %d" % stage["number"]
    if run["definition"] != _DEFAULT["name"]:
        label = "%s · %s" % (_plain_text(run["definition"]), label)
    subject, message = _plain_text(stage["name"]), stage.get("message", "")
    if run["account"]:
        subject += " for " + _plain_text(run["account"])
    if what == "started":
        attempt = " (attempt %d)" % stage["attempt"] if stage["attempt"] > 1 and run["account"] else ""
        return "info", "⚙️  %s - %s%s%s" % (label, subject, _saying(": ", message), attempt)
    if what == "completed":
        return "info", "✅ %s Complete - %s%s" % (label, subject, _saying(" - ", message))
    if what == "failed":
        return "error", "❌ %s Failed - %s%s" % (label, subject, _saying(" - Error: ", message))
    if what == "lost":
        return "error", "❌ %s Lost - %s%s" % (label, subject, _saying(" - Error: ", message))
    if what == "stalled":
        return "warning", "⚠️  %s Stalled - %s%s" % (label, subject, _saying(" - ", event.get("message", "")))
    if what == "stopped" and run["account"]:
        return "warning", "⚠️  %s Stopped - %s - goes on at the next start" % (label, subject)
    return None


def _end(folder):
    # type: (str) -> Optional[Tuple[int, int]]
    """Returns the place after all that is in a journal, None when there is none."""
    try:
        found = _segments(folder)
        return (found[-1], os.stat(_segment_path(folder, found[-1])).st_size) if found else None
    except OSError:
        return None


class MinerStageReporter:
    """Writes one line to a logger for each transition of a stage in the tracker's
    home, whichever process it is of: in the journal's order, none lost, none twice.
    It begins with what happens after it was made. The logger needs the methods
    info, warning and error; its configuration is left alone. Without a logger the
    lines go to standard error."""

    def __init__(self, tracker=None, logger=None):
        # type: (Optional[StageTracker], Any) -> None
        self._tracker = tracker if isinstance(tracker, StageTracker) else get_tracker()
        self._logger = logger
        self._guard = threading.Lock()
        self._thread = None  # type: Optional[threading.Thread]
        self._stop = threading.Event()
        self._begin = (0, 0)
        self._view = None  # type: Optional[_View]
        self._gone = {}  # type: Dict[Tuple[str, str, int, str], float]
        try:
            self._tracker._ready()
            self._view = _View(self._tracker.home) if self._tracker.home else None
            self._begin = (self._view and _end(self._view.folder)) or (0, 0)
        except Exception:
            pass

    def start_monitoring(self, check_interval=1.0):
        # type: (float) -> None
        """Begins to write lines, from a thread of its own that looks every
        check_interval seconds. A second call does nothing."""
        try:
            with self._guard:
                if self._thread is not None or self._view is None:
                    return
                interval = min(max(float(check_interval), 0.01), 3600.0)
                thread = threading.Thread(target=self._run, args=(interval,), name="MinerStageReporter", daemon=True)
                self._stop.clear()
                thread.start()
                self._thread = thread
                _reporters.add(self)
        except Exception:
            pass

    def stop_monitoring(self):
        # type: () -> None
        """Writes the lines of all that was recorded so far, and ends."""
        try:
            with self._guard:
                thread, self._thread = self._thread, None
            if thread is not None:
                self._tracker.flush(1.0)
                self._stop.set()
                if thread is not threading.current_thread():
                    thread.join(5.0)
        except Exception:
            pass

    def _run(self, interval):
        # type: (float) -> None
        while True:
            ended = self._stop.wait(interval)
            try:
                self._look()
            except Exception:
                pass  # what could not be read is read at the next look
            if ended:
                return

    def _look(self):
        # type: () -> None
        view = self._view  # type: Any
        view.catch_up(self._show, self._begin)
        # Where nobody keeps the home nobody declares stages lost; a keeper does it within a second.
        gone, now = {}, time.monotonic()
        for event in view.bereaved():
            about = event["run"], event["account"], event["stage"], event["key"]
            gone[about] = self._gone.get(about, now)
            if now - gone[about] >= 2.0:
                view.events += 1
                said = view.apply(event)
                if said is not None:
                    self._show(said[0], said[1], None)
        self._gone = gone

    def _show(self, level, line, place):
        # type: (str, str, Optional[Tuple[int, int]]) -> None
        if place is not None and place <= self._begin:
            return
        try:
            if self._logger is None:
                print(line, file=sys.stderr, flush=True)
            else:
                getattr(self._logger, level)(line)
        except Exception:
            pass  # a logger's fault is not the journal's


# --- The process's own tracker ---------------------------------------------------------

_trackers = weakref.WeakSet()  # type: weakref.WeakSet
_reporters = weakref.WeakSet()  # type: weakref.WeakSet
_default = StageTracker()


def _flush_at_exit(reference):
    # type: (Any) -> None
    for reporter in list(_reporters):
        reporter.stop_monitoring()
    tracker = reference()
    if tracker is not None:
        tracker.flush(1.0)


def _after_fork():
    # type: () -> None
    """Makes a forked child begin anew: another process, another writer, no thread,
    and no lock that a thread of the parent may have held."""
    for tracker in list(_trackers):
        sink, view = tracker._sink, tracker._view
        tracker._clear()
        try:
            if sink is not None and sink._writer is not None:
                sink._writer.close()
            if view is not None:
                view.follower.close()
        except OSError:
            pass
    for reporter in list(_reporters):
        reporter._guard = threading.Lock()
        reporter._thread = None
    _reporters.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def get_tracker():
    # type: () -> StageTracker
    """Returns the process's tracker."""
    return _default


def stage_start(stage_number, message="", username="", details=None, platform=""):
    # type: (Stage, str, str, Optional[Mapping[str, Any]], str) -> None
    """Records that a stage begins; stage_number is its number, or its key."""
    _default.stage_start(stage_number, message, username, details, platform)


def stage_complete(stage_number, message="", username="", details=None, platform=""):
    # type: (Stage, str, str, Optional[Mapping[str, Any]], str) -> None
    """Records that a stage ended well."""
    _default.stage_complete(stage_number, message, username, details, platform)


def stage_failed(stage_number, message="", username="", details=None, platform=""):
    # type: (Stage, str, str, Optional[Mapping[str, Any]], str) -> None
    """Records that a stage failed, and with it the run; message says why."""
    _default.stage_failed(stage_number, message, username, details, platform)


def stage_progress(stage_number, done, total=0, username="", platform=""):
    # type: (Stage, int, int, str, str) -> None
    """Records how far a stage is: done of total, total 0 when unknown."""
    _default.stage_progress(stage_number, done, total, username, platform)


def stage(stage_number, message="", username="", details=None, platform=""):
    # type: (Stage, str, str, Optional[Mapping[str, Any]], str) -> _StageContext
    """Returns a context manager: the stage starts with the block, is complete at
    its end, and failed when an exception leaves it (which goes on)."""
    return _default.stage(stage_number, message, username, details, platform)


def reset_stages():
    # type: () -> None
    """Ends this process's open runs and clears ended ones from view."""
    _default.reset_stages()


def run_env(username="", platform="", env=None):
    # type: (str, str, Optional[Mapping[str, str]]) -> Dict[str, str]
    """Returns an environment for a child that shall record for the same run, in
    this process's name."""
    return _default.run_env(username, platform, env)


def flush(timeout=1.0):
    # type: (float) -> bool
    """Waits until every record handed over so far is written, timeout seconds at
    most. Returns whether it is so."""
    return _default.flush(timeout)
