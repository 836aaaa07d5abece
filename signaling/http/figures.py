"""What Prometheus reads, on a port of its own: the app's port may be the whole world's."""

from aiohttp import web

from signaling.metrics import Metrics


def make_figures(metrics: Metrics) -> web.Application:
    """Build the application that answers `GET /metrics` and nothing else."""

    async def show(_request: web.Request) -> web.Response:
        return web.Response(
            body=metrics.render(),
            headers={
                "Content-Type": "text/plain; version=0.0.4; charset=utf-8",
                "X-Content-Type-Options": "nosniff",
            },
        )

    app = web.Application()
    app.router.add_get("/metrics", show)
    return app
