"""Runs programs of the task language on asyncio, in virtual time.

One program a line on stdin, as JSON; its log on stdout, a line too: a list of [ms, task, text].

asyncio is the one of this Python: its loop, tasks, groups, timeouts, locks, events. What is added here, and only here:

- Time. The loop's selector does not wait, but moves the clock to the deadline. A wait without a deadline is a deadlock:
  it is logged, and ends the program. Times are whole milliseconds.
- Order that asyncio leaves open: equal deadlines in the order of their creation, children of a group that is aborted in
  the order of their creation, tasks that are left over at the end the same.
- `join` waits for a task without owning it (`Watch`): asyncio's `await task` would cancel the task with the awaiter.
- A child that is added to a group that is shutting down is taken for cancelled, where asyncio raises RuntimeError.
- Programs that are `shielded` keep to the rules by which aio differs, so that random programs can be compared: a
  cancellation waits until a `finally` is over (`ShieldingTask`); what tasks wait for is given as aio gives it
  (`fair.py`); a task that is cancelled while its group fails is cancelled, be it by a timeout. All other programs run
  on asyncio as it is.
- In the local home of aio, a cleanup that follows a cut is a task of its own, for which the scope around it waits.
  Shielded programs that are run `apart` are written so: such a `finally` begins at the next turn, and what waits for it
  goes on at the turn after its end; one that is cut half-way goes on at the next turn. The body of a group leaves it to
  the group, which cancels its children meanwhile.
"""

import asyncio
import asyncio.tasks
import functools
import heapq
import itertools
import json
import sys
import warnings
from asyncio import CancelledError

from fair import FairCondition, FairLock, FairQueue, FairSemaphore, NumberedCondition, Rounds


class Deadlock(BaseException):
    """Nothing can run, and nothing will."""


class Failure(Exception):
    """An error of a program."""


class Selector:
    """Moves the clock instead of waiting."""

    loop = None

    def select(self, timeout):
        if timeout is None:
            raise Deadlock
        self.loop.now += timeout
        self.loop.turns += 1
        if self.loop.turns > 100_000:
            raise Deadlock
        return []

    def close(self):
        pass


class Timer(asyncio.TimerHandle):
    """Of equal deadlines, the one that was made first is first."""

    __slots__ = ("number",)

    def __lt__(self, other):
        return (self._when, self.number) < (other._when, other.number)


class Loop(asyncio.SelectorEventLoop):
    """The selector loop, with a clock of its own."""

    def __init__(self):
        self.now = 0
        self.turns = 0
        self.numbers = itertools.count()
        selector = Selector()
        selector.loop = self
        super().__init__(selector)
        # A timer is due if it lies less than this after the time: at or before it, since times are whole numbers.
        self._clock_resolution = 0.5

    def time(self):
        return self.now

    def call_at(self, when, callback, *args, context=None):
        timer = Timer(when, callback, args, self, context)
        timer.number = next(self.numbers)
        heapq.heappush(self._scheduled, timer)
        timer._scheduled = True
        return timer

    def _make_self_pipe(self):
        pass

    def _close_self_pipe(self):
        pass


class OrderedSet(dict):
    """What a task group needs of a set."""

    def add(self, item):
        self[item] = None

    def discard(self, item):
        self.pop(item, None)


class Group(asyncio.TaskGroup):
    """A task group that cancels its children in the order of their creation."""

    # Whether the group cancels its task and does not take that back, as before 3.13 if it waits for its children.
    not_taken_back = 0
    # The last cleanup of its body that goes on as a task of its own.
    left = None

    def __init__(self):
        super().__init__()
        self._tasks = OrderedSet()

    def _on_task_done(self, task):
        was_requested = self._parent_cancel_requested
        super()._on_task_done(task)
        if self._exiting and self._parent_cancel_requested and not was_requested and sys.version_info < (3, 13):
            self.not_taken_back = 1


