"""`manage.py worker`: does the jobs of some queues, in threads of this one process."""

import os
import signal
import sys
import threading
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

import dramatiq
from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils.module_loading import autodiscover_modules

from hub.broker import QUEUES
from hub.worker_memory import GivesBack

STOP_MILLISECONDS = 8000  # then running jobs are cut off; their rows say so and they go on later


def queues(text: str) -> list[str]:
    names = text.split(",")
    if unknown := [name for name in names if name not in QUEUES]:
        raise ArgumentTypeError(f"no queue is called {unknown[0]!r}; there are {', '.join(QUEUES)}")
    return names


class Command(BaseCommand):
    help = "Do jobs. One process: for the GPU use one thread, and one such process for each GPU."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--queues", type=queues, default=list(QUEUES), help=f"by commas, of {', '.join(QUEUES)} (default: all)")
        parser.add_argument("--threads", type=int, default=1, help="jobs done at the same time (default: %(default)s)")

    def handle(self, *, queues: list[str], threads: int, **options: Any) -> None:
        autodiscover_modules("actors")
        broker = dramatiq.get_broker()
        asked, stopping = threading.Event(), threading.Event()  # by somebody; or to begin anew
        broker.add_middleware(GivesBack(settings.WORKER_MEGABYTES, stopping.set))
        worker = dramatiq.Worker(broker, queues=set(queues), worker_threads=threads)
        worker.queue_prefetch = threads  # what waits, waits in the database, where another worker can take it

        def stop(*_: object) -> None:
            asked.set()
            stopping.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        worker.start()
        self.stdout.write(f"Working on {', '.join(queues)}, {threads} at a time.")
        self.stdout.flush()
        stopping.wait()
        worker.stop(timeout=STOP_MILLISECONDS)
        broker.close()
        if not asked.is_set():  # the same process, with an empty memory: whoever watches over it need not know
            self.stdout.write("Beginning anew.")
            self.stdout.flush()
            os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
