"""What tasks wait for, given to them as aio gives it: for programs that are `shielded`, see `interpreter.py`.

Whatever becomes free is given to the first in line, be it one that is being cancelled, who passes it on when it runs; a
newcomer gets nothing while somebody stands in line. The rounds of a barrier are apart.
"""

import asyncio
import collections
from asyncio import CancelledError


class FairLock(asyncio.Lock):
    """A lock that nobody gets while others stand in line, be they cancelled."""

    async def acquire(self):
        if self._waiters and not self._locked:
            line = self._waiters
            fut = asyncio.get_running_loop().create_future()
            line.append(fut)
            try:
                try:
                    await fut
                finally:
                    line.remove(fut)
            except CancelledError:
                if not self._locked:
                    self._wake_up_first()
                raise
            self._locked = True
            return True
        return await super().acquire()


class Line:
    """Those who wait for something, which is given to the first, be it one that is being cancelled. That one passes it
    on when it runs."""

    def __init__(self):
        self.waiters = collections.deque()
        # How many were given something and have not run.
        self.given = 0

    def give(self, passes_on=True):
        """Whether there is somebody. That one passes it on if it is cancelled, unless all were given something."""
        if not self.waiters:
            return False
        waiter = self.waiters.popleft()
        waiter.was_given = True
        waiter.passes_on = passes_on
        self.given += 1
        if not waiter.done():
            waiter.set_result(None)
        return True

    async def wait(self, pass_on):
        """Gives whether what was given is to be passed on still."""
        waiter = Waiter(loop=asyncio.get_running_loop())
        self.waiters.append(waiter)
        try:
            await waiter
        except CancelledError:
            if waiter.was_given:
                self.given -= 1
                if waiter.passes_on:
                    pass_on()
            else:
                self.waiters.remove(waiter)
            raise
        self.given -= 1
        return waiter.passes_on


class Waiter(asyncio.Future):
    """Somebody in a line."""

    was_given = False


class FairQueue:
    """A queue whose items and room are given to those who wait for them: nobody is robbed.

    Who was woken takes the next item when it runs; a newcomer takes one that is not meant for such a one. An item takes
    room until its getter has it.
    """

    def __init__(self, kind, maxsize):
        self.kind = kind
        self.maxsize = maxsize or float("inf")
        self.items = collections.deque()
        self.getters = Line()
        self.putters = Line()
        self.unfinished = 0
        self.finished = asyncio.Event()

    async def get(self):
        if len(self.items) > self.getters.given:
            return self.pop(self.getters.given)
        await self.getters.wait(self.getters.give)
        return self.pop(0)

    async def put(self, item):
        if self.is_full():
            await self.putters.wait(self.putters.give)
        self.push(item)

    def get_nowait(self):
        if len(self.items) <= self.getters.given:
            raise asyncio.QueueEmpty
        return self.pop(self.getters.given)

    def put_nowait(self, item):
        if self.is_full():
            raise asyncio.QueueFull
        self.push(item)

    def is_full(self):
        return len(self.items) + self.putters.given >= self.maxsize

    def pop(self, oldest):
        """Of a plain queue the item at `oldest`: those before it are meant for others."""
        if self.kind is asyncio.Queue:
            item = self.items[oldest]
        else:
            item = self.items[-1] if self.kind is asyncio.LifoQueue else min(self.items)
        self.items.remove(item)
        self.putters.give()
        return item

    def push(self, item):
        self.items.append(item)
        self.unfinished += 1
        self.finished.clear()
        self.getters.give()

    def task_done(self):
        self.unfinished -= 1
        if self.unfinished == 0:
            self.finished.set()

    async def join(self):
        if self.unfinished > 0:
            await self.finished.wait()


class FairSemaphore:
    """A semaphore whose permits go to the first in line, be it one that is being cancelled."""

    def __init__(self, value):
        self.value = value
        self.line = Line()

    async def __aenter__(self):
        # Nothing is free while somebody waits.
        if self.value == 0:
            await self.line.wait(self.release)
        else:
            self.value -= 1

    async def __aexit__(self, *_):
        self.release()

    def release(self):
        if not self.line.give():
            self.value += 1


class NumberedCondition(asyncio.Condition):
    """A condition with what it is about."""

    number = 0


class FairCondition(NumberedCondition):
    """A condition whose notifications go to the first in line, be it one that is being cancelled, and whose lock is not
    taken again by one that was cancelled."""

    def __init__(self):
        super().__init__(FairLock())
        self.line = Line()
        self.holder = None

    async def __aenter__(self):
        await self.acquire()
        self.holder = asyncio.current_task()

    async def __aexit__(self, *_):
        if self.holder is asyncio.current_task():
            self.let_go()

    def let_go(self):
        self.holder = None
        self.release()

    async def wait(self):
        self.let_go()
        passes_on = await self.line.wait(self.line.give)
        try:
            await self.__aenter__()
        except CancelledError:
            if passes_on:
                self.line.give()
            raise

    def notify(self, n=1):
        for _ in range(min(n, len(self.line.waiters))):
            self.line.give()

    def notify_all(self):
        while self.line.give(passes_on=False):
            pass


class Round(asyncio.Barrier):
    """A barrier for one round, which nothing changes once it is complete. The index says how many came before and
    stayed."""

    def __init__(self, parties):
        super().__init__(parties)
        self.members = []
        self.is_complete = False

    async def wait(self):
        me = object()
        self.members.append(me)
        try:
            await super().wait()
        except BaseException:
            if not self.is_complete:
                self.members.remove(me)
            raise
        self.is_complete = True
        return self.members.index(me)


class Rounds:
    """A barrier whose rounds are apart: who comes while others are leaving is of the next one."""

    def __init__(self, parties):
        self.parties = parties
        self.round = Round(parties)

    def current(self):
        if self.round.is_complete:
            self.round = Round(self.parties)
        return self.round

    async def wait(self):
        return await self.current().wait()

    async def reset(self):
        await self.current().reset()
        self.round = Round(self.parties)

    async def abort(self):
        await self.current().abort()