class ShieldingTask(asyncio.tasks._PyTask):
    """A task that puts a cancellation off while it is in a `finally`.

    As in aio, where the first cancellation of a `finally` gives the task a turn, it then looks at once at what its
    cleanup waits for. What follows a cut has been cancelled already.
    """

    depth = 0
    put_off = False
    # Whether the `finally` that is running was cut, or follows a cut.
    is_cut = False
    # Whether it becomes a task of its own then; whether it does so at the task's next turn.
    is_apart = False
    is_moving = False
    # Done at the task's next turn, if what the `finally` has waited for gives it one.
    late = None

    def cancel(self, msg=None):
        if self.depth == 0 or self.done():
            return super().cancel(msg)
        self._num_cancels_requested += 1
        self.put_off = True
        if not self.is_cut:
            self.is_cut = True
            waiter = self._fut_waiter
            if waiter is None or waiter.done():
                self.is_moving = self.is_apart
            else:
                waiter.remove_done_callback(self._Task__wakeup)
                self._loop.call_soon(self.move if self.is_apart else self.look, waiter)
        return True

    def raise_put_off(self):
        if self.put_off and self.depth == 0:
            self.put_off = False
            raise CancelledError

    def _Task__step(self, exc=None):
        if self.is_moving:
            self.is_moving = False
            self._loop.call_soon(super()._Task__step, exc)
        else:
            super()._Task__step(exc)

    def move(self, waiter):
        if waiter.done():
            self._loop.call_soon(self.look, waiter)
        else:
            # What it waits for wakes this task until the other has looked.
            waiter.add_done_callback(self.wake_late)
            self._loop.call_soon(self.look_apart, waiter)

    def look_apart(self, waiter):
        if waiter.done():
            self.late = self._loop.create_future()
        else:
            waiter.remove_done_callback(self.wake_late)
        self.look(waiter)

    def wake_late(self, _):
        late, self.late = self.late, None
        if late:
            late.remove_done_callback(self._Task__wakeup)
            late.set_result(None)
            if self._fut_waiter is late:
                self._Task__wakeup(late)

    async def hear_of_end(self):
        """The task hears of the end of the `finally` at its next turn."""
        if self.late:
            await self.late
        else:
            await asyncio.sleep(0)

    def look(self, waiter):
        if waiter.done():
            self._Task__wakeup(waiter)
        else:
            waiter.add_done_callback(self._Task__wakeup, context=self._context)


class Watch:
    """Waits for a task without owning it: a future that is done when the task is, and cancelled alone."""

    _asyncio_future_blocking = False

    def __init__(self, task):
        self.task = task
        self.cancelled = False

    def __await__(self):
        if not self.task.done():
            self._asyncio_future_blocking = True
            yield self

    def get_loop(self):
        return self.task.get_loop()

    def add_done_callback(self, callback, *, context=None):
        self.callback = callback
        self.context = context
        self.task.add_done_callback(self.wake, context=context)

    def remove_done_callback(self, _callback):
        self.task.remove_done_callback(self.wake)

    def wake(self, _task):
        self.callback(self)

    def done(self):
        return self.cancelled or self.task.done()

    def cancel(self, msg=None):
        if self.done():
            return False
        self.cancelled = True
        self.task.remove_done_callback(self.wake)
        self.get_loop().call_soon(self.callback, self, context=self.context)
        return True

    def result(self):
        if self.cancelled:
            raise CancelledError


class Env:
    """Where a statement stands."""

    def __init__(self, name, group=None, timeout=None):
        self.name = name
        self.group = group
        # The group in whose body this is, if it is in this task.
        self.body_of = None
        self.timeout = timeout
        # The innermost condition.
        self.condition = None

    def with_(self, **changes):
        env = Env(self.name)
        env.__dict__.update(self.__dict__)
        env.__dict__.update(changes)
        return env


def describe(error):
    if isinstance(error, CancelledError):
        return "cancelled"
    if isinstance(error, BaseExceptionGroup):
        return "group(" + ", ".join(map(describe, error.exceptions)) + ")"
    if isinstance(error, TimeoutError):
        return "timeout"
    if isinstance(error, asyncio.BrokenBarrierError):
        return "broken"
    if isinstance(error, getattr(asyncio, "QueueShutDown", ())):
        return "shut down"
    if isinstance(error, Failure):
        return error.args[0]
    return f"{type(error).__name__}: {error}"


