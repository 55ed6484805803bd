"""Why and what if: the scheduler's decision about devices, made again. Pure: no I/O, no clock, no asyncio."""
