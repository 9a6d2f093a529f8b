"""An echo server on CPython's streams: `echo.py EVENT_LOOP CORE` prints its process and its port, and serves."""

import asyncio
import os
import sys


async def echo(reader, writer):
    try:
        while data := await reader.read(128):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


async def main():
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    print(os.getpid(), server.sockets[0].getsockname()[1], flush=True)
    # What it is asked for later, the bytes of an allocator, it does not know.
    os.close(1)
    await server.serve_forever()


os.sched_setaffinity(0, {int(sys.argv[2])})
if sys.argv[1] == "uvloop":
    import uvloop

    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
asyncio.run(main())