def number_of(name):
    """The number at the end of a name."""
    return int(name.lstrip("abcdefghijklmnopqrstuvwxyz") or 0)


def outcome(task):
    if task.cancelled():
        return "was cancelled"
    error = task.exception()
    if error is not None:
        return f"failed: {describe(error)}"
    value = task.result()
    return "ended" if value is None else f"gave {value}"


class World:
    """A program that runs."""

    def __init__(self, program):
        self.program = program
        self.events = []
        self.over = False
        self.tasks = {}
        self.order = []
        self.named = {}
        self.loop = Loop()
        self.loop.set_task_factory(self.make_task)
        self.loop.set_exception_handler(lambda loop, context: None)

    def make_task(self, loop, coro, **kw):
        kind = ShieldingTask if self.program["shielded"] else asyncio.Task
        task = kind(coro, loop=loop, **kw)
        self.order.append(task)
        return task

    def log(self, name, text):
        if not self.over:
            self.events.append([self.loop.now, name, text])

    def log_end(self, name, text):
        """At the time of the last event, since how long nothing happened after that cannot be told."""
        self.events.append([self.events[-1][0] if self.events else 0, name, text])

    def trace(self, env, text):
        if self.program["traced"]:
            self.log(env.name, text)

    def get(self, name, make, kind):
        if (name, kind) not in self.named:
            self.named[name, kind] = make()
        return self.named[name, kind]

    def event(self, name):
        return self.get(name, asyncio.Event, "event")

    def lock(self, name):
        return self.get(name, FairLock if self.program["shielded"] else asyncio.Lock, "lock")

    def semaphore(self, name):
        kind = FairSemaphore if self.program["shielded"] else asyncio.Semaphore
        return self.get(name, functools.partial(kind, number_of(name) or 1), "semaphore")

    def condition(self, name):
        return self.get(name, FairCondition if self.program["shielded"] else NumberedCondition, "condition")

    def barrier(self, name):
        kind = Rounds if self.program["shielded"] else asyncio.Barrier
        return self.get(name, functools.partial(kind, number_of(name) or 1), "barrier")

    def queue(self, name):
        kinds = {"lifo": asyncio.LifoQueue, "heap": asyncio.PriorityQueue}
        kind = kinds.get(name[:4], asyncio.Queue)
        if self.program["shielded"]:
            kind = functools.partial(FairQueue, kind)
        return self.get(name, functools.partial(kind, number_of(name)), "queue")

    def run(self):
        try:
            try:
                main = self.loop.create_task(self.body(self.program["main"], Env("main")))
                self.tasks["main"] = main
                # As `run_until_complete` does, but the outcome of the main task is not raised here.
                main.add_done_callback(lambda _: self.loop.stop())
                self.loop.run_forever()
                self.tear_down()
                self.log_end("main", outcome(main))
            except Deadlock:
                self.log_end("-", "deadlock")
        finally:
            self.over = True
            for task in self.order:
                task._log_destroy_pending = False
            self.loop.close()
        return self.events

    def tear_down(self):
        """As `asyncio.run` does."""
        left = [task for task in self.order if not task.done()]
        if left:
            for task in left:
                task.cancel()
            self.loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))

    async def body(self, block, env):
        done = await self.block(block, env)
        return done[0] if done else None

    async def block(self, block, env):
        """Gives a list with the value, if the task returns."""
        for op, *args in block:
            done = await getattr(self, "do_" + op)(env, *args)
            if done:
                return done

    async def do_log(self, env, text):
        self.log(env.name, text)

    async def do_sleep(self, env, ms):
        await asyncio.sleep(ms)
        self.trace(env, f"sleep {ms}")

    async def do_yield(self, env):
        await asyncio.sleep(0)
        self.trace(env, "yield")

    async def do_spawn(self, env, name, block):
        self.tasks[name] = self.loop.create_task(self.body(block, Env(name, env.group)))

    async def do_cancel(self, env, name):
        if name in self.tasks:
            self.tasks[name].cancel()

    async def do_join(self, env, name):
        task = self.tasks.get(name)
        if task is not None and task is not asyncio.current_task():
            await Watch(task)
            self.log(env.name, f"{name} {outcome(task)}")

    async def do_own(self, env, name):
        task = self.tasks.get(name)
        if task is not None and task is not asyncio.current_task():
            try:
                await task
            except CancelledError:
                if asyncio.current_task().cancelling():
                    raise
            except Exception:
                pass
            self.log(env.name, f"{name} {outcome(task)}")

    async def do_raise(self, env, error):
        raise Failure(error)

    async def do_return(self, env, value):
        return [value]

    async def do_try(self, env, body, handler, cleanup):
        was_cut = False
        try:
            try:
                return await self.block(body, env)
            except Exception as error:
                if handler is None:
                    raise
                self.log(env.name, f"caught {describe(error)}")
                return await self.block(handler, env)
        except CancelledError:
            was_cut = True
            raise
        finally:
            if cleanup is not None:
                await self.cleanup(cleanup, env, was_cut)

    async def cleanup(self, block, env, was_cut):
        if not self.program["shielded"]:
            await self.block(block, env)
            return
        task = asyncio.current_task()
        if self.program["apart"] and was_cut and env.body_of:
            # The group cancels its children now, and waits for them and for this.
            env.body_of.left = self.loop.create_task(self.leave(block, env, env.body_of.left))
            return
        task.depth += 1
        task.is_apart = self.program["apart"]
        task.is_cut |= was_cut
        try:
            if task.is_apart and task.is_cut:
                await asyncio.sleep(0)
            await self.block(block, env)
            if task.is_apart and task.is_cut:
                await task.hear_of_end()
        finally:
            task.depth -= 1
            task.is_cut &= task.depth > 0
        task.raise_put_off()

    async def leave(self, block, env, former):
        """What the body of a group leaves when it is cut, one after the other."""
        task = asyncio.current_task()
        task.depth, task.is_cut = 1, True
        if former:
            await former
            await asyncio.sleep(0)
        await self.block(block, env)

    async def until_left_is_done(self, group):
        if group and group.left:
            task = asyncio.current_task()
            task.depth += 1
            await group.left
            task.depth -= 1
            group.left = None
            task.raise_put_off()

    async def do_set(self, env, name):
        self.event(name).set()

    async def do_clear(self, env, name):
        self.event(name).clear()

    async def do_wait(self, env, name):
        await self.event(name).wait()
        self.trace(env, f"wait {name}")

    async def do_lock(self, env, name, block):
        async with self.lock(name):
            self.trace(env, f"lock {name}")
            return await self.block(block, env)

    async def do_permit(self, env, name, block):
        async with self.semaphore(name):
            self.trace(env, f"permit {name}")
            return await self.block(block, env)

    async def do_release(self, env, name):
        self.semaphore(name).release()

    async def do_condition(self, env, name, block):
        condition = self.condition(name)
        async with condition:
            self.trace(env, f"condition {name}")
            return await self.block(block, env.with_(condition=condition))

    async def do_notified(self, env):
        await env.condition.wait()
        self.trace(env, "notified")

    async def do_at_least(self, env, number):
        await env.condition.wait_for(lambda: env.condition.number >= number)
        self.trace(env, f"at least {number}")

    async def do_add(self, env, number):
        env.condition.number += number

    async def do_notify(self, env, count):
        if count is None:
            env.condition.notify_all()
        else:
            env.condition.notify(count)

    async def do_arrive(self, env, name):
        index = await self.barrier(name).wait()
        self.log(env.name, f"passed {name} as {index}")

    async def do_reset(self, env, name):
        await self.barrier(name).reset()

    async def do_abort(self, env, name):
        await self.barrier(name).abort()

    async def do_group(self, env, block):
        group = Group()
        task = asyncio.current_task()
        requests = task.cancelling()
        try:
            try:
                async with group:
                    done = await self.block(block, env.with_(group=group, body_of=group))
            finally:
                await self.until_left_is_done(group)
        except Exception:
            if self.program["shielded"] and task.cancelling() - group.not_taken_back > requests:
                raise CancelledError from None
            raise
        if not done:
            self.trace(env, "group")
        return done

    async def do_child(self, env, name, block):
        coro = self.body(block, Env(name, env.group))
        try:
            self.tasks[name] = env.group.create_task(coro)
        except RuntimeError:
            coro.close()
            refused = self.loop.create_future()
            refused.cancel()
            self.tasks[name] = refused

    async def do_timeout(self, env, ms, block):
        async with asyncio.timeout_at(self.loop.time() + ms) as timeout:
            try:
                done = await self.block(block, env.with_(timeout=timeout))
            except CancelledError:
                if timeout.expired():
                    await self.until_left_is_done(env.body_of)
                raise
        if not done:
            self.trace(env, f"timeout {ms}")
        return done

    async def do_reschedule(self, env, ms):
        env.timeout.reschedule(self.loop.time() + ms)

    async def do_gather(self, env, keep, parts):
        tasks = [self.body(block, Env(name, env.group)) for name, block in parts]
        results = await asyncio.gather(*tasks, return_exceptions=keep)

        def show(result):
            if isinstance(result, BaseException):
                return f"failed: {describe(result)}" if isinstance(result, Exception) else "was cancelled"
            return "ended" if result is None else f"gave {result}"

        self.log(env.name, "gathered: " + ", ".join(map(show, results)))

    async def do_race(self, env, parts):
        """As programs of asyncio have to write it."""
        tasks = [self.loop.create_task(self.body(block, Env(name, env.group))) for name, block in parts]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            done = [task for task in tasks if task.done()]
            left = [task for task in tasks if not task.done()]
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)
        done[0].result()
        self.log(env.name, f"first: {outcome(done[0])}")

    async def do_as_completed(self, env, parts):
        # The iterator takes a set; as tasks they begin in the order of the arguments.
        tasks = [self.loop.create_task(self.body(block, Env(name, env.group))) for name, block in parts]
        for task in asyncio.as_completed(tasks):
            try:
                value = await task
                self.log(env.name, "completed: " + ("ended" if value is None else f"gave {value}"))
            except Exception as error:
                self.log(env.name, f"completed: failed: {describe(error)}")

    async def do_await(self, env, until, names):
        tasks = [self.tasks[name] for name in names if name in self.tasks]
        ends = {
            "first": asyncio.FIRST_COMPLETED,
            "failed": asyncio.FIRST_EXCEPTION,
            "all": asyncio.ALL_COMPLETED,
        }
        done, _ = await asyncio.wait(tasks, return_when=ends[until])
        names = [name for name in names if self.tasks.get(name) in done]
        self.log(env.name, "have ended: " + ", ".join(names))

    async def do_put(self, env, name, value):
        await self.queue(name).put(value)
        self.trace(env, f"put {name} {value}")

    async def do_get(self, env, name):
        value = await self.queue(name).get()
        self.log(env.name, f"got {value}")

    async def do_offer(self, env, name, value):
        try:
            self.queue(name).put_nowait(value)
        except asyncio.QueueFull:
            self.log(env.name, f"{name} is full")

    async def do_take(self, env, name):
        try:
            self.log(env.name, f"got {self.queue(name).get_nowait()}")
        except asyncio.QueueEmpty:
            self.log(env.name, "got nothing")

    async def do_done(self, env, name):
        self.queue(name).task_done()

    async def do_all_done(self, env, name):
        await self.queue(name).join()
        self.trace(env, f"all done {name}")

    async def do_shutdown(self, env, name, now):
        self.queue(name).shutdown(immediate=now)

    async def do_shield(self, env, name, block):
        task = self.loop.create_task(self.body(block, Env(name, env.group)))
        self.tasks[name] = task
        value = await asyncio.shield(task)
        return None if value is None else [value]


def main():
    # What a program leaves behind at a deadlock is no news.
    sys.unraisablehook = lambda _: None
    warnings.simplefilter("ignore")
    for line in sys.stdin:
        events = World(json.loads(line)).run()
        json.dump(events, sys.stdout)
        print(flush=True)


if __name__ == "__main__":
    main()
