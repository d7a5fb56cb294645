"""Waiting that ends early when the keeper is told to stop."""

import asyncio


async def pause(stop: asyncio.Event, seconds: float) -> None:
    """Returns after `seconds`, or once `stop` is set."""
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
