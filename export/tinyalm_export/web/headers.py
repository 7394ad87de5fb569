"""What every answer to a browser carries: isolation, and no request to anywhere else."""

CSP = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; "
    "worker-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src blob:; "
    "manifest-src 'self'; base-uri 'none'; form-action 'none'"
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def headers_file() -> str:
    """`HEADERS` as the file `_headers` that several static hosts read."""
    return "/*\n" + "".join(f"  {name}: {value}\n" for name, value in HEADERS.items())
