"""`python -m tracking ui`: a page over the store. Needs the extra `ui` (Starlette, uvicorn)."""
