"""A discrete-event simulation of many builds that share AWS's limits; the same seed gives the same run.

Processes are generators. They yield the seconds that something takes, or a `Pool` or `Latch` that they wait for.
"""

from __future__ import annotations

import heapq
import itertools
import math
import random
from collections import Counter, deque
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import Union

# The AWS SDK for Rust, standard mode: full jitter over 1 s doubled each time, 20 s at most; 500 tokens a client, 5 for
# each retry, given back by success. <https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html>
BACKOFF, LONGEST_BACKOFF = 1.0, 20.0
RETRY_TOKENS, RETRY_COST = 500, 5
# src/aws/mod.rs: ATTEMPTS; src/store/mod.rs: REQUESTS_AT_ONCE; src/store/listing.rs: FEWEST; src/build/mod.rs: INSTALLATIONS.
ATTEMPTS = 5
REQUESTS_AT_ONCE, FEWEST_LISTED, INSTALLATIONS = 64, 16, 4
# Keys on a page of ListObjectsV2.
PAGE = 1000


class Pool:
    """So many may have it at a time; the others wait in line."""

    def __init__(self, slots: float) -> None:
        self.free = slots
        self.line: deque[Process] = deque()


class Latch:
    """Opens when so many are through."""

    def __init__(self, count: int) -> None:
        self.missing = count
        self.waiting: list[Process] = []


Process = Generator[Union[float, Pool, Latch], None, None]


class Bucket:
    """Tokens that come back at a rate, a second's worth of them at most. Who finds none is throttled."""

    def __init__(self, clock: Clock, rate: float) -> None:
        self.clock, self.rate = clock, rate
        self.tokens, self.last = rate, 0.0
        self.throttled = 0

    def take(self) -> bool:
        self.tokens = min(self.rate, self.tokens + (self.clock.now - self.last) * self.rate)
        self.last = self.clock.now
        if self.tokens < 1:
            self.throttled += 1
            return False
        self.tokens -= 1
        return True


class Clock:
    """Runs processes in the order of their time."""

    def __init__(self, seed: int) -> None:
        self.now = 0.0
        self.chance = random.Random(seed)
        self.events: list[tuple[float, int, Process]] = []
        self.numbers = itertools.count()

    def start(self, process: Process, after: float = 0.0) -> None:
        heapq.heappush(self.events, (self.now + after, next(self.numbers), process))

    def run(self) -> None:
        while self.events:
            self.now, _, process = heapq.heappop(self.events)
            wanted = next(process, None)
            if isinstance(wanted, Pool):
                if wanted.free > 0:
                    wanted.free -= 1
                    self.start(process)
                else:
                    wanted.line.append(process)
            elif isinstance(wanted, Latch):
                if wanted.missing > 0:
                    wanted.waiting.append(process)
                else:
                    self.start(process)
            elif wanted is not None:
                self.start(process, wanted)

    def give_back(self, pool: Pool) -> None:
        if pool.line:
            self.start(pool.line.popleft())
        else:
            pool.free += 1

    def through(self, latch: Latch) -> None:
        latch.missing -= 1
        if latch.missing == 0:
            for process in latch.waiting:
                self.start(process)


@dataclass(frozen=True)
class Account:
    """What AWS allows, a second or at a time."""

    puts: float
    gets: float
    start_builds: float
    running_builds: float
    parameters: float


@dataclass(frozen=True)
class Work:
    """What there is to do, and how long its parts take, in seconds; ranges are uniform."""

    functions: int
    # In the store already; else it is empty.
    published: bool
    # Share of functions whose dependencies are installed.
    with_dependencies: float
    install: tuple[float, float]
    provision: tuple[float, float]
    # Fetching and unpacking the source, once a build.
    fetch: float
    latency: tuple[float, float]
    # Of one processor: reading all definitions, once a build; hashing, packing and sending one function.
    read_all_cpu: float
    function_cpu: float
    processors: int
    attempts: int = ATTEMPTS


@dataclass
class Outcome:
    """What a simulated run came to."""

    seconds: float = 0.0
    # Of each build, from its place on a machine to its end, and what of it was what.
    builds: list[float] = field(default_factory=list)
    parts: Counter[str] = field(default_factory=Counter)
    requests: Counter[str] = field(default_factory=Counter)
    throttled: int = 0
    failed: int = 0

    @property
    def minutes(self) -> int:
        """As they are billed: each build rounded up."""
        return sum(math.ceil(seconds / 60) for seconds in self.builds)


class Client:
    """One process and its budget of retries."""

    def __init__(
        self, clock: Clock, outcome: Outcome, latency: tuple[float, float], attempts: int = ATTEMPTS
    ) -> None:
        self.clock, self.outcome, self.latency, self.attempts = clock, outcome, latency, attempts
        self.tokens = RETRY_TOKENS

    def request(self, kind: str, bucket: Bucket) -> Generator[float, None, bool]:
        """Whether it was answered in the end."""
        for attempt in range(self.attempts):
            self.outcome.requests[kind] += 1
            yield self.clock.chance.uniform(*self.latency)
            if bucket.take():
                self.tokens = min(RETRY_TOKENS, self.tokens + (RETRY_COST if attempt else 1))
                return True
            if attempt + 1 == self.attempts or self.tokens < RETRY_COST:
                break
            self.tokens -= RETRY_COST
            yield self.clock.chance.random() * min(LONGEST_BACKOFF, BACKOFF * 2**attempt)
        return False


