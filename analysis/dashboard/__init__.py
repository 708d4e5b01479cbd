"""The browser page: a market played frame by frame, served by Solara (extra `viz`).

`page` holds the Solara component and needs the extra; everything else draws and keeps books with
what the core installs, so that it can be tested without a server.
"""
