"""The page as a static folder, and a server of it for this machine (docs/web.md)."""
