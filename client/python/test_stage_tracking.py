"""Shows every stage through its life, success and failure, and checks the lines.

    python3 test_stage_tracking.py

It uses a home of its own, which it removes. The exit code is 0 when every line
was as it should be, else 1.
"""

import logging
import os
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from miner_stage_tracker import (  # noqa: E402
    MinerStageReporter,
    flush,
    get_tracker,
    reset_stages,
    stage_complete,
    stage_failed,
    stage_start,
)

SUCCESS = [
    (0, "", "Starting watchdog mode", "Watchdog mode initialized successfully"),
    (1, "elonmusk", "Processing twitter account with fresh scraping", "Successfully processed twitter account"),
    (2, "elonmusk", "Processing and validating data", "Data validation successful"),
    (3, "elonmusk", "Indexing 50 posts in vector database", "Successfully indexed posts in vector database"),
    (4, "elonmusk", "Analyzing engagement data and patterns", "Successfully analyzed engagement data"),
    (5, "elonmusk", "Generating content recommendations", "Successfully generated content recommendations"),
    (6, "elonmusk", "Exporting content plan and results", "Successfully exported content plan"),
]

LINES = """\
[INFO] ⚙️  Stage 0 - Initialization: Starting watchdog mode
[INFO] ✅ Stage 0 Complete - Initialization - Watchdog mode initialized successfully
[INFO] ⚙️  Stage 1 - Data Scraping for elonmusk: Processing twitter account with fresh scraping
[INFO] ✅ Stage 1 Complete - Data Scraping for elonmusk - Successfully processed twitter account
[INFO] ⚙️  Stage 2 - Data Retrieval for elonmusk: Processing and validating data
[INFO] ✅ Stage 2 Complete - Data Retrieval for elonmusk - Data validation successful
[INFO] ⚙️  Stage 3 - Vector Database for elonmusk: Indexing 50 posts in vector database
[INFO] ✅ Stage 3 Complete - Vector Database for elonmusk - Successfully indexed posts in vector database
[INFO] ⚙️  Stage 4 - Time Series Analysis for elonmusk: Analyzing engagement data and patterns
[INFO] ✅ Stage 4 Complete - Time Series Analysis for elonmusk - Successfully analyzed engagement data
[INFO] ⚙️  Stage 5 - Content Generation for elonmusk: Generating content recommendations
[INFO] ✅ Stage 5 Complete - Content Generation for elonmusk - Successfully generated content recommendations
[INFO] ⚙️  Stage 6 - Exportation for elonmusk: Exporting content plan and results
[INFO] ✅ Stage 6 Complete - Exportation for elonmusk - Successfully exported content plan
[INFO] ✅ Stage 7 Complete - Complete for elonmusk - Pipeline completed - 15 recommendations generated
[INFO] ⚙️  Stage 1 - Data Scraping for badusername: Processing twitter account with fresh scraping
[ERROR] ❌ Stage 1 Failed - Data Scraping for badusername - Error: Failed to scrape profile
[INFO] ⚙️  Stage 0 - Initialization: Waiting for accounts to process
"""


class Screen(logging.Handler):
    """Prints lines, and keeps them."""

    def __init__(self):
        super().__init__()
        self.setFormatter(logging.Formatter("[%(levelname)s] %(message)s"))
        self.text = ""

    def emit(self, record):
        line = self.format(record)
        self.text += line + "\n"
        print(line, flush=True)


def expect(what, got, want):
    if got != want:
        raise AssertionError("%s: %r, want %r" % (what, got, want))


def show(screen):
    logger = logging.Logger("miner")
    logger.addHandler(screen)
    tracker = get_tracker()
    expect("current stage of a new home", tracker.get_current_stage(), None)
    reporter = MinerStageReporter(tracker, logger)
    reporter.start_monitoring(check_interval=1.0)
    for number, account, begin, end in SUCCESS:
        stage_start(number, begin, account)
        flush(10)  # on a busy machine a record may take longer than a call waits for it
        current = tracker.get_current_stage()
        expect("status after the start", (current["status"], current["username"]), ("running", account))
        stage_complete(number, end, account, {"stage": number})
        flush(10)
        expect("status after the end", tracker.get_current_stage()["status"], "completed")
    stage_complete(7, "Pipeline completed - 15 recommendations generated", "elonmusk")
    stage_start(1, "Processing twitter account with fresh scraping", "badusername")
    stage_failed(1, "Failed to scrape profile", "badusername", {"reason": "private"})
    flush(10)
    current = tracker.get_current_stage()
    expect("current stage", (current["stage_name"], current["status"]), ("Data Scraping", "failed"))
    stage_start(0, "Waiting for accounts to process")
    reporter.stop_monitoring()
    reset_stages()
    flush(10)
    expect("current stage after a reset", tracker.get_current_stage(), None)
    expect("lines", screen.text, LINES)


def main():
    home = tempfile.mkdtemp()
    os.environ["MINER_HOME"] = home
    for name in ("MINER_RUN", "MINER_OWNER"):
        os.environ.pop(name, None)
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(encoding="utf-8", errors="replace")
    try:
        show(Screen())
    except Exception as error:
        print("FAILED: %s" % error)
        return 1
    finally:
        shutil.rmtree(home, ignore_errors=True)
    print("all stages shown, through success and failure")
    return 0


if __name__ == "__main__":
    sys.exit(main())
