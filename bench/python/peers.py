"""The work of the scenarios on CPython's event loops: `peers.py EVENT_LOOP WORK N` prints what it took, as JSON."""

import asyncio
import gc
import json
import os
import sys
import threading
import time

CPU, ALL_CPU, WALL = time.thread_time_ns, time.process_time_ns, time.perf_counter_ns


class Meter:
    def __init__(self, clock=CPU):
        gc.collect()
        self.clock, self.cpu, self.started = clock, ALL_CPU(), clock()

    def stop(self, n):
        sample = {"ns": (self.clock() - self.started) / n}
        if self.clock is WALL:
            sample["cpu_ns"] = (ALL_CPU() - self.cpu) / n
        return sample


async def number(i):
    return i


async def yielding(i):
    await asyncio.sleep(0)
    return i


async def spawn_join(n):
    meter = Meter()
    tasks = [asyncio.create_task(number(i)) for i in range(n)]
    for i, task in enumerate(tasks):
        assert await task == i
    return meter.stop(n)


async def chain(n):
    meter = Meter()
    for i in range(n):
        assert await asyncio.create_task(number(i)) == i
    return meter.stop(n)


async def yields(n_tasks, n):
    async def task():
        for _ in range(n):
            await asyncio.sleep(0)

    meter = Meter()
    tasks = [asyncio.create_task(task()) for _ in range(n_tasks)]
    for task in tasks:
        await task
    return meter.stop(n_tasks * n)


def gather(width, child):
    async def work(n):
        meter = Meter()
        for _ in range(n):
            assert len(await asyncio.gather(*(child(i) for i in range(width)))) == width
        return meter.stop(n * width)

    return work


def group(child):
    async def work(n):
        meter = Meter()
        async with asyncio.TaskGroup() as tasks:
            for i in range(n):
                tasks.create_task(child(i))
        return meter.stop(n)

    return work


async def timer_few(n):
    loop = asyncio.get_running_loop()
    meter = Meter()
    for i in range(n):
        loop.call_later(10, print).cancel()
        if i % 64 == 0:
            await asyncio.sleep(0)
    return meter.stop(n)


async def timeout_ready(n):
    meter = Meter()
    for i in range(n):
        async with asyncio.timeout(10):
            assert await number(i) == i
    return meter.stop(n)