def shard(names: int, shards: int) -> list[int]:
    """How many functions each gets: by a hash of the name, so not the same number."""
    chance = random.Random(shards)
    sizes = Counter(chance.randrange(shards) for _ in range(names))
    return [sizes[number] for number in range(shards)]


def upload(work: Work, account: Account, shards: int, seed: int) -> Outcome:
    """Starts so many builds, each of which uploads its share, and waits for the last one."""
    clock, outcome = Clock(seed), Outcome()
    puts, gets = Bucket(clock, account.puts), Bucket(clock, account.gets)
    starts, slots = Bucket(clock, account.start_builds), Pool(account.running_builds)
    starts.tokens = 1

    def client() -> Process:
        caller = Client(clock, outcome, work.latency)
        for size in shard(work.functions, shards):
            # A start that is throttled is repeated until it works: `remote start` has nothing else to do.
            while not (yield from caller.request("StartBuild", starts)):
                pass
            clock.start(build(size))

    def build(size: int) -> Process:
        yield slots
        begin = clock.now
        provision = clock.chance.uniform(*work.provision)
        yield provision + work.fetch
        outcome.parts["provisioning, fetching"] += provision + work.fetch
        before = clock.now
        yield from run(size)
        outcome.parts["lambda-pack"] += clock.now - before
        outcome.builds.append(clock.now - begin)
        clock.give_back(slots)
        outcome.seconds = clock.now

    def run(size: int) -> Process:
        process = Client(clock, outcome, work.latency, work.attempts)
        processors, installers = Pool(work.processors), Pool(INSTALLATIONS)
        yield work.read_all_cpu / work.processors
        listed = 0
        if size >= FEWEST_LISTED:
            pages, listed = pages_of(size, work)
            for _ in range(pages):
                # Records and packages, one after the other here, at once in truth.
                yield from process.request("LIST", gets)
                outcome.requests["LIST"] += 1
        todo = deque(range(size))
        workers = min(size, REQUESTS_AT_ONCE)
        done = Latch(workers)
        hopeless = []

        def worker() -> Process:
            while todo and not hopeless:
                number = todo.popleft()
                if not (yield from one(number)):
                    hopeless.append(number)
            clock.through(done)

        def one(number: int) -> Generator[Union[float, Pool], None, bool]:
            yield processors
            yield work.function_cpu
            clock.give_back(processors)
            if work.published:
                # Its record, and without a listing its package.
                kinds = ["GET"] if number < listed else ["GET", "HEAD"]
            else:
                kinds = [] if listed else ["GET"]
            for kind in kinds:
                if not (yield from process.request(kind, gets)):
                    return False
            if work.published:
                return True
            if clock.chance.random() < work.with_dependencies:
                yield installers
                yield clock.chance.uniform(*work.install)
                clock.give_back(installers)
            # Manifest, package, record.
            for _ in range(3):
                if not (yield from process.request("PUT", puts)):
                    return False
            return True

        for _ in range(workers):
            clock.start(worker())
        yield done
        outcome.failed += len(hopeless) + len(todo)

    clock.start(client())
    clock.run()
    outcome.throttled = puts.throttled + gets.throttled
    return outcome


def pages_of(size: int, work: Work) -> tuple[int, int]:
    """Pages that are read of each part of the store, and how many of the functions they settle: src/store/listing.rs. A page
    that settles fewer than could be asked for at once is the last one."""
    if not work.published:
        return 1, size
    settles = PAGE * size / work.functions
    if settles < REQUESTS_AT_ONCE:
        return 1, int(settles)
    return math.ceil(work.functions / PAGE), size


def modules(
    count: int, at_once: int, seconds: float, calls: tuple[Sequence[str], Sequence[str]], account: Account, seed: int
) -> Outcome:
    """So many modules, some at a time, that ask the Parameter Store before and after the seconds in which they are built."""
    clock, outcome = Clock(seed), Outcome()
    bucket = Bucket(clock, account.parameters)
    todo = deque(range(count))

    def worker() -> Process:
        while todo:
            todo.popleft()
            # Each module is a process of its own.
            process = Client(clock, outcome, (0.02, 0.06))
            before, after = calls
            fine = yield from all_of(process, before)
            if fine and after:
                yield clock.chance.uniform(0.5, 1.5) * seconds
                fine = yield from all_of(process, after)
            outcome.failed += not fine
            outcome.seconds = clock.now

    def all_of(process: Client, wanted: Sequence[str]) -> Generator[float, None, bool]:
        for call in wanted:
            if not (yield from process.request(call, bucket)):
                return False
        return True

    for _ in range(at_once):
        clock.start(worker(), clock.chance.random())
    clock.run()
    outcome.throttled = bucket.throttled
    return outcome