async def sleeps(n):
    late = []
    loop = asyncio.get_running_loop()
    meter = Meter(ALL_CPU)
    # 25 us for each: 40 times slower than the others are asked to be, as it takes as much longer to start the tasks.
    first = loop.time() + 50e-6 * n

    async def task(at):
        await asyncio.sleep(at - loop.time())
        late.append(loop.time() - at)

    state, tasks = 1, []
    for _ in range(n):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        tasks.append(asyncio.create_task(task(first + (state >> 33) % n * 25e-6)))
    for task in tasks:
        await task
    sample = meter.stop(n)
    late.sort()
    assert len(late) == n
    return sample | {"late_median_ms": late[n // 2] * 1e3, "late_p99_ms": late[n * 99 // 100] * 1e3}


async def lock_free(n):
    lock = asyncio.Lock()
    count = 0
    meter = Meter()
    for _ in range(n):
        async with lock:
            count += 1
    assert count == n
    return meter.stop(n)


async def lock_contended(n):
    lock = asyncio.Lock()
    count = 0

    async def task():
        nonlocal count
        for _ in range(n):
            async with lock:
                await asyncio.sleep(0)
                count += 1

    meter = Meter()
    tasks = [asyncio.create_task(task()) for _ in range(64)]
    for task in tasks:
        await task
    assert count == 64 * n
    return meter.stop(64 * n)


def queue(capacity):
    async def work(n):
        items = asyncio.Queue(capacity)

        async def put():
            for i in range(n):
                await items.put(i)

        meter = Meter()
        producer = asyncio.create_task(put())
        for i in range(n):
            assert await items.get() == i
        await producer
        return meter.stop(n)

    return work


async def queue_ping_pong(n):
    ping, pong = asyncio.Queue(1), asyncio.Queue(1)

    async def echo():
        for _ in range(n):
            await pong.put(await ping.get())

    meter = Meter()
    other = asyncio.create_task(echo())
    for i in range(n):
        await ping.put(i)
        assert await pong.get() == i
    await other
    return meter.stop(n)


async def ring(n):
    n_tasks, n_tokens = 1000, 100
    queues = [asyncio.Queue() for _ in range(n_tasks)]
    for i in range(n_tokens):
        queues[i * n_tasks // n_tokens].put_nowait(0)

    async def task(own, following):
        for _ in range(n * n_tokens):
            await following.put(await own.get() + 1)

    meter = Meter()
    tasks = [asyncio.create_task(task(queues[i], queues[(i + 1) % n_tasks])) for i in range(n_tasks)]
    for task in tasks:
        await task
    return meter.stop(n * n_tokens * n_tasks)


async def to_thread(n):
    await asyncio.to_thread(int)
    meter = Meter(WALL)
    for i in range(n):
        assert await asyncio.to_thread(abs, i) == i
    return meter.stop(n)


async def to_thread_64(n):
    async def task():
        for i in range(n):
            assert await asyncio.to_thread(abs, i) == i

    await asyncio.to_thread(int)
    meter = Meter(WALL)
    tasks = [asyncio.create_task(task()) for _ in range(64)]
    for task in tasks:
        await task
    return meter.stop(64 * n)


async def wake_two_loops(n):
    """Two loops on two threads set each other's event."""
    loops, events, ready = [asyncio.get_running_loop(), None], [asyncio.Event(), None], threading.Event()

    async def play(me):
        for _ in range(n):
            await events[me].wait()
            events[me].clear()
            loops[1 - me].call_soon_threadsafe(events[1 - me].set)

    async def other():
        loops[1], events[1] = asyncio.get_running_loop(), asyncio.Event()
        ready.set()
        await play(1)

    thread = threading.Thread(target=asyncio.run, args=(other(),))
    thread.start()
    ready.wait()
    meter = Meter(WALL)
    events[0].set()
    await play(0)
    # The last answer: after it, nobody uses the other loop.
    await events[0].wait()
    sample = meter.stop(n)
    thread.join()
    return sample


async def generator(n):
    async def items():
        for i in range(n):
            yield i

    meter = Meter()
    total = 0
    async for item in items():
        total += item
    assert total == n * (n - 1) // 2
    return meter.stop(n)


def run_empty(n):
    async def empty():
        pass

    meter = Meter()
    for _ in range(n):
        asyncio.run(empty())
    return meter.stop(n)


def memory(kind):
    async def work(n):
        def rss():
            with open("/proc/self/statm") as statm:
                return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

        event, loop = asyncio.Event(), asyncio.get_running_loop()
        wait = {"pending": loop.create_future, "sleeping": lambda: asyncio.sleep(3600), "event": event.wait}[kind]

        async def task():
            await wait()

        gc.collect()
        before = rss()
        tasks = []
        while len(tasks) < n:
            tasks.extend(asyncio.create_task(task()) for _ in range(1000))
            await asyncio.sleep(0)
        print(json.dumps({"bytes": (rss() - before) / len(tasks)}), flush=True)
        # Without the end of all of them.
        os._exit(0)

    return work


WORK = {
    "spawn_join": spawn_join,
    "chain": chain,
    "yield_alone": lambda n: yields(1, n),
    "yield_many": lambda n: yields(1000, n),
    "gather_10_ready": gather(10, number),
    "gather_10_yielding": gather(10, yielding),
    "gather_1k_ready": gather(1000, number),
    "gather_1k_yielding": gather(1000, yielding),
    "group_ready": group(number),
    "group_yielding": group(yielding),
    "timer_few": timer_few,
    "timeout_ready": timeout_ready,
    "sleeps": sleeps,
    "lock_free": lock_free,
    "lock_contended": lock_contended,
    "queue_bounded": queue(64),
    "queue_unbounded": queue(0),
    "queue_ping_pong": queue_ping_pong,
    "ring": ring,
    "to_thread": to_thread,
    "to_thread_64": to_thread_64,
    "wake_two_loops": wake_two_loops,
    "generator": generator,
    "memory_pending": memory("pending"),
    "memory_sleeping": memory("sleeping"),
    "memory_event": memory("event"),
}


def main():
    event_loop, work, n = sys.argv[1], sys.argv[2], int(sys.argv[3])
    if event_loop == "uvloop":
        import uvloop

        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    if work == "run_empty":
        sample = run_empty(n)
    else:
        sample = asyncio.run(WORK[work](n))
    print(json.dumps(sample))


main()
